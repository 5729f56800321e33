#include "promoted_secondaries.hpp"

#include <algorithm>

#include "mainstay/kernel/sysctl.hpp"
#include "mainstay/netlink/routing.hpp"

namespace mainstay::role {

namespace {

// Whether a secondary address that stays is in the subnet of a primary address that is removed.
bool takes_others_along(const kernel::Address& removal, const std::vector<kernel::Address>& removals,
                        const Links& links) {
    const auto* there = links.address(removal.interface_index, removal.prefix);
    if (there == nullptr || there->secondary) return false;
    const auto subnet = netlink::without_host_bits(removal.prefix);
    return links.any_address(removal.interface_index, [&](const kernel::Address& other) {
        return other.secondary && netlink::without_host_bits(other.prefix) == subnet &&
               std::ranges::none_of(removals, [&](const kernel::Address& r) {
                   return r.interface_index == removal.interface_index && r.prefix == other.prefix;
               });
    });
}

}  // namespace

std::string promotion_of(const std::string& interface) { return "net/ipv4/conf/" + interface + "/promote_secondaries"; }

PromotedSecondaries::PromotedSecondaries(const std::vector<kernel::Address>& removals, const Links& links, Log& log)
    : log_{log} {
    for (const auto& removal : removals) {
        if (!takes_others_along(removal, removals, links)) continue;
        const auto* link = links.find(removal.interface_index);
        if (link == nullptr) continue;
        std::string setting = promotion_of(link->name);
        const auto now = kernel::read_sysctl_number(setting);
        if (!now || *now != 0) continue;
        if (const auto done = kernel::write_sysctl(setting, "1"); !done)
            log_.warning("{}", done.error().text());
        else
            changed_.push_back(std::move(setting));
    }
}

PromotedSecondaries::~PromotedSecondaries() {
    for (const auto& setting : changed_)
        if (const auto done = kernel::write_sysctl(setting, "0"); !done) log_.warning("{}", done.error().text());
}

}  // namespace mainstay::role
