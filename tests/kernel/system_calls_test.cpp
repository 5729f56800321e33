// What the list of allowed system calls leaves and what it ends, tried in child processes.
#include "mainstay/kernel/system_calls.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <thread>

#include "in_child.hpp"
#include "needs_seccomp.hpp"

using namespace mainstay;
using kernel::CallSet;
using mainstay::test::kNotRestricted;

namespace {

// The wait status of a child that does `act` under the restriction; 0 when it came back.
int status_of(std::vector<CallSet> sets, const std::function<void()>& act) {
    const int pid = ::fork();
    if (pid == 0) {
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        ::signal(SIGABRT, SIG_DFL);            // not the test program's handler
        ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // no core file of what is meant to die
        if (!kernel::restrict_system_calls(sets)) ::_exit(kNotRestricted);
        act();
        ::_exit(0);
    }
    int status = -1;
    ::waitpid(pid, &status, 0);
    return status;
}

bool ended(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS; }
bool went_on(int status) { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }

}  // namespace

TEST_CASE("a restricted process can start no program, signal and trace no process and open no unusual socket" *
          mainstay::test::kNeedsSeccomp) {
    const int parent = ::getpid();
    CHECK(ended(status_of({}, [] {
        char* const argv[] = {const_cast<char*>("true"), nullptr};
        ::execv("/bin/true", argv);
    })));
    CHECK(ended(status_of({}, [parent] { ::kill(parent, SIGCONT); })));
    CHECK(ended(status_of({}, [] { ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); })));
    CHECK(ended(status_of({}, [] { ::socket(AF_ALG, SOCK_SEQPACKET, 0); })));
    CHECK(ended(status_of({}, [] {
        if (::setuid(0) != 0) return;
    })));
    CHECK(ended(status_of({}, [] { (void)::fork(); })));
}

TEST_CASE("everything that every role does still works" * mainstay::test::kNeedsSeccomp) {
    CHECK(went_on(status_of({}, [parent = ::getpid()] {
        const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        ::close(fd);
        ::close(::open("/proc/self/stat", O_RDONLY | O_CLOEXEC));
        rlimit own{};
        if (::getrlimit(RLIMIT_NOFILE, &own) != 0) ::_exit(2);
        if (::kill(parent, 0) != 0) ::_exit(1);  // whether it is there may be asked
    })));
}

TEST_CASE("files are written, threads started and scheduling changed only by roles that do so" *
          mainstay::test::kNeedsSeccomp) {
    const auto rename_away = [] { (void)::rename("/nowhere/a", "/nowhere/b"); };
    const auto start_thread = [] { std::thread{[] {}}.join(); };
    CHECK(ended(status_of({}, rename_away)));
    CHECK(went_on(status_of({CallSet::WriteFiles}, rename_away)));
    CHECK(ended(status_of({}, start_thread)));
    CHECK(went_on(status_of({CallSet::Threads}, start_thread)));
    const auto change_nice = [] { ::setpriority(PRIO_PROCESS, 0, 1); };
    CHECK(ended(status_of({}, change_nice)));
    CHECK(went_on(status_of({CallSet::Schedule}, change_nice)));
}

TEST_CASE("abort() is the process's own affair and ends it as always" * mainstay::test::kNeedsSeccomp) {
    const int status = status_of({}, [] { ::abort(); });
    CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT));
}

TEST_CASE("no list has a call that starts, traces or signals processes, or changes credentials") {
    const std::array all{CallSet::WriteFiles, CallSet::Threads, CallSet::WatchFiles, CallSet::Schedule};
    const auto names = kernel::allowed_system_calls(all);
    for (const char* forbidden : {"execve",
                                  "execveat",
                                  "fork",
                                  "vfork",
                                  "ptrace",
                                  "process_vm_readv",
                                  "process_vm_writev",
                                  "pidfd_send_signal",
                                  "tkill",
                                  "mount",
                                  "umount2",
                                  "chroot",
                                  "pivot_root",
                                  "setns",
                                  "unshare",
                                  "bpf",
                                  "perf_event_open",
                                  "init_module",
                                  "finit_module",
                                  "kexec_load",
                                  "setuid",
                                  "setgid",
                                  "setresuid",
                                  "setgroups",
                                  "capset",
                                  "keyctl",
                                  "add_key",
                                  "reboot",
                                  "swapon",
                                  "open_by_handle_at",
                                  "mknod",
                                  "mknodat",
                                  "io_uring_setup",
                                  "userfaultfd",
                                  "quotactl",
                                  "acct",
                                  "settimeofday"}) {
        CAPTURE(forbidden);
        CHECK(std::ranges::find(names, forbidden) == names.end());
    }
}
