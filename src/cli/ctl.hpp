// The subcommands of mainstayctl. Each prints on stdout, complains on stderr, and returns the exit code.
#pragma once

#include <string>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::cli {

inline constexpr const char* kControlSocket = "/run/mainstay/control.sock";
inline constexpr int kNotRunning = 3;

[[nodiscard]] int ctl_status(const std::string& socket, bool as_json);
struct CheckOptions {
    bool as_json = false;  // one array of diagnostics, nothing else
    bool strict = false;   // warnings count as errors
};
[[nodiscard]] int ctl_config_check(const std::vector<std::string>& files, const CheckOptions& options);
[[nodiscard]] int ctl_config_explain(const std::vector<std::string>& keywords);
// Everything about all keywords; `head` is a file that is printed first, unless it is empty.
[[nodiscard]] int ctl_config_reference(bool as_man_page, const std::string& head);
[[nodiscard]] int ctl_config_pair(const std::string& first, const std::string& second);
[[nodiscard]] int ctl_config_print(const std::string& file);
[[nodiscard]] int ctl_ipvs(bool stats);
[[nodiscard]] int ctl_doctor(const std::string& file, const std::string& socket, bool as_json);

// GET over the daemon's socket, with a deadline. Errc::NotFound: nobody listens there. Errc::Permission: the answer
// was 403, or the socket may not be opened.
[[nodiscard]] Result<std::string> ask_daemon(const std::string& socket, const std::string& target);

}  // namespace mainstay::cli
