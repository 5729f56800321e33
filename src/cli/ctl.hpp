// The subcommands of mainstayctl. Each prints to stdout, reports errors on stderr, and returns the exit code.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::cli {

inline constexpr const char* kControlSocket = "/run/mainstay/control.sock";
inline constexpr int kNotRunning = 3, kNotAllowed = 4;

[[nodiscard]] int ctl_status(const std::string& socket, bool as_json);
struct CheckOptions {
    bool as_json = false;   // one array of diagnostics, nothing else
    bool strict = false;    // warnings count as errors
    std::string config_id;  // as mainstayd -i; empty: the host's name
};
[[nodiscard]] int ctl_config_check(const std::vector<std::string>& files, const CheckOptions& options);
[[nodiscard]] int ctl_config_explain(const std::vector<std::string>& keywords);
// Everything about all keywords; `head` is a file that is printed first, unless it is empty.
enum class ReferenceForm : std::uint8_t { Markdown, Man, TomlMan, List };
[[nodiscard]] int ctl_config_reference(ReferenceForm form, const std::string& head);
// The JSON Schema of the TOML form.
[[nodiscard]] int ctl_config_schema();
[[nodiscard]] int ctl_config_pair(const std::string& first, const std::string& second);
[[nodiscard]] int ctl_config_print(const std::string& file);
// keepalived.conf to TOML, or back, by the file's name. Exit 0: all of it, 1: not all, 2: nothing is printed.
[[nodiscard]] int ctl_config_convert(const std::string& file);
// Shows what a reload from one file to the other would change. Exit 0: nothing, 1: something, 2: one of them cannot
// run.
[[nodiscard]] int ctl_config_diff(const std::string& before, const std::string& after, bool as_json);
// Asks the daemon what a reload would change: from its running configuration to the files on disk. Exit 0: nothing,
// 1: something, 2: it would be refused, 3: no daemon answers, 4: not allowed. `socket` is the control socket; the
// supervisor's is beside it.
[[nodiscard]] int ctl_reload_dry_run(const std::string& socket, bool as_json);
[[nodiscard]] int ctl_reload(const std::string& socket, bool force, bool as_json);
// Compares the file that the daemon would read with another one, on this host and without the daemon.
[[nodiscard]] int ctl_reload_dry_run_to(const std::string& file, bool as_json);
// Replaces the daemon with `program` (empty: its own path on disk) and keeps its state. Exit 0: done, 2: refused
// or not all processes, 3 and 4 as above.
[[nodiscard]] int ctl_upgrade(const std::string& socket, const std::string& program);
// Sets or resets overrides of servers in the running daemon; they last until they are reset. Exit 0: done, or in a dry
// run nothing would change; 1: in a dry run, something would; 2: refused; 3 and 4 as above.
struct ServerOptions {
    std::string verb;  // show, drain, disable, enable, weight
    std::string which;
    std::int64_t weight = 0;
    bool dry_run = false;
    bool expire_persistence = false;  // with drain
};
[[nodiscard]] int ctl_servers(const std::string& socket, const ServerOptions& options);
[[nodiscard]] int ctl_ipvs(bool stats);
[[nodiscard]] int ctl_doctor(const std::string& file, const std::string& socket, bool as_json);

// Returns the file that the daemon would read; empty: there is none.
[[nodiscard]] std::string configuration_in_use();
// GET over the daemon's socket, with a timeout. Errc::NotFound: no daemon listens there. Errc::Permission: the answer
// was 403, or the socket may not be opened.
[[nodiscard]] Result<std::string> ask_daemon(const std::string& socket, const std::string& target);

}  // namespace mainstay::cli
