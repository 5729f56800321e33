// Finds the earliest deadline of thousands of instances.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "mainstay/base/time.hpp"

namespace mainstay::vrrp {

// The minimum of n deadlines, each of which may change at any time: a tournament tree, in which a change costs log2(n)
// and reading the minimum is free. Positions are 0 .. size - 1.
class Deadlines {
public:
    // Forgets all deadlines.
    void resize(std::size_t size);
    void set(std::size_t position, std::optional<Instant> due);
    // Of equal deadlines, the one with the lowest position.
    struct Next {
        std::size_t position = 0;
        Instant due{};
    };
    [[nodiscard]] std::optional<Next> next() const;

private:
    template <class A>
    friend void fields(A& archive, Deadlines& deadlines);  // router_state.cpp
    static constexpr Instant kNever = Instant::max();
    std::vector<Instant> due_;          // the leaves; their number is a power of two
    std::vector<std::size_t> winners_;  // winners_[1] is the overall minimum; the children of node n are 2n and 2n + 1
};

// Spreads adverts that are due at the same time, as after a start. In a burst each advert waits for those before it,
// and a short pause of the machine makes thousands of them late. So some are sent once a little earlier than one
// interval after the last one (never later, or a backup could miss one), and then regularly again.
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
