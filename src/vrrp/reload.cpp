// Reload. An instance with an unchanged identity (reload.hpp) keeps its state, timers and counters, even if its name or
// its position in the file has changed.
#include "mainstay/vrrp/reload.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "mainstay/config/addresses.hpp"
#include "mainstay/vrrp/devices.hpp"
#include "mainstay/vrrp/holdings.hpp"
#include "mainstay/vrrp/instance.hpp"
#include "mainstay/vrrp/statics.hpp"
#include "router_impl.hpp"

namespace mainstay::vrrp {

// The changes that a reload makes to the addresses of all masters and to static ones. An address that has any owner
// before and after the reload stays set.
class AddressMoves {
public:
    enum class Which : std::uint8_t { New, Changed };  // Changed: must be removed and set again

    void was_held(const config::Instance& master);
    void was_held(const std::vector<StaticAddress>& statics);
    void is_held(InstanceId id, const config::Instance& master);
    void is_held(const std::vector<StaticAddress>& statics);

    void add(Step step, Which which) const;
    void remove(Step step) const;
    [[nodiscard]] bool is_nobodys(const HeldAddress& held) const { return !after_.contains(key_of(held)); }

private:
    struct After {
        AddressIdentity as;
        InstanceId owner = kNoInstance;
        std::size_t position = 0;            // of an instance's
        config::VirtualAddress as_static{};  // else
    };
    // The kernel has an IPv4 address once for each prefix length, an IPv6 address once on an interface.
    using Key = std::pair<std::string, Prefix>;
    [[nodiscard]] static Key key_of(const HeldAddress& held);
    [[nodiscard]] static Key key_of(const AddressIdentity& as) { return key_of(HeldAddress{as.interface, as.prefix}); }
    [[nodiscard]] bool comes(const Key& key, const After& after, Which which) const;

    std::map<Key, AddressIdentity> before_;
    std::map<Key, After> after_;
};

bool same_virtual_router(const config::Instance& a, const config::Instance& b) {
    return a.virtual_router_id == b.virtual_router_id && a.family == b.family &&
           base_interface(a) == base_interface(b) && a.unicast_peers.empty() == b.unicast_peers.empty() &&
           a.vmac->enabled == b.vmac->enabled;
}

bool same_instance(const config::Instance& a, const config::Instance& b) {
    return same_virtual_router(a, b) &&
           (a.unicast_peers.empty() ? a.multicast_group == b.multicast_group : a.source == b.source);
}

namespace {

AddressChange everything_of(const Instance& instance) {
    AddressChange all;
    all.added.resize(held_addresses(instance.config()).size());
    std::iota(all.added.begin(), all.added.end(), std::size_t{0});
    all.routing.added.resize(instance.routing().entries().size());
    std::iota(all.routing.added.begin(), all.routing.added.end(), std::size_t{0});
    return all;
}

}  // namespace

// keepalived: a unicast source that is written, or no longer written, is the same if it is the one that is used without
// it (2.2.7).
bool Router::Impl::goes_on_as(const Instance& before, const config::Instance& next) const {
    const auto& former = before.config();
    if (same_instance(former, next)) return true;
    return same_virtual_router(former, next) && !next.unicast_peers.empty() &&
           former.source.has_value() != next.source.has_value() && before.source() &&
           before.source() == choose_source(next, links, virtuals);
}

std::vector<std::size_t> Router::Impl::continued(const std::vector<Instance>& old, const config::Config& next) const {
    std::vector<bool> kept(old.size() + 1, false);
    std::vector<std::size_t> from;
    std::size_t first = 0;  // that is not kept
    for (const auto& c : next.instances) {
        while (first < old.size() && kept[first]) ++first;
        std::size_t at = first;
        while (at < old.size() && (kept[at] || !goes_on_as(old[at], c))) ++at;
        kept[at] = true;
        from.push_back(at);
    }
    return from;
}

std::vector<SendAdvert> Router::farewells(const config::Config& next, Instant now) const {
    std::vector<SendAdvert> adverts;
    if (impl_->phase != Impl::Phase::Running) return adverts;
    std::vector<bool> kept(impl_->instances.size() + 1, false);
    for (const std::size_t at : impl_->continued(impl_->instances, next)) kept[at] = true;
    Intents out;
    const Step step = impl_->step_at(now, out);
    for (std::size_t at = 0; at < impl_->instances.size(); ++at) {
        if (kept[at] || impl_->instances[at].state() != State::Master) continue;
        Instance removed = impl_->instances[at];
        removed.remove({step.now, out, step.unix_us});
    }
    for (auto& intent : out)
        if (auto* advert = std::get_if<SendAdvert>(&intent)) adverts.push_back(std::move(*advert));
    return adverts;
}

// The changes that a reload makes in the kernel for the instances.
class Router::Impl::Reloading {
public:
    explicit Reloading(Impl& router) : router_{router} { held_before(); }

