// The members of facts, commands and what an earlier incarnation left (base/archive.hpp), for the flight recorder.
// CheckFinished is not here: the recorder has a form of its own for it, because it is the bulk.
#pragma once

#include "facts.hpp"
#include "mainstay/base/archive.hpp"
#include "memory.hpp"
#include "overrides.hpp"

namespace mainstay {

template <class A>
void fields(A& a, InternedString& s) {
    std::string text = s.text();
    a(text);
    if constexpr (!A::kWrites) s = InternedString{text};
}

}  // namespace mainstay

namespace mainstay::lvs {

template <class A>
void fields(A&, DeadlineReached&) {}
template <class A>
void fields(A& a, ConnectionsCounted::Destination& d) {
    a(d.endpoint, d.active, d.inactive);
}
template <class A>
void fields(A& a, ConnectionsCounted& f) {
    a(f.service, f.destinations);
}
template <class A>
void fields(A& a, AddressesChanged& f) {
    a(f.addresses);
}
template <class A>
void fields(A& a, FileNumber& f) {
    a(f.name, f.rule.weight, f.rule.reverse, f.number);
}
template <class A>
void fields(A& a, HostFacts& f) {
    a(f.addresses, f.files);
}

template <class A>
void fields(A& a, Override& o) {
    a(o.hold, o.weight, o.since, o.by, o.expires_persistence, o.until, o.reason);
    if constexpr (!A::kWrites)
        if (o.hold > Hold::Disabled) a.refuse();
}
template <class A>
void fields(A& a, OverrideKey& k) {
    a(k.service, k.server);
}
template <class A>
void fields(A& a, ServerCommand& c) {
    a(c.verb, c.which, c.weight, c.dry_run, c.by, c.expire_persistence, c.time, c.reason);
    if constexpr (!A::kWrites)
        if (c.verb > ServerCommand::Verb::Weight) a.refuse();
}

// A member that is the default in most states: one byte then.
template <class A, class T>
void compact_state(A& a, CompactOptional<T>& member) {
    bool set = !(*member == T{});
    a(set);
    if constexpr (A::kWrites) {
        if (set) a(*member);
    } else {
        T value{};
        if (set) a(value);
        member = std::move(value);
    }
}

template <class A>
void fields(A& a, AskedWeight& w) {
    a(w.value, w.percent);
}
template <class A>
void fields(A& a, CheckerState& c) {
    a(c.id, c.due, c.last_run, c.last_result, c.last_duration, c.retries_used, c.failures_in_row, c.rises, c.falls,
      c.url, c.up, c.has_run, c.running, c.waits, c.first_run_retries, c.pass_broken, c.first_pass);
    compact_state(a, c.dynamic_weight);
}
template <class A>
void fields(A& a, DrainState& d) {
    a(d.until, d.until_wall, d.connections, d.over);
}
template <class A>
void fields(A& a, Between& b) {
    a(b.held_weight, b.leave, b.grows_since, b.growing_weight);
}
template <class A>
void fields(A& a, ServerState& s) {
    a(s.weight, s.since, s.alive, s.kept, s.hold);
    compact_state(a, s.between);
    std::vector<CheckerState> read;
    if constexpr (A::kWrites) {
        a(*s.checkers);
    } else {
        a(read);
        if (!read.empty()) s.checkers = std::move(read);
        if (s.hold > Hold::Disabled) a.refuse();
    }
}

template <class A>
void fields(A& a, ServiceIdentity& i) {
    a(i.key, i.group);
}
template <class A>
void fields(A& a, CheckerMemory& m) {
    a(m.type, m.target, m.state);
}
template <class A>
void fields(A& a, ServerMemory& m) {
    a(m.endpoint, m.alive, m.since, m.checkers, m.kept, m.leave, m.grows_since);
}
// Of a server that leaves, what the table and the log have of it.
template <class A>
void fields(A& a, LeavingServer& l) {
    config::RealServer& s = l.server;
    config::Tunnel tunnel = *s.tunnel;
    a(s.endpoint, s.forwarding, s.inhibit_on_failure, s.smtp_alert, s.weight, s.upper_threshold, s.lower_threshold,
      tunnel.type, tunnel.checksum, tunnel.port, l.leave);
    if constexpr (!A::kWrites) s.tunnel = tunnel;
}
template <class A>
void fields(A& a, ServiceMemory& m) {
    a(m.identity, m.keys, m.quorum_up, m.sorry_in_use, m.servers, m.leaving);
}

}  // namespace mainstay::lvs
