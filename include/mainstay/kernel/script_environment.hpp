// The environment of scripts.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mainstay::kernel {

// The PATH of scripts if the daemon's environment has none.
inline constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// Selects from "NAME=value" entries, as in environ(7), those that scripts get: PATH, HOME, TZ, the locale,
// and what the patterns of [scripts] pass_environment name (base/script_variables.hpp). The others come from the
// service manager or an administrator's shell and may contain passwords. The result always has a PATH.
[[nodiscard]] std::vector<std::string> script_environment(const char* const* entries,
                                                          std::span<const std::string> patterns = {});
// The names of this program's own variables that its scripts do not get (withheld_variables()).
[[nodiscard]] std::vector<std::string> withheld_from_scripts(std::span<const std::string> patterns);

}  // namespace mainstay::kernel
