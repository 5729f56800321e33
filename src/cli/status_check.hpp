// The health of the director in one line, for Nagios and its kin. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::cli {

inline constexpr int kCheckOk = 0, kCheckWarning = 1, kCheckCritical = 2, kCheckUnknown = 3;

struct CheckResult {
    int exit_code = kCheckUnknown;
    std::string line;  // "MAINSTAY OK - ... | ...", with a newline
};

// CRITICAL or WARNING: by the daemon's list of problems (report/problems.hpp). `names` are as for status_tables();
// UNKNOWN: nothing is named like that, or the text is no status document with such a list.
[[nodiscard]] CheckResult check_status(std::string_view answer, const std::vector<std::string>& names);
// The same line for a daemon that does not answer.
[[nodiscard]] CheckResult check_failed(const Error& error);

}  // namespace mainstay::cli
