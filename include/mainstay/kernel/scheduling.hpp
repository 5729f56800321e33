// How the kernel treats this process: its class and priority, its CPUs, its memory; and the namespaces it may enter.
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
    Short,  // 0.1 ms each: who needs the CPU briefly gets it at once, and no more of it (Linux 6.12; before: as usual)
};
[[nodiscard]] Result<void> set_normal_scheduling(Slices slices);             // SCHED_OTHER; the nice value stays
[[nodiscard]] Result<void> set_cpus(const std::vector<std::int64_t>& cpus);  // empty: all there are
// Pages that are used stay in memory; those that nobody has touched take none.
[[nodiscard]] Result<void> lock_memory(bool lock);
// RLIMIT_RTTIME, the soft limit: so long may a real-time process compute without a pause. When it is over, the process
// leaves the real-time class, so that a loop gone wild does not take the machine; real_time_used_up() then says how
// often that happened since it was last asked.
[[nodiscard]] Result<void> limit_real_time(Micros limit);
[[nodiscard]] std::uint32_t real_time_used_up();
// For the roles that this process starts: real-time class, nice values and locked memory without being root.
void allow_roles_scheduling();

// SO_RCVBUF, which net.core.rmem_max bounds, or with `force` SO_RCVBUFFORCE, which it does not.
[[nodiscard]] Result<void> size_buffer(int fd, int bytes, bool force);

// /run/netns/NAME, as `ip netns` makes them; an empty name is the network namespace of this process.
[[nodiscard]] Result<UniqueFd> open_network_namespace(const std::string& name);
[[nodiscard]] Result<void> enter_network_namespace(int fd);
// A generic netlink socket that belongs to that network namespace; this process stays where it is. Needs root.
[[nodiscard]] Result<UniqueFd> generic_netlink_in(int network_namespace);

}  // namespace mainstay::kernel
