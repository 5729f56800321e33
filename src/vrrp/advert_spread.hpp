// Spreads adverts that are due at the same time, as after a start. In a burst each advert waits for those before it,
// and a short pause of the machine makes thousands of them late. So some are sent once a little earlier than one
// interval after the last one (never later, or a backup could miss one), and then regularly again.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "mainstay/base/time.hpp"

namespace mainstay::vrrp {

class AdvertSpread {
public:
    static constexpr std::size_t kTogether = 16;            // adverts that may be due together
    static constexpr std::chrono::microseconds kTurn{800};  // between such batches
    static constexpr int kShareOfInterval = 4;              // at most a quarter of an interval earlier

    // For one step; `instances`: the number of all instances.
    explicit AdvertSpread(std::size_t instances) : instances_{instances} {}

    // How much earlier the next advert of the instance that was due at `due` must be sent. Call it in the order of due
    // times.
    [[nodiscard]] Nanos earlier(Instant due, Nanos interval) {
        const auto batches = static_cast<Nanos::rep>((instances_ + kTogether - 1) / kTogether);
        const Nanos turn = std::min<Nanos>(kTurn, interval / (kShareOfInterval * std::max<Nanos::rep>(batches, 1)));
        if (together_ == 0 || due - first_ >= turn) {
            first_ = due;
            together_ = 0;
        }
        return turn * static_cast<Nanos::rep>(together_++ / kTogether);
    }

private:
    std::size_t instances_;
    Instant first_{};
    std::size_t together_ = 0;
};

}  // namespace mainstay::vrrp
