#include "local_addresses.hpp"

#include <algorithm>

#include "mainstay/config/keywords.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "mainstay/lvs/judge.hpp"

namespace mainstay::lvs {

// A service of a firewall mark has no address whose presence could be tracked.
bool suspends(const config::VirtualServer& service) {
    if (!config::is_given(service.more->values, config::keyword::ha_suspend) || service.fwmark != 0) return false;
    if (config::announces(service)) return false;  // its checks decide whether the address comes here at all
    return service.group.empty() ||
           std::ranges::any_of(service.membership->entries, [](const config::GroupEntry& e) { return e.fwmark == 0; });
}

bool suspends(const config::Config& config) {
    return std::ranges::any_of(config.virtual_servers, [](const auto& service) { return suspends(service); });
}

bool LocalAddresses::suspend(const config::VirtualServer& service) const {
    if (!known_ || !suspends(service)) return false;
    if (service.group.empty()) return !addresses_.contains(service.endpoint.address);
    return std::ranges::none_of(service.membership->entries, [&](const config::GroupEntry& entry) {
        if (entry.fwmark != 0) return false;
        const auto at = addresses_.lower_bound(entry.first);
        return at != addresses_.end() && *at <= entry.last;
    });
}

}  // namespace mainstay::lvs