    // Instances that are in both configurations continue; `old` are those of the former configuration.
    void match(Step step, std::vector<Instance> old);
    // Addresses, routes and rules: first new ones, then removed ones, then those that must be removed and set again.
    void carry_out(Step step, const RoutingSet::Change& statics);
    [[nodiscard]] bool is_new(InstanceId id) const { return is_new_[id]; }

private:
    struct Change {
        InstanceId instance;
        AddressChange change;
    };

    void held_before();
    void held_after();
    void remove_routing(Step step, InstanceId owner, std::vector<RoutingEntry> entries) const;
    void remove_leftovers(Step step, const Change& change) const;

    Impl& router_;
    AddressMoves moves_;
    std::vector<bool> is_new_;
    std::vector<Change> masters_, others_;
    Intents resigned_;  // of removed instances
};

void Router::Impl::Reloading::held_before() {
    for (const Instance& instance : router_.instances)
        if (instance.state() == State::Master) moves_.was_held(instance.config());
    moves_.was_held(router_.statics.addresses());
}

void Router::Impl::Reloading::held_after() {
    for (const auto& [id, change] : masters_) moves_.is_held(id, router_.instances[id].config());
    moves_.is_held(router_.statics.addresses());
}

void Router::Impl::Reloading::match(Step step, std::vector<Instance> old) {
    std::vector<bool> kept(old.size(), false);
    const auto& config = *router_.config;
    const auto continued = router_.continued(old, config);
    for (InstanceId id = 0; id < config.instances.size(); ++id) {
        const auto& c = config.instances[id];
        const std::size_t at = continued[id];
        is_new_.push_back(at == old.size());
        if (at == old.size()) {
            router_.instances.emplace_back(id, router_.instance_config(id), router_.context(c));
            others_.push_back({id, everything_of(router_.instances.back())});
            continue;
        }
        kept[at] = true;
        AddressChange change = old[at].reconfigure(step, id, router_.instance_config(id), router_.context(c));
        (old[at].state() == State::Master ? masters_ : others_).push_back({id, std::move(change)});
        router_.instances.push_back(std::move(old[at]));
    }
    for (std::size_t at = 0; at < old.size(); ++at)
        if (!kept[at]) old[at].remove({step.now, resigned_, step.unix_us});
}

void Router::Impl::Reloading::remove_routing(Step step, InstanceId owner, std::vector<RoutingEntry> entries) const {
    std::erase_if(entries, [&](const RoutingEntry& entry) { return router_.is_held(entry); });
    if (!entries.empty()) step.out.push_back(RemoveRouting{owner, std::move(entries)});
}

// As at a start: an instance that is not master must not answer for addresses left on an interface.
void Router::Impl::Reloading::remove_leftovers(Step step, const Change& change) const {
    const auto& instance = router_.instances[change.instance];
    if (instance.config().priority == config::kOwnerPriority && !router_.startup_until && !router_.maintenance) return;
    std::vector<HeldAddress> left;
    for (const std::size_t position : change.change.added) {
        HeldAddress held = held_address(instance.config(), position);
        const InterfaceFact* link = router_.links.find(held.interface);
        const bool there =
            link != nullptr && std::ranges::find(link->addresses, held.prefix.address) != link->addresses.end();
        if (there && moves_.is_nobodys(held)) left.push_back(std::move(held));
    }
    std::vector<RoutingEntry> entries;
    for (const std::size_t position : change.change.routing.added)
        entries.push_back(instance.routing().entries()[position]);
    remove_routing(step, change.instance, rules_first(std::move(entries)));
    if (!left.empty()) step.out.push_back(RemoveAddresses{change.instance, std::move(left)});
}

void Router::Impl::Reloading::carry_out(Step step, const RoutingSet::Change& statics) {
    held_after();
    Intents later;  // log lines and events come last
    for (Intent& intent : resigned_) {
        if (std::holds_alternative<RemoveAddresses>(intent)) continue;  // another instance may have them now
        if (auto* routing = std::get_if<RemoveRouting>(&intent))
            remove_routing(step, routing->owner, std::move(routing->entries));
        else
            (std::holds_alternative<SendAdvert>(intent) ? step.out : later).push_back(std::move(intent));
    }
    remove_routing(step, kNoInstance, statics.removed);
    for (const auto& [id, change] : masters_) remove_routing(step, id, change.routing.removed);
    for (const Change& change : others_) remove_leftovers(step, change);

    moves_.add(step, AddressMoves::Which::New);
    moves_.remove(step);
    moves_.add(step, AddressMoves::Which::Changed);
    std::ranges::move(later, std::back_inserter(step.out));

    for (const auto& [id, change] : masters_) {
        router_.instances[id].add_routing(step, change.routing.added);
        if (change.announce) router_.instances[id].announce_addresses(step);
    }
    router_.statics.add(step, statics.added);
}

void Router::Impl::reload(Step step, std::shared_ptr<const config::Config> next, const HostFacts& host) {
    const HostChange change = note(step, host);
    const std::vector<GroupSnapshot> old_groups = [&] {
        std::vector<GroupSnapshot> all;
        for (const Group& group : groups) all.push_back(group.snapshot());
        return all;
    }();
    Reloading reloading{*this};
    config = std::move(next);
    index_config();
    scripts.configure(*config, step.now, false);
    trackers.configure(*config, step.now, false);
    for (Group& group : groups) {
        const auto old = std::ranges::find(old_groups, group.config().name, &GroupSnapshot::name);
        if (old != old_groups.end()) group.adopt(*old);
    }

    reloading.match(step, std::exchange(instances, {}));
    const RoutingSet::Change static_change = statics.replace(*config);
    reloading.carry_out(step, static_change);

    const auto health = judge_all();
    for (InstanceId id = 0; id < instances.size(); ++id) {
        if (reloading.is_new(id))
            instances[id].start(step, health[id], startup_until.value_or(step.now));
        else
            instances[id].set_health(step, health[id]);
    }
    for (Instance& instance : instances) instance.look_again(step.now);
    statics.look_again(step.now);
    settle_all(step);
    for (const LinkChange& link : change.links) follow_up(step, link);
    scripts.run_due(step.now, step.out);
}

AddressMoves::Key AddressMoves::key_of(const HeldAddress& held) {
    Prefix prefix = held.prefix;
    if (prefix.address.is_v6()) prefix.length = 128;
    return {held.interface, prefix};
}

void AddressMoves::was_held(const config::Instance& master) {
    for (const auto& address : config::all_addresses(master)) {
        auto as = identity_of(master, address);
        before_.emplace(key_of(as), std::move(as));
    }
}

void AddressMoves::was_held(const std::vector<StaticAddress>& statics) {
    for (const StaticAddress& entry : statics) {
        auto as = identity_of(entry.address.dev, entry.address);
        before_.emplace(key_of(as), std::move(as));
    }
}

void AddressMoves::is_held(InstanceId id, const config::Instance& master) {
    std::size_t position = 0;
    for (const auto& address : config::all_addresses(master)) {
        const auto as = identity_of(master, address);
        after_.emplace(key_of(as), After{.as = as, .owner = id, .position = position++});
    }
}

void AddressMoves::is_held(const std::vector<StaticAddress>& statics) {
    for (const StaticAddress& entry : statics) {
        const auto as = identity_of(entry.address.dev, entry.address);
        after_.emplace(key_of(as), After{.as = as, .as_static = entry.address});
    }
}

bool AddressMoves::comes(const Key& key, const After& after, Which which) const {
    const auto before = before_.find(key);
    if (before == before_.end()) return which == Which::New;
    return which == Which::Changed && before->second != after.as;
}

void AddressMoves::add(Step step, Which which) const {
    SetStaticAddresses statics;
    std::map<InstanceId, std::vector<std::size_t>> positions;
    for (const auto& [key, after] : after_) {
        if (!comes(key, after, which)) continue;
        if (after.owner == kNoInstance)
            statics.addresses.push_back(after.as_static);
        else
            positions[after.owner].push_back(after.position);
    }
    if (!statics.addresses.empty()) step.out.push_back(std::move(statics));
    for (auto& [id, list] : positions) {
        std::ranges::sort(list);
        step.out.push_back(ChangeAddresses{id, std::move(list), {}});
    }
}

void AddressMoves::remove(Step step) const {
    std::vector<HeldAddress> gone;
    for (const auto& [key, before] : before_) {
        const auto after = after_.find(key);
        if (after == after_.end() || comes(key, after->second, Which::Changed))
            gone.push_back({before.interface, before.prefix});
    }
    if (!gone.empty()) step.out.push_back(RemoveAddresses{kNoInstance, std::move(gone)});
}

}  // namespace mainstay::vrrp
