#include "role/common/message_table.hpp"

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

TEST_CASE("answers are no offence, as many as there were questions") {
    MessageBudget budget;
    const Instant now{1h};
    for (int reload = 0; reload < 100'000; ++reload) {
        budget.asked(ipc::Prepare{});
        REQUIRE(budget.spend(ipc::Prepared{}, now));
        budget.asked(ipc::Commit{});
        REQUIRE(budget.spend(ipc::Committed{}, now));
    }
    for (int question = 0; question < 100'000; ++question) {
        budget.asked(ipc::DumpRequested{});
        REQUIRE(budget.spend(ipc::DumpRequested{}, now));
        budget.asked(ipc::ServerQuestion{});
        REQUIRE(budget.spend(ipc::OperatorAnswered{}, now));
        budget.asked(ipc::InstanceQuestion{});
        REQUIRE(budget.spend(ipc::OperatorAnswered{}, now));
    }
    budget.asked(ipc::Prepare{});
    int answers = 0;
    while (budget.spend(ipc::Prepared{}, now)) ++answers;
    CHECK(answers == 1 + kControlRate.burst);

    MessageBudget other;
    for (int told = 0; told < 100'000; ++told) other.asked(ipc::ScriptResults{});  // has no answer
    int heartbeats = 0;
    while (other.spend(ipc::Heartbeat{}, now)) ++heartbeats;
    CHECK(heartbeats == kControlRate.burst);
}

TEST_CASE("control requests have a bound of their own") {
    MessageBudget budget;
    int taken = 0;
    for (int i = 0; i < 10'000; ++i) taken += budget.spend_request(Instant{1h}) ? 1 : 0;
    CHECK(taken == kRequestRate.burst);
}
