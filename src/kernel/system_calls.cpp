#include "mainstay/kernel/system_calls.hpp"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

namespace mainstay::kernel {
namespace {

// Reading, waiting, memory, time, sockets. Some are here because newer C libraries may use them instead of an older
// call on the list; killing a role for that would be an outage.
constexpr std::array kCommon{
    // memory
    "brk", "madvise", "mincore", "mmap", "mprotect", "mremap", "munmap", "memfd_create", "membarrier",
    // waiting and time
    "clock_getres", "clock_gettime", "clock_nanosleep", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait",
    "epoll_pwait2", "epoll_wait", "eventfd2", "futex", "futex_wake", "futex_wait", "futex_waitv", "gettimeofday",
    "nanosleep", "pause", "poll", "ppoll", "pselect6", "select", "time", "timer_create", "timer_delete",
    "timer_settime", "timerfd_create", "timerfd_gettime", "timerfd_settime", "clock_gettime64", "futex_time64",
    "ppoll_time64", "timerfd_settime64",
    // signals to itself
    "restart_syscall", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait",
    "sigaltstack", "signalfd4",
    // information about the process
    "arch_prctl", "capget", "getcpu", "getegid", "geteuid", "getgid", "getgroups", "getpgrp", "getpid", "getppid",
    "getpriority", "getrandom", "getresgid", "getresuid", "getrlimit", "getrusage", "getsid", "gettid", "getuid",
    "prctl", "rseq", "sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_yield", "set_robust_list",
    "get_robust_list", "set_tid_address", "sysinfo", "times", "uname", "exit", "exit_group",
    // sockets; socket() itself is below
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recvfrom",
    "recvmmsg", "recvmmsg_time64", "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown", "socketpair",
    // descriptors and reading files
    "access", "close", "close_range", "dup", "dup2", "dup3", "faccessat", "faccessat2", "fcntl", "fcntl64", "fstat",
    "fstat64", "fstatat64", "fstatfs", "ftruncate", "getcwd", "getdents64", "ioctl", "lseek", "lstat", "newfstatat",
    "open", "openat", "openat2", "pipe", "pipe2", "pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2",
    "read", "readahead", "fadvise64", "readlink", "readlinkat", "readv", "sendfile", "splice", "stat", "statfs",
    "statx", "write", "writev"};
constexpr std::array kWriteFiles{"chmod",  "chown",    "fallocate", "fchmod",          "fchmodat", "fchmodat2",
                                 "fchown", "fchownat", "fdatasync", "flock",           "fsync",    "link",
                                 "linkat", "mkdir",    "mkdirat",   "rename",          "renameat", "renameat2",
                                 "rmdir",  "symlink",  "symlinkat", "sync_file_range", "truncate", "umask",
                                 "unlink", "unlinkat", "utimensat", "copy_file_range"};
constexpr std::array kWatchFiles{"inotify_add_watch", "inotify_init", "inotify_init1", "inotify_rm_watch"};
constexpr std::array kSchedule{"mlock",          "mlock2",
                               "mlockall",       "munlock",
                               "munlockall",     "sched_setaffinity",
                               "sched_setattr",  "sched_getattr",
                               "sched_setparam", "sched_setscheduler",
                               "setpriority"};
constexpr std::array kFamilies{AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET};
constexpr scmp_datum_t kNewNamespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

bool has(std::span<const CallSet> sets, CallSet set) { return std::ranges::find(sets, set) != sets.end(); }

#ifdef MAINSTAY_SECCOMP_LOG
constexpr std::uint32_t kForbidden = SCMP_ACT_LOG;
#else
constexpr std::uint32_t kForbidden = SCMP_ACT_KILL_PROCESS;
#endif

class Filter {
public:
    Filter() : filter_{::seccomp_init(kForbidden), &::seccomp_release} {}

    [[nodiscard]] bool usable() const { return filter_ != nullptr; }
    // A name that this architecture does not have is left out.
    void allow(const char* name, std::initializer_list<scmp_arg_cmp> where = {},
               std::uint32_t action = SCMP_ACT_ALLOW) {
        const int number = ::seccomp_syscall_resolve_name(name);
        if (number == __NR_SCMP_ERROR || error_ != 0) return;
        const int done =
            ::seccomp_rule_add_array(filter_.get(), action, number, static_cast<unsigned>(where.size()), where.begin());
        if (done != 0 && done != -EDOM) error_ = -done;
    }
    [[nodiscard]] int load() {
        if (error_ != 0) return error_;
        return -::seccomp_load(filter_.get());
    }

private:
    std::unique_ptr<void, decltype(&::seccomp_release)> filter_;
    int error_ = 0;
};

}  // namespace

std::vector<std::string_view> allowed_system_calls(std::span<const CallSet> sets) {
    std::vector<std::string_view> names{kCommon.begin(), kCommon.end()};
    const auto add = [&names](const auto& list) { names.insert(names.end(), list.begin(), list.end()); };
    if (has(sets, CallSet::WriteFiles)) add(kWriteFiles);
    if (has(sets, CallSet::WatchFiles)) add(kWatchFiles);
    if (has(sets, CallSet::Schedule)) add(kSchedule);
    std::ranges::sort(names);
    return names;
}

Result<void> restrict_system_calls(std::span<const CallSet> sets) {
    if (::prctl(PR_GET_SECCOMP) < 0)
        return fail(Errc::Unsupported, "the kernel has no seccomp (CONFIG_SECCOMP_FILTER)");
    Filter filter;
    if (!filter.usable()) return fail(Errc::Unsupported, "libseccomp makes no filter here");
    for (const auto name : allowed_system_calls(sets))
        filter.allow(name.data());  // NOLINT(bugprone-suspicious-stringview-data-usage): literals
    for (const int family : kFamilies)
        filter.allow("socket", {SCMP_CMP(0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(family))});
    // Only on itself: limits, and the signal of abort().
    filter.allow("prlimit64", {SCMP_CMP(0, SCMP_CMP_EQ, 0)});
    filter.allow("tgkill", {SCMP_CMP(0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid()))});
    filter.allow("kill", {SCMP_CMP(1, SCMP_CMP_EQ, 0)});  // signal 0: tests whether a process exists
    if (has(sets, CallSet::Threads)) {
        filter.allow("clone", {SCMP_CMP(0, SCMP_CMP_MASKED_EQ, kNewNamespaces, 0)});
        // A filter cannot read its flags, which are in memory: with ENOSYS the C library falls back to clone().
        filter.allow("clone3", {}, SCMP_ACT_ERRNO(ENOSYS));
    }
    if (const int error = filter.load(); error != 0) return fail_system("load the list of allowed system calls", error);
    return {};
}

}  // namespace mainstay::kernel
