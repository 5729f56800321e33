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

#include <cstdint>
#include <optional>
#include <string_view>

#include "complaints.hpp"
#include "mainstay/bfd/facts.hpp"

namespace mainstay::bfd {

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
    void administer(Step step, bool enabled);
    void reconfigure(Step step, Settings settings);
    void stop(Step step);  // sends AdminDown to the neighbour once; the session is finished
    // Counts a packet from the neighbour that Sessions has discarded.
    void discarded(Step step, Complaint kind, std::string_view why);
    void use_port(std::uint16_t port) { identity_.source_port = port; }

    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] const Settings& settings() const { return settings_; }
    [[nodiscard]] const Identity& identity() const { return identity_; }
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
    State state_ = State::Down;
    Diagnostic diagnostic_ = Diagnostic::None;
    Remote remote_;
    Micros desired_min_tx_, required_min_rx_;  // as announced
    Micros applied_min_tx_, applied_min_rx_;   // in use
    bool polling_ = false, polls_again_ = false;
    bool unheard_ = false;

    std::optional<Instant> next_send_;
    Instant sent_{};       // when the last packet was sent, except answers to polls
    Micros scheduled_{0};  // the transmit interval that next_send_ was computed with
    std::optional<Instant> expires_;
    Instant heard_{};
    Complaints complaints_;
    Counters counters_;
};

}  // namespace mainstay::bfd
