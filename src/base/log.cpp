#include "mainstay/base/log.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

namespace mainstay {

std::string_view to_string(LogLevel level) {
    switch (level) {
        case LogLevel::Error:
            return "error";
        case LogLevel::Warning:
            return "warning";
        case LogLevel::Notice:
            return "notice";
        case LogLevel::Info:
            return "info";
        case LogLevel::Debug:
            return "debug";
    }
    return "info";
}

void log_each(Log& log, LogLevel level, std::string_view prefix, const std::vector<std::string>& lines) {
    for (const auto& line : lines | std::views::take(kNamedInLogMax)) log.log(level, "{}: {}", prefix, line);
    if (lines.size() > kNamedInLogMax) log.log(level, "{}: and {} more", prefix, lines.size() - kNamedInLogMax);
}

namespace {

struct Name {
    std::string_view name;
    LogModule module;
};
// The module's own name comes first; the others are those of its process in `ps` and in the log.
constexpr Name kNames[] = {{"supervisor", LogModule::Supervisor},
                           {"mainstayd", LogModule::Supervisor},
                           {"config", LogModule::Config},
                           {"reader", LogModule::Config},
                           {"mainstayd-read", LogModule::Config},
                           {"vrrp", LogModule::Vrrp},
                           {"mainstayd-vrrp", LogModule::Vrrp},
                           {"lvs", LogModule::Lvs},
                           {"healthcheck", LogModule::Lvs},
                           {"checker", LogModule::Lvs},
                           {"mainstayd-lvs", LogModule::Lvs},
                           {"bfd", LogModule::Bfd},
                           {"mainstayd-bfd", LogModule::Bfd},
                           {"track", LogModule::Track},
                           {"watcher", LogModule::Track},
                           {"mainstayd-track", LogModule::Track},
                           {"snmp", LogModule::Snmp},
                           {"mainstayd-snmp", LogModule::Snmp},
                           {"observer", LogModule::Observer},
                           {"mainstayd-obs", LogModule::Observer},
                           {"mail", LogModule::Mail},
                           {"webhook", LogModule::Webhook},
                           {"api", LogModule::Api}};

constexpr std::pair<std::string_view, LogLevel> kLevels[] = {
    {"error", LogLevel::Error},   {"err", LogLevel::Error}, {"warning", LogLevel::Warning}, {"warn", LogLevel::Warning},
    {"notice", LogLevel::Notice}, {"info", LogLevel::Info}, {"debug", LogLevel::Debug}};

bool is_same(std::string_view text, std::string_view lower) {
    const auto to_lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::equal(text, lower, {}, to_lower);
}

}  // namespace

std::string_view to_string(LogModule module) {
    const auto found = std::ranges::find(kNames, module, &Name::module);
    return found == std::end(kNames) ? std::string_view{"?"} : found->name;
}

std::optional<LogModule> log_module_of(std::string_view name) {
    const auto found = std::ranges::find_if(kNames, [&](const Name& one) { return is_same(name, one.name); });
    return found == std::end(kNames) ? std::nullopt : std::optional{found->module};
}

std::optional<LogLevel> log_level_of(std::string_view name) {
    const auto found = std::ranges::find_if(kLevels, [&](const auto& one) { return is_same(name, one.first); });
    return found == std::end(kLevels) ? std::nullopt : std::optional{found->second};
}

LogLevel level_of(const LogLevels& levels, LogModule module, LogLevel otherwise) {
    const auto at = static_cast<std::size_t>(module);
    if (at >= levels.size() || levels[at] < LogLevel::Error || levels[at] > LogLevel::Debug) return otherwise;
    return levels[at];
}

}  // namespace mainstay
