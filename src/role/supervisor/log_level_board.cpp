#include "log_level_board.hpp"

#include <fmt/format.h>

#include <optional>

namespace mainstay::role {
namespace {

Result<std::optional<LogModule>> module_named(const std::string& name) {
    if (name.empty()) return std::nullopt;
    if (const auto module = log_module_of(name)) return module;
    std::string all;
    for (const LogModule one : kLogModules) all += fmt::format("{}{}", all.empty() ? "" : ", ", to_string(one));
    return fail(Errc::Invalid, fmt::format("\"{}\" is no module: there are {}", name, all));
}

}  // namespace

Result<std::string> LogLevelBoard::set(const std::string& module, const std::string& level) {
    const auto which = module_named(module);
    if (!which) return error_of(which);
    const auto wanted = level == "default" ? std::optional{usual_} : log_level_of(level);
    if (!wanted)
        return fail(
            Errc::Invalid,
            fmt::format("\"{}\" is no level: there are debug, info, notice, warning, error and default", level));
    std::string changes;
    for (const LogModule one : kLogModules) {
        auto& now = levels_.at(static_cast<std::size_t>(one));
        if ((*which && **which != one) || now == *wanted) continue;
        changes += fmt::format("{}{}: {} -> {}", changes.empty() ? "" : ", ", to_string(one), to_string(now),
                               to_string(*wanted));
        now = *wanted;
    }
    return changes;
}

Result<std::string> LogLevelBoard::text(const std::string& module) const {
    const auto which = module_named(module);
    if (!which) return error_of(which);
    std::string text;
    for (const LogModule one : kLogModules) {
        if (*which && **which != one) continue;
        text += fmt::format("{:<10} {}{}\n", to_string(one), to_string(of(one)),
                            of(one) == usual_ ? "" : fmt::format(" (default: {})", to_string(usual_)));
    }
    return text;
}

void LogLevelBoard::adopt(const LogLevels& levels) {
    for (const LogModule one : kLogModules) levels_.at(static_cast<std::size_t>(one)) = level_of(levels, one, usual_);
}

}  // namespace mainstay::role
