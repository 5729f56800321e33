// The desired IPVS table, a function of only the configuration and the judge's verdicts.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "table.hpp"

namespace mainstay::lvs {

// What decides whether a real server is in the table, and with which weight.
struct ServerVerdict {
    bool alive = true;
    std::int64_t weight = 1;  // effective, not yet clamped
    enum class Place : std::uint8_t {
        AsChecked,  // by `alive`, inhibit_on_failure and the sorry server
        Drained,    // in the table with weight 0, even together with the sorry server
        Out,        // not in the table
    } place = Place::AsChecked;
    std::optional<std::int64_t> weight_now;  // during slow start, the current weight
    bool operator==(const ServerVerdict&) const = default;
};
struct ServiceVerdict {
    bool sorry_in_use = false;           // quorum is lost and the service has a sorry server
    std::vector<ServerVerdict> servers;  // as many as the service has, in file order
    // Servers that are no longer configured but still have connections: in the table with weight 0.
    std::vector<config::RealServer> leaving;
    bool operator==(const ServiceVerdict&) const = default;
};

// The kernel takes a signed 32-bit weight and refuses negative ones.
[[nodiscard]] std::int32_t clamp_weight(std::int64_t weight);

// One service for each of `keys` (keys_of); every service of a group has all servers.
[[nodiscard]] Table desired(const config::VirtualServer& service, std::span<const netlink::IpvsServiceKey> keys,
                            const ServiceVerdict& verdict);

}  // namespace mainstay::lvs
