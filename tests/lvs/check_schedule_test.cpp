#include "lvs/check_schedule.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "services_builder.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

const Instant zero{};

CheckSchedule half_way() {
    return CheckSchedule{[](Micros limit) { return limit / 2; }};
}

}  // namespace

TEST_CASE("the first run of a checker is a second and its part of the warmup after the start") {
    CHECK(half_way().first_due(tcp_check(at("10.0.0.11", 80)), zero) == zero + 4s);
}

TEST_CASE("a run is due delay_loop after the one before was due, unless that is over") {
    const auto checker = tcp_check(at("10.0.0.11", 80));
    CHECK(next_due(checker, zero, zero + 2s) == zero + 6s);
    CHECK(next_due(checker, zero, zero + 7s) == zero + 7s);
}

TEST_CASE("a retry is counted from the end of a connection, and from the start of a script") {
    const CheckRun run{.first = false, .began = zero};
    auto script = misc_check(at("10.0.0.11", 80));
    script.delay_before_retry = Seconds{3};
    CHECK(retry_due(tcp_check(at("10.0.0.11", 80)), run, zero + 2s) == zero + 5s);
    CHECK(retry_due(script, run, zero + 2s) == zero + 3s);
    CHECK(retry_due(script, run, zero + 5s) == zero + 5s);
}

TEST_CASE("while it is down, only an HTTP check waits for a longer delay_before_retry") {
    const CheckRun run{.first = false, .began = zero};
    auto http = tcp_check(at("10.0.0.11", 80));
    http.delay_before_retry = Seconds{9};
    const auto tcp = http;
    http.type = config::Checker::Type::Http;
    CHECK(next_due_while_down(tcp, run, zero + 1s) == zero + 6s);
    CHECK(next_due_while_down(http, run, zero + 1s) == zero + 9s);
}

TEST_CASE("a checker that is given another time runs once, at that time") {
    auto services = services_of({service({checked("10.0.0.11")})});
    auto schedule = half_way();
    schedule.set(services, {{0, 0}, 0}, zero + 1s);
    schedule.set(services, {{0, 0}, 0}, zero + 3s);
    schedule.tidy(services);
    CHECK(schedule.deadline() == zero + 3s);
    CHECK_FALSE(schedule.take_due(services, zero + 2s));
    CHECK(schedule.take_due(services, zero + 3s) == CheckerId{1});
    CHECK_FALSE(schedule.take_due(services, zero + 30s));
    CHECK_FALSE(schedule.deadline());
}

TEST_CASE("slots that were missed are skipped, and the phase stays") {
    auto services = services_of({service({checked("10.0.0.11")})});
    auto schedule = half_way();
    schedule.set(services, {{0, 0}, 0}, zero + 1s);
    CHECK(schedule.take_due(services, zero + 20s) == CheckerId{1});
    CHECK(services.checker_state({{0, 0}, 0}).due == zero + 19s);  // 1, 7, 13, 19
}

TEST_CASE("a rebuilt schedule has those that may run: not what runs, is disabled or belongs to a suspended service") {
    auto services = services_of({service({checked("10.0.0.11"), checked("10.0.0.12"), checked("10.0.0.13")}),
                                 service({checked("10.0.0.14")}, "10.0.0.2")});
    services.checker_state({{0, 0}, 0}).running = true;
    services.state_at({0, 1}).hold = Hold::Disabled;
    services.states[1].suspended = true;
    auto schedule = half_way();
    schedule.rebuild(services, zero + 5s);
    CHECK(schedule.take_due(services, zero + 5s) == CheckerId{3});  // overdue: now
    CHECK_FALSE(schedule.take_due(services, zero + 60s));
}

TEST_CASE("checks that resume are spread over a second, or over a shorter warmup") {
    auto services = services_of({service({checked("10.0.0.11"), checked("10.0.0.12")})});
    services.configs[0].real_servers[1].checkers[0].warmup = Micros{200'000};
    auto schedule = half_way();
    schedule.resume(services, 0, zero);
    CHECK(services.checker_state({{0, 0}, 0}).due == zero + 500ms);
    CHECK(services.checker_state({{0, 1}, 0}).due == zero + 100ms);
}

TEST_CASE("checks of a suspended service get their time, and wait for nothing") {
    auto services = services_of({service({checked("10.0.0.11")})});
    services.states[0].suspended = true;
    auto schedule = half_way();
    schedule.set(services, {{0, 0}, 0}, zero + 1s);
    CHECK_FALSE(schedule.deadline());
    CHECK(services.checker_state({{0, 0}, 0}).due == zero + 1s);
}
