// What systemd is told, where it listens (sd_notify); nothing happens elsewhere.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace mainstay::role {

void tell_service_manager(const std::string& state);  // "READY=1", "STATUS=...", "WATCHDOG=1"
// How often WATCHDOG=1 is due: half of what the unit asks for.
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval();

}  // namespace mainstay::role
