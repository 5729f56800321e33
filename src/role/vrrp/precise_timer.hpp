// A timer that is accurate to some microseconds. A process that sleeps until a deadline runs about 0.1 ms after it,
// which at 10 ms intervals exceeds the skew between two priorities (RFC 9568 6.1). This timer wakes up a little
// earlier, does what must be done before the deadline fires, and busy-waits for the rest. Deadlines at which a tenth of
// a millisecond does not count are slept through.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <optional>

#include "mainstay/base/time.hpp"

namespace mainstay::role {

class PreciseTimer {
public:
    static constexpr std::chrono::microseconds kAhead{400};  // how long before the deadline it wakes up
    static constexpr int kShareOfTime = 100;                 // busy-waiting takes at most 1/100 of a processor, and
    static constexpr std::chrono::milliseconds kSavedMax{
        5};  // at most this much at once; beyond it, the timer sleeps only

    // `ahead` and `due` are called on the loop; each may call at(). `due` is called once for each deadline. During the
    // busy-wait, `ahead` is called again whenever `waits` reports that packets are pending. `is_tight` is asked once
    // for each deadline.
    PreciseTimer(boost::asio::io_context& loop, std::function<void()> ahead, std::function<bool()> waits,
                 std::function<bool(Instant)> is_tight, std::function<void()> due);

    void at(std::optional<Instant> deadline);  // replaces the deadline; none: disarms the timer
    void cancel();

private:
    void arm();
    void awake();
    [[nodiscard]] bool put_off(std::optional<Instant> planned);
    [[nodiscard]] bool may_watch(Instant now);

    boost::asio::steady_timer timer_;
    std::function<void()> ahead_;
    std::function<bool()> waits_;
    std::function<bool(Instant)> is_tight_;
    std::function<void()> due_;
    std::optional<Instant> deadline_;
    bool awaking_ = false;  // inside ahead_: at() only stores the deadline
    Nanos saved_{kSavedMax};
    Instant saved_at_{};
};

}  // namespace mainstay::role
