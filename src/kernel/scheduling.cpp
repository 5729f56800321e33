#include "mainstay/kernel/scheduling.hpp"

#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

namespace mainstay::kernel {

namespace {

constexpr std::uint64_t kShortSliceNanos = 100'000;  // the shortest that Linux grants

// Defined here because linux/sched/types.h conflicts with newer C libraries.
struct SchedulingAttributes {
    std::uint32_t size, policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime, deadline, period;  // runtime: of the normal class, its slice in nanoseconds
};
static_assert(sizeof(SchedulingAttributes) == 48, "SCHED_ATTR_SIZE_VER0");

std::atomic<std::uint32_t> used_up{0};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

// The handler of SIGXCPU, which makes only a system call.
void leave_real_time(int) {
    const int error = errno;
    const sched_param normal{};
    ::sched_setscheduler(0, SCHED_OTHER, &normal);
    used_up.fetch_add(1, std::memory_order_relaxed);
    errno = error;
}

}  // namespace

Result<void> set_nice(int value) {
    if (::setpriority(PRIO_PROCESS, 0, value) != 0) return fail_system("setpriority " + std::to_string(value), errno);
    return {};
}

Result<void> set_normal_scheduling(Slices slices) {
    SchedulingAttributes normal{};
    normal.size = sizeof normal;
    normal.policy = SCHED_OTHER;
    normal.nice = ::getpriority(PRIO_PROCESS, 0);
    if (slices == Slices::Short) normal.runtime = kShortSliceNanos;
    if (::syscall(SYS_sched_setattr, 0, &normal, 0) != 0) return fail_system("sched_setattr SCHED_OTHER", errno);
    return {};
}

Result<void> set_cpus(const std::vector<std::int64_t>& cpus) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const auto cpu : cpus) CPU_SET(static_cast<std::size_t>(cpu), &set);  // one that is out of range sets nothing
    if (cpus.empty())
        for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) CPU_SET(cpu, &set);
    if (::sched_setaffinity(0, sizeof set, &set) != 0) return fail_system("sched_setaffinity", errno);
    return {};
}

Result<void> lock_memory(bool lock) {
    if (!lock) return ::munlockall() == 0 ? Result<void>{} : fail_system("munlockall", errno);
    if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) return fail_system("mlockall", errno);
    return {};
}

Result<void> limit_real_time(Micros limit) {
    struct sigaction action{};
    action.sa_handler = leave_real_time;
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGXCPU, &action, nullptr);
    rlimit bounds{};
    if (::getrlimit(RLIMIT_RTTIME, &bounds) != 0) return fail_system("getrlimit RLIMIT_RTTIME", errno);
    bounds.rlim_cur = std::min(static_cast<rlim_t>(limit.count()), bounds.rlim_max);  // RLIM_INFINITY is the highest
    if (::setrlimit(RLIMIT_RTTIME, &bounds) != 0) return fail_system("setrlimit RLIMIT_RTTIME", errno);
    return {};
}

std::uint32_t real_time_used_up() { return used_up.exchange(0, std::memory_order_relaxed); }

void allow_roles_scheduling() {
    constexpr rlimit kRealTime{99, 99}, kNice{40, 40};  // nice values down to -20
    constexpr rlimit kMemory{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_RTPRIO, &kRealTime);
    ::setrlimit(RLIMIT_NICE, &kNice);
    ::setrlimit(RLIMIT_MEMLOCK, &kMemory);
}

Result<void> size_buffer(int fd, int bytes, bool force) {
    if (::setsockopt(fd, SOL_SOCKET, force ? SO_RCVBUFFORCE : SO_RCVBUF, &bytes, sizeof bytes) != 0)
        return fail_system(force ? "setsockopt SO_RCVBUFFORCE" : "setsockopt SO_RCVBUF", errno);
    return {};
}

Result<UniqueFd> open_network_namespace(const std::string& name) {
    const std::string path = name.empty() ? "/proc/self/ns/net" : "/run/netns/" + name;
    UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd) return fail_system("open the network namespace " + path, errno);
    return fd;
}

Result<void> enter_network_namespace(int fd) {
    if (::setns(fd, CLONE_NEWNET) != 0) return fail_system("enter a network namespace", errno);
    return {};
}

Result<UniqueFd> generic_netlink_in(int network_namespace) {
    const auto home = open_network_namespace({});
    if (!home) return error_of(home);
    if (auto entered = enter_network_namespace(network_namespace); !entered) return error_of(entered);
    UniqueFd fd{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC)};
    const int error = errno;
    if (auto back = enter_network_namespace(home->get()); !back) return error_of(back);
    if (!fd) return fail_system("open a netlink socket in another network namespace", error);
    return fd;
}

}  // namespace mainstay::kernel
