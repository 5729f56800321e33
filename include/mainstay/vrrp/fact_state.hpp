// The members of facts, snapshots and their parts (base/archive.hpp): of facts for the flight recorder, of snapshots
// for the state block, too, so new members of those are added at the end and none is removed. Packets are not here: the
// recorder has a form of its own for them, because they are the bulk.
#pragma once

#include "facts.hpp"
#include "mainstay/base/archive.hpp"

namespace mainstay::netlink {

template <class A>
void fields(A& a, Encapsulation& e) {
    a(e.type, e.id, e.locator, e.destination, e.source, e.tos, e.ttl, e.flags, e.labels);
}
template <class A>
void fields(A& a, NextHop& h) {
    a(h.via, h.device, h.interface_index, h.weight, h.onlink, h.realms, h.encapsulation);
}
template <class A>
void fields(A& a, Metric& m) {
    a(m.number, m.value);
}
template <class A>
void fields(A& a, Route& r) {
    a(r.destination, r.source, r.type, r.scope, r.tos, r.protocol, r.table, r.hop, r.hops, r.preferred_source,
      r.priority, r.metrics, r.locked, r.congestion_control, r.expires, r.preference, r.ttl_propagate, r.placement);
}
template <class A>
void fields(A& a, Rule& r) {
    a(r.family, r.from, r.to, r.invert, r.tos, r.protocol, r.action, r.table, r.l3mdev, r.priority, r.target, r.mark,
      r.mask, r.realms, r.suppress_prefix_length, r.suppress_group, r.input, r.output, r.tunnel_id, r.users,
      r.ip_protocol, r.source_ports, r.destination_ports);
}

}  // namespace mainstay::netlink

namespace mainstay::vrrp {

template <class A>
void fields(A& a, HeldAddress& h) {
    a(h.interface, h.prefix);
}
template <class A>
void fields(A& a, RoutingEntry& e) {
    a(e.what, e.vrf, e.no_track, e.devices, e.track_group);
}
template <class A>
void fields(A& a, InterfaceFact& f) {
    a(f.name, f.index, f.up, f.loopback, f.mtu, f.addresses, f.borrows, f.renamed, f.appearance, f.multicast,
      f.times_up, f.tentative);
}
template <class A>
void fields(A& a, ClockTold& f) {
    a(f.at);
}
template <class A>
void fields(A& a, AddressLost& f) {
    a(f.interface, f.address);
}
template <class A>
void fields(A& a, RestoreFailed& f) {
    a(f.instance, f.interface, f.address);
}
template <class A>
void fields(A& a, DuplicateAddress& f) {
    a(f.interface, f.address);
}
template <class A>
void fields(A& a, RoutingLost& f) {
    a(f.what);
}
template <class A>
void fields(A&, RoutingUncertain&) {}
template <class A>
void fields(A& a, RoutingOutcome& f) {
    a(f.owner, f.how, f.added, f.refused);
}
template <class A>
void fields(A& a, ScriptDone& f) {
    a(f.script, f.how, f.status, f.run);
}
template <class A>
void fields(A& a, BfdFact& f) {
    a(f.name, f.up);
}
template <class A>
void fields(A& a, FileFact& f) {
    a(f.file, f.value);
}
template <class A>
void fields(A& a, ProcessFact& f) {
    a(f.process, f.count);
}
template <class A>
void fields(A& a, SourceFact& f) {
    a(f.address, f.device, f.here);
}
template <class A>
void fields(A& a, HostFacts& f) {
    a(f.interfaces, f.sources);
}
template <class A>
void fields(A& a, FailOver& f) {
    a(f.instance);
}
template <class A>
void fields(A& a, FailBack& f) {
    a(f.instance);
}
template <class A>
void fields(A& a, Maintenance& f) {
    a(f.on);
}
template <class A>
void fields(A&, DeadlineReached&) {}
template <class A>
void fields(A&, Shutdown&) {}

template <class A>
void fields(A& a, Counters& c) {
    a(c.advert_rcvd, c.advert_sent, c.become_master, c.release_master, c.packet_len_err, c.advert_interval_err,
      c.ip_ttl_err, c.invalid_type_rcvd, c.addr_list_err, c.invalid_authtype, c.authtype_mismatch, c.auth_failure,
      c.pri_zero_rcvd, c.pri_zero_sent, c.checksum_err, c.version_err, c.rival_masters, c.addresses_restored,
      c.deadlines_late, c.adverts_skipped, c.auth_ext_missing, c.auth_ext_malformed, c.auth_ext_unknown_key,
      c.auth_ext_invalid_hmac, c.auth_ext_stale, c.auth_ext_replay, c.routing_restored, c.duplicate_addresses);
}
template <class A>
void fields(A& a, HeardSequence& h) {
    a(h.sender, h.sequence);
}
template <class A>
void fields(A& a, PeerProblem& p) {
    a(p.kind, p.peer, p.last, p.count, p.text);
}
template <class A>
void fields(A& a, PriorityPart& p) {
    a(p.tracker, p.up, p.weight);
}
template <class A>
void fields(A& a, Fault& f) {
    a(f.what, f.name, f.value, f.cause);
    if constexpr (!A::kWrites)
        if (f.what > Fault::What::Group) a.refuse();
}
template <class A>
void fields(A& a, InstanceSnapshot& s) {
    a(s.name, s.interface, s.group, s.virtual_router_id, s.version, s.base_priority, s.effective_priority, s.family,
      s.state, s.owns_addresses, s.deadline, s.master_interval, s.master, s.master_priority, s.since, s.fault,
      s.last_mailed, s.counters, s.auth_sent, s.auth_heard, s.reduced, s.problems, s.reason, s.priority_parts);
    if constexpr (!A::kWrites)
        if (s.state > State::Fault) a.refuse();
    if (has_trailing_fields(a, s.failed_over || s.cause != Cause::None || !s.faults.empty()))
        a(s.failed_over, s.cause, s.faults);
}
template <class A>
void fields(A& a, ScriptSnapshot& s) {
    a(s.name, s.known, s.up, s.streak, s.last_status, s.last_failure, s.runs, s.failures, s.since, s.failures_in_row,
      s.running);
}
template <class A>
void fields(A& a, GroupSnapshot& s) {
    a(s.name, s.state, s.last_mailed);
    if constexpr (!A::kWrites)
        if (s.state > State::Fault) a.refuse();
}
template <class A>
void fields(A& a, BfdSnapshot& s) {
    a(s.name, s.up);
}
template <class A>
void fields(A& a, TrackerSnapshot& s) {
    a(s.kind, s.name, s.value, s.up);
}
template <class A, class Instances>
void router_fields(A& a, RouterSnapshot& s, Instances& instances) {
    a(instances, s.groups, s.scripts, s.bfds, s.trackers, s.advert_lateness);
}
template <class A>
void fields(A& a, RouterSnapshot& s) {
    router_fields(a, s, s.instances);
}

}  // namespace mainstay::vrrp
