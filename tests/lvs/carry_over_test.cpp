#include "lvs/carry_over.hpp"

#include <doctest/doctest.h>

#include "services_builder.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

ServerState state_of(const config::RealServer& one) { return up_state(service({one})).servers[0]; }

}  // namespace

TEST_CASE("a checker that asks the same goes on, and is due within its new interval") {
    const auto before = checked("10.0.0.11");
    auto now = before;
    now.checkers[0].delay_loop = Seconds{2};
    auto old = state_of(before);
    old.checkers[0].id = 7;
    old.checkers[0].up = false;
    old.checkers[0].due = Instant{} + 6s;
    auto state = state_of(now);
    carry_server(before, old, now, state, Instant{});
    CHECK(state.checkers[0].id == 7);
    CHECK_FALSE(state.checkers[0].up);
    CHECK(state.checkers[0].due == Instant{} + 2s);
}

TEST_CASE("a checker that runs keeps its time") {
    const auto before = checked("10.0.0.11");
    auto now = before;
    now.checkers[0].delay_loop = Seconds{2};
    auto old = state_of(before);
    old.checkers[0].running = true;
    old.checkers[0].due = Instant{} + 6s;
    auto state = state_of(now);
    carry_server(before, old, now, state, Instant{});
    CHECK(state.checkers[0].due == Instant{} + 6s);
}

TEST_CASE("a new alpha check does not take down a server that is up, and keeps down one that is down") {
    const auto before = server("10.0.0.11");
    auto now = checked("10.0.0.11");
    now.checkers[0].alpha = true;
    for (const bool alive : {false, true}) {
        auto old = state_of(before);
        old.alive = alive;
        auto state = state_of(now);
        carry_server(before, old, now, state, Instant{});
        CHECK(state.checkers[0].up == alive);
        CHECK(state.alive == alive);
    }
}

TEST_CASE("an exact twin is matched before a checker that only asks the same") {
    auto before = checked("10.0.0.11");
    before.checkers.push_back(before.checkers[0]);
    before.checkers[1].retry = 9;
    auto now = before;
    std::swap(now.checkers[0], now.checkers[1]);
    auto old = state_of(before);
    old.checkers[0].id = 1;
    old.checkers[1].id = 2;
    auto state = state_of(now);
    carry_server(before, old, now, state, Instant{});
    CHECK(state.checkers[0].id == 2);
    CHECK(state.checkers[1].id == 1);
}
