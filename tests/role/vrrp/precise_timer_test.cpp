// The timer of adverts: never early, what must be done before comes before, and a deadline that moved does not fire.
#include "role/vrrp/precise_timer.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace mainstay;
using namespace mainstay::role;
using namespace std::chrono_literals;

namespace {

Instant now() { return std::chrono::time_point_cast<Nanos>(std::chrono::steady_clock::now()); }

struct TimerBench {
    boost::asio::io_context loop;
    std::vector<std::string> calls;
    std::vector<Instant> due_at;
    std::function<void()> ahead = [] {}, due = [] {};
    std::function<bool()> waits = [] { return false; }, is_tight = [] { return true; };
    PreciseTimer timer{loop,
                       [this] {
                           calls.emplace_back("ahead");
                           ahead();
                       },
                       [this] { return waits(); }, [this](Instant) { return is_tight(); },
                       [this] {
                           calls.emplace_back("due");
                           due_at.push_back(now());
                           due();
                       }};
    // Until nothing is armed any more.
    void run() {
        loop.run_for(20s);
        loop.restart();
    }
};

using Calls = std::vector<std::string>;

}  // namespace

TEST_CASE("a deadline fires once, not before its time, after what has to be done ahead of it") {
    TimerBench bench;
    const Instant at = now() + 20ms;
    bench.timer.at(at);
    bench.timer.at(at);  // the same again arms nothing
    bench.run();
    CHECK(bench.calls == Calls{"ahead", "due"});
    REQUIRE(bench.due_at.size() == 1);
    CHECK(bench.due_at[0] >= at);
    bench.timer.at(at);  // long past: it was fired, and is a new one
    bench.run();
    CHECK(bench.due_at.size() == 2);
}

TEST_CASE("a deadline that is replaced or cancelled does not fire") {
    TimerBench bench;
    const Instant early = now() + 5ms, late = now() + 30ms;
    bench.timer.at(early);
    bench.timer.at(late);
    bench.run();
    REQUIRE(bench.due_at.size() == 1);
    CHECK(bench.due_at[0] >= late);
    bench.timer.at(now() + 5ms);
    bench.timer.at(std::nullopt);
    bench.run();
    bench.timer.at(now() + 5ms);
    bench.timer.cancel();
    bench.run();
    CHECK(bench.due_at.size() == 1);
    CHECK(bench.calls == Calls{"ahead", "due"});
}

TEST_CASE("a deadline that what is done ahead of it puts off fires at its new time alone") {
    TimerBench bench;
    const Instant first = now() + 5ms, second = first + 20ms;
    bench.ahead = [&] {
        if (bench.calls.size() == 1) bench.timer.at(second);
    };
    bench.timer.at(first);
    bench.run();
    CHECK(bench.calls == Calls{"ahead", "ahead", "due"});
    REQUIRE(bench.due_at.size() == 1);
    CHECK(bench.due_at[0] >= second);
}

TEST_CASE("what arrives while the timer waits for the deadline is read before it fires, and may put it off") {
    TimerBench bench;
    const Instant first = now() + 5ms, second = first + 20ms;
    int asked = 0;
    bench.waits = [&] { return ++asked == 1; };
    bench.ahead = [&] {
        if (bench.calls.size() == 2) bench.timer.at(second);
    };
    bench.timer.at(first);
    bench.run();
    CHECK(bench.calls == Calls{"ahead", "ahead", "ahead", "due"});
    REQUIRE(bench.due_at.size() == 1);
    CHECK(bench.due_at[0] >= second);
}

TEST_CASE("what is due may set the next deadline") {
    TimerBench bench;
    const Instant first = now() + 2ms;
    bench.due = [&] {
        if (bench.due_at.size() < 3) bench.timer.at(first + bench.due_at.size() * 2ms);
    };
    bench.timer.at(first);
    bench.run();
    CHECK(bench.due_at.size() == 3);
}

TEST_CASE("a timer wakes up ahead of its deadline only while it has saved enough time for that") {
    TimerBench bench;
    int early = 0, fired = 0;
    Instant planned = now() + 1ms;
    bench.ahead = [&] { early += now() < planned ? 1 : 0; };
    bench.due = [&] {
        if (++fired < 400) bench.timer.at(planned = now() + 450us);
    };
    bench.timer.at(planned);
    bench.run();
    CHECK(fired == 400);
    CHECK(early >= 1);
    // 5 ms saved and 1/100 of the time since last for some 13 waits of 0.4 ms, and for one more in 40 ms.
    CHECK(early < 200);
}

TEST_CASE("a deadline that is not tight is slept through") {
    TimerBench bench;
    int asked = 0, early = 0;
    Instant planned = now() + 20ms;
    bench.is_tight = [&] { return ++asked == 0; };
    bench.ahead = [&] { early += now() < planned ? 1 : 0; };
    bench.due = [&] {
        if (bench.due_at.size() < 5) bench.timer.at(planned = now() + 20ms);
    };
    bench.timer.at(planned);
    bench.run();
    CHECK(bench.due_at.size() == 5);
    CHECK(early == 0);
    CHECK(asked == 5);
}
