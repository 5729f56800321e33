// The wanted IPVS table: a function of the configuration and of what the judge found, nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "table.hpp"

namespace mainstay::lvs {

// What decides a real server's place in the table.
struct ServerVerdict {
    bool alive = true;
    std::int64_t weight = 1;  // effective, not yet clamped
    enum class Place : std::uint8_t {
        AsChecked,  // by `alive`, inhibit_on_failure and the sorry server
        Drained,    // there with weight 0, also beside the sorry server
        Out,        // not there
    } place = Place::AsChecked;
    std::optional<std::int64_t> weight_now;  // while the weight grows to its full value: what it is now
    bool operator==(const ServerVerdict&) const = default;
};
struct ServiceVerdict {
    bool sorry_in_use = false;           // quorum is lost and the service has a sorry server
    std::vector<ServerVerdict> servers;  // as many as the service has, in file order
    // No longer configured, but their connections go on: there with weight 0.
    std::vector<config::RealServer> leaving;
    bool operator==(const ServiceVerdict&) const = default;
};

// The kernel takes a signed 32-bit weight and refuses negative ones.
[[nodiscard]] std::int32_t clamp_weight(std::int64_t weight);

// One for each of `keys` (keys_of): the servers of a group are in all of its services.
[[nodiscard]] Table desired(const config::VirtualServer& service, std::span<const netlink::IpvsServiceKey> keys,
                            const ServiceVerdict& verdict);

}  // namespace mainstay::lvs
