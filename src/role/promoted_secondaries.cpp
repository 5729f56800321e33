#include "promoted_secondaries.hpp"

#include <algorithm>

#include "mainstay/kernel/sysctl.hpp"

namespace mainstay::role {

namespace {

bool one_subnet(const Prefix& a, const Prefix& b) {
    if (a.length != b.length || a.length == 0 || !a.address.is_v4() || !b.address.is_v4()) return false;
    const unsigned host_bits = 32U - a.length;
    return a.address.v4_host_order() >> host_bits == b.address.v4_host_order() >> host_bits;
}

// Somebody's secondary address stands in the subnet of a primary one that goes, and does not go itself.
bool takes_others_along(const kernel::Address& removal, const std::vector<kernel::Address>& removals,
                        const Links& links) {
    const auto* there = links.address(removal.interface_index, removal.prefix);
    if (!removal.prefix.address.is_v4() || there == nullptr || there->secondary) return false;
    return links.any_address(removal.interface_index, [&](const kernel::Address& other) {
        return other.secondary && one_subnet(other.prefix, removal.prefix) &&
               std::ranges::none_of(removals, [&](const kernel::Address& r) {
                   return r.interface_index == removal.interface_index && r.prefix == other.prefix;
               });
    });
}

}  // namespace

PromotedSecondaries::PromotedSecondaries(const std::vector<kernel::Address>& removals, const Links& links, Log& log)
    : log_{log} {
    for (const auto& removal : removals) {
        if (!takes_others_along(removal, removals, links)) continue;
        const auto* link = links.find(removal.interface_index);
        if (link == nullptr) continue;
        std::string setting = "net/ipv4/conf/" + link->name + "/promote_secondaries";
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
