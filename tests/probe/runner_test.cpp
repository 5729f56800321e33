#include "mainstay/probe/runner.hpp"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <map>

#include "clock.hpp"
#include "loopback.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using lvs::Outcome;

namespace {

struct Bench {
    boost::asio::io_context loop;
    mainstay::test::KeptLog log;
    std::map<std::uint64_t, Finding> found;
    std::size_t results = 0;
    std::function<void(std::uint64_t)> then;

    Runner::Done done() {
        return [this](std::uint64_t check, Finding finding) {
            ++results;
            found[check] = std::move(finding);
            if (then) then(check);
        };
    }
};

Probe tcp(const Endpoint& target) {
    config::Checker checker;
    checker.target = target;
    checker.connect_timeout = kTimeout;
    Toolbox tools{config::Config{}};
    return probe_of(checker, 0, tools).value();
}

boost::asio::awaitable<Finding> throwing(std::shared_ptr<Attempt>) {
    throw std::runtime_error{"out of luck"};
    co_return Finding{};
}

}  // namespace

TEST_CASE("every check gives one result under its own number") {
    Bench bench;
    const UniqueFd open = listen_on_any();
    const UniqueFd closed = bind_only();
    Runner runner{bench.loop, bench.log, bench.done()};

    runner.start(1, tcp(bound_to(open)));
    runner.start(2, tcp(bound_to(closed)));
    runner.start(2, tcp(bound_to(open)));  // runs already
    CHECK(bench.results == 0);             // never from within start
    run_to_its_end(bench.loop);

    CHECK(bench.results == 2);
    CHECK(bench.found.at(1).outcome == Outcome::Passed);
    CHECK(bench.found.at(2).outcome == Outcome::Failed);
    CHECK(runner.running() == 0);
}

TEST_CASE("no more than the limit connect at a time, the others follow in order") {
    Bench bench;
    const UniqueFd open = listen_on_any(64);
    Runner runner{bench.loop, bench.log, bench.done(), 3};
    std::size_t most = 0;
    std::vector<std::uint64_t> order;
    bench.then = [&](std::uint64_t check) {
        order.push_back(check);
        most = std::max(most, runner.running());
    };

    for (std::uint64_t i = 1; i <= 20; ++i) runner.start(i, tcp(bound_to(open)));
    CHECK(runner.running() == 3);
    CHECK(runner.waiting() == 17);
    run_to_its_end(bench.loop);

    CHECK(bench.results == 20);
    CHECK(most <= 3);
    CHECK(order.back() >= 18);
}

TEST_CASE("checks that wait for others for a second are told of once a minute, with what to do") {
    Bench bench;
    const UniqueFd open = listen_on_any(64);
    Runner runner{bench.loop, bench.log, bench.done(), 2};
    bench.then = [](std::uint64_t) { pass(std::chrono::seconds{3}); };
    for (std::uint64_t i = 1; i <= 7; ++i) runner.start(i, tcp(bound_to(open)));
    CHECK(bench.log.texts.empty());
    run_to_its_end(bench.loop);
    REQUIRE(bench.log.texts.size() == 1);
    CHECK(bench.log.levels[0] == LogLevel::Warning);
    CHECK(bench.log.has("health checks wait for others to end, and such have waited for "));
    CHECK(bench.log.has(" s: 2 run at a time, as many as the open descriptors of this process allow."));
    CHECK(bench.log.has("Raise LimitNOFILE= in the unit, or ulimit -n"));

    bench.loop.restart();
    bench.then = [](std::uint64_t) { pass(std::chrono::seconds{61}); };
    for (std::uint64_t i = 1; i <= 20; ++i) runner.start(i, tcp(bound_to(open)));
    CHECK(bench.log.texts.size() == 1);
    run_to_its_end(bench.loop);
    CHECK(bench.log.texts.size() >= 3);
    CHECK(bench.log.texts.size() <= 12);
}

TEST_CASE("checks that wait for their turn for less than a second are none to tell of") {
    Bench bench;
    const UniqueFd open = listen_on_any(64);
    Runner runner{bench.loop, bench.log, bench.done(), 2};
    bench.then = [&](std::uint64_t check) {
        pass(std::chrono::seconds{3});
        if (check < 20) runner.start(check + 10, tcp(bound_to(open)));
    };
    runner.start(1, tcp(bound_to(open)));
    runner.start(2, tcp(bound_to(open)));
    run_to_its_end(bench.loop);
    CHECK(bench.results == 6);
    CHECK(bench.log.texts.empty());
}

