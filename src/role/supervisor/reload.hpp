// Reads a configuration and brings it to all roles, or to none.
//
//   SIGHUP -> a reader process reads and checks -> one sealed snapshot per role -> Prepare to every running role
//          -> all answered "ready" -> Commit to all;  one refused, died or was late -> Abort to all.
// SIGHUPs that arrive meanwhile are combined into one further reload.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "child.hpp"
#include "children.hpp"
#include "daemon_state.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/kernel/spawn.hpp"
#include "reader_process.hpp"
#include "role_replacement.hpp"

namespace mainstay::role {

// The requests for reloads, by signal or from mainstayctl, and their answers: those of the reload in progress, and
// those that wait for the next one, into which all requests that arrive meanwhile are combined.
class ReloadRequests {
public:
    // Adds a mainstayctl client, which is answered at the end of the next reload.
    void add(const ipc::Reload& wanted, UniqueFd client);
    // The request has to wait for the end of the reload in progress.
    void postpone() { again_ = true; }
    [[nodiscard]] bool take_postponed() { return std::exchange(again_, false); }

    // A reload begins; it serves all requests made until now.
    void begin();
    [[nodiscard]] bool force() const { return now_.force; }
    [[nodiscard]] ipc::RoleStartup::DryRunAs report() const;  // the kind of report that the reader makes

    void set_report(UniqueFd report) { report_ = std::move(report); }
    void refuse(const std::string& why) { problem_ = why; }
    // The reload is over: sends the result to its clients.
    void answer();

private:
    struct Clients {
        std::vector<UniqueFd> lines;
        bool force = false, as_json = false;
    };
    Clients now_, next_;
    std::string problem_;  // why the configuration was refused; empty: it was not
    UniqueFd report_;      // sealed; made by the reader
    bool again_ = false;
};

// A two-phase commit of a configuration to all running roles: each role prepares it; when all are ready it is
// committed; when one refuses it, dies or is late, it is aborted in all.

inline constexpr std::chrono::seconds kPrepareLimit{30};

class ReloadTransaction {
public:
    struct Outcome {
        std::function<void()> committed;                      // the caller then sends the Commits
        std::function<void(const std::string& why)> aborted;  // the Aborts have been sent
    };
    ReloadTransaction(boost::asio::io_context& loop, Log& log, const ChildList& children, Outcome outcome)
        : log_{log}, children_{children}, outcome_{std::move(outcome)}, limit_{loop} {}

    // Sends Prepare to all running roles. Without any, `committed` is called at once.
    void begin(const Generation& next);
    [[nodiscard]] bool is_under_way() const { return under_way_; }
    // A role that was not running at the beginning runs the current configuration now. It is asked too.
    void joined(Child& child, const Generation& next);
    // `name`: the process's name in the log.
    void answered(Child& child, const ipc::Prepared& answer, const std::string& name);
    // A role has been stopped on purpose; its answer is not needed any more.
    void forget_gone() { commit_if_prepared(); }
    void abort(const std::string& why);
    void call_off();  // as abort(), and the caller goes on
    void cancel();    // when the daemon stops

private:
    void commit_if_prepared();
    void commit();

    Log& log_;
    const ChildList& children_;
    Outcome outcome_;
    boost::asio::steady_timer limit_;
    std::uint64_t number_ = 0;
    bool under_way_ = false;
};

class Reload {
public:
    // What the rest of the daemon does at its steps.
    struct Handlers {
        // The first configuration has been read: the daemon takes its folders and its pid file. False: ask again soon.
        std::function<Result<bool>(const ipc::DaemonSettings&)> take_place;
        std::function<void(UniqueFd host_before)> committed;  // DaemonState::current is another one
        // The daemon cannot start. `why` is for the terminal from which it was started.
        std::function<void(int exit_code, const std::string& why)> give_up;
    };
    Reload(DaemonState& daemon, Children& children, Handlers handlers);

    void request();
    void request(const ipc::Reload& wanted, UniqueFd client);  // which is answered at the end of the reload
    void begin();                                              // the first configuration
    [[nodiscard]] bool is_under_way() const { return under_way_; }
    void request_postponed();  // what waited for the end of something else
    void prepared(Child& child, const ipc::Prepared& answer);
    void joined(Child& child);             // it runs the current configuration now
    void process_died(Kind kind);          // what it was asked is not answered
    void process_left();                   // what it was asked needs no answer
    bool ended(const kernel::Ended& how);  // true when it was the reader
    void done();                           // what was read runs
    void over();                           // likewise, of the first configuration, or the running one stays
    void look();                           // once a second
    void stop();                           // with the daemon
    void release_reader() { reader_.kill_waiting(); }
    void remove_files();  // at the end of the daemon

    // A process that reads beside the reload, with what it needs to know.
    [[nodiscard]] Result<int> start_reader(std::vector<std::pair<int, int>> descriptors) const;
    [[nodiscard]] ipc::RoleStartup orders_for_reader() const;
    // Compares the file on disk with the running configuration; it answers on `control`.
    [[nodiscard]] Result<int> start_dry_run(const ipc::DryRun& question, int control, int control_of_child);

private:
    void start_reading();
    [[nodiscard]] std::vector<ReaderProcess::Running> running_parts() const;
    void or_refuse_configuration(const std::function<void()>& step);
    void take_snapshot(const ipc::Snapshot& snapshot, UniqueFd sealed);
    void take_reading(ReaderProcess::Reading reading);
    void read_again_in(const std::string& name);  // in this network namespace
    // `reason`: what the log has said of it before; empty: nothing.
    void reading_failed(int exit_code, const std::string& why, const std::string& reason = {});
    void begin_preparing();
    [[nodiscard]] bool is_any_starting() const;
    void prepare_later();
    void commit_all();
    void aborted(const std::string& why);
    void log_changes();
    void count(const std::string& problem);  // empty: it was done
    [[nodiscard]] int open_check_log(const ipc::RoleStartup& orders);
    void close_check_log();
    void keep_configuration();
    void mark_reading(bool reading);

    DaemonState& daemon_;
    const SupervisorOptions& options_;
    Log& log_;
    Children& children_;
    Handlers handlers_;
    bool under_way_ = false;  // from the reading of a configuration to its commit or refusal
    bool began_again_ = false;
    bool has_place_ = false;
    ReloadRequests requests_;
    ReaderProcess reader_;
    ReloadTransaction transaction_;
    boost::asio::steady_timer prepare_wait_;
    UniqueFd check_log_;            // open while a reader may write to it
    std::string reader_namespace_;  // named by the first configuration; later ones are read in the roles' namespace
    UniqueFd reader_namespace_at_;
    std::string reading_mark_;               // reload_file, while it exists
    std::string scheduled_text_;             // of reload_time_file
    std::optional<std::int64_t> scheduled_;  // by it, Unix seconds
};

}  // namespace mainstay::role
