// A daemon's status and its history, of which is asked why something is in its state.
#pragma once

#include <string>
#include <vector>

#include "mainstay/report/why.hpp"

namespace mainstay::report::test {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

inline constexpr std::int64_t kNow_us = 1'795'163'866'000'000;  // 2026-11-20T08:37:46Z
constexpr WallTime ago(std::int64_t seconds_ago) { return {kNow_us - seconds_ago * 1'000'000}; }
inline IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }
using What = vrrp::Fault::What;

struct Scene {
    DaemonStatus status{.now = {kNow_us}};
    std::vector<HistoryEntry> events;

    Scene() {
        status.clock = Instant{1000s};
        status.vrrp.emplace();
        status.lvs.emplace();
        status.lvs->ipvs_available = true;
    }
    vrrp::InstanceSnapshot& instance(const std::string& name, vrrp::State state) {
        auto& one = status.vrrp->router.instances.emplace_back();
        one.name = name, one.interface = "eth0", one.state = state;
        one.since = ago(60);
        return one;
    }
    vrrp::InstanceSnapshot& in_fault(const std::string& name, std::vector<vrrp::Fault> faults) {
        auto& one = instance(name, vrrp::State::Fault);
        one.fault = vrrp::text_of(faults), one.faults = std::move(faults);
        return one;
    }
    ServiceStatus& service() {
        auto& one = status.lvs->services.emplace_back();
        one.name = "[10.0.0.1]:tcp:80";
        one.key = {.family = Family::V4, .protocol = 6, .address = ip("10.0.0.1"), .port = 80};
        one.quorum = 1, one.quorum_up = true;
        return one;
    }
    void happened(Event::Kind kind, const std::string& name, Transition transition, std::int64_t seconds_ago,
                  const std::string& parent = {}, std::uint32_t priority = 0) {
        Event event{.kind = kind, .name = name, .parent = parent, .transition = transition};
        event.priority = priority, event.at = ago(seconds_ago);
        events.push_back({.id = events.size() + 1, .source = "x", .event = std::move(event)});
    }
    [[nodiscard]] WhyAnswer ask(std::string_view name) const {
        return why({.status = status, .events = events, .utc_offset_s = 3600}, name);
    }
    [[nodiscard]] Strings reasons(std::string_view name) const {
        const auto answer = ask(name);
        return answer.found ? answer.found->reasons : Strings{answer.problem};
    }
};

inline ServerStatus server(const char* address, bool alive) {
    ServerStatus one;
    one.name = "[" + std::string{address} + "]:tcp:80";
    one.endpoint = {ip(address), 80};
    one.alive = one.in_table = alive;
    one.weight = one.weight_in_table = 1;
    one.since = ago(30);
    one.checks = {{.type = "TCP_CHECK",
                   .target = one.endpoint.to_string(),
                   .up = alive,
                   .has_run = true,
                   .failures_in_row = alive ? 0U : 3U,
                   .last_result = alive ? "connected" : "connection refused",
                   .last_run = ago(2),
                   .last_duration = 1'200us}};
    return one;
}

inline vrrp::ScriptSnapshot failing_script() {
    return {.name = "chk_http",
            .known = true,
            .last_status = 1,
            .last_failure = "exited with status 1",
            .runs = 100,
            .failures = 40,
            .since = ago(63),
            .failures_in_row = 3};
}

inline OverrideStatus held(std::uint8_t hold, const char* text, std::int64_t weight = 0) {
    return {.service = "[10.0.0.1]:tcp:80",
            .server = {ip("10.0.0.11"), 80},
            .hold = hold,
            .weight = weight,
            .since = ago(120),
            .by = "root (uid 0)",
            .text = text};
}

}  // namespace mainstay::report::test
