#include "lvs/check_schedule.hpp"

#include <doctest/doctest.h>

#include <map>

#include "judge_harness.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

TEST_CASE("the queue of checks gives the earliest first, of equal ones the older checker") {
    CheckQueue queue;
    const Instant zero{};
    queue.push(zero + 3s, 1);
    queue.push(zero + 1s, 3);
    queue.push(zero + 2s, 4);
    queue.push(zero + 1s, 2);

    CHECK(queue.pop() == CheckQueue::Entry{zero + 1s, 2});
    CHECK(queue.pop() == CheckQueue::Entry{zero + 1s, 3});
    CHECK(queue.pop() == CheckQueue::Entry{zero + 2s, 4});
    CHECK(queue.pop() == CheckQueue::Entry{zero + 3s, 1});
    CHECK(queue.empty());
}

TEST_CASE("the queue of checks drops stale entries from its front, and all of them when they are many") {
    CheckQueue queue;
    std::map<CheckerId, Instant> due;  // what is true now
    const auto is_stale = [&](const CheckQueue::Entry& entry) { return due[entry.id] != entry.due; };
    const Instant zero{};
    const auto set = [&](CheckerId id, Nanos after) { queue.push(due[id] = zero + after, id); };

    set(1, 1s);
    set(2, 2s);
    set(1, 5s);
    queue.tidy(2, is_stale);
    CHECK(queue.front() == CheckQueue::Entry{zero + 2s, 2});
    CHECK(queue.size() == 2);

    for (int i = 0; i < 1000; ++i) {  // stale ones behind the front
        set(1, 1h + i * 1s);
        queue.tidy(2, is_stale);
    }
    CHECK(queue.size() < 100);
    CHECK(queue.pop() == CheckQueue::Entry{zero + 2s, 2});
    queue.tidy(2, is_stale);
    CHECK(queue.front() == CheckQueue::Entry{zero + 1h + 999s, 1});
}

TEST_CASE("an index of checkers finds each by its id, whatever the order they came in, also beyond 32 bits") {
    CheckerIndex index;
    index.add(0x5'0000'0002, {1, 2, 3});
    index.add(7, {4, 5, 6});
    index.add(2, {7, 8, 9});
    index.sort();

    CHECK(index.at(2).service == 7);
    CHECK(index.at(7).server == 5);
    CHECK(index.at(0x5'0000'0002).checker == 3);
    CHECK_FALSE(index.contains(3));
    CHECK_FALSE(index.contains(0x5'0000'0003));
    CHECK(index.id(0) == 2);
    CHECK(index.id(2) == 0x5'0000'0002);
}

TEST_CASE("a server takes 40 bytes beside its checkers, and a checker 72") {
    CHECK(sizeof(ServerState) == 40);
    CHECK(sizeof(CheckerState) == 72);
}

TEST_CASE("a check that is given another time runs then and not when it was due before") {
    Bench bench;
    auto one = checked("10.0.0.11");
    one.checkers[0].delay_before_retry = 2s;
    one.checkers[0].delay_loop = 10s;
    bench.start(service({one}));
    bench.run(Outcome::Passed);
    bench.run(Outcome::Failed);  // at 11 s: due at 21 s, and the retry at 13 s
    CHECK(bench.due() == 13.0);
    bench.run(Outcome::Passed);
    CHECK(bench.due() == 23.0);
    CHECK(bench.tick() == Lines{"start 1"});
    CHECK(bench.due() == -1);  // it runs; what was due at 21 s is not said to be
}
