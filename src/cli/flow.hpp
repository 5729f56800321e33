// Which real server IPVS gives a new flow to, and why, as far as that can be calculated: for the scheduler `mh`. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ctl_ipvs.hpp"
#include "mainstay/base/error.hpp"
#include "mh_size.hpp"

namespace mainstay::cli {

struct Flow {
    Endpoint client, service;
    std::uint8_t protocol = 6;  // of IP
};

// "192.0.2.1:80" or "[2001:db8::1]:80"
[[nodiscard]] std::optional<Endpoint> endpoint_from(std::string_view text);

// From which the size of the kernel's mh tables is concluded.
struct TableSize {
    std::optional<std::uint32_t> configured;           // by the boot configuration (lvs::mh_table_size)
    std::vector<netlink::IpvsConnection> connections;  // where it does not say: the kernel's
};

// A line for each reason, the answer first. `table`: the kernel's, destinations in its order. An error: there is no
// such service.
[[nodiscard]] Result<std::vector<std::string>> explain_flow(const std::vector<IpvsTableEntry>& table, const Flow& flow,
                                                            const TableSize& size);

}  // namespace mainstay::cli
