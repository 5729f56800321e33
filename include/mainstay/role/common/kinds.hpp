// One row for each kind of process: all that sets one apart from the others outside its own folder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "mainstay/config/model.hpp"

namespace mainstay::role {

enum class Kind : std::uint8_t { Supervisor, Vrrp, Lvs, Observer, Bfd, Snmp };
inline constexpr std::array kRoleKinds{Kind::Vrrp, Kind::Lvs, Kind::Observer, Kind::Bfd, Kind::Snmp};
inline constexpr std::size_t kRoles = kRoleKinds.size();  // all but the supervisor

struct KindTraits {
    // -- names
    const char* label = "";    // of its process, in the log
    const char* program = "";  // the executable, without its folder
    const char* account = "";  // that it runs as (packaging/sysusers.d)
    const char* keepalived_ident = "";
    const char* pid_file = "";
    const char* keepalived_pid_file = "";

    // -- its process options in global_defs; no prefix: it has none
    const char* option_prefix = nullptr;                         // of the keywords: "checker" of checker_priority
    const char* process_names = nullptr;                         // its name with process_names
    const char* old_name_option = nullptr;                       // a keyword for its name that the prefix's own beats
    std::optional<int> config::Global::* rt_priority = nullptr;  // null: by its keyword

    // -- what it is to the supervisor
    bool only_watches = false;       // addresses and services do not hang on its life: it watches the others, and tells
    bool always_runs = false;        // whatever the configuration has for it
    bool makes_dumps = false;        // of what the others have in their state blocks
    bool is_optional = false;        // may not be installed, and ends by itself when there is nobody to talk to
    bool has_spare = false;          // for the others, nobody waits milliseconds
    bool needs_snmp_socket = false;  // of the configuration, beside that of the command line
    bool works_on_ipvs = false;      // inherits the namespace of net_namespace_ipvs
    bool waits_for_files = false;    // its first Commit: until the tracked files have been looked at
    bool hears_observations = true;  // of the watcher

    // -- how its process lives
    bool speaks_in_time = false;    // others stop to believe that it lives: it runs in short slices
    bool has_many_servers = false;  // tens of thousands: their memory, their log lines in batches, its own copy alone
    bool is_short_of_time = false;  // does not stop to give memory back
    bool logs_reloads = false;      // keepalived's line of these processes, beside the one of the first
};
[[nodiscard]] const KindTraits& traits_of(Kind kind);

}  // namespace mainstay::role
