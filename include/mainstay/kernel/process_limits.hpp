// What a process may use up at most.
#pragma once

#include <cstdint>

#include "mainstay/base/error.hpp"

namespace mainstay::kernel {

struct ProcessLimits {
    std::uint64_t descriptors = 0;    // RLIMIT_NOFILE
    std::uint64_t address_space = 0;  // RLIMIT_AS, bytes
    std::uint64_t file_size = 0;      // RLIMIT_FSIZE, bytes; 0: as it is
};

// Both set the soft and the hard limits, never above what this process may have itself. In a child between vfork() and
// exec; errno.
[[nodiscard]] int limit_self(const ProcessLimits& limits);
// Of a process that runs, and perhaps as another user.
[[nodiscard]] Result<void> limit_process(int pid, const ProcessLimits& limits);
// Whether this process may do the latter, and raise limits: CAP_SYS_RESOURCE, which containers may lack.
[[nodiscard]] bool may_raise_limits();
// Of this process, in bytes; 0: none.
[[nodiscard]] std::uint64_t own_address_space_limit();

}  // namespace mainstay::kernel
