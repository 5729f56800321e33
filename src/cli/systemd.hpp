// What mainstayctl does with systemd's units, by systemctl.
#pragma once

#include <string>

#include "mainstay/base/error.hpp"

namespace mainstay::cli {

[[nodiscard]] bool systemd_runs();
// The unit whose main process this is; empty: none.
[[nodiscard]] std::string unit_of(int pid);
// Starts a unit although another one conflicts with it, which goes on.
[[nodiscard]] Result<void> start_beside(const std::string& unit);
[[nodiscard]] Result<void> enable_unit(const std::string& unit, bool enable);

// While this exists, systemd does not start the unit again when its processes are killed; then it forgets that they
// were.
class NotStartedAgain {
public:
    explicit NotStartedAgain(std::string unit);  // empty: no unit, does nothing
    NotStartedAgain(const NotStartedAgain&) = delete;
    NotStartedAgain& operator=(const NotStartedAgain&) = delete;
    ~NotStartedAgain();

private:
    std::string unit_;
};

}  // namespace mainstay::cli
