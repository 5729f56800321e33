// How the contents of the roles' state blocks (report/status.hpp) are encoded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mainstay/base/framed_archive.hpp"
#include "mainstay/bfd/facts.hpp"
#include "mainstay/netlink/ipvs_types.hpp"
#include "mainstay/report/status.hpp"
#include "mainstay/vrrp/fact_state.hpp"
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::vrrp {

template <class A>
void fields(A& a, TrackedObject& o) {
    a(o.kind, o.name, o.known, o.up, o.weight, o.reverse, o.adds, o.faults);
}

}  // namespace mainstay::vrrp

namespace mainstay::netlink {

template <class A>
void fields(A& a, IpvsTimeouts& t) {
    a(t.tcp, t.tcp_fin, t.udp);
}
template <class A>
void fields(A& a, IpvsStats& s) {
    a(s.connections, s.in_packets, s.out_packets, s.in_bytes, s.out_bytes, s.cps, s.in_pps, s.out_pps, s.in_bps,
      s.out_bps);
}

}  // namespace mainstay::netlink

namespace mainstay::report {
template <class A>
void fields(A& a, SavedSetting& s) {
    a(s.name, s.before, s.ours);
}
template <class A>
void fields(A& a, ScriptErrors& s) {
    a(s.script, s.text);
}
template <class A>
void fields(A& a, DeviceKeptDown& d) {
    a(d.name, d.reason);
}
template <class A>
void fields(A& a, Refused& r) {
    a(r.instance, r.what, r.reason);
}
template <class A>
void fields(A& a, MaintenanceStatus& s) {
    a(s.since, s.until, s.by, s.reason);
}
template <class A>
void fields(A& a, SetValue& s) {
    a(s.instance, s.what, s.value);
}
template <class A, class Router, class Addresses, class Tracked>
void vrrp_fields(A& a, VrrpStatus& s, Router& router, Addresses& addresses, Tracked& tracked) {
    a(s.generation, router, addresses, s.saved_settings, s.devices, s.netlink_overruns, s.devices_remade,
      s.firewall_repairs, s.maintenance, tracked, s.kept_down, s.script_errors, s.refused_addresses, s.refused_routes,
      s.set);
}
template <class A>
void fields(A& a, VrrpStatus& s) {
    vrrp_fields(a, s, s.router, s.addresses, s.tracked);
}
template <class A>
void fields(A& a, CheckStatus& s) {
    a(s.type, s.target, s.up);
    if (!has_trailing_fields(a, s.has_run || s.failures_in_row != 0 || !s.last_result.empty() ||
                                    s.last_run != WallTime{} || s.last_duration != Micros{0} || s.weight ||
                                    !s.script.empty() || !s.errors.empty()))
        return;
    a(s.has_run, s.failures_in_row, s.last_result, s.last_run, s.last_duration, s.weight);
    if (has_trailing_fields(a, !s.script.empty() || !s.errors.empty())) a(s.script);
    if (has_trailing_fields(a, !s.errors.empty())) a(s.errors);
}
template <class A>
void fields(A& a, LeaveStatus& s) {
    a(s.until, s.connections, s.over);
}
template <class A>
void fields(A& a, ServerStatus& s) {
    a(s.name, s.endpoint, s.forwarding, s.weight, s.alive, s.in_table, s.since, s.checks, s.weight_in_table);
    if (!has_trailing_fields(a, !s.note.empty() || s.kept || s.grows_since || s.leave)) return;
    a(s.note, s.kept, s.grows_since, s.leave);
}
template <class A>
void fields(A& a, LeavingStatus& s) {
    a(s.name, s.server, s.leave);
}
template <class A>
void fields(A& a, MhTableStatus& s) {
    a(s.digest, s.wanted_digest, s.slots, s.slots_assumed);
}
template <class A>
void fields(A& a, OriginalSysctl& s) {
    a(s.name, s.value);
}
template <class A>
void fields(A& a, ServiceStatus& s) {
    a(s.name, s.key, s.scheduler, s.quorum_up, s.sorry_in_use, s.sorry_server, s.servers, s.leaving, s.group,
      s.group_keys, s.quorum, s.hysteresis, s.mh_table, s.suspended);
}
template <class A>
void fields(A& a, OverrideStatus& s) {
    a(s.service, s.server, s.hold, s.weight, s.since, s.by, s.text, s.expires_persistence, s.until, s.reason);
}
template <class A>
void fields(A& a, ServerTraffic& t) {
    a(t.stats, t.active, t.inactive, t.persistent);
}
template <class A>
void fields(A& a, ServiceTraffic& t) {
    a(t.stats, t.servers, t.sorry_server);
}
template <class A>
void fields(A& a, CheckTypeStatus& s) {
    a(s.type, s.durations, s.passed, s.failed, s.not_run);
}
template <class A>
void fields(A& a, AnnouncedStatus& s) {
    a(s.address, s.interface, s.drain_interface, s.state, s.reason, s.since, s.on_purpose);
}
template <class A>
void fields(A& a, DiscoveredStatus& s) {
    a(s.source, s.services, s.servers, s.held, s.held_servers, s.held_since, s.problem, s.last_good, s.errors, s.holds);
}
template <class A, class Services>
void lvs_fields(A& a, LvsStatus& s, Services& services) {
    a(s.generation, s.ipvs_available, s.ipvs_problem, s.operations, s.operation_failures, s.repairs, services,
      s.overrides, s.lines_left_out, s.original_timeouts, s.traffic, s.original_expiry, s.check_types, s.oldest_check,
      s.announced, s.original_sysctls, s.discovered, s.stopped, s.maintenance);
}
template <class A>
void fields(A& a, LvsStatus& s) {
    lvs_fields(a, s, s.services);
}

}  // namespace mainstay::report

