// The contents of the roles' state blocks: enough to resume after a crash, and what `mainstayctl status` shows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "codec.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/netlink/ipvs_types.hpp"
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::vrrp {

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
void fields(A& a, InstanceSnapshot& s) {
    a(s.name, s.interface, s.group, s.virtual_router_id, s.version, s.base_priority, s.effective_priority, s.family,
      s.state, s.owns_addresses, s.deadline, s.master_interval, s.master, s.master_priority, s.since, s.fault,
      s.last_mailed, s.counters, s.auth_sent, s.auth_heard, s.reduced, s.problems);
}
template <class A>
void fields(A& a, ScriptSnapshot& s) {
    a(s.name, s.known, s.up, s.streak, s.last_status, s.last_failure, s.runs, s.failures);
}
template <class A>
void fields(A& a, GroupSnapshot& s) {
    a(s.name, s.state, s.last_mailed);
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
    a(instances, s.groups, s.scripts, s.bfds, s.trackers);
}
template <class A>
void fields(A& a, RouterSnapshot& s) {
    router_fields(a, s, s.instances);
}

}  // namespace mainstay::vrrp

namespace mainstay::netlink {

template <class A>
void fields(A& a, IpvsServiceKey& k) {
    a(k.family, k.fwmark, k.protocol, k.address, k.port);
}
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

namespace mainstay::ipc {

// For the last fields of a struct that occurs tens of thousands of times: they are written only if `says_something`,
// which is true if any of them differs from its default. A reader leaves omitted fields at their defaults.
template <class A>
[[nodiscard]] constexpr bool goes_on(const A&, bool says_something) {
    return !std::is_same_v<A, Encoder> || says_something;
}

// A kernel setting that the role has changed and will restore.
struct SavedSetting {
    std::string name;  // below /proc/sys
    std::string before, ours;
};
template <class A>
void fields(A& a, SavedSetting& s) {
    a(s.name, s.before, s.ours);
}

struct VrrpStatus {
    std::uint64_t generation = 0;
    vrrp::RouterSnapshot router;
    std::vector<std::vector<std::string>> addresses;  // per instance, as text with prefix
    std::vector<SavedSetting> saved_settings;
    std::vector<std::string> devices;    // VMACs and ipvlans that mainstay created
    std::uint64_t netlink_overruns = 0;  // notifications were lost, so links and addresses were reread
    std::uint64_t devices_remade = 0;    // after removal by another program
    std::uint64_t firewall_repairs = 0;  // after a change of rules by another program
};
template <class A, class Router, class Addresses>
void vrrp_fields(A& a, VrrpStatus& s, Router& router, Addresses& addresses) {
    a(s.generation, router, addresses, s.saved_settings, s.devices, s.netlink_overruns, s.devices_remade,
      s.firewall_repairs);
}
template <class A>
void fields(A& a, VrrpStatus& s) {
    vrrp_fields(a, s, s.router, s.addresses);
}

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
template <class F, class G>
struct VrrpStatusWith {
    VrrpStatus rest;
    RouterSnapshotWith<F> router;
    OneByOne<G> addresses;
};
template <class F, class G>
void fields(Encoder& a, VrrpStatusWith<F, G>& s) {
    vrrp_fields(a, s.rest, s.router, s.addresses);
}

// Whether the next process may resume from it: a compromised writer may have left invalid states and intervals.
[[nodiscard]] inline bool makes_sense(const VrrpStatus& s) {
    constexpr Micros kIntervalMax{255'000'000};  // of an advert, RFC 3768; RFC 5798 has 40.95 s
    for (const auto& instance : s.router.instances)
        if (instance.state > vrrp::State::Fault || instance.master_interval < Micros{0} ||
            instance.master_interval > kIntervalMax)
            return false;
    for (const auto& group : s.router.groups)
        if (group.state > vrrp::State::Fault) return false;
    return true;
}

struct CheckStatus {
    std::string type;    // TCP_CHECK
    std::string target;  // "10.0.0.11:80"
    bool up = true;
    bool has_run = false;
    std::uint32_t failures_in_row = 0;
    std::string last_result;  // for people: "connected", "connection refused", "timed out after 3 s"
    WallTime last_run;
    Micros last_duration{0};
    std::optional<std::int64_t> weight;  // requested by a dynamic check
};
template <class A>
void fields(A& a, CheckStatus& s) {
    a(s.type, s.target, s.up);
    if (!goes_on(a, s.has_run || s.failures_in_row != 0 || !s.last_result.empty() || s.last_run != WallTime{} ||
                        s.last_duration != Micros{0} || s.weight))
        return;
    a(s.has_run, s.failures_in_row, s.last_result, s.last_run, s.last_duration, s.weight);
}

struct LeaveStatus {
    WallTime until;
    std::optional<std::uint64_t> connections;  // as counted last
    bool over = false;
};
template <class A>
void fields(A& a, LeaveStatus& s) {
    a(s.until, s.connections, s.over);
}

struct ServerStatus {
    std::string name;  // "[10.0.0.11]:tcp:80"
    Endpoint endpoint;
    std::string forwarding;  // NAT DR TUN
    std::int64_t weight = 1;
    bool alive = true;
    bool in_table = false;
    WallTime since;
    std::vector<CheckStatus> checks;
    std::int32_t weight_in_table = 0;
    std::string note;                     // for people: why its state differs from checks and configuration
    bool kept = false;                    // kept up by min_alive
    std::optional<WallTime> grows_since;  // slow_start
    std::optional<LeaveStatus> leave;     // drained or disabled, with a drain_timeout
};
template <class A>
void fields(A& a, ServerStatus& s) {
    a(s.name, s.endpoint, s.forwarding, s.weight, s.alive, s.in_table, s.since, s.checks, s.weight_in_table);
    if (!goes_on(a, !s.note.empty() || s.kept || s.grows_since || s.leave)) return;
    a(s.note, s.kept, s.grows_since, s.leave);
}

struct LeavingStatus {  // no longer configured, but still has connections
    std::string name;
    std::string server;  // config::RealServer, encoded
    LeaveStatus leave;
};
template <class A>
void fields(A& a, LeavingStatus& s) {
    a(s.name, s.server, s.leave);
}

struct ServiceStatus {
    std::string name;  // "[10.0.0.1]:tcp:80"
    netlink::IpvsServiceKey key;
    std::string scheduler;
    bool quorum_up = false;
    bool sorry_in_use = false;
    std::string sorry_server;
    std::vector<ServerStatus> servers;
    std::vector<LeavingStatus> leaving;
    std::string group;                                // virtual_server_group; `key` then has no address
    std::vector<netlink::IpvsServiceKey> group_keys;  // with a group: its services in the kernel
};
template <class A>
void fields(A& a, ServiceStatus& s) {
    a(s.name, s.key, s.scheduler, s.quorum_up, s.sorry_in_use, s.sorry_server, s.servers, s.leaving, s.group,
      s.group_keys);
}

struct OverrideStatus {  // an operator's override of a server, whether it is configured or not
    std::string service;
    Endpoint server;
    std::uint8_t hold = 0;  // lvs::Hold
    std::int64_t weight = 0;
    WallTime since;
    std::string by;
    std::string text;  // "drained"
    bool expires_persistence = false;
};
template <class A>
void fields(A& a, OverrideStatus& s) {
    a(s.service, s.server, s.hold, s.weight, s.since, s.by, s.text, s.expires_persistence);
}

// The kernel's counters, for SNMP. For a group: the sum over its services.
struct ServerTraffic {
    netlink::IpvsStats stats;
    std::uint64_t active = 0, inactive = 0, persistent = 0;  // connections now
    bool operator==(const ServerTraffic&) const = default;
};
template <class A>
void fields(A& a, ServerTraffic& t) {
    a(t.stats, t.active, t.inactive, t.persistent);
}

struct ServiceTraffic {
    netlink::IpvsStats stats;
    std::vector<ServerTraffic> servers;  // in the order of ServiceStatus::servers
    ServerTraffic sorry_server;
    bool operator==(const ServiceTraffic&) const = default;
};
template <class A>
void fields(A& a, ServiceTraffic& t) {
    a(t.stats, t.servers, t.sorry_server);
}

struct LvsStatus {
    std::uint64_t generation = 0;
    bool ipvs_available = false;
    std::string ipvs_problem;  // for people: which module or right is missing
    std::uint64_t operations = 0, operation_failures = 0, repairs = 0;
    std::vector<ServiceStatus> services;
    std::vector<OverrideStatus> overrides;
    std::uint64_t lines_left_out = 0;                        // log lines omitted because there were too many at a time
    std::optional<netlink::IpvsTimeouts> original_timeouts;  // to be restored at the stop
    std::optional<std::vector<ServiceTraffic>> traffic;  // in the order of `services`; only with enable_snmp_checker
    std::optional<bool> original_expiry;                 // net.ipv4.vs.expire_quiescent_template, to be restored
};
template <class A, class Services>
void lvs_fields(A& a, LvsStatus& s, Services& services) {
    a(s.generation, s.ipvs_available, s.ipvs_problem, s.operations, s.operation_failures, s.repairs, services,
      s.overrides, s.lines_left_out, s.original_timeouts, s.traffic, s.original_expiry);
}
template <class A>
void fields(A& a, LvsStatus& s) {
    lvs_fields(a, s, s.services);
}

// The same encoding, with services produced one by one while it is written.
template <class F>
struct LvsStatusWith {
    LvsStatus rest;
    OneByOne<F> services;
};
template <class F>
void fields(Encoder& a, LvsStatusWith<F>& s) {
    lvs_fields(a, s.rest, s.services);
}

struct ObserverStatus {  // the observer's own block: its position in each role's event ring
    std::uint64_t vrrp_acknowledged = 0, lvs_acknowledged = 0;
    std::uint64_t mails_queued = 0, mails_sent = 0, mails_failed = 0;
    // The counters of each instance when the dumps' statistics were last cleared (SIGRTMAX-1).
    std::vector<std::string> cleared_instances;
    std::vector<vrrp::Counters> cleared_counters;
};
template <class A>
void fields(A& a, ObserverStatus& s) {
    a(s.vrrp_acknowledged, s.lvs_acknowledged, s.mails_queued, s.mails_sent, s.mails_failed, s.cleared_instances,
      s.cleared_counters);
}

}  // namespace mainstay::ipc
