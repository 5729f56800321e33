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
    static constexpr std::chrono::microseconds kUnnoticed{200};  // a publish that takes no longer delays nothing
    static constexpr std::chrono::seconds kPutOffMax{1};         // however much is due meanwhile

    // `publish` is called on the loop, at most once for each call of within() or at_once(). `delays` says whether
    // something on the loop that must be on time is due within this time; none: nothing is.
    PublishPacer(boost::asio::io_context& loop, Shares shares, std::function<void()> publish,
                 std::function<bool(Nanos)> delays = {})
        : shares_{shares}, publish_{std::move(publish)}, delays_{std::move(delays)}, timer_{loop} {}

    // Publishes within `pause`; later if the last publish was too recent, or if one that takes as long as the last
    // would delay something.
    void within(Micros pause);
    void at_once();  // publishes before it returns, later if the last publish was too recent
    void now();
    void stop();  // then only now() publishes

private:
    void set_timer(Instant wanted);
    void arm(Instant at);
    void due();

    Shares shares_;
    std::function<void()> publish_;
    std::function<bool(Nanos)> delays_;
    boost::asio::steady_timer timer_;
    std::optional<Instant> due_;
    Micros pause_{0};
    Nanos took_{0};  // the last publish
    Instant urgent_from_{}, usual_from_{}, at_the_latest_{};
    bool stopped_ = false;
    Lifetime lifetime_;
};

}  // namespace mainstay::role
