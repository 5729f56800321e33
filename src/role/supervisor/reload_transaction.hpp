// Brings a configuration to all roles that run, or to none: every one of them prepares it; when all are ready it is
// committed; when one refuses it, dies or is late, all forget it.
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
        std::function<void()> committed;                      // the caller sends the Commits
        std::function<void(const std::string& why)> aborted;  // the roles know already
    };
    ReloadTransaction(boost::asio::io_context& loop, Log& log, const Children& children, Outcome outcome)
        : log_{log}, children_{children}, outcome_{std::move(outcome)}, limit_{loop} {}

    // Asks all roles that run. With none, it is committed at once.
    void begin(const Generation& next);
    [[nodiscard]] bool is_under_way() const { return under_way_; }
    // `name`: of its process, in the log.
    void answered(Child& child, const ipc::Prepared& answer, const std::string& name);
    // A role that does not count any more: it is nobody's fault.
    void forget_gone() { commit_if_prepared(); }
    void abort(const std::string& why);
    void cancel();  // at the end of the daemon

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
