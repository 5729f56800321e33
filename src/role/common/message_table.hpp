// One row for each kind of message: who may send it to the supervisor, what it counts against, whether a descriptor
// comes with it, and when the supervisor's are given to a role. The supervisor trusts no other process, because any of
// them may be compromised.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "mainstay/base/time.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/role/common/runtime.hpp"

namespace mainstay::role {

// The kinds of processes that have a control socket to the supervisor. The first five are the roles.
enum class Sender : std::uint8_t {
    Vrrp,
    Lvs,
    Observer,
    Bfd,
    Snmp,
    Spare,  // a standby process of a role, which replaces the running one when that dies
    Reader,
    Watcher,
    DryRunReader,  // compares a configuration with the running one, for mainstayctl
    UpgradeTrial,  // the new program of an upgrade, which checks whether it can continue
    Operator       // mainstayctl, over the supervisor's own socket
};
inline constexpr std::size_t kSenders = 11;
[[nodiscard]] constexpr Sender sender_of(Kind role) {  // not of Kind::Supervisor
    return static_cast<Sender>(static_cast<int>(role) - 1);
}
static_assert(sender_of(Kind::Vrrp) == Sender::Vrrp && sender_of(Kind::Lvs) == Sender::Lvs &&
              sender_of(Kind::Observer) == Sender::Observer && sender_of(Kind::Bfd) == Sender::Bfd &&
              sender_of(Kind::Snmp) == Sender::Snmp);

struct MessageRow {
    enum class Counts : std::uint8_t {
        Control,  // of the few that a process sends by itself
        Work,     // scripts, FIFO lines and observations: tens of thousands of servers may change within one second
        Request   // of clients of D-Bus, SNMP, the API, and of signals: excess ones are ignored and are no offence
    };
    // When a role gets one from the supervisor by Role::on().
    enum class Given : std::uint8_t {
        Never,  // its process acts on it, or no role is sent any
        Always,
        BeforeStart,  // before its first configuration
        UntilStop,    // also before its first configuration
        Running
    };

    const char* name = nullptr;  // for the log: "RunScript"
    std::uint16_t senders = 0;   // one bit for each Sender; none: the supervisor sends it, or roles each other
    Counts counts = Counts::Control;
    bool asks = false;        // it has an answer, which counts against the question
    bool answers = false;     // of such a question
    bool descriptor = false;  // may come with one
    Given given = Given::Never;

    [[nodiscard]] constexpr bool is_sent_by(Sender sender) const {
        return (senders >> static_cast<unsigned>(sender) & 1U) != 0;
    }
};

[[nodiscard]] const MessageRow& row_of(const ipc::Message& message);

// Rate limits for the messages of a process. A flood would take the supervisor's time from the other roles; a limit
// below a role's busiest moments would kill a process that works correctly. Pure.

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