namespace mainstay::ipc {

// The same encoding, with instances and their addresses produced one by one while it is written.
template <class F>
struct RouterSnapshotWith {
    vrrp::RouterSnapshot rest;
    OneByOne<F> instances;
};
template <class F>
void fields(Encoder& a, RouterSnapshotWith<F>& s) {
    router_fields(a, s.rest, s.instances);
}
template <class F, class G, class H>
struct VrrpStatusWith {
    report::VrrpStatus rest;
    RouterSnapshotWith<F> router;
    OneByOne<G> addresses;
    OneByOne<H> tracked;
};
template <class F, class G, class H>
void fields(Encoder& a, VrrpStatusWith<F, G, H>& s) {
    report::vrrp_fields(a, s.rest, s.router, s.addresses, s.tracked);
}

// The same encoding, with services produced one by one while it is written.
template <class F>
struct LvsStatusWith {
    report::LvsStatus& rest;
    OneByOne<F> services;
};
template <class F>
void fields(Encoder& a, LvsStatusWith<F>& s) {
    report::lvs_fields(a, s.rest, s.services);
}

struct ObserverStatus {  // the observer's own block: its position in each role's event ring
    std::uint64_t vrrp_acknowledged = 0, lvs_acknowledged = 0;
    std::uint64_t mails_queued = 0, mails_sent = 0, mails_failed = 0;
    // The counters of each instance when the dumps' statistics were last cleared (SIGRTMAX-1).
    std::vector<std::string> cleared_instances;
    std::vector<vrrp::Counters> cleared_counters;
    std::vector<std::string> webhooks;  // names, each with its counters
    std::vector<std::uint64_t> webhooks_sent, webhooks_failed, webhooks_dropped;
};
template <class A>
void fields(A& a, ObserverStatus& s) {
    a(s.vrrp_acknowledged, s.lvs_acknowledged, s.mails_queued, s.mails_sent, s.mails_failed, s.cleared_instances,
      s.cleared_counters, s.webhooks, s.webhooks_sent, s.webhooks_failed, s.webhooks_dropped);
}

}  // namespace mainstay::ipc

// How the state block of the bfd role is encoded.
namespace mainstay::bfd {

template <class A>
void fields(A& a, Counters& c) {
    a(c.sent, c.received, c.discarded, c.became_up, c.went_down, c.expired, c.deadlines_late);
}
template <class A>
void fields(A& a, SessionSnapshot& s) {
    a(s.name, s.neighbor, s.source, s.multihop, s.state, s.remote_state, s.diagnostic, s.remote_diagnostic,
      s.discriminator, s.remote_discriminator, s.source_port, s.multiplier, s.remote_multiplier, s.desired_min_tx,
      s.required_min_rx, s.applied_min_tx, s.applied_min_rx, s.remote_min_tx, s.remote_min_rx, s.remote_demand,
      s.polling, s.polls_again, s.unheard, s.transmit_interval, s.detection_time, s.next_send, s.expires, s.since,
      s.counters, s.counts_as_up);
}
template <class A>
void fields(A& a, SessionsSnapshot& s) {
    a(s.sessions, s.strangers);
}

}  // namespace mainstay::bfd

namespace mainstay::report {

template <class A>
void fields(A& a, BfdStatus& s) {
    a(s.generation, s.sessions);
}

}  // namespace mainstay::report
