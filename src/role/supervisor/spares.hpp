// Spares: standby processes that have loaded the configuration and wait for the Commit. Starting a process takes a
// dozen milliseconds (exec, linking, reading the configuration); a spare replaces a process as soon as its death is
// known. The vrrp role always has a spare; the other roles get one when an upgrade replaces them.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "child.hpp"
#include "mainstay/kernel/spawn.hpp"
#include "role_replacement.hpp"

namespace mainstay::role {

inline constexpr std::chrono::seconds kSpareAfter{
    1};  // after the last start or reload, which spares must not slow down

class SparePool {
public:
    struct Handlers {
        // Starts the process of this spare; its messages are passed to on_message().
        std::function<Result<void>(Child& spare)> start;
        std::function<bool(Child& spare, const Result<ipc::Received>&)> is_allowed;
        std::function<void(const Child& spare, int signal)> signalled;  // it hands on a signal
        std::function<void(Kind)> ready;                                // the spare has loaded its configuration
        std::function<void(Kind, const std::string& why)> lost;
        std::function<void()> quiet;  // kSpareAfter is over: the missing spares may be started
    };
    SparePool(boost::asio::io_context& loop, Log& log, Handlers handlers);

    void fill_soon();
    // Starts a spare for this role, which loads the running configuration.
    void start(Kind kind, const Generation& running);
    // After a reload: the spares load the new configuration; those of roles that are no longer needed are dropped.
    void prepare(const Generation& running);
    // The spare that can replace its role's process at once, else null; a spare that cannot is dropped.
    [[nodiscard]] Child* find_ready(Kind kind, const Generation& running);
    [[nodiscard]] bool has(Kind kind) const { return spares_[slot(kind)]->alive(); }
    void drop(Kind kind);
    void drop_all();
    void stop();  // drops all and calls no callback any more

    void on_message(Child& spare, const Result<ipc::Received>& received);
    bool ended(const kernel::Ended& process);  // true when it was a spare
    void for_each(const std::function<void(Child&)>& what) const;

private:
    Log& log_;
    Handlers handlers_;
    boost::asio::steady_timer quiet_;
    std::array<std::unique_ptr<Child>, kRoles> spares_;  // by slot(Kind)
    bool stopped_ = false;
};

}  // namespace mainstay::role
