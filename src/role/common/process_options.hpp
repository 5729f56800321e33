// How a role's process is to be run, from global_defs: its name, priority, CPUs and limits. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/role/common/identity.hpp"

namespace mainstay::role {

struct ProcessOptions {
    std::string name;  // empty: as the identity has it
    int nice = 0;
    bool no_swap = false;
    std::optional<int> rt_priority;  // SCHED_RR, 1..99
    std::vector<std::int64_t> cpus;  // empty: all
    Micros rt_limit{10'000};         // computing without a pause, while in the real-time class
    // A process that finds itself so late takes the next higher real-time priority, up to the ceiling.
    int auto_ceiling = 0;  // 0: it does not
    Micros auto_delay{1'000'000};
    bool operator==(const ProcessOptions&) const = default;
};

[[nodiscard]] ProcessOptions process_options(const config::Global& global, Kind kind);

// The priority after the process was `late`, from the one it has (0: not real time).
[[nodiscard]] int raised_priority(const ProcessOptions& options, int now, Micros late);

}  // namespace mainstay::role
