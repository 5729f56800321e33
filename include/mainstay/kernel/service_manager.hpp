// Notifies systemd by a datagram to $NOTIFY_SOCKET. The protocol is described in sd_notify(3); implemented without
// libsystemd, which would load seven further libraries into the process.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "mainstay/base/error.hpp"

namespace mainstay::kernel {

// `address`: a path, or "@" and the name of an abstract socket. Blocks for at most one second if the manager does not
// read.
[[nodiscard]] Result<void> notify_socket(const std::string& address, std::string_view state);
// Sends to $NOTIFY_SOCKET; does nothing if it is not set.
void notify_service_manager(std::string_view state);  // "READY=1", "STATUS=...", "WATCHDOG=1"

// The interval of WATCHDOG=1: half of the unit's WatchdogSec. The arguments are $WATCHDOG_USEC and $WATCHDOG_PID, null
// if not set; the latter is the process that systemd monitors.
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval(const char* usec, const char* pid);
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval();

}  // namespace mainstay::kernel
