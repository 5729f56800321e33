// What an operator selects of what waits in a spool, and the lines that say what became of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/log.hpp"

namespace mainstay::alert {

inline constexpr std::size_t kSelectedNamedInLogMax = 20;

struct Selection {
    std::vector<std::string> ids;
    bool all = false;  // then there are no ids
    std::string by;    // for the log
};

// "mail retry by uid 0: LINE"; beyond kSelectedNamedInLogMax only how many there are more. `what`: "mail retry".
void log_selected(Log& log, std::string_view what, const std::string& by, const std::vector<std::string>& lines);

}  // namespace mainstay::alert
