// A judge with a clock of its own, and its answers as text: one line per intent, so that a sequence reads as one.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>
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

// The first service and its first server.
inline const std::string kVs = "[10.0.0.1]:tcp:80", kRs = "[10.0.0.11]:tcp:80";

// Two judges that came to be where they are in different ways.
inline void check_alike(const Judge& one, const Judge& other) {
    CHECK(one.services() == other.services());
    CHECK(one.states() == other.states());
    CHECK(one.desired() == other.desired());
    CHECK(one.deadline() == other.deadline());
}

struct Bench {
    Micros drawn{0};  // what the generator answers, at most its limit
    Judge judge{[this](Micros limit) { return std::min(drawn, limit); }};
    Instant zero{};  // the start
    Nanos since_start{0};
    HostFacts host;  // at the start; of a reload, its files

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
        const HostFacts known{.addresses = {}, .files = host.files};
        if (judge.services().size() != 1) return text_of_intents(judge.reload(std::move(config), now(), known));
        // A change of the one service is the same as a reload of everything.
        std::vector<config::ServiceChange> changes{{0, judge.services()[0], std::move(service)}};
        Judge other = judge;
        auto accepted = other.accept(std::move(changes));
        const Lines said = accepted ? text_of_intents(other.reload(*accepted, now(), known)) : Lines{};
        Lines all = text_of_intents(judge.reload(std::move(config), now(), known));
        if (!accepted) return all;
        ++changed;
        CHECK(said == all);
        check_alike(other, judge);
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

// What an operator's command does, and how it is answered.
struct Said {
    Lines intents;
    ServerAnswer answer;
};
using Verb = ServerCommand::Verb;
inline Said send_to(Bench& bench, const ServerCommand& command) {
    Said said;
    said.intents = text_of_intents(bench.judge.command(command, bench.now(), said.answer));
    return said;
}
inline Said send_to(Bench& bench, Verb verb, std::string which = "10.0.0.11", std::int64_t weight = 0,
                    bool dry_run = false, std::string by = "me") {
    return send_to(bench, {verb, std::move(which), weight, dry_run, std::move(by)});
}

inline Lines addresses(Bench& bench, std::set<IpAddress> here) {
    return text_of_intents(bench.judge.step(AddressesChanged{std::move(here)}, bench.now()));
}

// The connections of the first server; the second one always has as many.
inline Lines counted(Bench& bench, std::uint64_t active, std::uint64_t inactive = 0, std::uint16_t port = 80) {
    return text_of_intents(bench.judge.step(
        ConnectionsCounted{0, {{at("10.0.0.11", port), active, inactive}, {at("10.0.0.12", port), 5, 5}}},
        bench.now()));
}

inline Lines in_table(const Judge& judge, std::size_t service = 0) {
    Lines out;
    for (const auto table = judge.desired(service); const auto& one : table.at(0).destinations)
        out.push_back(fmt::format("{} {}", one.endpoint.to_string(), one.weight));
    return out;
}
inline std::int32_t weight_in_table(const Judge& judge) { return judge.desired(0).at(0).destinations.at(0).weight; }

template <class T>
config::VirtualServer with(config::VirtualServer web, std::string keyword, T value) {
    web.more.edit().values.push_back({std::move(keyword), value});
    return web;
}

inline bool contains(const Lines& lines, const std::string& line) {
    return std::ranges::find(lines, line) != lines.end();
}
inline bool about_slow_start(const Lines& lines) {
    return std::ranges::any_of(lines, [](const std::string& line) { return line.starts_with("Slow start"); });
}

}  // namespace mainstay::lvs::test
