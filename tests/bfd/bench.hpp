// Sessions on the bench: chance always says 0, so that the first session has discriminator 1, source port 49152 and
// no jitter; the neighbour is 10.0.0.2 with discriminator 9. Intents are written as lines of text.
#pragma once

#include <fmt/format.h>

#include <ostream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "../wire/hex.hpp"
#include "mainstay/bfd/sessions.hpp"

namespace mainstay::bfd::test {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;
using mainstay::test::from_hex;

inline constexpr Instant t0{1'000s};

inline IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

inline Settings settings(const char* name = "peer", const char* neighbor = "10.0.0.2") {
    return {.name = name, .neighbor = ip(neighbor)};
}

// What the neighbour says: multiplier 3, at least 10 ms between packets to it. While it is not Up it would send once
// a second, then every 10 ms.
inline constexpr auto kDown = "20 40 03 18 00 00 00 09 00 00 00 00 00 0f 42 40 00 00 27 10 00 00 00 00";
inline constexpr auto kInit = "20 80 03 18 00 00 00 09 00 00 00 01 00 0f 42 40 00 00 27 10 00 00 00 00";
inline constexpr auto kUp = "20 c0 03 18 00 00 00 09 00 00 00 01 00 00 27 10 00 00 27 10 00 00 00 00";
inline constexpr auto kUpPoll = "20 e0 03 18 00 00 00 09 00 00 00 01 00 00 27 10 00 00 27 10 00 00 00 00";
inline constexpr auto kUpFinal = "20 d0 03 18 00 00 00 09 00 00 00 01 00 00 27 10 00 00 27 10 00 00 00 00";
inline constexpr auto kDownAgain = "21 40 03 18 00 00 00 09 00 00 00 01 00 0f 42 40 00 00 27 10 00 00 00 00";
inline constexpr auto kAdminDown = "27 00 03 18 00 00 00 09 00 00 00 01 00 0f 42 40 00 00 27 10 00 00 00 00";

struct Render {
    // "Up poll 1>9 tx 10 rx 10", in milliseconds; what is out of the ordinary follows.
    std::string operator()(const SendPacket& i) const {
        const auto packet = wire::decode_bfd(i.payload);
        if (!packet) return "send damaged: " + std::string{to_string(packet.error())};
        std::string text =
            fmt::format("{}{}{} {}>{} tx {} rx {}", to_string(packet->state), packet->poll ? " poll" : "",
                        packet->final ? " final" : "", packet->my_discriminator, packet->your_discriminator,
                        packet->desired_min_tx / Micros{1000}, packet->required_min_rx / Micros{1000});
        if (packet->diagnostic != Diagnostic::None)
            text += fmt::format(" diag {}", static_cast<unsigned>(packet->diagnostic));
        if (packet->detect_multiplier != 5) text += fmt::format(" x{}", packet->detect_multiplier);
        if (i.destination != ip("10.0.0.2")) text += " to " + i.destination.to_string();
        return text;
    }
    std::string operator()(const ReportState& i) const {
        return fmt::format("tell {} {}{}", i.session, i.up ? "UP" : "DOWN", i.checkers ? "" : " not checkers");
    }
    std::string operator()(const WriteLog& i) const {
        return (i.line.level == LogLevel::Debug     ? "debug: "
                : i.line.level == LogLevel::Warning ? "warning: "
                                                    : "") +
               i.line.text;
    }
};

inline Lines lines(const Intents& intents) {
    Lines all;
    for (const Intent& intent : intents) all.push_back(std::visit(Render{}, intent));
    return all;
}

// Without the log.
inline Lines deeds(const Intents& intents) {
    Intents kept;
    for (const Intent& intent : intents)
        if (!std::holds_alternative<WriteLog>(intent)) kept.push_back(intent);
    return lines(kept);
}

struct Bench {
    explicit Bench(
        std::vector<Settings> all, Random random = [] { return 0U; })
        : sessions{std::move(all), std::move(random)} {}

    static Bench started(Settings s = settings()) {
        Bench bench{{std::move(s)}};
        (void)bench.sessions.start(t0);
        return bench;
    }
    // Up at t0, its poll answered at once.
    static Bench up(Settings s = settings()) {
        Bench bench = started(std::move(s));
        (void)bench.hear(kInit, t0);
        (void)bench.hear(kUpFinal, t0);
        return bench;
    }

    Intents hear(std::span<const std::byte> payload, Instant now, const char* from = "10.0.0.2",
                 std::uint8_t ttl = 255) {
        return sessions.step(PacketHeard{ip(from), ip("10.0.0.1"), ttl, false, payload}, now);
    }
    Intents hear(std::string_view hex, Instant now, const char* from = "10.0.0.2", std::uint8_t ttl = 255) {
        return hear(from_hex(hex), now, from, ttl);
    }
    Intents tick(Instant now) { return sessions.step(DeadlineReached{}, now); }
    [[nodiscard]] SessionSnapshot snapshot(std::size_t i = 0) const { return sessions.snapshot().sessions.at(i); }
    [[nodiscard]] State state(std::size_t i = 0) const { return snapshot(i).state; }
    [[nodiscard]] Nanos due() const { return sessions.deadline().value() - t0; }

    Sessions sessions;
};

}  // namespace mainstay::bfd::test

// doctest prints what differs.
namespace mainstay::wire {
inline std::ostream& operator<<(std::ostream& out, BfdState state) { return out << to_string(state); }
}  // namespace mainstay::wire
namespace std {
inline std::ostream& operator<<(std::ostream& out, const std::vector<std::string>& lines) {
    for (const auto& line : lines) out << "\n  " << line;
    return out;
}
inline std::ostream& operator<<(std::ostream& out, std::chrono::nanoseconds t) { return out << t.count() << " ns"; }
}  // namespace std
