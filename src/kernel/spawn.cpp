#include "mainstay/kernel/spawn.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "mainstay/base/unique_fd.hpp"
#include "mainstay/kernel/scripts.hpp"
#include "mainstay/kernel/signals.hpp"

extern char** environ;

namespace mainstay::kernel {

namespace {

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> list;
    for (auto& word : words) list.push_back(word.data());
    list.push_back(nullptr);
    return list;
}

// Marks everything but the standard streams close-on-exec, so that a descriptor that a library left open does not reach
// a child. The child's own descriptors are moved to their numbers afterwards. Needs Linux 5.11; on older kernels every
// descriptor of this program is close-on-exec anyway.
void close_all_on_exec() { (void)::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC); }

constexpr const char* kShell = "/bin/sh";
constexpr int kNotStarted = 127;

constexpr int kAboveAll = 100;  // where descriptors wait until their numbers are free

// Everything that the child of vfork() needs. It shares this process's memory and changes only these values.
struct RoleStart {
    const RoleProcess* process;
    char* const* argv;
    std::vector<std::pair<int, int>>* descriptors;  // the first of each is replaced by its temporary number
    volatile int error = 0;
};

// In the child: enters the network namespace, moves the descriptors to their numbers, sets the limits. Returns errno.
int take_places(const RoleStart& start) {
    if (start.process->network_namespace >= 0 && ::setns(start.process->network_namespace, CLONE_NEWNET) != 0)
        return errno;
    for (auto& [from, to] : *start.descriptors) {
        from = ::fcntl(from, F_DUPFD_CLOEXEC, kAboveAll);
        if (from < 0) return errno;
    }
    close_all_on_exec();
    for (const auto& [high, to] : *start.descriptors)
        if (::dup2(high, to) < 0) return errno;
    if (start.process->limits)
        if (const int error = limit_self(*start.process->limits); error != 0) return error;
    set_signals(BornWith::Deaf);  // last: no signal may be handled before
    return 0;
}

// vfork instead of fork: fork would copy the page tables and cause a page fault for each page of the supervisor.
[[gnu::noinline]] int start_in_child(RoleStart& start) {
    const int pid = ::vfork();  // NOLINT(bugprone-unsafe-functions): posix_spawn() has no capabilities
    if (pid != 0) return pid;
    start.error = take_places(start);
    if (start.error == 0) {
        ::execve(start.process->executable.c_str(), start.argv, environ);
        start.error = errno;  // written only when nothing was executed: the parent sees the same memory
    }
    ::_exit(kNotStarted);
}

// All signals are blocked: a signal to the child would run a handler in the parent's memory.
template <class Start>
Result<int> started(Start& start, const std::string& what) {
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const int pid = start_in_child(start);
    const int fork_error = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid < 0) return fail_system("fork for " + what, fork_error);
    if (start.error == 0) return pid;
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return fail_system("start " + what, start.error);
}

}  // namespace

Result<int> spawn_role(const RoleProcess& process) {
    auto argv = process.argv;
    const auto argv_list = pointers(argv);
    auto descriptors = process.descriptors;
    RoleStart start{&process, argv_list.data(), &descriptors};
    return started(start, process.executable);
}

namespace {

// The same for a script.
struct ScriptStart {
    const ScriptProcess* process;
    const std::vector<gid_t>* groups;
    char* const* argv;
    char* const* shell_argv;
    char* const* environment;
    int parent;
    volatile int error = 0;
};

// Raw system calls: libc's setuid() signals the other threads of the process, which are the parent's.
int become(const ScriptStart& start) {
    const auto& process = *start.process;
    ::setsid();  // its own group, which is terminated as a whole, and no terminal
    if (process.network_namespace >= 0 && ::setns(process.network_namespace, CLONE_NEWNET) != 0) return errno;
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) return errno;
    for (const int stream : {0, 1, 2})
        if (::dup2(stream == 2 && process.errors >= 0 ? process.errors : null, stream) < 0) return errno;
    close_all_on_exec();
    if (process.umask >= 0) ::umask(static_cast<mode_t>(process.umask));
    const sched_param normal{};
    ::sched_setscheduler(0, SCHED_OTHER, &normal);
    if (::geteuid() == 0 &&
        (::syscall(SYS_setgroups, start.groups->size(), start.groups->data()) != 0 ||
         ::syscall(SYS_setgid, process.account.gid) != 0 || ::syscall(SYS_setuid, process.account.uid) != 0))
        return errno;
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // after setuid, which clears it
    set_signals(BornWith::Defaults);     // last: no signal may be handled before
    return ::getppid() == start.parent ? 0 : ESRCH;
}

[[gnu::noinline]] int start_in_child(ScriptStart& start) {
    const int pid = ::vfork();  // NOLINT(bugprone-unsafe-functions): posix_spawn() has no capabilities
    if (pid != 0) return pid;
    start.error = become(start);
    if (start.error == 0) {
        const char* path = start.process->path.c_str();
        ::execve(path, start.argv, start.environment);
        const int error = errno;
        if (error == ENOEXEC) ::execve(kShell, start.shell_argv, start.environment);
        start.error = error;  // written only when nothing was executed: the parent sees the same memory
    }
    ::_exit(kNotStarted);
}

}  // namespace

Result<int> spawn_script(const ScriptProcess& process) {
    auto argv = process.argv, environment = script_environment(environ, process.pass_environment);
    // keepalived: a file without "#!" is run by the shell.
    std::vector<std::string> shell_argv{"sh", process.path};
    for (std::size_t i = 1; i < argv.size(); ++i) shell_argv.push_back(argv[i]);
    std::vector<gid_t> groups{process.account.gid};
    groups.insert(groups.end(), process.groups.begin(), process.groups.end());
    const auto argv_list = pointers(argv), shell_list = pointers(shell_argv), environment_list = pointers(environment);
    ScriptStart start{&process, &groups, argv_list.data(), shell_list.data(), environment_list.data(), ::getpid()};
    return started(start, process.path);
}

void close_on_exec(int fd, bool close) {
    if (fd >= 0) ::fcntl(fd, F_SETFD, close ? FD_CLOEXEC : 0);
}

Error exec_again(const std::string& path, std::vector<std::string> argv, const std::string& added_to_environment,
                 const std::vector<int>& keep) {
    std::vector<std::string> environment;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) environment.emplace_back(*entry);
    environment.push_back(added_to_environment);
    auto argv_list = pointers(argv);
    auto environment_list = pointers(environment);
    close_all_on_exec();
    for (const int fd : keep) close_on_exec(fd, false);
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    ::execve(path.c_str(), argv_list.data(), environment_list.data());
    const int error = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    for (const int fd : keep) close_on_exec(fd, true);
    return Error::system("start " + path, error);
}

void terminate_group(int pid, bool by_force) { ::kill(-pid, by_force ? SIGKILL : SIGTERM); }

std::string text_of(const Ended& how) {
    return (how.signalled ? "signal " : "exit status ") + std::to_string(how.status);
}

std::optional<Ended> reap() {
    int status = 0;
    const int pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return std::nullopt;
    if (WIFSIGNALED(status)) return Ended{pid, true, WTERMSIG(status)};
    return Ended{pid, false, WEXITSTATUS(status)};
}

}  // namespace mainstay::kernel
