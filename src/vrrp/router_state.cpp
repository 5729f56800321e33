// The state of a router as bytes and back. Whatever follows from the configuration alone is made of it again; the rest
// is here, member by member. A test compares a resumed router with the one that was saved, step by step.

#include <cstdlib>

#include "mainstay/config/addresses.hpp"
#include "mainstay/vrrp/fact_state.hpp"
#include "router_impl.hpp"

namespace mainstay::vrrp {
namespace {

// A list that the configuration has made as long as it is: the elements' states, for the same number of elements.
template <class A, class List, class Each>
void each_of(A& a, List& list, Each&& each) {
    if constexpr (A::kWrites) {
        a.number(list.size());
    } else if (a.number() != list.size()) {
        return a.refuse();
    }
    for (auto& element : list) each(element);
}

template <class A>
void require(A& a, bool holds) {
    if constexpr (!A::kWrites)
        if (!holds) a.refuse();
}

}  // namespace

template <class A>
void fields(A& a, RestoreBudget::Address& x) {
    a(x.restores, x.due, x.failures, x.left);
}
template <class A>
void fields(A& a, RestoreBudget& b) {
    a(b.addresses_);
}
template <class A>
void fields(A& a, DuplicateAddresses& d) {
    a(d.due_, d.known_);
}
template <class A>
void fields(A& a, Authentication& x) {
    a(x.sent_, x.heard_);
}
template <class A>
void fields(A& a, OnceLog& o) {
    std::uint64_t bits = o.logged_.to_ullong();
    a(bits);
    if constexpr (!A::kWrites) o.logged_ = std::bitset<static_cast<std::size_t>(Problem::Count_)>{bits};
}
template <class A>
void fields(A& a, PeerProblems& p) {
    a(p.seen_);
}
template <class A>
void fields(A& a, RoutingSet::Status& s) {
    a(s.refused, s.missing);
}
template <class A>
void fields(A& a, RoutingSet& r) {
    each_of(a, r.status_, [&](RoutingSet::Status& status) { a(status); });
    a(r.established_, r.restores_, r.audit_, r.untracked_too_, r.restored_);
    require(a, r.restores_.within(r.entries_.size()));
}
template <class A>
void fields(A& a, Statics& s) {
    a(s.routing_, s.restores_, s.audit_, s.running_);
    require(a, s.restores_.within(s.addresses_.size()));
}
template <class A>
void fields(A& a, Links& l) {
    a(l.by_name_);
}
template <class A>
void fields(A& a, ScriptStates& b) {
    each_of(a, b.scripts_, [&](ScriptStates::Script& s) { a(s.result, s.awaited, s.run, s.due); });
    a(b.last_run_);
}
template <class A>
void fields(A& a, TrackerStates& b) {
    each_of(a, b.files_, [&](TrackerStates::File& f) { a(f.value); });
    each_of(a, b.processes_, [&](TrackerStates::Process& p) { a(p.count, p.known, p.up, p.turns); });
    a(b.awaited_until_);
}
template <class A>
void fields(A& a, LinkDelays::Held& h) {
    a(h.due, h.fact);
}
template <class A>
void fields(A& a, LinkDelays& d) {
    a(d.held_);
}
template <class A>
void fields(A& a, Group& g) {
    a(g.state_, g.last_mailed_);
    require(a, g.state_ <= State::Fault);
}
template <class A>
void fields(A& a, BfdStates& b) {
    a(b.states_);
}
template <class A>
void fields(A& a, Deadlines& d) {
    std::vector<std::optional<Instant>> dues;
    if constexpr (A::kWrites)
        for (const Instant due : d.due_) dues.push_back(due == Deadlines::kNever ? std::nullopt : std::optional{due});
    a(dues);
    if constexpr (!A::kWrites) {
        if (dues.size() != d.due_.size()) return a.refuse();
        for (std::size_t at = 0; at < dues.size(); ++at)
            if (dues[at]) d.set(at, dues[at]);
    }
}

template <class A>
void fields(A& a, TransitionReasons& r) {
    a(r.heard_.kind, r.heard_.from, r.heard_.priority, r.text_, r.cause_);
}

template <class A>
void fields(A& a, Instance& i) {
    a(i.state_, i.effective_, i.owns_addresses_, i.waits_, i.hint_, i.wants_master_, i.follows_master_,
      i.answered_rival_, i.resigned_, i.owes_arps_, i.source_, i.awaits_source_, i.mtu_, i.faults_, i.last_mailed_);
    a(i.master_, i.master_priority_, i.master_interval_);
    a(i.earliest_, i.timer_, i.second_garp_at_, i.refresh_, i.extra_, i.rival_burst_, i.preempt_from_, i.answers_since_,
      i.answers_, i.restores_, i.reduced_, i.other_owner_since_, i.other_owner_last_, i.preempting_, i.preempted_until_,
      i.auth_, i.old_checksum_, i.ip_id_, i.routing_, i.duplicates_, i.once_, i.problems_, i.counters_, i.advertised_,
      i.reasons_, i.priority_parts_, i.failed_over_, i.handed_over_at_, i.around_.maintenance);
    const std::size_t held = config::all_addresses(*i.config_).size();
    require(a, i.state_ <= State::Fault && i.waits_ <= Instance::Waits::ToStart && i.restores_.within(held) &&
                   i.duplicates_.within(held));
}

namespace {

struct UnknownVrid {
    std::string interface;
    Family family{};
    std::uint8_t vrid = 0;
};
template <class A>
void fields(A& a, UnknownVrid& u) {
    a(u.interface, u.family, u.vrid);
}

// The phase comes before: a router that gathers facts has no scripts and trackers yet.
template <class A, class Impl>
void impl_state(A& a, Impl& r) {
    a(r.links, r.link_delays, r.scripts, r.bfds, r.trackers, r.statics, r.sources_missing);
    each_of(a, r.instances, [&](Instance& instance) { a(instance); });
    each_of(a, r.groups, [&](Group& group) { a(group); });
    a(r.deadlines, r.startup_until, r.clock_offset_us, r.maintenance, r.advert_lateness);
    std::vector<UnknownVrid> unknown;
    if constexpr (A::kWrites)
        for (const auto& [interface, family, vrid] : r.unknown_vrids) unknown.push_back({interface, family, vrid});
    a(unknown);
    if constexpr (!A::kWrites)
        for (auto& u : unknown) r.unknown_vrids.emplace(std::move(u.interface), u.family, u.vrid);
}

}  // namespace

void Router::save(ByteWriter& out) const {
    out(impl_->phase);
    impl_state(out, *impl_);
}

Result<Router> Router::resume(std::shared_ptr<const config::Config> config, ByteReader& in) {
    auto impl = std::make_unique<Impl>(std::move(config));
    in(impl->phase);
    if (!in.ok() || impl->phase > Impl::Phase::Finished) return fail(Errc::Invalid, "the state of the router");
    if (impl->phase != Impl::Phase::Gathering) {
        impl->scripts.configure(*impl->config, Instant{}, false);
        impl->trackers.configure(*impl->config, Instant{}, false);
        impl->deadlines.resize(impl->instances.size());
    }
    impl_state(in, *impl);
    if (!in.ok()) return fail(Errc::Invalid, "the state of the router");
    return Router{std::move(impl)};
}

// The calendar time that a router reckons with: the monotonic clock of its steps and an offset that its adapter sets.

void Router::Impl::on(Step step, const ClockTold& fact) {
    clock_offset_us = fact.at.unix_us - std::chrono::duration_cast<Micros>(step.now.time_since_epoch()).count();
}

Step Router::Impl::step_at(Instant now, Intents& out) {
    const std::int64_t micros = std::chrono::duration_cast<Micros>(now.time_since_epoch()).count();
    return {now, out, clock_offset_us == 0 ? 0 : micros + clock_offset_us, &advert_lateness};
}

bool Router::clock_agrees(WallTime at, Instant now) const {
    const std::int64_t offset = at.unix_us - std::chrono::duration_cast<Micros>(now.time_since_epoch()).count();
    return impl_->clock_offset_us != 0 && std::abs(offset - impl_->clock_offset_us) <= kClockSlack.count();
}

}  // namespace mainstay::vrrp
