// What scripts run as, with which environment, and whether accounts other than root may modify them.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/config/model.hpp"
#include "process.hpp"

namespace mainstay::kernel {

// The account that runs a script: its own `user`, else the global script_user, else keepalived_script where that
// account exists, else root (keepalived's order). `find`: who asks for many scripts may remember what find_account()
// says.
using FindAccount = std::function<Result<Account>(std::string_view user, std::string_view group)>;
[[nodiscard]] Result<Account> script_account(const config::Command& command, const config::Global& global,
                                             const FindAccount& find = find_account);

// The environment of scripts.

// The PATH of scripts if the daemon's environment has none.
inline constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Selects from "NAME=value" entries, as in environ(7), those that scripts get: PATH, HOME, TZ, the locale,
// and what the patterns of [scripts] pass_environment name (base/script_variables.hpp). The others come from the
// service manager or an administrator's shell and may contain passwords. The result always has a PATH.
[[nodiscard]] std::vector<std::string> script_environment(const char* const* entries,
                                                          std::span<const std::string> patterns = {});
// The names of this program's own variables that its scripts do not get (withheld_variables()).
[[nodiscard]] std::vector<std::string> withheld_from_scripts(std::span<const std::string> patterns);

// Whether accounts other than root may modify a script that runs as root. Checked when the configuration is read and
// again before each run, because owner and mode may have changed.

// Of what symbolic links lead to; empty: it does not exist, or the caller may not look at it.
[[nodiscard]] std::optional<struct stat> stat_of(const std::string& path);
// True when an account other than root may modify or replace a path of these facts. A sticky folder (/tmp) protects the
// files in it, so its write permission for others is ignored.
[[nodiscard]] bool changeable_by_others(const struct stat& facts);
// The path without symbolic links; unchanged if it does not exist.
[[nodiscard]] std::string real_path(const std::string& path);
// `path` must be free of symbolic links. True if the script runs as root (`account`, or setuid) and the file or a
// folder above it belongs to another account or is writable by one. False for a missing file.
[[nodiscard]] bool insecure_script(const std::string& path, const Account& account);

}  // namespace mainstay::kernel
