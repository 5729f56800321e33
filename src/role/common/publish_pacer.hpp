// Decides when a state block is written: soon after important changes, later after others, and never so often that
// writing takes more than a given share of the time, because writing delays everything else in the loop.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <optional>

#include "mainstay/base/lifetime.hpp"
#include "mainstay/base/time.hpp"

namespace mainstay::role {

class PublishPacer {
public:
    // After a publish that took T, at_once() waits for `urgent` x T, and within() for `usual` x T.
    struct Shares {
        int urgent = 20, usual = 20;
    };
    // `publish` is called on the loop, at most once for each call of within() or at_once().
    PublishPacer(boost::asio::io_context& loop, Shares shares, std::function<void()> publish)
        : shares_{shares}, publish_{std::move(publish)}, timer_{loop} {}

    void within(Micros pause);  // publishes within `pause`, later if the last publish was too recent
    void at_once();             // publishes before it returns, later if the last publish was too recent
    void now();
    void stop();  // then only now() publishes

private:
    void set_timer(Instant wanted);

    Shares shares_;
    std::function<void()> publish_;
    boost::asio::steady_timer timer_;
    std::optional<Instant> due_;
    Micros pause_{0};
    Instant urgent_from_{}, usual_from_{};
    bool stopped_ = false;
    Lifetime lifetime_;
};

}  // namespace mainstay::role
