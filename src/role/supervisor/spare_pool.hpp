// Processes that have loaded everything and wait for the Commit. Starting one takes a dozen milliseconds (exec,
// linking, reading the configuration); one that waits takes the place of one that died as soon as the death is known.
// The vrrp role always has one; the others get one when they are replaced.
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
#include "mainstay/kernel/spawn.hpp"

namespace mainstay::role {

inline constexpr std::chrono::seconds kSpareAfter{1};  // of quiet: a start has better things to do

class SparePool {
public:
    struct Deeds {
        // Starts the process of this spare; what it says goes to on_message().
        std::function<Result<void>(Child& spare)> start;
        std::function<bool(Child& spare, const Result<ipc::Received>&)> is_allowed;
        std::function<void(Kind)> ready;  // it has loaded its configuration
        std::function<void(Kind, const std::string& why)> lost;
        std::function<void()> quiet;  // time to start those that are missing
    };
    SparePool(boost::asio::io_context& loop, Log& log, Deeds deeds);

    void fill_soon();
    // Starts one for this role, which loads its configuration.
    void start(Kind kind, const Generation& running);
    // The others load the configuration that runs from now on; those whose role has none any more end.
    void prepare(const Generation& running);
    // The one that can take the place of its role's process at once; null: there is none. One that cannot is dropped.
    [[nodiscard]] Child* find_ready(Kind kind, const Generation& running);
    [[nodiscard]] bool has(Kind kind) const { return spares_[slot(kind)]->alive(); }
    void drop(Kind kind);
    void drop_all();
    void stop();  // drops all, and nobody is told any more

    void on_message(Child& spare, const Result<ipc::Received>& received);
    bool ended(const kernel::Ended& process);  // true when it was one of them
    void for_each(const std::function<void(Child&)>& what) const;

private:
    Log& log_;
    Deeds deeds_;
    boost::asio::steady_timer quiet_;
    std::array<std::unique_ptr<Child>, kRoles> spares_;  // by slot(Kind)
    bool stopped_ = false;
};

}  // namespace mainstay::role
