// Calls back a moment after any program has changed the nftables ruleset.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <optional>

#include "mainstay/kernel/nftables.hpp"

namespace mainstay::role {

class RulesetWatch {
public:
    // `look` is called once for all changes within a tenth of a second.
    RulesetWatch(boost::asio::io_context& loop, std::function<void()> look)
        : loop_{loop}, look_{std::move(look)}, timer_{loop} {}
    ~RulesetWatch() { stop(); }
    RulesetWatch(const RulesetWatch&) = delete;
    RulesetWatch& operator=(const RulesetWatch&) = delete;

    // `nftables` must not move until stop(). A second start() does nothing.
    void start(kernel::Nftables& nftables);
    void stop();

private:
    void wait(kernel::Nftables& nftables);

    boost::asio::io_context& loop_;
    std::function<void()> look_;
    std::optional<boost::asio::posix::stream_descriptor> changes_;  // the descriptor belongs to the Nftables object
    boost::asio::steady_timer timer_;
    bool armed_ = false;
};

}  // namespace mainstay::role
