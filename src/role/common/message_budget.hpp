// How many messages a process may send before it counts as a flood. A flood would take the supervisor's time from the
// other roles; one far below what a role needs at its busiest would kill an honest one. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <variant>

#include "mainstay/base/time.hpp"
#include "mainstay/ipc/message.hpp"

namespace mainstay::role {

// One turn of the supervisor's loop handles so many messages of one process; then the others have their turn.
inline constexpr int kMessagesPerTurn = 64;

struct Rate {
    std::int64_t burst = 0, per_second = 0;
};
// Scripts, FIFO lines, observations: tens of thousands of servers may change in one second, scripts run for days.
inline constexpr Rate kWorkRate{200'000, 20'000};
// All others: a heartbeat each second, a few answers.
inline constexpr Rate kControlRate{1'000, 100};
// Control requests over D-Bus and SNMP. More is not the role's fault, and is ignored.
inline constexpr Rate kRequestRate{300, 2};

// A bucket of `burst` tokens that fills again at `per_second`.
class TokenBucket {
public:
    explicit TokenBucket(Rate rate)
        : interval_{std::chrono::nanoseconds{1'000'000'000 / rate.per_second}}, depth_{interval_ * rate.burst} {}
    // False: there is no token. Time must not go back.
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
    // False: the sender floods.
    [[nodiscard]] bool spend(const ipc::Message& message, Instant now) {
        const bool work = std::holds_alternative<ipc::RunScript>(message) ||
                          std::holds_alternative<ipc::FifoLine>(message) ||
                          std::holds_alternative<ipc::Observations>(message);
        return (work ? work_ : control_).take(now);
    }
    // False: too many control requests.
    [[nodiscard]] bool spend_request(Instant now) { return requests_.take(now); }

private:
    TokenBucket work_{kWorkRate}, control_{kControlRate}, requests_{kRequestRate};
};

}  // namespace mainstay::role
