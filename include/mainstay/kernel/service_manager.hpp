// What systemd is told, where it listens: one datagram to the socket that it names (sd_notify(3) describes it, and says
// that it may be sent without libsystemd, which brings seven further libraries into a process).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "mainstay/base/error.hpp"

namespace mainstay::kernel {

// A path, or the name of an abstract socket with "@" before it. Waits a second at most for a manager that does not
// read.
[[nodiscard]] Result<void> notify_socket(const std::string& address, std::string_view state);
// To $NOTIFY_SOCKET; nothing happens where there is none.
void tell_service_manager(std::string_view state);  // "READY=1", "STATUS=...", "WATCHDOG=1"

// How often WATCHDOG=1 is due: half of what the unit asks for. From $WATCHDOG_USEC and $WATCHDOG_PID, null where they
// are not set; the latter names the process that is watched.
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval(const char* usec, const char* pid);
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval();

}  // namespace mainstay::kernel
