// The subcommands of mainstayctl. Each prints on stdout, complains on stderr, and returns the exit code.
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
    bool as_json = false;  // one array of diagnostics, nothing else
    bool strict = false;   // warnings count as errors
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
// What a reload from one file to the other would do. Exit 0: nothing, 1: something, 2: one of them cannot run.
[[nodiscard]] int ctl_config_diff(const std::string& before, const std::string& after, bool as_json);
// What a reload of the running daemon would do, told by the daemon: from what it runs to what is on disk now. Exit 0:
// nothing, 1: something, 2: it would be refused, 3: no daemon answers, 4: not allowed. `socket` is the control socket;
// the supervisor's is beside it.
[[nodiscard]] int ctl_reload_dry_run(const std::string& socket, bool as_json);
[[nodiscard]] int ctl_reload(const std::string& socket, bool force, bool as_json);
// The same from the file that the daemon would read to another one, on this host; without the daemon.
[[nodiscard]] int ctl_reload_dry_run_to(const std::string& file, bool as_json);
// The daemon becomes `program` (empty: its own, as it lies on disk now), and everything goes on. Exit 0: done, 2: refused
// or not all of it, 3 and 4 as above.
[[nodiscard]] int ctl_upgrade(const std::string& socket, const std::string& program);
// An operator's word on servers, done by the running daemon and kept until it is withdrawn. Exit 0: done, or in a dry run
// nothing would change; 1: in a dry run, something would; 2: refused; 3 and 4 as above.
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

// The file that the daemon would read; empty: there is none.
[[nodiscard]] std::string configuration_in_use();
// GET over the daemon's socket, with a deadline. Errc::NotFound: nobody listens there. Errc::Permission: the answer
// was 403, or the socket may not be opened.
[[nodiscard]] Result<std::string> ask_daemon(const std::string& socket, const std::string& target);

}  // namespace mainstay::cli
