#include "mainstay/vrrp/holdings.hpp"

#include <algorithm>
#include <variant>

#include "mainstay/vrrp/instance.hpp"
#include "mainstay/vrrp/statics.hpp"

namespace mainstay::vrrp {
namespace {

bool same_in_kernel(const RoutingEntry& a, const RoutingEntry& b) { return a.what == b.what && a.vrf == b.vrf; }

bool has(const std::vector<RoutingEntry>& entries, const RoutingEntry& wanted) {
    return std::ranges::any_of(entries, [&](const RoutingEntry& entry) { return same_in_kernel(entry, wanted); });
}

}  // namespace

AddressIdentity identity_of(const std::string& interface, const config::VirtualAddress& address) {
    const auto& words = address.more->values;
    const auto has_word = [&](std::string_view word) { return config::find_value(words, word) != nullptr; };
    return {.interface = interface,
            .prefix = address.prefix,
            .scope = address.scope,
            .label = address.label,
            .broadcast = address.broadcast,
            .peer = config::value_of<IpAddress>(words, "peer"),
            .broadcast_all_ones = address.broadcast_all_ones,
            .broadcast_all_zeros = address.broadcast_all_zeros,
            .noprefixroute = address.noprefixroute,
            .home = has_word("home"),
            .detects_duplicates = has_word("-nodad"),
            .manages_temporary = has_word("mngtmpaddr"),
            .joins_group = has_word("autojoin"),
            .lifetime_given = has_word("preferred_lft"),
            .preferred_lifetime = config::value_of<Micros>(words, "preferred_lft")};
}

void Holdings::add(const config::Instance& instance) {
    for (const auto* list : {&instance.addresses, &instance.excluded_addresses})
        for (const auto& address : *list)
            addresses.insert(identity_of(held_address(instance, address).interface, address));
    std::ranges::move(routing_of(instance), std::back_inserter(routing));
}

void Holdings::add_static(const config::Config& config) {
    for (const StaticAddress& entry : static_addresses_of(config))
        addresses.insert(identity_of(entry.address.dev, entry.address));
    std::ranges::move(static_routing_of(config), std::back_inserter(routing));
}

void keep_what_stays(Intents& intents, std::size_t first, const Holdings& before, const Holdings& after) {
    std::vector<AddressIdentity> both;
    std::ranges::set_intersection(before.addresses, after.addresses, std::back_inserter(both));
    std::set<std::pair<std::string, Prefix>> stay;
    for (const AddressIdentity& identity : both) stay.emplace(identity.interface, identity.prefix);

    const auto stays = [&](const HeldAddress& held) { return stay.contains({held.interface, held.prefix}); };
    const auto route_stays = [&](const RoutingEntry& entry) {
        return has(after.routing, entry) && has(before.routing, entry);
    };
    // True when nothing is left of the intent.
    const auto filter = [&](Intent& intent) {
        if (auto* removal = std::get_if<RemoveAddresses>(&intent))
            return std::erase_if(removal->addresses, stays) > 0 && removal->addresses.empty();
        if (auto* change = std::get_if<ChangeAddresses>(&intent))
            return std::erase_if(change->removed, stays) > 0 && change->removed.empty() && change->added.empty();
        if (auto* removal = std::get_if<RemoveRouting>(&intent))
            return std::erase_if(removal->entries, route_stays) > 0 && removal->entries.empty();
        return false;
    };
    const auto begin = std::next(intents.begin(), static_cast<std::ptrdiff_t>(first));
    intents.erase(std::remove_if(begin, intents.end(), filter), intents.end());
}

}  // namespace mainstay::vrrp
