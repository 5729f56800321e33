// What operators ask of the daemon, over its own socket, the API, D-Bus and signals: servers, hand-overs, maintenance,
// log levels, dumps.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "children.hpp"
#include "control_socket.hpp"
#include "daemon_state.hpp"
#include "dumps.hpp"
#include "kept_files.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/kernel/spawn.hpp"
#include "mainstay/role/common/identity.hpp"
#include "reload.hpp"

namespace mainstay::role {

// Operators whose commands take time: their connections, until the outcome is known. An operator who goes away
// meanwhile gets no answer; the command is carried out all the same.
class OperatorQueue {
public:
    // That wait for one process. Of servers an outcome takes moments: many hosts may be drained at once.
    static constexpr std::size_t kMostOfVrrp = 16, kMostOfLvs = 128;
    // How long the process is waited for that carries the command out. For the VRRP process longer than the longest
    // hand-over: two intervals of RFC 3768's 255 s.
    struct Waits {
        std::chrono::milliseconds for_vrrp{540'000}, for_lvs{20'000};
    };

    explicit OperatorQueue(boost::asio::io_context& loop) : OperatorQueue{loop, Waits{}} {}
    OperatorQueue(boost::asio::io_context& loop, Waits waits) : waits_{waits}, limit_{loop} {}

    // Called once with the outcome. `text`: sealed memory for the operator, or -1.
    using Reply = std::move_only_function<void(const ipc::OperatorAnswered& done, int text)>;

    // The number of the question, which it is given; 0: too many wait already, and the operator has been answered.
    [[nodiscard]] std::uint64_t add(ipc::OperatorQuestion& question, Reply reply);
    [[nodiscard]] std::uint64_t add(ipc::OperatorQuestion& question, UniqueFd client);  // of mainstayctl
    // `text`: sealed memory for the operator, or -1. Ignored: a number that is unknown, or that another process was
    // asked.
    void answer(Kind by, const ipc::OperatorAnswered& done, int text);
    void answer_text(std::uint64_t request, std::int32_t exit_code, const std::string& text);
    void refuse(std::uint64_t request, const std::string& problem) { end({request, kRefused, problem}, -1); }
    void fail_all(const std::string& problem);
    void process_died(Kind kind);  // what it was to carry out is not answered any more

private:
    static constexpr std::int32_t kRefused = 2;
    struct Waiting {
        Reply reply;
        Kind by;  // the process that carries it out
        std::chrono::steady_clock::time_point until;
    };
    void end(const ipc::OperatorAnswered& done, int text);
    void arm();
    template <class Condition>
    void refuse_all(const Condition& condition, const std::string& problem);

    Waits waits_;
    std::map<std::uint64_t, Waiting> waiting_;  // the oldest first
    std::uint64_t next_ = 1;
    boost::asio::steady_timer limit_;
};

class Operators {
public:
    // What the daemon itself does for them.
    struct Handlers {
        std::function<Result<int>(const ipc::Upgrade& question, int control, int control_of_child)> try_upgrade;
        ControlSocket::Upgrade upgrade;
        std::function<void(const std::string& problem)> upgrade_refused;
        std::function<void()> log_levels_changed;  // what is no child is to know
    };
    Operators(DaemonState& daemon, Children& children, Reload& reload, Handlers handlers);

    // Takes the kept maintenance over, or that of the program before an upgrade, and listens to mainstayctl.
    void open(const ipc::MaintenanceOrder& handed_over);
    void stop();  // with the daemon
    void refuse_all(const std::string& why) { waiting_.fail_all(why); }
    [[nodiscard]] const ipc::MaintenanceOrder& maintenance() const { return maintenance_.order(); }
    void order_maintenance(Child& child);  // of a starting vrrp or lvs process
    void look();                           // once a second: maintenance may be over, a file of the API another one
    void process_ended(Kind kind);
    bool ended(const kernel::Ended& how);  // true when it was a process that works for an operator

    // -- from processes
    void ask(Child& observer, ipc::OperatorQuestion question);  // for a client of the API
    void answered(Child& child, const ipc::OperatorAnswered& answer, const UniqueFd& text);
    void control(const ipc::ControlRequest& wanted);

    // -- dumps.cpp
    void ask_for_dump(int signal);
    void process_runs(Kind kind) { dumps_.ready(kind); }
    void process_left() { dumps_.look(); }
    void state_refreshed(Child& child, int signal);
    [[nodiscard]] bool makes_dump() const { return dumps_.under_way(); }

    // -- api_files.cpp
    void send_api();  // the settings and files, to an observer that is ready

private:
    void on_question(ipc::OperatorQuestion question, UniqueFd client);
    void carry_out(const ipc::ServerQuestion& question);
    void carry_out(const ipc::InstanceQuestion& question);
    void carry_out(const ipc::LogLevelQuestion& question);  // log_levels.cpp
    void spread_log_levels();                               // to every process
    void begin_maintenance(const ipc::InstanceQuestion& question);
    void end_maintenance(const std::string& by, std::uint64_t request);
    void send_maintenance(ipc::MaintenanceOrder order);
    [[nodiscard]] bool has_instances() const;  // without any, maintenance is about announced addresses alone
    void load_maintenance(const ipc::MaintenanceOrder& handed_over);
    [[nodiscard]] ControlSocket::Handlers socket_handlers();
    [[nodiscard]] DumpRequests::Handlers dump_handlers();
    [[nodiscard]] Result<int> start_dump(int signal);
    [[nodiscard]] Result<int> start_check_dump();
    [[nodiscard]] DumpFiles files_of_dump(int signal) const;
    [[nodiscard]] Result<int> start_hand_out(const DumpFiles& files, std::pair<UniqueFd, UniqueFd>& line);
    void look_at_clocks();     // maintenance may be over
    void look_at_api_files();  // sends them again when one has changed

    DaemonState& daemon_;
    const SupervisorOptions& options_;
    Log& log_;
    Children& children_;
    Reload& reload_;
    Handlers handlers_;
    OperatorQueue waiting_;
    MaintenanceFile maintenance_;
    ControlSocket socket_;
    DumpRequests dumps_;
    int dump_writer_ = 0;                      // the observer that was asked last
    std::vector<std::string> api_files_seen_;  // device, inode, size and time of each, when they were sent
    unsigned until_api_look_ = 0;
};

}  // namespace mainstay::role
