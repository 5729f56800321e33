// Which variables of the daemon's environment its scripts get. Names only: nothing here looks at values.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mainstay {

// Why [scripts] pass_environment cannot hold this name, or pattern with *; null: it can.
[[nodiscard]] const char* fault_of_passed_variable(std::string_view pattern);

// Whether scripts get the variable: PATH, HOME, TZ and the locale always, others if a pattern names them. What decides
// which program runs, or what it loads, they do not get whatever a pattern says; nor what the service manager has for
// the daemon alone.
[[nodiscard]] bool scripts_get(std::string_view name, std::span<const std::string> patterns);

// The names among "NAME=value" entries that somebody set for this daemon and its scripts do not get, sorted. Those that
// a service manager, a shell or a container's runtime always sets are left out.
[[nodiscard]] std::vector<std::string> withheld_variables(std::span<const std::string_view> entries,
                                                          std::span<const std::string> patterns);
// The same of the text of /proc/PID/environ.
[[nodiscard]] std::vector<std::string> withheld_variables(std::string_view environ_file,
                                                          std::span<const std::string> patterns);

// "A, B and 3 more": a few of them, for a line.
[[nodiscard]] std::string listed_variables(const std::vector<std::string>& names);

}  // namespace mainstay
