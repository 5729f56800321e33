// What mainstayctl does with systemd's units, by systemctl.
#pragma once

#include <string>
#include <utility>

#include "mainstay/base/error.hpp"

namespace mainstay::cli {

[[nodiscard]] bool systemd_runs();
// The unit whose main process this is; empty: none.
[[nodiscard]] std::string unit_of(int pid);
// The main process of a unit; 0: none.
[[nodiscard]] int main_process_of(const std::string& unit);
// Whether nobody starts the unit at the next boot, nor the other one that mainstay or keepalived has on a host.
[[nodiscard]] bool nothing_starts_at_boot(const std::string& unit);
// Whether the unit is one of mainstay's package in keepalived's place, by its file: it excludes mainstay.service.
[[nodiscard]] bool is_mainstays_own(const std::string& unit);
// Starts a unit although another one conflicts with it, which goes on.
[[nodiscard]] Result<void> start_beside(const std::string& unit);
[[nodiscard]] Result<void> enable_unit(const std::string& unit, bool enable);

// Waits until systemd has noticed that the unit's processes were killed, and decided whether to start it again. An
// empty name: no unit.
void wait_until_decided(const std::string& unit);

// While this exists, systemd does not start the unit again when its processes end or are killed; then it forgets that
// they were. A unit that is started again stops those that conflict with it, however it was started at first.
class NotStartedAgain {
public:
    // An empty name: no unit, does nothing. Errc::State: another file of the unit's prevails, and nothing was changed.
    [[nodiscard]] static Result<NotStartedAgain> of(const std::string& unit);
    NotStartedAgain(NotStartedAgain&& other) noexcept;
    NotStartedAgain& operator=(NotStartedAgain&&) = delete;
    ~NotStartedAgain();

private:
    explicit NotStartedAgain(std::string unit) : unit_{std::move(unit)} {}
    std::string unit_;
};

}  // namespace mainstay::cli
