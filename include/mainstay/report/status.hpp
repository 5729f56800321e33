// What the roles publish of themselves, the parts of the state document (document.hpp). In the roles' state blocks it
// is enough to resume after a crash. How it is encoded there is ipc's (ipc/status.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/base/histogram.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/bfd/facts.hpp"
#include "mainstay/netlink/ipvs_types.hpp"
#include "mainstay/vrrp/facts.hpp"
#include "mainstay/vrrp/track.hpp"

namespace mainstay::report {

// How long health checks take and how they end, for each type of check.

// The order and the values are part of the state block: a change would mix old counts with new buckets.
inline constexpr std::array kCheckDurationBounds{
    Micros{1'000},     Micros{2'500},     Micros{5'000},     Micros{10'000},  Micros{25'000},
    Micros{50'000},    Micros{100'000},   Micros{250'000},   Micros{500'000}, Micros{1'000'000},
    Micros{2'500'000}, Micros{5'000'000}, Micros{10'000'000}};
using CheckDurations = Histogram<kCheckDurationBounds>;

struct CheckTypeStatus {
    std::string type;          // "TCP_CHECK"
    CheckDurations durations;  // of all runs, failed ones included
    std::uint64_t passed = 0, failed = 0, not_run = 0;
    bool operator==(const CheckTypeStatus&) const = default;
};

// A kernel setting that the role has changed and will restore.
struct SavedSetting {
    std::string name;  // below /proc/sys
    std::string before, ours;
};

// A device that the role keeps down, because it would do harm otherwise. Instances on it are in FAULT.
struct DeviceKeptDown {
    std::string name, reason;
};

// This director has stepped back: its instances have priority 1, and announced addresses are drained.
struct MaintenanceStatus {
    WallTime since;
    std::optional<WallTime> until;  // none: until an operator ends it
    std::string by;                 // "alice: uid 0 (login uid 1000), pid 4711"
    std::string reason;             // may be empty
    bool operator==(const MaintenanceStatus&) const = default;
};

struct Refused {           // an address or a route that the kernel did not set for a MASTER
    std::string instance;  // empty: static
    std::string what;      // "10.0.0.1/24", "route 10.0.0.0/8 via 10.1.1.1"
    std::string reason;
};

struct ScriptErrors {    // of a vrrp_script whose last run failed
    std::string script;  // its name
    std::string text;    // the end of what it wrote to stderr, on one line
};

struct SetValue {  // of an instance, over SNMP, since the last reload
    std::string instance;
    std::uint8_t what = 0;  // ipc::ControlRequest::What
    std::int64_t value = 0;
    bool operator==(const SetValue&) const = default;
};

struct VrrpStatus {
    std::uint64_t generation = 0;
    vrrp::RouterSnapshot router;
    std::vector<std::vector<std::string>> addresses;  // per instance, as text with prefix
    std::vector<SavedSetting> saved_settings;
    std::vector<std::string> devices;    // VMACs and ipvlans that mainstay created
    std::uint64_t netlink_overruns = 0;  // notifications were lost, so links and addresses were reread
    std::uint64_t devices_remade = 0;    // after removal by another program
    std::uint64_t firewall_repairs = 0;  // after a change of rules by another program
    std::optional<MaintenanceStatus> maintenance;
    std::vector<std::vector<vrrp::TrackedObject>> tracked;  // per instance; an older writer has none
    std::vector<DeviceKeptDown> kept_down;                  // an older writer has none
    // Beside the scripts' states, which are taken over and recorded: what a script writes may be a secret.
    std::vector<ScriptErrors> script_errors;
    std::vector<Refused> refused_addresses;  // an older writer has none
    std::vector<Refused> refused_routes;     // and rules; an older writer has none
    std::vector<SetValue> set;               // in this order; an older writer has none
};

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
    std::string script;                  // MISC_CHECK: its path, without arguments
    std::string errors;                  // and, when its last run failed, the end of what it wrote to stderr
};

struct LeaveStatus {
    WallTime until;
    std::optional<std::uint64_t> connections;  // as counted last
    bool over = false;
};

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

struct LeavingStatus {  // no longer configured, but still has connections
    std::string name;
    std::string server;  // config::RealServer, encoded
    LeaveStatus leave;
};

// The kernel's mh table of an active_active service. With a group: of all its addresses together.
struct MhTableStatus {
    std::uint64_t digest = 0, wanted_digest = 0;  // different while a repair waits for the withdrawal of the address
    std::uint32_t slots = 0;
    bool slots_assumed = false;  // the kernel's boot configuration does not say
    bool operator==(const MhTableStatus&) const = default;
};

[[nodiscard]] std::string digest_text(std::uint64_t digest);  // 16 hexadecimal digits

// A setting below net.ipv4.vs as it was, to be restored.
struct OriginalSysctl {
    std::string name;
    int value = 0;
};

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
    std::int64_t quorum = 0, hysteresis = 0;          // in use; an older writer says 0
    std::optional<MhTableStatus> mh_table;            // of an active_active one that is in the kernel
    bool suspended = false;  // ha_suspend: none of its addresses is on this host, so its checks do not run
};

