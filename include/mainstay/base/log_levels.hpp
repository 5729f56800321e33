// The modules whose log levels an operator sets at run time (mainstayctl loglevel): each process is one, and some
// services of the observer process have levels of their own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "log.hpp"

namespace mainstay {

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
