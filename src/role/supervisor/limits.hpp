// How many descriptors and how much address space each process may use. One that was taken over, or that has an error,
// ends at its limit, which the log says; it does not take the memory or the descriptors of the host.
#pragma once

#include <cstdint>

#include "mainstay/kernel/process_limits.hpp"
#include "mainstay/role/common/identity.hpp"

namespace mainstay::role {

// Enough for a configuration whose encoded form has this many bytes: that of the role, for an observer that of all.
// Measured with 5,000 services of 4 servers (4.4 MB): 163 MB in the lvs role; with 4,000 instances (1.1 MB): 181 MB in
// the vrrp role; the observer 570 MB in both cases, because it maps the memory of all roles; the reader 25 MB.
[[nodiscard]] kernel::ProcessLimits limits_of(Kind kind, std::uint64_t configuration_bytes);
[[nodiscard]] kernel::ProcessLimits reader_limits();
[[nodiscard]] kernel::ProcessLimits watcher_limits();

}  // namespace mainstay::role
