// The router's facts about routes and rules, and what follows from a change of a link.
#include "router_impl.hpp"

#include <algorithm>

#include "mainstay/vrrp/holdings.hpp"

namespace mainstay::vrrp {
namespace {

std::vector<HeldAddress> taken_by(const Intents& intents) {
    std::vector<HeldAddress> gone;
    for (const Intent& intent : intents) {
        const std::vector<HeldAddress>* list = nullptr;
        if (const auto* removal = std::get_if<RemoveAddresses>(&intent)) list = &removal->addresses;
        if (const auto* change = std::get_if<ChangeAddresses>(&intent)) list = &change->removed;
        if (list != nullptr) gone.insert(gone.end(), list->begin(), list->end());
    }
    return gone;
}

// Without an IPv4 address of its own the kernel drops all IPv4 routes over an interface.
std::set<std::string> emptied_by(const std::vector<HeldAddress>& gone, const Links& links) {
    std::set<std::string> emptied;
    for (const HeldAddress& held : gone) {
        if (!held.prefix.address.is_v4()) continue;
        const InterfaceFact* link = links.find(held.interface);
        const bool keeps_one =
            link != nullptr && !link->borrows && std::ranges::any_of(link->addresses, [&](const IpAddress& address) {
                return address.is_v4() && std::ranges::none_of(gone, [&](const HeldAddress& other) {
                           return other.interface == held.interface && other.prefix.address == address;
                       });
            });
        if (!keeps_one) emptied.insert(held.interface);
    }
    return emptied;
}

bool leaves_from(const netlink::Route& route, const std::vector<HeldAddress>& gone) {
    return route.preferred_source && std::ranges::any_of(gone, [&](const HeldAddress& held) {
               return held.prefix.address == *route.preferred_source;
           });
}

// The kernel drops an IPv4 route with its source address; an IPv6 route stays, but without the configured source.
void remove_sourceless(Step step, InstanceId owner, const RoutingSet& set, const std::vector<HeldAddress>& gone) {
    if (!set.established()) return;
    std::vector<RoutingEntry> sourceless;
    for (const RoutingEntry& entry : set.entries())
        if (const auto* route = std::get_if<netlink::Route>(&entry.what);
            route != nullptr && route->destination.address.is_v6() && leaves_from(*route, gone))
            sourceless.push_back(entry);
    if (!sourceless.empty()) step.out.push_back(RemoveRouting{owner, std::move(sourceless)});
}

}  // namespace

bool Router::Impl::is_held(const RoutingEntry& entry) const {
    const auto any = [&](const auto& holds) {
        const auto has = [&](const RoutingSet& set) {
            return set.established() && std::ranges::any_of(set.entries(), holds);
        };
        return has(statics.routing()) ||
               std::ranges::any_of(instances, [&](const Instance& i) { return has(i.routing()); });
    };
    const auto same = [&](const RoutingEntry& other) { return same_in_kernel(entry, other); };
    if (any([&](const RoutingEntry& other) { return same(other) && same_turn(entry, other); })) return true;
    // Its order among competing routes can only be changed by setting it again; without competitors the order is
    // irrelevant.
    return any(same) && !any([&](const RoutingEntry& other) { return compete(entry, other); });
}

void Router::Impl::keep_shared_routing(Intents& out) const {
    std::erase_if(out, [&](Intent& intent) {
        auto* removal = std::get_if<RemoveRouting>(&intent);
        const auto stays = [this](const RoutingEntry& entry) { return is_held(entry); };
        return removal != nullptr && std::erase_if(removal->entries, stays) > 0 && removal->entries.empty();
    });
}

void Router::Impl::renew_routing(Step step, const Fact* fact) {
    if (phase != Phase::Running) return;
    if (const auto* lost = fact != nullptr ? std::get_if<AddressLost>(fact) : nullptr; lost != nullptr)
        renew_routing(step, {{lost->interface, lost->address}}, SetRouting::How::Audit);
    if (const auto gone = taken_by(step.out); !gone.empty()) renew_routing(step, gone, SetRouting::How::Again);
}

void Router::Impl::renew_routing(Step step, const std::vector<HeldAddress>& gone, SetRouting::How how) {
    const auto emptied = emptied_by(gone, links);
    const auto concerned = [&](const RoutingEntry& entry) {
        const auto* route = std::get_if<netlink::Route>(&entry.what);
        if (route == nullptr) return false;
        if (leaves_from(*route, gone)) return true;
        if (!route->destination.address.is_v4()) return false;
        if (entry.devices.empty() && !emptied.empty()) return true;
        return std::ranges::any_of(entry.devices, [&](const std::string& name) { return emptied.contains(name); });
    };
    remove_sourceless(step, kNoInstance, statics.routing(), gone);
    for (InstanceId id = 0; id < instances.size(); ++id) remove_sourceless(step, id, instances[id].routing(), gone);
    statics.renew_routing(step, how, concerned);
    for (const Instance& instance : instances) instance.routing().renew(step, how, concerned);
}

void Router::Impl::renew_routing_over(Step step, const std::string& device) {
    const auto concerned = [&](const RoutingEntry& entry) {
        return std::ranges::find(entry.devices, device) != entry.devices.end();
    };
    statics.renew_routing(step, SetRouting::How::Again, concerned);
    for (const Instance& instance : instances) instance.routing().renew(step, SetRouting::How::Again, concerned);
}

void Router::Impl::retry_routing(Step step, const std::string& device) {
    statics.retry_routing(step, device);
    for (const Instance& instance : instances) instance.routing().retry(step, device);
}

void Router::Impl::check_routing(Instant now) {
    for (InstanceId id = 0; id < instances.size(); ++id) {
        if (!instances[id].routing().established() || instances[id].routing().entries().empty()) continue;
        instances[id].check_routing(now);
        deadlines.set(id, instances[id].deadline());
    }
}

void Router::Impl::follow_up(Step step, const LinkChange& change) {
    const auto& [before, fact] = change;
    const bool came_up = fact.up && (!before.up || fact.times_up != before.times_up);
    if (came_up) {
        statics.interface_up(step, fact.name);
        check_routing(step.now);
    }
    const auto is_new = [&](const IpAddress& address) {
        return address.is_v4() && std::ranges::find(before.addresses, address) == before.addresses.end();
    };
    if (std::ranges::any_of(fact.addresses, is_new)) retry_routing(step, fact.name);
    const bool recreated = before.index != 0 && fact.index != 0 && !before.is_same_link(fact);
    if (!recreated) return;
    if (before.up && !came_up) statics.interface_up(step, fact.name);
    renew_routing_over(step, fact.name);
    for (InstanceId id = 0; id < instances.size(); ++id) {
        auto here = held_addresses(instances[id].config());
        std::erase_if(here, [&](const HeldAddress& held) { return held.interface != fact.name; });
        if (here.empty()) continue;
        std::erase_if(here, [&](const HeldAddress& held) {
            return std::ranges::find(fact.addresses, held.prefix.address) != fact.addresses.end();
        });
        // What the link that had this name has not lost with it.
        if (!fact.renamed.empty() && !here.empty() && instances[id].state() == State::Master)
            step.out.push_back(RemoveAddresses{id, std::move(here)});
        instances[id].reassert(step);
    }
    look_at_all_deadlines();
}

void Router::Impl::on(Step step, const RoutingLost& fact) {
    statics.routing_lost(step, fact.what);
    for (InstanceId id = 0; id < instances.size(); ++id) {
        if (!instances[id].routing().established()) continue;
        instances[id].routing_lost(step, fact.what);
        settle(step, id);
    }
}

void Router::Impl::on(Step step, const RoutingUncertain&) {
    statics.check(step.now);
    check_routing(step.now);
}

void Router::Impl::on(Step step, const DuplicateAddress& fact) {
    for (const InstanceId id : holders_of(fact.address.address)) {
        instances[id].duplicate_found(step, fact.interface, fact.address);
        deadlines.set(id, instances[id].deadline());
    }
}

void Router::Impl::on(Step step, const RoutingOutcome& fact) {
    if (fact.owner == kNoInstance) return statics.outcome(step, fact);
    if (fact.owner >= instances.size()) return;
    instances[fact.owner].routing_outcome(step, fact);
    settle(step, fact.owner);
}

}  // namespace mainstay::vrrp
