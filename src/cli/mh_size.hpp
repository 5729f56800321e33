// The size of the kernel's mh tables where its boot configuration does not say: the size for which the connections that
// the kernel has went to the servers that they did. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ctl_ipvs.hpp"
#include "mainstay/lvs/mh_table.hpp"
#include "mainstay/netlink/ipvs_connections.hpp"

namespace mainstay::cli {

// The weight that most servers have, for those whose weight is 0 now: the kernel does not show what they had before.
[[nodiscard]] std::uint32_t usual_weight(const IpvsTableEntry& entry);
// The servers of a service with mh, in the kernel's order.
[[nodiscard]] std::vector<lvs::MhDestination> mh_destinations(const IpvsTableEntry& entry);

inline constexpr std::size_t kConnectionsForSize = 20;  // fewer prove nothing

struct InferredSize {
    std::uint32_t slots = 0;
    std::size_t explained = 0, of = 0;  // connections
};
// None: too few connections, or no size explains nine of ten of them and twice as many as each other size.
[[nodiscard]] std::optional<InferredSize> infer_mh_size(const IpvsTableEntry& entry,
                                                        const std::vector<netlink::IpvsConnection>& connections);

}  // namespace mainstay::cli