struct OverrideStatus {  // an operator's override of a server, whether it is configured or not
    std::string service;
    Endpoint server;
    std::uint8_t hold = 0;  // lvs::Hold
    std::int64_t weight = 0;
    WallTime since;
    std::string by;
    std::string text;  // "drained"
    bool expires_persistence = false;
    std::optional<WallTime> until;  // when it ends by itself; an older writer says none
    std::string reason;             // the operator's; may be empty
};

// The kernel's counters, for SNMP. For a group: the sum over its services.
struct ServerTraffic {
    netlink::IpvsStats stats;
    std::uint64_t active = 0, inactive = 0, persistent = 0;  // connections now
    bool operator==(const ServerTraffic&) const = default;
};

struct ServiceTraffic {
    netlink::IpvsStats stats;
    std::vector<ServerTraffic> servers;  // in the order of ServiceStatus::servers
    ServerTraffic sorry_server;
    bool operator==(const ServiceTraffic&) const = default;
};

// An address of a virtual server that a routing daemon announces.
struct AnnouncedStatus {
    IpAddress address;
    std::string interface, drain_interface;
    std::string state;        // "announced", "draining" (on the drain interface) or "withdrawn"
    std::string reason;       // why it is withdrawn, or what the kernel refused; may be empty
    WallTime since;           // of the state
    bool on_purpose = false;  // withdrawn because of the configuration or of maintenance; an older writer has none
    bool operator==(const AnnouncedStatus&) const = default;
};

// A source of real servers: a file or DNS.
struct DiscoveredStatus {
    std::string source;                 // "/etc/mainstay/web.json", "web.example.org"
    std::vector<std::string> services;  // "[10.0.0.1]:tcp:80"
    std::uint64_t servers = 0;          // in force
    std::string held;                   // why its last answer is held; empty: it is not
    std::uint64_t held_servers = 0;     // of that answer
    std::optional<WallTime> held_since;
    std::string problem;                  // why it has no answer now; empty: it has one
    std::optional<WallTime> last_good;    // none: it never had a good answer
    std::uint64_t errors = 0, holds = 0;  // of this process
    bool operator==(const DiscoveredStatus&) const = default;
};

struct LvsStatus {
    std::uint64_t generation = 0;
    bool ipvs_available = false;
    std::string ipvs_problem;  // for people: which module or right is missing
    std::uint64_t operations = 0, operation_failures = 0, repairs = 0;
    std::vector<ServiceStatus> services;
    std::vector<OverrideStatus> overrides;
    std::uint64_t lines_left_out = 0;                        // log lines omitted because there were too many at a time
    std::optional<netlink::IpvsTimeouts> original_timeouts;  // to be restored at the stop
    // In the order of `services`; read only with enable_snmp_checker and while metrics are collected.
    std::optional<std::vector<ServiceTraffic>> traffic;
    std::optional<bool> original_expiry;       // net.ipv4.vs.expire_quiescent_template, to be restored
    std::vector<CheckTypeStatus> check_types;  // of the types that have run
    std::optional<Instant> oldest_check;       // when the oldest check that has not ended was due
    std::vector<AnnouncedStatus> announced;    // sorted by address
    std::vector<OriginalSysctl> original_sysctls;
    std::vector<DiscoveredStatus> discovered;  // sorted by source
    bool stopped = false;                      // the daemon's stop: the services are as they were when it began
    std::optional<MaintenanceStatus> maintenance;
};

struct BfdStatus {
    std::uint64_t generation = 0;
    bfd::SessionsSnapshot sessions;
};

}  // namespace mainstay::report
