// The supervisor's side of the watcher process: keeps it running while the configuration tracks files, processes or
// links, stores its observations and passes them to the roles.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/kernel/spawn.hpp"
#include "mainstay/vrrp/watch.hpp"
#include "role/common/message_table.hpp"

namespace mainstay::role {

// A watcher that sends no heartbeat during this many of the supervisor's one-second checks is killed: it hangs in a
// read.
inline constexpr int kMissedBeatsMax = 10;
inline constexpr std::chrono::seconds kWatcherPause{1};      // before a new one is started
inline constexpr std::chrono::milliseconds kRoomPause{5};    // before a role that is busy is given more servers
inline constexpr std::chrono::seconds kWatcherPauseMax{60};  // the pause doubles with each offence

class HostWatch {
public:
    // Starts a watcher that inherits `control`; returns its pid. Greet's `again`: an earlier watcher has died.
    using Start = std::function<Result<int>(int control)>;
    using Greet = std::function<ipc::RoleStartup(bool again)>;
    using Deliver = std::function<void(const ipc::Observations&)>;
    // False: there is no room for it now, and it is tried again after kRoomPause.
    using DeliverServers = std::function<bool(const ipc::ServerFileRead&, int servers)>;
    // `looked`: called when everything in the plan has been observed once; `signalled`: the watcher hands on a signal;
    // `lost_lines`: how many log lines it has lost, as it says once a second.
    HostWatch(boost::asio::io_context& loop, Log& log, Start start, Greet greet, Deliver deliver,
              DeliverServers deliver_servers, std::function<void()> looked,
              std::function<void(int pid, int signal)> signalled,
              std::function<void(int pid, std::uint64_t lines)> lost_lines);

    // Follows the plan of a committed configuration, a sealed HostPlan. If it watches nothing, the watcher is stopped.
    void follow(UniqueFd plan, const vrrp::WatchPlan& watched);
    void go_on() { started_before_ = true; }  // after an upgrade: the next watcher does not begin with the daemon
    // The latest observation of every object, for a role that has just started, in as many messages as it takes.
    [[nodiscard]] std::vector<ipc::Observations> seen() const;
    // Delivers the latest answer of every file of real servers, again to a role that has just started.
    void deliver_all_servers();
    [[nodiscard]] bool has_looked() const { return !wanted_ || looked_at_ == plan_number_; }
    void order_log_levels(const ipc::LogLevelOrder& order);  // to a running watcher
    bool ended(const kernel::Ended& process);                // true when it was the watcher
    void look();                                             // once a second
    void stop();

private:
    void start();
    void start_later();
    void start_anew();  // with other rights
    void allow_descriptors();
    void listen();
    void send_plan();
    void on_message(Result<ipc::Received> received);
    void take_servers(const ipc::ServerFileRead& read, UniqueFd servers);
    void deliver_servers();
    void kill_offender(const std::string& offence);

    boost::asio::io_context& loop_;
    Log& log_;
    Start start_;
    Greet greet_;
    Deliver deliver_;
    DeliverServers deliver_servers_;
    std::function<void()> looked_;
    std::function<void(int pid, int signal)> signalled_;
    std::function<void(int pid, std::uint64_t lines)> lost_lines_;
    boost::asio::steady_timer pause_, room_;
    std::unique_ptr<boost::asio::posix::stream_descriptor> control_;
    UniqueFd plan_;
    std::vector<unsigned> rights_;                                       // that the plan needs
    std::set<std::pair<ipc::Observation::Kind, std::string>> followed_;  // what a watcher may report
    std::map<std::pair<ipc::Observation::Kind, std::string>, std::int64_t> seen_;
    struct ServerFile {
        ipc::ServerFileRead read;
        UniqueFd servers;  // sealed
    };
    std::map<std::string, std::optional<ServerFile>> server_files_;  // of the plan, by source; none: not read yet
    std::set<std::string> undelivered_;                              // sources; of thousands a socket holds a part
    std::uint64_t plan_number_ = 0,
                  looked_at_ = 0;  // of the plan that is followed, and of the last one observed in full
    int pid_ = 0, missed_ = 0;
    std::uint32_t offences_ = 0;
    MessageBudget budget_;
    std::chrono::seconds next_pause_ = kWatcherPause;
    bool wanted_ = false, started_before_ = false, stopped_ = false, anew_ = false;
};

}  // namespace mainstay::role
