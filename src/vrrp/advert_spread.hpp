// Whose adverts are due together, as after a start, leave in a burst, and each waits for those before it: a moment's
// pause of the machine makes thousands of them late. So they get turns of their own: once, some are sent a little
// earlier than an interval after the last one (never later: no backup may miss one), and from then on an interval
// apart.
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

    // Of one step: `instances` are all that there are.
    explicit AdvertSpread(std::size_t instances) : instances_{instances} {}

    // How much earlier the next advert is to leave of the instance whose turn it was at `due`. Called in the order of
    // the turns.
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
