// Decides when a state block is written: soon after important changes, later after others, and never so often that
// writing takes more than a given share of the time.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>

#include "mainstay/base/time.hpp"

namespace mainstay::role {

class PublishPacer {
public:
    // `publish` is called on the loop, for each within() once at most. One that takes T is not called again for
    // `share` x T.
    PublishPacer(boost::asio::io_context& loop, int share, std::function<void()> publish)
        : share_{share}, publish_{std::move(publish)}, timer_{loop} {}

    void within(Micros pause);  // of now, unless that is too soon after the last
    void now();
    void stop();  // then only now() publishes

private:
    int share_;
    std::function<void()> publish_;
    boost::asio::steady_timer timer_;
    std::optional<Instant> due_;
    Micros pause_{0};
    Instant allowed_{};
    bool stopped_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // queued handlers look whether this still is
};

}  // namespace mainstay::role
