// What each role's process does around its work: options, logs, start, confinement, signals and buffers.
#pragma once

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/kernel/landlock.hpp"
#include "mainstay/kernel/log_sink.hpp"
#include "mainstay/kernel/scheduling.hpp"
#include "mainstay/kernel/system_calls.hpp"
#include "mainstay/role/common/identity.hpp"
#include "message_table.hpp"

namespace mainstay::role {

// The logs of a role's process: its own, and those of its modules that have levels of their own. An operator sets the
// levels at run time (mainstayctl loglevel).
class ProcessLogs {
public:
    // `own`: the module whose level is that of the process.
    ProcessLogs(const ipc::RoleStartup& startup, LogModule own);
    ProcessLogs(const ProcessLogs&) = delete;
    ProcessLogs& operator=(const ProcessLogs&) = delete;
    ~ProcessLogs() = default;

    [[nodiscard]] kernel::DaemonLog& own() { return log_; }
    // Of mail, webhook or api in the observer; for any other module the process's own. Valid as long as this object.
    [[nodiscard]] Log& of(LogModule module);
    // The levels of all modules of the daemon. Modules that are missing there keep theirs.
    void set(const LogLevels& levels);
    [[nodiscard]] const LogLevels& levels() const { return levels_; }

private:
    LogModule own_;
    LogLevel level_;  // of the process
    kernel::DaemonLog log_;
    std::map<LogModule, kernel::ModuleLog> modules_;
    LogLevels levels_;
};

// While it lives, log lines that wait for the reader of stderr or stdout are tried again ten times a second.
class LogAgain {
public:
    LogAgain(boost::asio::io_context& loop, kernel::DaemonLog& log);
    ~LogAgain() { log_.retry({}); }
    LogAgain(const LogAgain&) = delete;
    LogAgain& operator=(const LogAgain&) = delete;

private:
    kernel::DaemonLog& log_;
    boost::asio::steady_timer timer_;
};

// Process settings of a role from global_defs: name, scheduling priority, CPUs and limits. Pure.
struct ProcessOptions {
    std::string name;  // empty: the identity's name
    int nice = 0;
    bool no_swap = false;
    std::optional<int> rt_priority;  // SCHED_RR, 1..99
    std::vector<std::int64_t> cpus;  // empty: all
    Micros rt_limit{10'000};         // RLIMIT_RTTIME: computing time without blocking, in the real-time class
    // A process that is late by more than the threshold raises its real-time priority by one, up to the ceiling.
    int auto_ceiling = 0;  // 0: the priority is never raised
    Micros auto_delay{1'000'000};
    bool operator==(const ProcessOptions&) const = default;
};

[[nodiscard]] ProcessOptions process_options(const config::Global& global, Kind kind);

// The new priority of a process that was late by `late`; `now` is its current one (0: not real time).
[[nodiscard]] int raised_priority(const ProcessOptions& options, int now, Micros late);

// Applies ProcessOptions to this process and corrects its priority while it runs.
class ProcessTuning {
public:
    // `slices`: the time slices to use in the normal scheduling class.
    ProcessTuning(Log& log, std::string own_name, kernel::Slices slices)
        : log_{log}, own_name_{std::move(own_name)}, slices_{slices} {}

    // Applies what differs from the options applied before; the first time, from the kernel's defaults.
    void apply(ProcessOptions next);
    // Called periodically with the lateness of the timer: raises the priority of a late process, and returns a process
    // that was demoted by RLIMIT_RTTIME to the real-time class.
    void look(Micros late);

private:
    void set_priority(int priority);  // 0: the normal class

    Log& log_;
    std::string own_name_;
    kernel::Slices slices_;
    ProcessOptions now_;
    int priority_ = 0;  // the current real-time priority, which may have been raised
    bool limited_ = false;
};

// The last steps of a role's start: dropping privileges and restricting paths and system calls.

// The exit code of a role that cannot be confined; the supervisor does not start it again.
inline constexpr int kExitUnconfined = 4;

// The exit code of a role that ran out of memory, usually at its limit of address space.
inline constexpr int kExitOutOfMemory = 5;

// Restricts the process to the account `user` and to these capabilities, paths and system calls. Call it before the
// process reads untrusted input. False: it failed, the reason is logged, and the process must exit. A build or a kernel
// without seccomp only causes a warning; a kernel without Landlock is logged by the supervisor.
[[nodiscard]] bool confine(const std::string& user, std::span<const unsigned> capabilities, const kernel::Reach& reach,
                           std::span<const kernel::CallSet> calls, Log& log);

// For a role that caught std::bad_alloc: logs the memory limit and returns the exit code.
[[nodiscard]] int out_of_memory(Log& log);

// The first step of a role's process: receiving its RoleStartup.

// Waits for the RoleStartup, the first message that the supervisor sends after the fork. Errc::Timeout after 10 s,
// Errc::State when the supervisor has died, Errc::Invalid for any other message.
[[nodiscard]] Result<ipc::RoleStartup> receive_startup(int fd);

// keepalived's children reload and write dumps when they get the signals for it, and people and exporters find them by
// their pid files or by their name. Here only the supervisor can do either: a role hands it the signal.
class SignalRelay {
public:
    // From here on the process, with the threads that it starts later, gets those signals as calls of `hand_on`.
    SignalRelay(boost::asio::io_context& loop, Log& log, std::function<void(int signal)> hand_on);

private:
    void listen();
    void take();

    Log& log_;
    std::function<void(int)> hand_on_;
    boost::asio::posix::stream_descriptor queue_;
    // Whoever signals without end must not make an honest role exceed what the supervisor takes of it.
    TokenBucket may_ask_{kRequestRate};
};

// Sets the receive buffer of a netlink socket to the size in global_defs; if that is absent or 0, it is unchanged.
void size_netlink_buffer(int fd, const config::Global& global, const config::BufferKeywords& keywords, Log& log);

// The scripts whose results a role waits for: their numbers, and who is called with the result.
class ScriptCalls {
public:
    static constexpr std::size_t kWaitingMax = 65'536;
    using Done = std::function<void(const ipc::ScriptResult&)>;

    // The number of the request; 0: no result is needed. None: too many wait, or `refuse`, and `done` has been called.
    [[nodiscard]] std::optional<std::uint64_t> add(Done done, bool refuse) {
        if (!done) return 0;
        const auto request = next_++;
        if (waiting_.size() >= kWaitingMax || refuse) {
            done({request, ipc::ScriptResult::How::NotRun, EAGAIN});
            return std::nullopt;
        }
        waiting_.emplace(request, std::move(done));
        return request;
    }
    // The request did not reach the supervisor.
    void not_sent(std::uint64_t request) {
        on_results({{{.request = request, .how = ipc::ScriptResult::How::NotRun, .status = EAGAIN}}});
    }
    // Results of unknown numbers are ignored.
    void on_results(const ipc::ScriptResults& results) {
        for (const auto& result : results.results)
            if (const auto found = waiting_.extract(result.request); !found.empty()) found.mapped()(result);
    }

private:
    // The pid makes the numbers differ from those of an earlier incarnation, whose script results must match no
    // request.
    std::uint64_t next_ = static_cast<std::uint64_t>(::getpid()) << 32 | 1;
    std::map<std::uint64_t, Done> waiting_;
};

}  // namespace mainstay::role
