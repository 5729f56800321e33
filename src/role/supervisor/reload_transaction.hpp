// A two-phase commit of a configuration to all running roles: each role prepares it; when all are ready it is
// committed; when one refuses it, dies or is late, it is aborted in all.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "child.hpp"
#include "generation.hpp"
#include "mainstay/base/log.hpp"

namespace mainstay::role {

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
