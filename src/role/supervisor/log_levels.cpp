// mainstayctl loglevel: the levels are the supervisor's, because they outlive the roles; every process gets all of
// them.
#include "log_levels.hpp"

#include <fmt/format.h>

#include <optional>

#include "operators.hpp"

namespace mainstay::role {

void Operators::carry_out(const ipc::LogLevelQuestion& question) {
    const auto request = question.request;
    if (!question.level.empty()) {
        const auto changes = daemon_.log_levels.set(question.module, question.level);
        if (!changes) return waiting_.refuse(request, changes.error().text());
        if (!changes->empty()) {
            // The line is logged at whichever of the two levels shows it.
            const bool shows_more = daemon_.log_levels.of(LogModule::Supervisor) >= LogLevel::Notice;
            if (shows_more) spread_log_levels();
            log_.notice("log levels changed until the daemon restarts ({}): {}", one_line(question.by), *changes);
            if (!shows_more) spread_log_levels();
        }
    }
    const auto text = daemon_.log_levels.text(question.module);
    if (!text) return waiting_.refuse(request, text.error().text());
    waiting_.answer_text(request, 0, *text);
}

void Operators::spread_log_levels() {
    if (options_.set_log_level) options_.set_log_level(daemon_.log_levels.of(LogModule::Supervisor));
    children_.order_log_levels();
    handlers_.log_levels_changed();
}

namespace {

Result<std::optional<LogModule>> module_named(const std::string& name) {
    if (name.empty()) return std::nullopt;
    if (const auto module = log_module_of(name)) return module;
    std::string all;
    for (const LogModule one : kLogModules) all += fmt::format("{}{}", all.empty() ? "" : ", ", to_string(one));
    return fail(Errc::Invalid, fmt::format("\"{}\" is no module: there are {}", name, all));
}

}  // namespace

Result<std::string> LogLevelState::set(const std::string& module, const std::string& level) {
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

Result<std::string> LogLevelState::text(const std::string& module) const {
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

void LogLevelState::adopt(const LogLevels& levels) {
    for (const LogModule one : kLogModules) levels_.at(static_cast<std::size_t>(one)) = level_of(levels, one, usual_);
}

}  // namespace mainstay::role
