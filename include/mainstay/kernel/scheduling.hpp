// Scheduling class and priority, CPUs and locked memory of this process; buffers and network namespaces of sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::kernel {

[[nodiscard]] Result<void> set_nice(int value);  // -20..19
enum class Slices : std::uint8_t {
    Usual,
    Short,  // 0.1 ms: a process that needs the CPU briefly is scheduled sooner (since Linux 6.12; ignored before)
};
[[nodiscard]] Result<void> set_normal_scheduling(Slices slices);             // SCHED_OTHER; the nice value stays
[[nodiscard]] Result<void> set_cpus(const std::vector<std::int64_t>& cpus);  // empty: all there are
// mlockall with MCL_ONFAULT: used pages stay in memory, untouched ones take none.
[[nodiscard]] Result<void> lock_memory(bool lock);
// The soft limit RLIMIT_RTTIME: how long a real-time process may compute without blocking. Beyond it the process leaves
// the real-time class, so that an endless loop does not block the machine; real_time_used_up() returns how often that
// has happened since its last call.
[[nodiscard]] Result<void> limit_real_time(Micros limit);
[[nodiscard]] std::uint32_t real_time_used_up();
// Permits the roles that this process starts real-time scheduling, nice values and locked memory without root.
void allow_roles_scheduling();

// Sets SO_RCVBUF, which net.core.rmem_max limits, or with `force` SO_RCVBUFFORCE, which it does not limit.
[[nodiscard]] Result<void> size_buffer(int fd, int bytes, bool force);

// /run/netns/NAME, as made by `ip netns`; an empty name is the network namespace of this process.
[[nodiscard]] Result<UniqueFd> open_network_namespace(const std::string& name);
[[nodiscard]] Result<void> enter_network_namespace(int fd);
// A generic netlink socket in that network namespace; the process stays in its own. Needs root.
[[nodiscard]] Result<UniqueFd> generic_netlink_in(int network_namespace);

}  // namespace mainstay::kernel