TEST_CASE("a cancelled check gives no result, running or waiting, and makes room") {
    Bench bench;
    const UniqueFd open = listen_on_any();
    const Blackhole silent;
    Runner runner{bench.loop, bench.log, bench.done(), 1};
    runner.start(1, tcp(silent.endpoint()));
    runner.start(2, tcp(bound_to(open)));
    runner.start(3, tcp(bound_to(open)));

    runner.cancel(1);
    runner.cancel(2);
    run_to_its_end(bench.loop);

    CHECK(bench.results == 1);
    CHECK(bench.found.at(3).outcome == Outcome::Passed);
}

TEST_CASE("a cancelled number may be started again at once and gives the new result only") {
    Bench bench;
    const UniqueFd open = listen_on_any();
    const Blackhole silent;
    Runner runner{bench.loop, bench.log, bench.done()};
    runner.start(1, tcp(silent.endpoint()));
    runner.cancel(1);

    runner.start(1, tcp(bound_to(open)));
    run_to_its_end(bench.loop);

    CHECK(bench.results == 1);
    CHECK(bench.found.at(1).outcome == Outcome::Passed);
}

TEST_CASE("stopping waits for the end of what runs, without results") {
    Bench bench;
    const Blackhole silent;
    Runner runner{bench.loop, bench.log, bench.done(), 2};
    for (std::uint64_t i = 1; i <= 5; ++i) runner.start(i, tcp(silent.endpoint()));
    bool stopped = false;

    runner.stop([&stopped] { stopped = true; });
    CHECK_FALSE(stopped);
    runner.start(9, tcp(silent.endpoint()));
    run_to_its_end(bench.loop);

    CHECK(stopped);
    CHECK(bench.results == 0);
    CHECK(runner.running() + runner.waiting() == 0);
}

TEST_CASE("a runner may go while its checks run") {
    Bench bench;
    const Blackhole silent;
    {
        Runner runner{bench.loop, bench.log, bench.done()};
        runner.start(1, tcp(silent.endpoint()));
        bench.loop.poll();
    }
    run_to_its_end(bench.loop);

    CHECK(bench.results == 0);
    CHECK(bench.log.texts.empty());
}

TEST_CASE("a check that throws was not run, says why, and makes room for the next") {
    Bench bench;
    const UniqueFd open = listen_on_any();
    Runner runner{bench.loop, bench.log, bench.done(), 1};

    runner.start(1, {"ODD_CHECK 192.0.2.1:80", throwing});
    runner.start(2, tcp(bound_to(open)));
    runner.start(2, tcp(bound_to(open)));  // waits already
    CHECK(runner.waiting() == 1);
    run_to_its_end(bench.loop);

    CHECK(bench.results == 2);
    CHECK(bench.found.at(1).outcome == Outcome::NotRun);
    CHECK(bench.found.at(1).reason == "out of luck");
    CHECK(bench.found.at(2).outcome == Outcome::Passed);
    CHECK(bench.log.texts == std::vector<std::string>{"ODD_CHECK 192.0.2.1:80 failed with an exception: out of luck"});
}

TEST_CASE("a runner without checks stops on the next turn of the loop, and once") {
    Bench bench;
    Runner runner{bench.loop, bench.log, bench.done()};
    int stopped = 0;

    runner.stop([&stopped] { ++stopped; });
    CHECK(stopped == 0);
    run_to_its_end(bench.loop);

    CHECK(stopped == 1);
}

TEST_CASE("checks that wait follow in the order in which they were started, one at a time") {
    Bench bench;
    const UniqueFd open = listen_on_any(64);
    Runner runner{bench.loop, bench.log, bench.done(), 1};
    std::vector<std::uint64_t> order;
    bench.then = [&](std::uint64_t check) {
        CHECK(runner.running() == 0);
        order.push_back(check);
    };

    for (std::uint64_t i = 1; i <= 5; ++i) runner.start(i, tcp(bound_to(open)));
    runner.cancel(3);
    CHECK(runner.waiting() == 3);
    run_to_its_end(bench.loop);

    CHECK(order == std::vector<std::uint64_t>{1, 2, 4, 5});
}
