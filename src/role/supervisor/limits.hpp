// How many descriptors and how much address space each process may use. A process that is compromised or leaks fails at
// its own limit, which the log reports, and does not exhaust the host.
#pragma once

#include <cstdint>

#include "mainstay/kernel/process.hpp"
#include "mainstay/role/common/identity.hpp"

namespace mainstay::role {

// Where the limits of a running process cannot be raised, it starts with room for a configuration of this many bytes.
inline constexpr std::uint64_t kRoomToGrow = 4ULL << 20;

// Enough for an encoded configuration of this many bytes: the role's own part, for the observer the parts of all roles.
// Measured with 5,000 services of 4 servers (4.4 MB): 163 MB in the lvs role; with 4,000 instances (1.1 MB): 181 MB in
// the vrrp role; the observer 570 MB in both cases, because it maps the memory of all roles; the reader 25 MB.
[[nodiscard]] kernel::ProcessLimits limits_of(Kind kind, std::uint64_t configuration_bytes);
[[nodiscard]] kernel::ProcessLimits reader_limits();
[[nodiscard]] kernel::ProcessLimits watcher_limits();

}  // namespace mainstay::role
