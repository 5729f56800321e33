// A judge with a clock of its own, and its answers as text: one line per intent, so that a sequence reads as one.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "builders.hpp"
#include "mainstay/lvs/judge.hpp"

namespace mainstay::lvs::test {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

inline std::string text_of_intent(const Intent& intent) {
    if (const auto* start = std::get_if<StartCheck>(&intent)) return fmt::format("start {}", start->checker);
    if (const auto* cancel = std::get_if<CancelCheck>(&intent)) return fmt::format("cancel {}", cancel->checker);
    if (const auto* table = std::get_if<TableChanged>(&intent)) return fmt::format("table {}", table->service);
    if (const auto* count = std::get_if<CountConnections>(&intent)) return fmt::format("count {}", count->service);
    if (const auto* said = std::get_if<WriteLog>(&intent)) return said->line.text;
    const Event& event = std::get<Announce>(intent).event;
    return fmt::format("{} {}{}{} {}{}{}: {}", event.kind == Event::Kind::RealServer ? "RS" : "VS", event.name,
                       event.parent.empty() ? "" : " ", event.parent, to_string(event.transition),
                       event.notify ? "" : " quiet", event.mail ? " mail" : "", event.detail);
}

inline Lines text_of_intents(const Intents& intents) {
    Lines lines;
    for (const auto& intent : intents) lines.push_back(text_of_intent(intent));
    return lines;
}

struct Bench {
    Micros drawn{0};  // what the generator answers, at most its limit
    Judge judge{[this](Micros limit) { return std::min(drawn, limit); }};
    Instant zero{};  // the start
    Nanos since_start{0};
    HostAddresses host;  // at the start

    Moment now() const { return {zero + since_start, {std::chrono::duration_cast<Micros>(since_start).count()}}; }
    Lines start(config::Config config, const Memory& memory = {}) {
        return text_of_intents(judge.start(std::move(config), memory, now(), {}, host));
    }
    Lines start(config::VirtualServer service) {
        config::Config config;
        config.virtual_servers.push_back(std::move(service));
        return start(std::move(config));
    }
    Lines reload(config::VirtualServer service) {
        config::Config config;
        config.virtual_servers.push_back(service);
        if (judge.services().size() != 1) return text_of_intents(judge.reload(std::move(config), now()));
        // A change of the one service is the same as a reload of everything.
        std::vector<config::ServiceChange> changes{{0, judge.services()[0], std::move(service)}};
        Judge other = judge;
        auto accepted = other.accept(std::move(changes));
        const Lines said = accepted ? text_of_intents(other.reload(*accepted, now())) : Lines{};
        Lines all = text_of_intents(judge.reload(std::move(config), now()));
        if (!accepted) return all;
        ++changed;
        CHECK(said == all);
        CHECK(other.services() == judge.services());
        CHECK(other.states() == judge.states());
        CHECK(other.desired() == judge.desired());
        CHECK(other.deadline() == judge.deadline());
        return all;
    }
    std::size_t changed = 0;  // reloads that were tried as changes, too
    // Seconds from the start to the next deadline; -1: none.
    double due() const {
        const auto deadline = judge.deadline();
        return deadline ? std::chrono::duration<double>(*deadline - zero).count() : -1;
    }
    // Goes to the deadline and reports it.
    Lines tick() {
        since_start = judge.deadline().value() - zero;
        return text_of_intents(judge.step(DeadlineReached{}, now()));
    }
    Lines finish(CheckerId checker, Outcome outcome, Nanos took = 0ns) {
        since_start += took;
        return text_of_intents(judge.step(CheckFinished{checker, outcome, "because", 5ms}, now()));
    }
    Lines finish(const CheckFinished& fact) { return text_of_intents(judge.step(fact, now())); }
    Lines run(Outcome outcome, Nanos took = 0ns) {  // tick, and the result of the one check it starts
        const Lines started = tick();
        return finish(std::stoull(started.at(0).substr(6)), outcome, took);
    }
};

}  // namespace mainstay::lvs::test
