#include "mainstay/vrrp/router.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "deadlines.hpp"
#include "mainstay/config/addresses.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/wire/vrrp.hpp"
#include "mainstay/wire/vrrp_auth.hpp"
#include "router_impl.hpp"

namespace mainstay::vrrp {
namespace {

// Instants count from the boot of the host, as the kernel's clock does.
Nanos startup_delay(const config::Global& global, Instant now) {
    const auto after_boot = config::value_of(global.more->values, config::keyword::vrrp_delay_after_boot);
    const Nanos rest = after_boot ? *after_boot - now.time_since_epoch() : Nanos{0};
    return std::max({Nanos{global.vrrp_startup_delay}, rest, Nanos{0}});
}

// The same virtual router in the snapshot of the process before; of two, the one of the same name.
const InstanceSnapshot* earlier_of(const config::Instance& c, const RouterSnapshot* previous) {
    const InstanceSnapshot* earlier = nullptr;
    if (previous == nullptr) return earlier;
    for (const auto& s : previous->instances)
        if (s.virtual_router_id == c.virtual_router_id && s.family == c.family && s.interface == c.interface &&
            s.version == c.version && (earlier == nullptr || s.name == c.name))
            earlier = &s;
    return earlier;
}

}  // namespace

const char* to_string(State state) {
    switch (state) {
        case State::Init:
            return "INIT";
        case State::Backup:
            return "BACKUP";
        case State::Master:
            return "MASTER";
        case State::Fault:
            return "FAULT";
    }
    return "INIT";
}

Transition transition_to(State state) {
    switch (state) {
        case State::Init:
            return Transition::Stop;
        case State::Backup:
            return Transition::Backup;
        case State::Master:
            return Transition::Master;
        case State::Fault:
            return Transition::Fault;
    }
    return Transition::Stop;
}

Router::Impl::Impl(std::shared_ptr<const config::Config> initial) : config{std::move(initial)} {
    index_config();
    (void)statics.replace(*config);
    for (InstanceId id = 0; id < config->instances.size(); ++id)
        instances.emplace_back(id, instance_config(id), context(config->instances[id]));
}

std::shared_ptr<const config::Instance> Router::Impl::instance_config(InstanceId id) const {
    return {config, &config->instances[id]};
}

void Router::Impl::index_config() {
    virtuals = virtual_addresses(*config);
    bfds.configure(*config);
    link_delays.configure(*config);
    by_key.resize(config->instances.size());
    std::iota(by_key.begin(), by_key.end(), InstanceId{0});
    std::ranges::stable_sort(by_key, {}, [this](InstanceId id) { return key_of(id); });
    holders.clear();
    for (InstanceId id = 0; id < config->instances.size(); ++id)
        for (const auto& address : config::all_addresses(config->instances[id]))
            holders.emplace_back(address.prefix.address, id);
    std::ranges::sort(holders);
    const auto twice = std::ranges::unique(holders);
    holders.erase(twice.begin(), twice.end());
    holders.shrink_to_fit();
    groups.clear();
    group_of.assign(config->instances.size(), kNoGroup);
    for (const auto& group : config->sync_groups) {
        std::vector<InstanceId> members;
        for (InstanceId id = 0; id < config->instances.size(); ++id) {
            if (config->instances[id].sync_group != group.name) continue;
            members.push_back(id);
            group_of[id] = groups.size();
        }
        groups.emplace_back(group, std::move(members), config->global.no_email_faults);
    }
}

Instance::InstanceContext Router::Impl::context(const config::Instance& instance) const {
    Instance::InstanceContext around{.no_email_faults = config->global.no_email_faults,
                                     .owner_group = true,
                                     .settings = settings_of(instance, config->global)};
    around.maintenance = maintenance;
    // The innermost block that has the keyword.
    const auto apply = [&](const CompactOptional<config::ExtraSettings>& more, const config::Keyword<bool>& keyword) {
        if (const auto value = config::value_of(more->values, keyword)) around.notify_priority = *value;
    };
    apply(config->global.more, config::keyword::vrrp_notify_priority_changes);
    for (const auto& group : config->sync_groups)
        if (!instance.sync_group.empty() && group.name == instance.sync_group)
            apply(group.more, config::keyword::notify_priority_changes);
    apply(instance.more, config::keyword::notify_priority_changes);
    if (instance.sync_group.empty()) return around;
    for (const auto& other : config->instances)
        if (other.sync_group == instance.sync_group && other.priority != 255) around.owner_group = false;
    return around;
}

std::vector<Health> Router::Impl::judge_all() const {
    std::vector<Health> own;
    own.reserve(config->instances.size());
    for (InstanceId id = 0; id < config->instances.size(); ++id) {
        const auto* group = group_of[id] == kNoGroup ? nullptr : &groups[group_of[id]].config();
        const bool awaits = instances[id].awaits_source();
        own.push_back(judge(config->instances[id], group, links, scripts, virtuals, awaits));
        const bool misses = misses_source(config->instances[id]);
        if (misses && may_await_source(config->instances[id], links, awaits)) {
            own.back().awaits_source = true;
        } else if (misses) {
            own.back().wait_no_more();
            own.back().fault(Cause::Address, fmt::format("source address {} is not on this host",
                                                         config->instances[id].source->to_string()));
        }
        bfds.judge(id, own.back());
        trackers.judge(id, own.back());
        if (instances[id].settings().unicast_fault_no_peer && config->instances[id].unicast_peers.empty())
            own.back().fault(Cause::Address, "no unicast peer");
        statics.judge(config->instances[id], links, own.back());
    }
    std::vector<Health> combined = own;
    for (const Group& group : groups) {
        std::vector<const Health*> members;
        for (const InstanceId id : group.members()) members.push_back(&own[id]);
        for (const InstanceId id : group.members())
            combined[id] = Group::combine(own[id], group.config().name, members);
    }
    return combined;
}

void Router::Impl::apply_health(Step step) {
    const auto health = judge_all();
    for (InstanceId id = 0; id < instances.size(); ++id) instances[id].set_health(step, health[id]);
    settle_all(step);
}

void Router::Impl::settle_all(Step step) {
    for (Group& group : groups) group.settle(step, instances);
    look_at_all_deadlines();
}

// After a change of one instance: settles its group and updates the deadlines of all changed instances.
void Router::Impl::settle(Step step, InstanceId id) {
    if (group_of[id] == kNoGroup) {
        instances[id].clear_marks();
        deadlines.set(id, instances[id].deadline());
        return;
    }
    Group& group = groups[group_of[id]];
    group.settle(step, instances);
    for (const InstanceId member : group.members()) deadlines.set(member, instances[member].deadline());
}

void Router::Impl::look_at_all_deadlines() {
    deadlines.resize(instances.size());
    for (InstanceId id = 0; id < instances.size(); ++id) deadlines.set(id, instances[id].deadline());
}

void Router::Impl::start(Step step, const RouterSnapshot* previous) {
    phase = Phase::Running;
    scripts.configure(*config, step.now, true);
    trackers.configure(*config, step.now, true);
    if (previous != nullptr) {
        scripts.adopt(previous->scripts);
        bfds.adopt(previous->bfds);
        trackers.adopt(previous->trackers);
        advert_lateness = previous->advert_lateness;
    }
    remove_leftovers(step, previous);
    statics.start(step);
    const Nanos delay = startup_delay(config->global, step.now);
    if (previous == nullptr && delay > Nanos{0}) {
        startup_until = step.now + delay;
        step.out.push_back(WriteLog{{LogLevel::Info, fmt::format("Delaying startup for {:g} seconds",
                                                                 std::chrono::duration<double>(delay).count())}});
    }
    const auto health = judge_all();
    for (InstanceId id = 0; id < instances.size(); ++id) {
        const InstanceSnapshot* earlier = earlier_of(config->instances[id], previous);
        if (earlier != nullptr)
            instances[id].adopt(step, health[id], *earlier);
        else
            instances[id].start(step, health[id], startup_until.value_or(step.now));
    }
    if (previous != nullptr)
        for (const auto& s : previous->groups)
            for (Group& group : groups)
                if (group.config().name == s.name) group.adopt(s);
    settle_all(step);
    scripts.run_due(step.now, step.out);
}

// Addresses left from earlier must not answer before an election; the process before may have set them last, and died
// before anybody could read of it. Those of an owner may be the host's own, and the owner sets them immediately; but
// not while it waits.
void Router::Impl::remove_leftovers(Step step, const RouterSnapshot* previous) {
    for (InstanceId id = 0; id < config->instances.size(); ++id) {
        const auto& c = config->instances[id];
        if (const auto* earlier = earlier_of(c, previous); earlier != nullptr && earlier->state == State::Master)
            continue;
        if (c.priority == config::kOwnerPriority && !maintenance && startup_delay(config->global, step.now) == Nanos{0})
            continue;
        std::vector<HeldAddress> left;
        for (HeldAddress& held : held_addresses(c)) {
            const InterfaceFact* link = links.find(held.interface);
            if (link != nullptr && std::ranges::find(link->addresses, held.prefix.address) != link->addresses.end())
                left.push_back(std::move(held));
        }
        if (const RoutingSet& routing = instances[id].routing(); !routing.entries().empty())
            step.out.push_back(RemoveRouting{id, routing.in_order_of_removal()});
        if (!left.empty()) step.out.push_back(RemoveAddresses{id, std::move(left)});
    }
}

std::optional<Router::Impl::LinkChange> Router::Impl::note(Step step, const InterfaceFact& fact) {
    const InterfaceFact* known = links.find(fact.name);
    if (known != nullptr && *known == fact) return std::nullopt;
    LinkChange change{known != nullptr ? *known : InterfaceFact{}, fact};
    links.update(fact);
    if (phase != Phase::Running) return change;
    if (change.before.index != 0 && fact.index == 0)
        step.out.push_back(WriteLog{
            {LogLevel::Info, fact.renamed.empty()
                                 ? fmt::format("Interface {} deleted", fact.name)
                                 : fmt::format("Interface name has changed from {} to {}", fact.name, *fact.renamed)}});
    else if (change.before.up != fact.up)
        step.out.push_back(
            WriteLog{{LogLevel::Info, fmt::format("Netlink reports {} {}", fact.name, fact.up ? "up" : "down")}});
    return change;
}

Router::Impl::HostChange Router::Impl::note(Step step, const HostFacts& facts) {
    HostChange change;
    for (const InterfaceFact& fact : facts.interfaces) {
        const bool delayed = phase == Phase::Running;
        if (auto link = note(step, delayed ? link_delays.pass(fact, links.find(fact.name), step.now) : fact))
            change.links.push_back(std::move(*link));
    }
    for (const SourceFact& fact : facts.sources) change.sources = note(fact) || change.sources;
    return change;
}

void Router::Impl::count(Step step, const HostChange& change) {
    if (phase != Phase::Running || (change.links.empty() && !change.sources)) return;
    apply_health(step);
    for (const LinkChange& link : change.links) follow_up(step, link);
}

std::tuple<std::uint8_t, Family, std::string_view> Router::Impl::key_of(InstanceId id) const {
    const auto& instance = config->instances[id];
    return {instance.virtual_router_id, instance.family, advert_device(instance)};
}

// keepalived: one instance per VRID, family and interface, apart for multicast and unicast; unicast ones may share a
// VRID when their peers differ (2.4.3). What is sent to another address of this host is not a unicast instance's.
std::optional<InstanceId> Router::Impl::addressee(const PacketHeard& packet) const {
    const std::size_t at = packet.protocol == wire::kAhProtocol ? wire::kAhLength : 0;
    if (packet.payload.size() < at + wire::kVrrpHeaderLength) return std::nullopt;
    const auto vrid = std::to_integer<std::uint8_t>(packet.payload[at + 1]);
    const bool multicast = packet.destination.is_multicast();
    std::optional<InstanceId> best;
    int best_rank = 0;
    const std::tuple key{vrid, packet.source.family(), std::string_view{packet.interface}};
    auto next = std::ranges::lower_bound(by_key, key, {}, [this](InstanceId id) { return key_of(id); });
    for (; next != by_key.end() && key_of(*next) == key; ++next) {
        const InstanceId id = *next;
        const auto& c = config->instances[id];
        const bool same_cast = c.unicast_peers.empty() == multicast;
        const bool known_peer =
            std::ranges::find(c.unicast_peers, packet.source, &config::UnicastPeer::address) != c.unicast_peers.end();
        const auto& own = instances[id];
        const bool is_its = multicast ? own.settings().group == packet.destination : own.source() == packet.destination;
        if (same_cast && !is_its) continue;  // the group, or the address, of another instance
        const int rank = !same_cast ? 1 : known_peer || multicast ? 3 : 2;
        if (rank <= best_rank) continue;
        best = id;
        best_rank = rank;
    }
    return best;
}

void Router::Impl::on(Step step, const PacketHeard& fact) {
    if (startup_until && step.now < *startup_until) return;
    const auto id = addressee(fact);
    if (!id) return unknown_vrid(step, fact);
    instances[*id].hear(step, fact);
    settle(step, *id);
}

bool Router::Impl::note(const SourceFact& fact) {
    return fact.here ? sources_missing.erase({fact.address, fact.device}) != 0
                     : sources_missing.emplace(fact.address, fact.device).second;
}

// keepalived: a unicast instance without its source address must not be master. A multicast one sends from any.
bool Router::Impl::misses_source(const config::Instance& instance) const {
    return !instance.unicast_peers.empty() && instance.source &&
           sources_missing.contains({*instance.source, advert_device(instance)});
}

void Router::Impl::on(Step step, const AddressLost& fact) {
    statics.address_lost(step, fact);
    check_routing(step.now);  // a route may have had it as source
    for (const InstanceId id : holders_of(fact.address.address)) {
        instances[id].address_lost(step, fact.interface, fact.address);
        settle(step, id);
    }
}

void Router::Impl::on(Step step, const RestoreFailed& fact) {
    if (fact.instance >= instances.size()) return;
    instances[fact.instance].restore_failed(step, fact.interface, fact.address);
    settle(step, fact.instance);
}

void Router::Impl::on(Step step, const ScriptDone& fact) {
    if (scripts.done(fact, step.out)) apply_health(step);
}

void Router::Impl::on(Step step, const BfdFact& fact) {
    if (bfds.update(fact, *config, step.out) && phase == Phase::Running) apply_health(step);
}

void Router::Impl::on(Step step, const FileFact& fact) {
    if (trackers.update(fact, step.out)) apply_health(step);
}

void Router::Impl::on(Step step, const ProcessFact& fact) {
    if (trackers.update(fact, step.now, step.out)) apply_health(step);
}

void Router::Impl::on(Step step, const DeadlineReached&) {
    HostChange delayed;
    for (const InterfaceFact& fact : link_delays.take_due(step.now))
        if (auto link = note(step, fact)) delayed.links.push_back(std::move(*link));
    count(step, delayed);
    if (trackers.tick(step.now, step.out)) apply_health(step);
    if (startup_until && *startup_until <= step.now) {
        startup_until.reset();
        step.out.push_back(WriteLog{{LogLevel::Info, "Delayed start completed"}});
    }
    AdvertSpread spread{instances.size()};
    // Bounded: an instance that is due again at once is handled with the next fact.
    for (std::size_t rounds = instances.size(); rounds > 0; --rounds) {
        const auto next = deadlines.next();
        if (!next || next->due > step.now) break;
        const auto id = static_cast<InstanceId>(next->position);
        const bool its_turn = instances[id].turn() == next->due;
        instances[id].tick(step);
        if (its_turn && instances[id].state() == State::Master)
            instances[id].advertise_earlier(spread.earlier(next->due, instances[id].config().advert_int));
        settle(step, id);
    }
    statics.tick(step);
    scripts.run_due(step.now, step.out);
}

void Router::Impl::on(Step step, const Shutdown&) {
    phase = Phase::Finished;
    // All instances resign before events are published, so that peers do not wait for our scripts and mails.
    Intents later;
    for (Instance& instance : instances) {
        Intents own;
        instance.stop({step.now, own, step.unix_us});
        for (Intent& intent : own)
            (std::holds_alternative<Announce>(intent) ? later : step.out).push_back(std::move(intent));
    }
    statics.stop(step);
    for (Group& group : groups) group.stop({step.now, later});
    std::ranges::move(later, std::back_inserter(step.out));
}

Router::Router(std::shared_ptr<const config::Config> config) : impl_{std::make_unique<Impl>(std::move(config))} {}
Router::Router(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;
Router::~Router() = default;

Router Router::copy() const { return Router{std::make_unique<Impl>(*impl_)}; }

Intents Router::start(Instant now, const RouterSnapshot* previous) {
    Intents out;
    if (impl_->phase != Impl::Phase::Gathering) return out;
    impl_->start(impl_->step_at(now, out), previous);
    if (previous != nullptr)
        impl_->renew_routing(impl_->step_at(now, out), nullptr);  // an instance may have become backup
    return out;
}

Intents Router::step(const Fact& fact, Instant now) {
    Intents out;
    const bool gathers = impl_->phase == Impl::Phase::Gathering &&
                         (std::holds_alternative<InterfaceFact>(fact) || std::holds_alternative<BfdFact>(fact) ||
                          std::holds_alternative<ClockTold>(fact) || std::holds_alternative<SourceFact>(fact) ||
                          std::holds_alternative<Maintenance>(fact) || std::holds_alternative<HostFacts>(fact));
    if (impl_->phase != Impl::Phase::Running && !gathers) return out;
    std::visit([&](const auto& f) { impl_->on(impl_->step_at(now, out), f); }, fact);
    impl_->keep_shared_routing(out);
    impl_->renew_routing(impl_->step_at(now, out), &fact);
    return out;
}

Intents Router::reload(std::shared_ptr<const config::Config> config, const HostFacts& host, Instant now) {
    Intents out;
    if (impl_->phase != Impl::Phase::Running) return out;
    impl_->reload(impl_->step_at(now, out), std::move(config), host);
    impl_->renew_routing(impl_->step_at(now, out), nullptr);
    return out;
}

std::optional<Instant> Router::deadline() const {
    if (impl_->phase != Impl::Phase::Running) return std::nullopt;
    std::optional<Instant> earliest = impl_->scripts.deadline();
    const auto consider = [&](const std::optional<Instant>& due) {
        if (due && (!earliest || *due < *earliest)) earliest = due;
    };
    consider(impl_->startup_until);
    consider(impl_->link_delays.deadline());
    consider(impl_->trackers.deadline());
    if (const auto next = impl_->deadlines.next()) consider(next->due);
    consider(impl_->statics.deadline());
    return earliest;
}

bool Router::takes_over_next() const {
    const auto next = impl_->deadlines.next();
    return next && next->due == deadline() && impl_->instances[next->position].state() == State::Backup;
}

bool Router::is_tight(Instant deadline) const {
    const auto next = impl_->deadlines.next();
    if (!next || next->due != deadline) return false;
    const Instance& instance = impl_->instances[next->position];
    return instance.state() == State::Backup || instance.config().advert_int < kShortInterval;
}

std::vector<std::pair<std::string, std::string>> Router::refused_routing(InstanceId id) const {
    const auto& routing = id == kNoInstance ? impl_->statics.routing() : impl_->instances.at(id).routing();
    return routing.refused_entries();
}

RouterSnapshot Router::snapshot() const {
    RouterSnapshot all = snapshot_without_instances();
    for (const Instance& instance : impl_->instances) all.instances.push_back(instance.snapshot());
    return all;
}

InstanceSnapshot Router::snapshot_of(InstanceId id) const { return impl_->instances.at(id).snapshot(); }

RouterSnapshot Router::snapshot_without_instances() const {
    RouterSnapshot all;
    for (const Group& group : impl_->groups) all.groups.push_back(group.snapshot());
    all.scripts = impl_->scripts.snapshot();
    all.bfds = impl_->bfds.snapshot();
    all.trackers = impl_->trackers.snapshot();
    all.advert_lateness = impl_->advert_lateness;
    return all;
}

const config::Config& Router::config() const { return *impl_->config; }
bool Router::finished() const { return impl_->phase == Impl::Phase::Finished; }

}  // namespace mainstay::vrrp
