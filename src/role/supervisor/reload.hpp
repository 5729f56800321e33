// The requests for reloads, by signal or from mainstayctl, and their answers: those of the reload in progress, and
// those that wait for the next one, into which all requests that arrive meanwhile are combined.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "child.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/ipc/message.hpp"
#include "role_replacement.hpp"

namespace mainstay::role {

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
    using Children = std::array<std::unique_ptr<Child>, kRoles>;
    struct Outcome {
        std::function<void()> committed;                      // the caller then sends the Commits
        std::function<void(const std::string& why)> aborted;  // the Aborts have been sent
    };
    ReloadTransaction(boost::asio::io_context& loop, Log& log, const Children& children, Outcome outcome)
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
    void cancel();  // when the daemon stops

private:
    void commit_if_prepared();
    void commit();

    Log& log_;
    const Children& children_;
    Outcome outcome_;
    boost::asio::steady_timer limit_;
    std::uint64_t number_ = 0;
    bool under_way_ = false;
};

}  // namespace mainstay::role
