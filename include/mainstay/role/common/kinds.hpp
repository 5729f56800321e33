// One row for each kind of process: everything in which it differs from the others, outside its own folder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/config/keywords.hpp"

namespace mainstay::role {

enum class Kind : std::uint8_t { Supervisor, Vrrp, Lvs, Observer, Bfd, Snmp };
inline constexpr std::array kRoleKinds{Kind::Vrrp, Kind::Lvs, Kind::Observer, Kind::Bfd, Kind::Snmp};
inline constexpr std::size_t kRoles = kRoleKinds.size();  // all but the supervisor

struct KindTraits {
    // -- names
    const char* label = "";     // of its process, in the log
    const char* sentence = "";  // the same within a sentence: "the VRRP process"
    const char* program = "";   // the executable, without its folder
    const char* account = "";   // the account it runs as (packaging/sysusers.d)
    const char* keepalived_ident = "";
    LogModule log_module = LogModule::Supervisor;  // with whose level it logs
    const char* pid_file = "";
    const char* keepalived_pid_file = nullptr;  // null: keepalived has no such process; then as `pid_file`

    // -- its process options
    const config::ProcessKeywords* keywords = nullptr;  // of global_defs; null: it has none
    const char* process_names = nullptr;                // its name with process_names

    // -- how the supervisor treats it
    alert::Requester requester = alert::Requester::Nobody;  // whose scripts and FIFO lines it may ask for
    bool only_watches = false;     // observes the other roles; addresses and services do not depend on it
    bool always_runs = false;      // even without any configuration for it
    bool makes_dumps = false;      // writes dump files from the other roles' state blocks
    bool holds_addresses = false;  // where it does not run, a process of its own releases them (yield)
    bool checks_servers = false;   // gets the lists of servers; its scripts without a queue are checks
    bool follows_maintenance = false;
    bool sends_alerts = false;       // gets the settings of mails, with their password, and of webhooks
    bool serves_clients = false;     // of the API; ends when it has nothing to do, and leaves its socket
    bool is_optional = false;        // may not be installed, and exits when it has no peer (an AgentX master)
    bool has_spare = false;          // has a standby process, because its restart must not take milliseconds
    bool needs_snmp_socket = false;  // gets snmp_socket from the configuration as well
    bool works_on_ipvs = false;      // inherits the namespace of net_namespace_ipvs
    bool waits_for_files = false;    // its first Commit waits for the first observation of tracked files
    bool hears_observations = true;  // gets the watcher's observations

    // -- how its process lives
    bool speaks_in_time = false;       // peers expect its packets in time: it runs with short scheduler slices
    bool has_many_servers = false;     // tens of thousands: tunes its memory, batches log lines
    bool is_short_of_time = false;     // does not take the time to return memory to the kernel
    bool logs_reloads = false;         // logs "Reloading", as the corresponding process of keepalived does
    bool has_record = false;           // a flight recorder
    bool shows_configuration = false;  // Runtime::running() has all but real servers; elsewhere global_defs alone
};
[[nodiscard]] const KindTraits& traits_of(Kind kind);

}  // namespace mainstay::role
