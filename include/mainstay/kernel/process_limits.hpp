// Resource limits of processes.
#pragma once

#include <cstdint>

#include "mainstay/base/error.hpp"

namespace mainstay::kernel {

struct ProcessLimits {
    std::uint64_t descriptors = 0;    // RLIMIT_NOFILE
    std::uint64_t address_space = 0;  // RLIMIT_AS, bytes
    std::uint64_t file_size = 0;      // RLIMIT_FSIZE, bytes; 0: as it is
};

// Both functions set the soft and the hard limits, at most to this process's own hard limits. This one is for a child
// between vfork() and exec; it returns 0 or errno.
[[nodiscard]] int limit_self(const ProcessLimits& limits);
// Sets the limits of a running process, which may belong to another account.
[[nodiscard]] Result<void> limit_process(int pid, const ProcessLimits& limits);
// Whether this process may do that and raise hard limits: needs CAP_SYS_RESOURCE, which containers may lack.
[[nodiscard]] bool may_raise_limits();
// Raises this process's soft limit of open descriptors to `wanted`, at most to the hard limit. Returns what it is then.
[[nodiscard]] std::uint64_t allow_descriptors(std::uint64_t wanted);
// The RLIMIT_AS of this process in bytes; 0: none.
[[nodiscard]] std::uint64_t own_address_space_limit();

}  // namespace mainstay::kernel
