// The supervisor: starts, monitors and restarts the roles, runs scripts, handles signals, reloads in two phases.
//
// It is small, single-threaded and parses no configuration: the reader does that, and the roles decide. It owns the
// shared memory that outlives a crashed role.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mainstay/base/log.hpp"
#include "mainstay/role/common/identity.hpp"

namespace mainstay::role {

struct SupervisorOptions {
    Identity identity;
    std::string config_path;
    std::string config_id;  // -i
    std::string run_directory = kRunDirectory;
    std::string spool_directory = "/var/spool/mainstay";
    std::string state_directory = "/var/lib/mainstay";  // root's, unlike the others
    std::string shared_account;                         // --shared-account: of all roles; empty: one for each
    bool run_vrrp = true, run_lvs = true;               // -P, -C
    bool run_bfd = true;                                // -B
    bool respawn = true;                                // -R
    bool keep_addresses = false;                        // -V
    bool keep_ipvs = false;                             // -I
    std::string log_socket = "/dev/log";                // syslog's, or journald's with log_journal; empty: none
    bool log_journal = false;                           // --log-journal
    bool log_json = false;                              // --log-json: JSON lines on stdout
    int log_facility = 3;
    bool log_console = false;
    LogLevel log_level = LogLevel::Info;
    std::string settings_path = "/etc/mainstay/mainstay.toml";  // need not exist
    bool all_include_checks = false;                            // -e
    std::string net_namespace;                                  // -s; overrides the configuration's
    bool umask_given = false;                                   // -u; overrides the configuration's
    std::function<void(const std::string&)> set_log_ident;      // called if the configuration sets an instance name
    std::function<void(LogLevel)> set_log_level;                // called when an operator sets that of the supervisor
    std::function<void()> flush_log;                            // called once a second: lines may wait for a reader
    std::function<std::uint64_t()> log_lines_lost;              // by the supervisor's own log
    // Called before another program is executed in this place, and after it was not: it is to find stderr and stdout as
    // they were.
    std::function<void()> give_log_files_back, take_log_files;
    // Called once, except after an upgrade: when the first configuration runs, with 0 and no text; when the daemon ends
    // before that, with its exit code and the reason.
    std::function<void(int exit_code, const std::string& why)> report_start;
    std::vector<std::string> arguments;             // the command line, for the new program of an upgrade
    int hand_over = -1;                             // after an upgrade, the descriptor of the ipc::HandOver; -1: none
    bool snmp = false;                              // -x
    std::string snmp_socket;                        // -A
    bool adopt = false;                             // --takeover: of the processes of the first start
    bool strict = false;                            // --strict: a configuration with a warning is refused
    std::array<std::string, kRoles + 1> pid_files;  // by Kind: -p, -r, -c, -b; empty: the identity's

    [[nodiscard]] std::string& pid_file(Kind kind) { return pid_files[static_cast<std::size_t>(kind)]; }
    [[nodiscard]] const std::string& pid_file(Kind kind) const { return pid_files[static_cast<std::size_t>(kind)]; }
};

// Runs until the daemon has stopped. Returns its exit code: 0, or keepalived's 1 fatal, 2 configuration, 4 permission,
// 6 no configuration; 3: another daemon has its pid file or folder (under keepalived's name 0, as there).
[[nodiscard]] int run_supervisor(const SupervisorOptions& options, Log& log);

// Finds the programs of the roles.

// The path of that program: in the folder of `supervisor` (the path of mainstayd) if it is there, as in a build folder,
// else in libexecdir. It need not exist.
[[nodiscard]] std::string program_path(const std::string& supervisor, const std::string& name);

// The trial of an upgrade: the new program, in a child of the running daemon, loads the configuration and the state
// blocks as its roles would, reports whether it can continue from them, and exits. It changes nothing.

[[nodiscard]] int run_upgrade_trial();

}  // namespace mainstay::role
