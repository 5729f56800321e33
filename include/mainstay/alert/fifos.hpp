// notify_fifo, vrrp_notify_fifo and lvs_notify_fifo: lines about transitions for the operator's programs. Pure: which
// FIFOs a configuration has, and the text of a line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mainstay/base/event.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::alert {

struct Fifo {
    std::string keyword;  // "notify_fifo", "vrrp_notify_fifo", "lvs_notify_fifo"
    std::string path, user, group;
    std::optional<config::Command> script;
};
// In the order in which lines are written. Of several with the same path only the first is returned.
[[nodiscard]] std::vector<Fifo> fifos(const config::Global& global);

// keepalived's form, with a newline at the end: `INSTANCE "VI_1" MASTER 150`, `GROUP "G1" BACKUP 0`,
// `RS [10.0.0.11]:tcp:80 [10.0.0.1]:tcp:80 DOWN`, `VS [10.0.0.1]:tcp:80 UP`.
[[nodiscard]] std::string fifo_line(const Event& event);

// "fifo/notify_fifo": the key of the script that reads it, in the table of scripts.
[[nodiscard]] std::string fifo_script_key(const std::string& keyword);

}  // namespace mainstay::alert
