// The logs of a role's process: its own, and those of its modules that have levels of their own. An operator sets the
// levels at run time (mainstayctl loglevel).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>

#include "mainstay/base/log_levels.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/kernel/log_sink.hpp"

namespace mainstay::role {

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

}  // namespace mainstay::role
