// The logging interface. Pure modules do not log; they return lines as intents. Adapters are given a Log&. The
// process's main decides where the lines are written (kernel/log_sink.hpp).
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mainstay {

// The syslog severities in use. keepalived logs nearly everything at Info; what it logs only with -D is Debug here.
enum class LogLevel : std::uint8_t { Error = 3, Warning = 4, Notice = 5, Info = 6, Debug = 7 };

[[nodiscard]] std::string_view to_string(LogLevel level);

// A log line and its severity, as a pure step returns it.
struct LogLine {
    LogLevel level = LogLevel::Info;
    std::string text;
    bool operator==(const LogLine&) const = default;
};

// Never blocks; lines that cannot be delivered are counted by the implementation.
class Log {
public:
    Log() = default;
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;
    virtual ~Log() = default;

    virtual void line(LogLevel level, std::string_view text) = 0;
    [[nodiscard]] virtual bool enabled(LogLevel level) const = 0;

    void line(const LogLine& entry) { line(entry.level, entry.text); }

    template <class... Args>
    void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
        if (enabled(level)) line(level, fmt::format(format, std::forward<Args>(args)...));
    }
    template <class... Args>
    void error(fmt::format_string<Args...> f, Args&&... args) {
        log(LogLevel::Error, f, std::forward<Args>(args)...);
    }
    template <class... Args>
    void warning(fmt::format_string<Args...> f, Args&&... args) {
        log(LogLevel::Warning, f, std::forward<Args>(args)...);
    }
    template <class... Args>
    void notice(fmt::format_string<Args...> f, Args&&... args) {
        log(LogLevel::Notice, f, std::forward<Args>(args)...);
    }
    template <class... Args>
    void info(fmt::format_string<Args...> f, Args&&... args) {
        log(LogLevel::Info, f, std::forward<Args>(args)...);
    }
    template <class... Args>
    void debug(fmt::format_string<Args...> f, Args&&... args) {
        log(LogLevel::Debug, f, std::forward<Args>(args)...);
    }
};

// "PREFIX: LINE" for each; beyond kNamedInLogMax only how many there are more.
inline constexpr std::size_t kNamedInLogMax = 20;
void log_each(Log& log, LogLevel level, std::string_view prefix, const std::vector<std::string>& lines);

// The modules whose log levels an operator sets at run time (mainstayctl loglevel): each process is one, and some
// services of the observer process have levels of their own.

// New ones go to the end: processes of two versions send each other levels by position.
enum class LogModule : std::uint8_t { Supervisor, Config, Vrrp, Lvs, Bfd, Track, Snmp, Observer, Mail, Webhook, Api };
inline constexpr std::array kLogModules{LogModule::Supervisor, LogModule::Config,  LogModule::Vrrp, LogModule::Lvs,
                                        LogModule::Bfd,        LogModule::Track,   LogModule::Snmp, LogModule::Observer,
                                        LogModule::Mail,       LogModule::Webhook, LogModule::Api};

[[nodiscard]] std::string_view to_string(LogModule module);  // "vrrp"
// By the name of the module or of its process ("mainstayd-vrrp", "healthcheck"); upper and lower case are the same.
[[nodiscard]] std::optional<LogModule> log_module_of(std::string_view name);
[[nodiscard]] std::optional<LogLevel> log_level_of(std::string_view name);  // "debug", "warning", "warn"

// One level for each module, at its position; a module without one (of an older version) logs at `otherwise`.
using LogLevels = std::vector<LogLevel>;
[[nodiscard]] LogLevel level_of(const LogLevels& levels, LogModule module, LogLevel otherwise);

}  // namespace mainstay
