// Operators who wait for the outcome of a command, each with a reply that the test keeps.
#include "role/supervisor/operators.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "mainstay/ipc/shared.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

struct Heard {
    std::uint64_t request = 0;
    std::int32_t exit_code = 0;
    std::string problem;
    bool has_text = false;
    Clock::time_point at;
};

struct QuestionsBench {
    explicit QuestionsBench(OperatorQueue::Waits waits) : queue{loop, waits} {}
    std::uint64_t add(ipc::OperatorQuestion question = ipc::InstanceQuestion{}) {
        const auto number = queue.add(question, [this](const ipc::OperatorAnswered& done, int text) {
            heard.push_back({done.request, done.exit_code, done.problem, text >= 0, Clock::now()});
        });
        std::visit([number](const auto& asked) { CHECK(asked.request == number); }, question);
        return number;
    }
    bool until(std::size_t count) {
        const auto limit = Clock::now() + 20s;
        while (heard.size() < count && Clock::now() < limit) {
            loop.restart();
            loop.run_one_for(10ms);
        }
        return heard.size() == count;
    }

    boost::asio::io_context loop;
    std::vector<Heard> heard;
    OperatorQueue queue;
};

}  // namespace

TEST_CASE("a command without an outcome is answered when its time is over, and not before") {
    constexpr auto kWithin = 200ms;
    QuestionsBench bench{{.for_vrrp = kWithin}};
    std::vector<std::uint64_t> requests;
    std::vector<Clock::time_point> added;
    const auto add = [&] {
        added.push_back(Clock::now());
        requests.push_back(bench.add());
    };
    add();
    bench.loop.run_for(kWithin / 2);
    add();
    add();
    REQUIRE(bench.until(3));
    add();  // after all were answered
    REQUIRE(bench.until(4));
    for (std::size_t i = 0; i < 4; ++i) {
        CAPTURE(i);
        CHECK(bench.heard[i].request == requests[i]);
        CHECK(bench.heard[i].exit_code == 2);
        CHECK(bench.heard[i].problem == "the VRRP process does not answer; see the log");
        CHECK(bench.heard[i].at - added[i] >= kWithin);
    }
    bench.loop.restart();
    CHECK(bench.loop.run_for(1ms) == 0);  // nobody waits any more
}

TEST_CASE("an outcome is given once, and to the one who waits for it") {
    QuestionsBench bench{{.for_vrrp = 1h, .for_lvs = 1h}};
    const auto first = bench.add(), second = bench.add();
    CHECK(second == first + 1);
    bench.loop.poll();
    CHECK(bench.heard.empty());  // their time is not over yet
    bench.queue.answer(Kind::Vrrp, {second + 1, 0, "of nobody"}, -1);
    bench.queue.answer(Kind::Lvs, {second, 0, "of another process"}, -1);
    CHECK(bench.heard.empty());
    bench.queue.answer(Kind::Vrrp, {second, 1, "nobody took over"}, -1);
    bench.queue.answer(Kind::Vrrp, {second, 0, {}}, -1);
    REQUIRE(bench.heard.size() == 1);
    CHECK(bench.heard[0].exit_code == 1);
    CHECK(bench.heard[0].problem == "nobody took over");
    CHECK_FALSE(bench.heard[0].has_text);
    bench.queue.answer_text(first, 3, "handed over");
    REQUIRE(bench.heard.size() == 2);
    CHECK(bench.heard[1].request == first);
    CHECK(bench.heard[1].exit_code == 3);
    CHECK(bench.heard[1].problem.empty());
    CHECK(bench.heard[1].has_text);
}

TEST_CASE("each process has a time of its own for its answer, and its end answers for it alone") {
    QuestionsBench bench{{.for_vrrp = 1h, .for_lvs = 50ms}};
    const auto instances = bench.add();
    const auto servers = bench.add(ipc::ServerQuestion{});
    REQUIRE(bench.until(1));
    CHECK(bench.heard[0].request == servers);
    CHECK(bench.heard[0].problem == "the load balancing process does not answer; see the log");

    const auto more = bench.add(ipc::ServerQuestion{});
    bench.queue.process_died(Kind::Snmp);
    CHECK(bench.heard.size() == 1);
    bench.queue.process_died(Kind::Lvs);
    REQUIRE(bench.heard.size() == 2);
    CHECK(bench.heard[1].request == more);
    CHECK(bench.heard[1].problem == "the load balancing process died; see the log");
    bench.queue.process_died(Kind::Vrrp);
    REQUIRE(bench.heard.size() == 3);
    CHECK(bench.heard[2].request == instances);
    CHECK(bench.heard[2].problem == "the VRRP process died; see the log");
}

TEST_CASE("a bound of commands waits; a further one is refused at once, and all of them when the daemon stops") {
    QuestionsBench bench{{.for_vrrp = 1h, .for_lvs = 1h}};
    constexpr std::size_t kMost = OperatorQueue::kMostOfVrrp;
    for (std::size_t i = 0; i < kMost; ++i) CHECK(bench.add() == i + 1);
    CHECK(bench.heard.empty());
    CHECK(bench.add() == 0);
    REQUIRE(bench.heard.size() == 1);
    CHECK(bench.heard[0].request == 0);
    CHECK(bench.heard[0].exit_code == 2);
    CHECK(bench.heard[0].problem == "too many commands wait for their outcome: try again later");
    CHECK_FALSE(bench.heard[0].has_text);
    bench.queue.fail_all("the daemon is stopping");
    REQUIRE(bench.heard.size() == kMost + 1);
    CHECK(bench.heard.back().problem == "the daemon is stopping");
    CHECK(bench.add() == kMost + 1);
}

TEST_CASE("commands for servers have a larger bound of their own, and neither kind keeps the other away") {
    QuestionsBench bench{{.for_vrrp = 1h, .for_lvs = 1h}};
    const auto full = [&](std::size_t most, const ipc::OperatorQuestion& question) {
        for (std::size_t i = 0; i < most; ++i) CHECK(bench.add(question) != 0);
        return bench.add(question) == 0;
    };
    CHECK(full(16, ipc::InstanceQuestion{}));
    CHECK(full(128, ipc::ServerQuestion{}));
    CHECK(bench.heard.size() == 2);
    bench.queue.process_died(Kind::Vrrp);
    CHECK(full(16, ipc::InstanceQuestion{}));
}
