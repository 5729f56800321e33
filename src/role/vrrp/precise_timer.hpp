// A deadline met to some microseconds. A process that sleeps until then is awake a tenth of a millisecond later, which
// at 10 ms intervals is the skew of two priorities (RFC 9568 6.1). This one awakes a little before, does what must be
// done before a deadline may fire, and watches the clock for the rest.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines

#include <functional>
#include <optional>

#include "mainstay/base/time.hpp"

namespace mainstay::role {

class PreciseTimer {
public:
    static constexpr std::chrono::microseconds kAhead{400};   // how long before the deadline it awakes
    static constexpr int kShareOfTime = 100;                  // watching takes at most 1/100 of a processor, and then
    static constexpr std::chrono::milliseconds kSavedMax{5};  // at most so much at once; beyond it, it just sleeps

    // `ahead` and `due` are called on the loop; each may call at(). `due` is called once for each deadline given. While
    // the clock is watched, `ahead` is called again when `waits` reports that packets wait.
    PreciseTimer(boost::asio::io_context& loop, std::function<void()> ahead, std::function<bool()> waits,
                 std::function<void()> due);

    void at(std::optional<Instant> deadline);  // instead of the one before; none: never
    void cancel();

private:
    void arm();
    void awake();
    [[nodiscard]] bool put_off(std::optional<Instant> planned);
    [[nodiscard]] bool may_watch(Instant now);

    boost::asio::steady_timer timer_;
    std::function<void()> ahead_;
    std::function<bool()> waits_;
    std::function<void()> due_;
    std::optional<Instant> deadline_;
    bool awaking_ = false;  // inside ahead_: at() only takes note
    Nanos saved_{kSavedMax};
    Instant saved_at_{};
};

}  // namespace mainstay::role
