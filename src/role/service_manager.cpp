#include "service_manager.hpp"

#include <systemd/sd-daemon.h>

namespace mainstay::role {

void tell_service_manager(const std::string& state) { ::sd_notify(0, state.c_str()); }

std::optional<std::chrono::microseconds> watchdog_interval() {
    std::uint64_t limit = 0;
    if (::sd_watchdog_enabled(0, &limit) <= 0 || limit == 0) return std::nullopt;
    return std::chrono::microseconds{limit / 2};
}

}  // namespace mainstay::role
