// The names under which the daemon appears: its own, or keepalived's when it is run under that name (the compat
// package). Idents, process names and pid files follow from it.
#pragma once

#include <string>
#include <string_view>

#include "kinds.hpp"

namespace mainstay::role {

// Accounts and executables of the processes that are not roles.
inline constexpr const char* kWatcherAccount = "mainstay-track";
inline constexpr const char* kReaderAccount = "mainstay-read";
inline constexpr const char* kReaderProgram = "mainstayd-read";
inline constexpr const char* kWatcherProgram = "mainstayd-track";

// The sockets in a daemon's run folder: that of the API, and that of the supervisor for mainstayctl of root.
inline constexpr const char* kRunDirectory = "/run/mainstay";
inline constexpr std::string_view kApiSocket = "control.sock", kSupervisorSocket = "supervisor.sock";

// The exit status with which the SNMP process asks to be restarted after kSnmpPause.
inline constexpr int kSnmpAgain = 75;

// The version of keepalived with which mainstay is compatible.
inline constexpr std::string_view kKeepalivedVersion = "2.4.3";

struct Identity {
    bool keepalived = false;

    [[nodiscard]] std::string program() const { return keepalived ? "Keepalived" : "mainstay"; }
    // "mainstay v0.1.0", or "Keepalived v2.4.3 (mainstay v0.1.0)".
    [[nodiscard]] std::string program_and_version(const std::string& version) const;
    [[nodiscard]] std::string log_ident(Kind kind) const;
    [[nodiscard]] std::string process_name(Kind kind) const;  // at most 15 bytes
    [[nodiscard]] std::string pid_file(Kind kind, const std::string& run_directory) const;
};

// The part of a daemon's name that follows from its pid file (-p), so that daemons with different ones have folders of
// their own: the file's name and a hash of its path. Empty for an empty path and for the pid file of a daemon without
// -p.
[[nodiscard]] std::string name_of_pid_file(const std::string& path);
// Whether the daemon's name is `name` and then such a part.
[[nodiscard]] bool follows_from_pid_file(std::string_view daemon, std::string_view name);
// `text` as the name of one folder: whole if it can be one, else what can be kept of it and a hash.
[[nodiscard]] std::string folder_name(const std::string& text);

// From argv[0]: the base name "keepalived" selects keepalived's identity.
[[nodiscard]] Identity identity_of(std::string_view argv0);

}  // namespace mainstay::role
