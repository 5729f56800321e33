// Rate limits for the messages of a process. A flood would take the supervisor's time from the other roles; a limit
// below a role's busiest moments would kill a process that works correctly. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "mainstay/base/time.hpp"
#include "mainstay/ipc/message.hpp"
#include "message_table.hpp"

namespace mainstay::role {

// The supervisor handles at most this many messages of one process per turn of its loop.
inline constexpr int kMessagesPerTurn = 64;

struct Rate {
    std::int64_t burst = 0, per_second = 0;
};
// For scripts, FIFO lines and observations: tens of thousands of servers may change state within one second.
inline constexpr Rate kWorkRate{200'000, 20'000};
// For all other messages that a process sends by itself: one heartbeat per second and a few more.
inline constexpr Rate kControlRate{1'000, 100};
// For control requests over D-Bus and SNMP. Excess ones are ignored and are no offence, because clients cause them.
inline constexpr Rate kRequestRate{300, 2};

// A token bucket: it holds at most `burst` tokens and is refilled with `per_second` tokens per second.
class TokenBucket {
public:
    explicit TokenBucket(Rate rate)
        : interval_{std::chrono::nanoseconds{1'000'000'000 / rate.per_second}}, depth_{interval_ * rate.burst} {}
    // False: the bucket is empty. `now` must never decrease.
    [[nodiscard]] bool take(Instant now) {
        const Instant due = std::max(due_, now) + interval_;
        if (due - now > depth_) return false;
        due_ = due;
        return true;
    }

private:
    std::chrono::nanoseconds interval_, depth_;
    Instant due_{};
};

class MessageBudget {
public:
    // The process was sent this. Its answer counts against what it was asked, not against what it sends by itself:
    // whoever reloads as fast as it goes must not get the roles killed.
    void asked(const ipc::Message& question) {
        if (row_of(question).asks) ++answers_awaited_;
    }
    // False: the sender exceeds its rate.
    [[nodiscard]] bool spend(const ipc::Message& message, Instant now) {
        const auto& row = row_of(message);
        if (answers_awaited_ != 0 && row.answers) {
            --answers_awaited_;
            return true;
        }
        return (row.counts == MessageRow::Counts::Work ? work_ : control_).take(now);
    }
    // False: too many control requests.
    [[nodiscard]] bool spend_request(Instant now) { return requests_.take(now); }

private:
    std::uint64_t answers_awaited_ = 0;
    TokenBucket work_{kWorkRate}, control_{kControlRate}, requests_{kRequestRate};
};

}  // namespace mainstay::role
