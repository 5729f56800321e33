// One BFD session in asynchronous mode: RFC 5880 6.8, single-hop (RFC 5881) and multihop (RFC 5883). No echo, no
// authentication, no demand mode of our own; a neighbour's demand mode is honoured.
//
//            Down heard          Init or Up heard
//   DOWN ----------------> INIT ------------------> UP
//    ^ \                     | silence, AdminDown    | silence, Down, AdminDown
//    |  '-- Init heard: UP   |                       |
//    '-----------------------+-----------------------'
//
// A change of state is sent at once, not with the next periodic packet. New intervals are announced with a poll
// sequence; those that could make either side expire too early are used only after the neighbour has confirmed them.
// Every member function that can cause intents takes a Step: the time, the random source and the list of intents.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/bfd/facts.hpp"
#include "mainstay/wire/bfd.hpp"

namespace mainstay::bfd {

// Logs why packets were discarded, once and then rarely, because a misconfigured neighbour keeps sending them.
enum class Complaint : std::uint8_t {
    Damaged,       // malformed: wire::BfdDefect
    Stranger,      // the source is no neighbour, or the destination is not a session's address and port
    Unknown,       // its discriminator matches no session
    OtherAddress,  // its discriminator matches a session, but the source is not its neighbour
    Ttl,           // the TTL is too low
    Count_,        // how many there are
};

class Complaints {
public:
    static constexpr Seconds kEvery{60};

    // The line to log; none if one of the same kind was logged recently. The next line reports how many were
    // suppressed.
    [[nodiscard]] std::optional<LogLine> line(Complaint kind, std::string_view text, Instant now);
    void clear() { kinds_ = {}; }

private:
    struct Kind {
        std::optional<Instant> last;
        std::uint64_t silent = 0;
    };
    std::array<Kind, static_cast<std::size_t>(Complaint::Count_)> kinds_{};
};

struct Step {
    Instant now;
    const Random& random;
    Intents& out;
};

class Session {
public:
    // The session's identity for its neighbour, constant for its life: bfd.LocalDiscr and the source port.
    struct Identity {
        std::uint32_t discriminator = 0;  // never 0
        std::uint16_t source_port = 0;
    };

    Session(Settings settings, Identity identity);

    void start(Step step);  // begins as DOWN, with a packet unless it is passive
    // Resumes the state of a crashed incarnation; the settings may have changed.
    void adopt(Step step, const SessionSnapshot& previous);

    // A packet for this session, as received and decoded.
    void hear(Step step, const PacketHeard& heard, const wire::BfdPacket& packet);
    void tick(Step step);  // handles every deadline that has been reached
    void reconfigure(Step step, Settings settings);
    void stop(Step step);  // says Down to the neighbour once; the session is finished
    // Counts a packet from the neighbour that Sessions has discarded.
    void discarded(Step step, Complaint kind, std::string_view why);
    void use_port(std::uint16_t port) { identity_.source_port = port; }

    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] const Settings& settings() const { return settings_; }
    [[nodiscard]] const Identity& identity() const { return identity_; }
    // To which the neighbour sent last: without a source_ip the kernel's choice of a source. Empty: nothing was heard.
    [[nodiscard]] const IpAddress& local() const { return local_; }
    [[nodiscard]] std::optional<Instant> deadline() const;
    [[nodiscard]] SessionSnapshot snapshot() const;

private:
    // bfd.Remote...: from the neighbour's last packet.
    struct Remote {
        std::uint32_t discriminator = 0;  // 0: not known
        State state = State::Down;
        Diagnostic diagnostic = Diagnostic::None;
        std::uint8_t multiplier = 0;
        Micros min_tx{0}, min_rx{1};
        bool demand = false;
    };

    void learn(const wire::BfdPacket& packet);
    void enter(Step step, State next, Diagnostic diagnostic);
    void announce_intervals();
    void slow_down();
    void confirm_intervals();
    void expire(Step step);
    void schedule(Step step);  // call it after any change that affects the transmit interval
    void periodic_due(Step step);
    void send_now(Step step);  // an extra packet; the next periodic one is due an interval later
    void send(Step step, bool final);
    void report_state(Step step) const;
    void log(Step step, LogLevel level, std::string_view text) const;
    [[nodiscard]] bool near_enough(std::uint8_t ttl) const;
    [[nodiscard]] Micros transmit_interval() const;  // 0: nothing periodic
    [[nodiscard]] Micros detection() const;
    [[nodiscard]] bool up() const { return state_ == State::Up; }

    Settings settings_;
    Identity identity_;
    IpAddress local_;
    State state_ = State::Down;
    Diagnostic diagnostic_ = Diagnostic::None;
    Remote remote_;
    Micros desired_min_tx_, required_min_rx_;  // as announced
    Micros applied_min_tx_, applied_min_rx_;   // in use
    bool polling_ = false, polls_again_ = false;
    bool unheard_ = false;
    bool counts_as_up_ = false;  // for what tracks it

    std::optional<Instant> next_send_;
    Instant sent_{};       // when the last packet was sent, except answers to polls
    Micros scheduled_{0};  // the transmit interval that next_send_ was computed with
    std::optional<Instant> expires_;
    Instant heard_{};
    Complaints complaints_;
    Counters counters_;
};

// BFD's computed times and its state table, RFC 5880 6.8.

// RFC 5880 6.8.7: every interval is randomly shortened by up to a quarter, so that sessions do not synchronise; with a
// multiplier of 1 by at least a tenth, because a single late packet would then take the session down.
[[nodiscard]] constexpr Nanos jittered(Micros interval, std::uint8_t multiplier, std::uint32_t random) {
    const Nanos whole = interval;
    const Nanos least = multiplier == 1 ? whole / 10 : Nanos{0};
    const Nanos spread = whole / 4 - least;
    return whole - least - spread * (random >> 16) / 0xffff;
}

// RFC 5880 6.8.4: the detection time. `remote_min_tx` is the neighbour's Desired Min TX Interval.
[[nodiscard]] constexpr Micros detection_time(std::uint8_t remote_multiplier, Micros min_rx, Micros remote_min_tx) {
    return remote_multiplier * std::max(min_rx, remote_min_tx);
}

// RFC 5880 6.8.6: the new state after a received state; none if it does not change.
[[nodiscard]] constexpr std::optional<wire::BfdState> next_state(wire::BfdState ours, wire::BfdState heard) {
    using enum wire::BfdState;
    if (heard == AdminDown) return ours == Down ? std::nullopt : std::optional{Down};
    if (ours == Down) return heard == Down ? std::optional{Init} : heard == Init ? std::optional{Up} : std::nullopt;
    if (ours == Init) return heard == Down ? std::nullopt : std::optional{Up};
    return heard == Down ? std::optional{Down} : std::nullopt;
}

}  // namespace mainstay::bfd
