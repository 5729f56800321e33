// A new configuration takes the place of the running one. What is the same VRRP instance to its peers keeps its
// state, its timers and its counters, whatever its name is now and wherever it stands in the file.
#include "mainstay/vrrp/reload.hpp"

#include <algorithm>
#include <utility>

#include "mainstay/vrrp/devices.hpp"
#include "mainstay/vrrp/holdings.hpp"
#include "router_impl.hpp"

namespace mainstay::vrrp {
namespace {

struct PendingChange {
    InstanceId instance;
    AddressChange change;
};

// Removals first, everywhere: an address that moves from one instance to another must not be taken away last.
void change_addresses(Step step, std::vector<Instance>& instances, std::vector<PendingChange>& pending) {
    for (auto& [id, change] : pending) {
        if (!change.routing.removed.empty()) step.out.push_back(RemoveRouting{id, change.routing.removed});
        if (!change.removed.empty()) step.out.push_back(ChangeAddresses{id, {}, change.removed});
    }
    for (auto& [id, change] : pending) {
        if (!change.added.empty()) step.out.push_back(ChangeAddresses{id, change.added, {}});
        instances[id].add_routing(step, change.routing.added);
        if (change.announce) instances[id].announce_addresses(step);
    }
}

Holdings held_by(const config::Config& config, const std::vector<Instance>& instances) {
    Holdings held;
    held.add_static(config);
    for (const Instance& instance : instances)
        if (instance.state() == State::Master) held.add(instance.config());
    return held;
}

}  // namespace

bool same_instance(const config::Instance& a, const config::Instance& b) {
    const bool unicast = !a.unicast_peers.empty();
    if (a.virtual_router_id != b.virtual_router_id || a.family != b.family || base_interface(a) != base_interface(b) ||
        unicast != !b.unicast_peers.empty() || a.vmac.enabled != b.vmac.enabled)
        return false;
    return unicast ? a.source == b.source : a.multicast_group == b.multicast_group;
}

void Router::Impl::reload(Step step, const config::Config& next) {
    const std::vector<GroupSnapshot> old_groups = [&] {
        std::vector<GroupSnapshot> all;
        for (const Group& group : groups) all.push_back(group.snapshot());
        return all;
    }();
    const std::size_t first_intent = step.out.size();
    const Holdings held_before = held_by(config, instances);
    config = next;
    index_config();
    scripts.configure(config, step.now, false);
    trackers.configure(config, step.now, false);
    for (Group& group : groups) {
        const auto old = std::ranges::find(old_groups, group.config().name, &GroupSnapshot::name);
        if (old != old_groups.end()) group.adopt(*old);
    }

    std::vector<Instance> old = std::exchange(instances, {});
    std::vector<bool> kept(old.size(), false), is_new;
    std::vector<PendingChange> pending;
    for (InstanceId id = 0; id < config.instances.size(); ++id) {
        const auto& c = config.instances[id];
        std::size_t at = 0;
        while (at < old.size() && (kept[at] || !same_instance(old[at].config(), c))) ++at;
        is_new.push_back(at == old.size());
        if (at == old.size()) {
            instances.emplace_back(id, c, surroundings(c));
            continue;
        }
        kept[at] = true;
        AddressChange change = old[at].reconfigure(step, id, c, surroundings(c));
        if (old[at].state() == State::Master) pending.push_back({id, std::move(change)});
        instances.push_back(std::move(old[at]));
    }
    for (std::size_t at = 0; at < old.size(); ++at)
        if (!kept[at]) old[at].remove(step);
    const Statics::Change static_change = statics.replace(config);
    statics.remove(step, static_change);
    change_addresses(step, instances, pending);
    statics.add(step, static_change);
    keep_what_stays(step.out, first_intent, held_before, held_by(config, instances));

    const auto health = judge_all();
    for (InstanceId id = 0; id < instances.size(); ++id) {
        if (is_new[id])
            instances[id].start(step, health[id], startup_until.value_or(step.now));
        else
            instances[id].set_health(step, health[id]);
    }
    for (Instance& instance : instances) instance.look_again(step.now);
    statics.look_again(step.now);
    settle_all(step);
    scripts.run_due(step.now, step.out);
}

}  // namespace mainstay::vrrp
