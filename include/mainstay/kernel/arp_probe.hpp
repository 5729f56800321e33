// ARP probes (RFC 5227 section 2.1.1), which find other hosts on a link that use an address. The call blocks, so it is
// for command-line tools and not for a role's loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/wire/arp.hpp"

namespace mainstay::kernel {

struct ArpAnswer {
    IpAddress address;
    wire::MacAddress mac{};
    bool operator==(const ArpAnswer&) const = default;
};

inline constexpr std::size_t kProbedAddressesMax = 256;  // further addresses are left out

// Probes each of the IPv4 addresses on the interface's link and collects answers for `wait`. The host itself does not
// answer its own probes. Needs CAP_NET_RAW.
[[nodiscard]] Result<std::vector<ArpAnswer>> probe_addresses(std::uint32_t interface_index, const wire::MacAddress& own,
                                                             std::span<const IpAddress> addresses,
                                                             std::chrono::milliseconds wait);

}  // namespace mainstay::kernel
