// Process settings of a role from global_defs: name, scheduling priority, CPUs and limits. Pure.
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
    std::string name;  // empty: the identity's name
    int nice = 0;
    bool no_swap = false;
    std::optional<int> rt_priority;  // SCHED_RR, 1..99
    std::vector<std::int64_t> cpus;  // empty: all
    Micros rt_limit{10'000};         // RLIMIT_RTTIME: computing time without blocking, in the real-time class
    // A process that is late by more than the threshold raises its real-time priority by one, up to the ceiling.
    int auto_ceiling = 0;  // 0: the priority is never raised
    Micros auto_delay{1'000'000};
    bool operator==(const ProcessOptions&) const = default;
};

[[nodiscard]] ProcessOptions process_options(const config::Global& global, Kind kind);

// The new priority of a process that was late by `late`; `now` is its current one (0: not real time).
[[nodiscard]] int raised_priority(const ProcessOptions& options, int now, Micros late);

}  // namespace mainstay::role
