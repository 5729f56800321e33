#include "mainstay/lvs/mh_digest.hpp"

#include <utility>

namespace mainstay::lvs {

std::uint64_t MhDigests::of(const ServiceTable& kernel) {
    std::vector<MhDestination> destinations;
    destinations.reserve(kernel.destinations.size());
    for (const auto& one : kernel.destinations) destinations.push_back({one.endpoint, one.last_weight});
    auto& known = known_[kernel.service.key];
    if (known.digest != 0 && known.destinations == destinations) return known.digest;
    known.digest = MhTable{destinations, slots_}.digest();
    known.destinations = std::move(destinations);
    return known.digest;
}

void MhDigests::keep_only(const std::set<netlink::IpvsServiceKey>& services) {
    std::erase_if(known_, [&services](const auto& one) { return !services.contains(one.first); });
}

}  // namespace mainstay::lvs
