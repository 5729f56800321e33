#include "role/common/message_budget.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::role;
using namespace std::chrono_literals;

TEST_CASE("a bucket gives its burst at once, and then as many as its rate") {
    TokenBucket bucket{{.burst = 10, .per_second = 5}};
    const Instant start{1h};
    int given = 0;
    for (int i = 0; i < 100; ++i) given += bucket.take(start) ? 1 : 0;
    CHECK(given == 10);
    CHECK(bucket.take(start + 200ms));
    CHECK_FALSE(bucket.take(start + 200ms));
    given = 0;
    for (int i = 0; i < 100; ++i) given += bucket.take(start + 1h) ? 1 : 0;
    CHECK(given == 10);
}

TEST_CASE("an honest role never floods: heartbeats for a day, and a start with a hundred thousand servers") {
    MessageBudget budget;
    Instant now{1h};
    for (int i = 0; i < 100'000; ++i) {
        REQUIRE(budget.spend(ipc::RunScript{}, now));
        REQUIRE(budget.spend(ipc::FifoLine{}, now));
    }
    for (int second = 0; second < 86'400; ++second) {
        now += 1s;
        REQUIRE(budget.spend(ipc::Heartbeat{}, now));
        for (int script = 0; script < 10'000; ++script) REQUIRE(budget.spend(ipc::RunScript{}, now));
        if (second == 100) second = 86'300;  // what lies between is the same
    }
}

TEST_CASE("what a paused supervisor finds in its queue is no flood") {
    MessageBudget budget;
    for (int i = 0; i < 300; ++i) REQUIRE(budget.spend(ipc::Heartbeat{}, Instant{1h}));
}

TEST_CASE("heartbeats as fast as they go are a flood soon, and scripts in the end") {
    MessageBudget budget;
    const Instant now{1h};
    int heartbeats = 0, scripts = 0;
    while (budget.spend(ipc::Heartbeat{}, now)) ++heartbeats;
    CHECK(heartbeats == kControlRate.burst);
    while (budget.spend(ipc::RunScript{}, now)) ++scripts;
    CHECK(scripts == kWorkRate.burst);
}

TEST_CASE("control requests have a bound of their own") {
    MessageBudget budget;
    int taken = 0;
    for (int i = 0; i < 10'000; ++i) taken += budget.spend_request(Instant{1h}) ? 1 : 0;
    CHECK(taken == kRequestRate.burst);
}
