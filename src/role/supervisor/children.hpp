// The processes of the roles: their memory, starts, ends and restarts, spares and successors, rests, heartbeats, and
// which of their messages count.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "child.hpp"
#include "daemon_state.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/ipc/hand_over.hpp"
#include "mainstay/kernel/process.hpp"
#include "observer.hpp"
#include "role_replacement.hpp"
#include "spares.hpp"
#include "stopping.hpp"

namespace mainstay::role {

inline constexpr std::chrono::seconds kSnmpPause{5};  // before the next attempt to connect to an AgentX master
inline constexpr std::chrono::seconds kWatchersWait{
    2};  // at most: the watching processes start after the roles' first configuration
inline constexpr std::chrono::seconds kFirstLook{1};  // at most: for the first observation of tracked files

class Children {
public:
    // What the rest of the daemon does about them, on the loop.
    struct Handlers {
        std::function<void(Child&)> greet;         // one starts: what it needs before its first configuration
        std::function<bool()> host_is_known;       // the tracked files have been observed
        std::function<void(Child&)> observations;  // sends what has been observed
        std::function<void(Child&, ipc::Received&)> message;  // that it may send, and that is expected
        std::function<void(const char* process, int pid, int signal)> signalled;  // one hands a signal on
        std::function<void(Kind)> gone;                                           // its process has ended
        std::function<void(Kind)> died;                                           // it should have stayed
        std::function<void()> left;                                               // one has ended as it may
        std::function<void(int exit_code)> stop;
        std::function<void()> upgraded;  // the roles are of this program
    };
    Children(DaemonState& daemon, Handlers handlers);

    [[nodiscard]] Child& of(Kind kind) { return *children_[slot(kind)]; }
    [[nodiscard]] const Child& of(Kind kind) const { return *children_[slot(kind)]; }
    [[nodiscard]] const ChildList& all() const { return children_; }

    // -- children.cpp
    [[nodiscard]] Result<void> make_memory();
    void start(Child& child);      // it resumes the state of an earlier incarnation that was ready, if any
    void start_needed(Kind kind);  // if it does not run
    void start_needed_roles();
    void start_watchers_later();
    void start_waiting_watchers();
    void start_watchers();
    void commit(Child& child);  // the running configuration
    void commit_waiting();      // the tracked files have been observed
    void committed(Child& child, std::uint64_t generation);
    // True when it has committed what ran before it, and is asked to prepare what runs now.
    bool goes_on_catching_up(Child& child);
    [[nodiscard]] std::uint64_t first_generation(const Child& child) const;  // of one that starts
    void go_on_after(const Child& child);  // one that is committed and told the rest: spares, successors
    // True when it was one of these processes.
    bool ended(const kernel::Ended& how);
    void look();          // once a second
    void raise_limits();  // before they prepare another configuration
    [[nodiscard]] Result<UniqueFd> record_to_read(const ipc::RecordQuestion& question);
    void heard(const Child& child, const ipc::Heartbeat& beat);
    void send_records();  // to the observer
    void report();        // to the observer: processes, reloads, log lines lost
    void order_log_levels();
    void follow_configuration();  // another one is running: spares

    // -- stopping.cpp
    void begin_stop();
    [[nodiscard]] bool roles_have_stopped(const StopBounds& bounds, Nanos since);
    void stop_watchers();
    [[nodiscard]] bool watchers_have_stopped(bool kill);

    // -- observer.cpp
    void observer_rests(UniqueFd socket);
    bool wake_observer();  // false: it does not rest, and is not about to

    // -- authorization.cpp: what they may send
    void kill_offender(Child& child, const std::string& offence);  // "sent a message Snapshot, which it may not send"

    // -- upgrade.cpp
    [[nodiscard]] bool is_replacing() const { return replacement_ != nullptr; }
    void prepare_hand_over();  // the new program takes over running processes only
    void refill_spares() { spares_.fill_soon(); }
    [[nodiscard]] std::vector<ipc::HandedRole> hand_over(const std::function<int(int)>& handed);
    [[nodiscard]] int kick() const { return kick_.get(); }
    void adopt_kick(UniqueFd kick) { kick_ = std::move(kick); }
    void adopt(ipc::HandedRole& role, const std::function<UniqueFd(int)>& own);
    // Replaces those that were adopted, one after the other; `client` waits for an UpgradeDone.
    void await_replacement(std::string before, UniqueFd client);
    void replace_next() { replacement_->next(); }

private:
    [[nodiscard]] static Result<void> open_for_readers(Child& child);
    [[nodiscard]] std::vector<std::pair<int, int>> descriptors_for(const Child& child) const;
    [[nodiscard]] kernel::RoleProcess process_of(const Child& child) const;
    [[nodiscard]] ipc::RoleStartup startup_for(Kind kind, bool restarted) const;
    void start_in(Child& child, std::chrono::seconds delay);
    void connect_peers(const Child& started);
    void child_ended(Child& child, const kernel::Ended& how);
    void optional_ended(Child& child, const kernel::Ended& how);
    void kill_if_silent(Child& child);
    void restart_forgotten(Child& child);
    void commit_now(Child& child);
    void remember(Child& child);     // what it runs
    void make_record(Child& child);  // if it has a flight recorder and no memory for it yet
    void send_record(const Child& child);
    void write_pid(const Child& child);
    void remove_pid(Kind kind, int pid);
    [[nodiscard]] std::uint64_t configuration_bytes(Kind kind) const;
    void raise_limits(const Child& child);
    void stop_role(Child& child);
    void ended_in_stop(Child& child, const kernel::Ended& how, int pid);
    void begin_address_release();  // unless it is under way
    void end_address_release();
    [[nodiscard]] bool address_release_ended(const kernel::Ended& how);  // true when it was this process
    void observer_rested();                                              // its process has ended
    void on_message(Child& child, Result<ipc::Received> got);
    // False: the message is ignored, or the sender has been killed for it.
    [[nodiscard]] bool is_allowed(Child& child, Sender sender, const Result<ipc::Received>& received);
    [[nodiscard]] bool is_timely(Child& child, Sender sender, const ipc::Message& message);
    [[nodiscard]] SparePool::Handlers spare_handlers();
    [[nodiscard]] bool keeps_spare(Kind kind) const;
    void fill_spares();
    [[nodiscard]] Result<void> start_spare(Child& spare);
    bool promote_spare(Child& child);  // false: no spare is ready
    void adopt_memory(Child& child, UniqueFd block, UniqueFd ring);
    void replacement_over();

    DaemonState& daemon_;
    const SupervisorOptions& options_;
    Log& log_;
    Handlers handlers_;
    const bool may_raise_limits_ = kernel::may_raise_limits();
    ChildList children_;
    UniqueFd kick_;
    SparePool spares_;
    ObserverRest rest_;
    std::unique_ptr<RoleReplacement> replacement_;  // while an upgrade replaces the roles
    std::optional<Instant> vrrp_silent_since_;      // no process of the vrrp role has been ready since
    Child address_release_;
    boost::asio::steady_timer watchers_wait_, first_look_;
};

}  // namespace mainstay::role
