#include "mainstay/alert/selection.hpp"

#include <ranges>

namespace mainstay::alert {

void log_selected(Log& log, std::string_view what, const std::string& by, const std::vector<std::string>& lines) {
    for (const auto& line : lines | std::views::take(kSelectedNamedInLogMax))
        log.notice("{} by {}: {}", what, by, line);
    if (lines.size() > kSelectedNamedInLogMax)
        log.notice("{} by {}: and {} more", what, by, lines.size() - kSelectedNamedInLogMax);
}

}  // namespace mainstay::alert
