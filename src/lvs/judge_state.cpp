// The state of a judge as bytes and back. What follows from the configuration or from other parts of the state is made
// again; the rest is here, member by member. Containers without an order of their own are written sorted.
#include <algorithm>
#include <map>

#include "judge_impl.hpp"
#include "mainstay/lvs/fact_state.hpp"

namespace mainstay::lvs {

template <class A>
void fields(A& a, ServerRef& r) {
    a(r.service, r.server);
}
template <class A>
void fields(A& a, CheckQueue::Entry& e) {
    a(e.due, e.id);
}
// A sorted list is a heap too, and what comes out first follows from the entries alone.
template <class A>
void fields(A& a, CheckQueue& q) {
    std::vector<CheckQueue::Entry> entries;
    if constexpr (A::kWrites) {
        entries = q.heap_;
        std::ranges::sort(entries);
    }
    a(entries);
    if constexpr (!A::kWrites) {
        if (!std::ranges::is_sorted(entries)) return a.refuse();
        q.heap_ = std::move(entries);
    }
}
template <class A>
void fields(A& a, CheckSchedule& s) {
    a(s.queue_);
}

template <class A>
void fields(A& a, SharedProbes& p) {
    a(p.shared_);
    std::map<CheckerId, std::vector<CheckerId>> led;
    if constexpr (A::kWrites) led.insert(p.led_.begin(), p.led_.end());
    a(led);
    if constexpr (!A::kWrites) {
        for (auto& [leader, followers] : led) p.led_.emplace(leader, std::move(followers));
        for (std::size_t group = 0; group < p.shared_.size(); ++group)
            for (const CheckerId id : p.shared_[group]) p.shares_.emplace(id, group);
    }
}

template <class A>
void fields(A& a, SlowStart& s) {
    a(s.steps_);
}
template <class A>
void fields(A& a, Draining& d) {
    a(d.services_, d.look_at_);
}
template <class A>
void fields(A& a, OperatorOverrides& o) {
    a(o.known_, o.ends_, o.next_end_);
}
template <class A>
void fields(A& a, FirewallMarks& m) {
    a(m.marks_);
}
template <class A>
void fields(A& a, LocalAddresses& l) {
    a(l.addresses_, l.known_);
}
template <class A>
void fields(A& a, LineBudget& b) {
    a(b.began_, b.logged_, b.left_out_, b.down_, b.up_, b.left_out_in_all_);
}

template <class A>
void fields(A& a, ServiceState& s) {
    a(s.quorum_up, s.sorry_in_use, s.servers, s.leaving, s.suspended);
}
template <class A>
void fields(A& a, Services& s) {
    a(s.states, s.group_keys_, s.next_id_);
}

template <class A>
void Judge::Impl::archive(A& a) {
    a(services_, schedule_, shared_, slow_start_, draining_, overrides_, marks_, addresses_, budget_);
}

// Whatever refers to services, servers and checkers by number.
bool Judge::Impl::fits_the_configuration() const {
    if (services_.states.size() != services_.size()) return false;
    for (std::size_t v = 0; v < services_.size(); ++v) {
        const auto& servers = services_.configs[v].real_servers;
        if (services_.states[v].servers.size() != servers.size()) return false;
        for (std::size_t s = 0; s < servers.size(); ++s) {
            const auto& checkers = services_.states[v].servers[s].checkers;
            if (checkers.size() != servers[s].checkers.size()) return false;
            for (std::size_t c = 0; c < checkers.size(); ++c) {
                const std::size_t urls = servers[s].checkers[c].urls->size();
                if (checkers[c].id == 0 || (checkers[c].url != 0 && checkers[c].url >= urls)) return false;
            }
        }
    }
    return true;
}

void Judge::Impl::save(ByteWriter& out) { archive(out); }

bool Judge::Impl::resume(config::Config config, ByteReader& in) {
    services_.global = std::move(config.global);
    services_.configs = std::move(config.virtual_servers);
    for (const auto& service : services_.configs) services_.server_count += service.real_servers.size();
    archive(in);
    if (!in.ok() || !fits_the_configuration()) return false;
    services_.index_checkers();
    return slow_start_.is_within(services_) && shared_.is_within(services_) && draining_.is_within(services_);
}

void Judge::save(ByteWriter& out) const { impl_->save(out); }

Result<Judge> Judge::resume(Random random, config::Config config, ByteReader& in) {
    Judge judge{std::move(random)};
    if (!judge.impl_->resume(std::move(config), in)) return fail(Errc::Invalid, "the state of the judge");
    return judge;
}

}  // namespace mainstay::lvs
