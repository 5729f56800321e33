// Runs scripts for the roles: only those in the table, as the configured user, with a timeout.
//
// Scripts of one queue run one after the other. If one takes longer than `notify_wait`, the next starts in parallel,
// with a warning. Results are sent to the roles in batches.
#pragma once

#include <boost/asio/io_context.hpp>
#include <utility>

#include <cstdint>
#include <functional>
#include <memory>

#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/ipc/hand_over.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/kernel/spawn.hpp"
#include "mainstay/role/common/identity.hpp"

namespace mainstay::role {

inline constexpr std::chrono::seconds kKillAfterTerm{2};
inline constexpr std::chrono::seconds kKillAgain{10};      // repeats SIGKILL, for a process in uninterruptible sleep
inline constexpr std::chrono::seconds kForLastScripts{1};  // keepalived: time for the STOP scripts
inline constexpr std::size_t kScriptsRunningMax = 4096;    // further scripts are answered NotRun and counted
inline constexpr std::size_t kQueueMax = 1024;             // per queue
// MISC_CHECKs: how many may run at a time, which leaves room for other scripts, and how many are started in one turn of
// the loop, which bounds how long another script waits for its start.
inline constexpr std::size_t kChecksRunningMax = 3584;
inline constexpr std::size_t kChecksPerTurn = 4;

class ScriptRunner {
public:
    using Deliver = std::function<void(Kind, const ipc::ScriptResults&)>;
    ScriptRunner(boost::asio::io_context& loop, Log& log, Deliver deliver);
    ~ScriptRunner();
    ScriptRunner(const ScriptRunner&) = delete;
    ScriptRunner& operator=(const ScriptRunner&) = delete;

    void set_table(alert::ScriptTable table);
    [[nodiscard]] bool has(const std::string& key) const;
    [[nodiscard]] bool has_limit(const std::string& key) const;  // on the time that it may take
    void set_notify_wait(std::chrono::seconds wait);             // 10 s unless set; 0: all start at once
    // Patterns of variables that scripts get besides the usual ones. When the first script fails, the log names those
    // of the daemon that they do not get.
    void set_pass_environment(std::vector<std::string> patterns);
    void set_umask(int mask);            // of scripts; -1, unless set: ours
    void set_network_namespace(int fd);  // in which scripts run; must outlive the runner
    void run(Kind from, const ipc::RunScript& wanted);
    // Whether this role may run this script. An unknown key is allowed: the reader leaves out scripts that cannot be
    // run.
    [[nodiscard]] Result<void> check(Kind from, const ipc::RunScript& wanted) const;
    // True when the process was one of these scripts.
    bool ended(const kernel::Ended& process);
    // For an upgrade: the running and queued scripts, and how the new program takes them over.
    [[nodiscard]] std::vector<ipc::HandedScript> hand_over() const;
    void adopt(const std::vector<ipc::HandedScript>& scripts);
    [[nodiscard]] std::size_t running() const;
    // For the stop: queued scripts start soon, in parallel with those that still run.
    void hurry();
    // Both kill scripts, and log the notify scripts and the firewall's calls among them; the first one lets the
    // firewall's calls go on.
    void end_notify_scripts();
    void end_all();
    // Calls that change the firewall run, or wait for the one before them.
    [[nodiscard]] bool changes_firewall() const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace mainstay::role
