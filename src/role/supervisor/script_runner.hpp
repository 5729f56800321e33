// Runs scripts for the roles: only what is in the table, as the configured user, killed when its time is up.
//
// Scripts of one queue run one after the other; each is waited for at most `notify_wait`, then the next starts anyway,
// with a warning, and nothing is killed for that. Results go back in batches.
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
inline constexpr std::chrono::seconds kKillAgain{10};      // and every so often, for one that does not even die of that
inline constexpr std::chrono::seconds kForLastScripts{1};  // keepalived: for STOP scripts
inline constexpr std::size_t kScriptsRunningMax = 4096;    // more than that are answered NotRun, and counted
inline constexpr std::size_t kQueueMax = 1024;             // per queue
// Scripts that check real servers: how many of them may run, so that there is always room for the others, and how many
// are started in one turn of the loop, so that no other script waits for more than these.
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
    void set_notify_wait(std::chrono::seconds wait);  // 10 s unless set; 0: all start at once
    void set_network_namespace(int fd);               // that scripts run in; lives longer than this
    void run(Kind from, const ipc::RunScript& wanted);
    // May this role have this run? A key that is in no table is no offence: a reader leaves out what cannot be run.
    [[nodiscard]] Result<void> check(Kind from, const ipc::RunScript& wanted) const;
    // True when the process was one of ours.
    bool ended(const kernel::Ended& process);
    // What runs and what waits, for the next program of this supervisor; and to go on from it there.
    [[nodiscard]] std::vector<ipc::HandedScript> hand_over() const;
    void adopt(const std::vector<ipc::HandedScript>& scripts);
    [[nodiscard]] std::size_t running() const;
    // For the end: what waits in a queue starts within a moment, whatever runs in front of it.
    void hurry();
    void end_all();  // by force; names the notify scripts that this cuts short

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace mainstay::role
