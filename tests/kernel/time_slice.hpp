// The shortest time that the scheduler gives this process before another one has its turn.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "../needs.hpp"

namespace mainstay::test {

// In nanoseconds; 0 where Linux does not show it.
inline std::uint64_t time_slice() {
    struct Attributes {  // struct sched_attr, whose header clashes with the C library's
        std::uint32_t size = sizeof(Attributes), policy = 0;
        std::uint64_t flags = 0;
        std::int32_t nice = 0;
        std::uint32_t priority = 0;
        std::uint64_t runtime = 0, deadline = 0, period = 0;
    } own;
    return ::syscall(SYS_sched_getattr, 0, &own, sizeof own, 0) == 0 ? own.runtime : 0;
}

inline constexpr Needs kNeedsTimeSlices{"needs Linux 6.12, which shows time slices", [] { return time_slice() != 0; }};

}  // namespace mainstay::test
