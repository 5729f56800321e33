// Random histories, and single properties in a plain network of three directors. tools/simulate replays a seed.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "lan.hpp"

using namespace mainstay;
using namespace mainstay::sim;
using namespace std::chrono_literals;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr std::uint64_t kHistories = 25;
#else
constexpr std::uint64_t kHistories = 250;
#endif
constexpr std::uint64_t kPlainSeeds = 10;

Lan settled(std::uint64_t seed, Sabotage sabotage = Sabotage::None) {
    Lan lan{seed, {.routers = 3, .virtual_routers = 1, .plain = true}, sabotage};
    lan.start_all();
    lan.check_settled();
    return lan;
}

std::vector<std::string> traced(std::uint64_t seed) {
    std::vector<std::string> lines;
    Lan lan{seed, {}};
    lan.trace([&](const std::string& line) { lines.push_back(line); }, true);
    lan.run(Nanos{lan.plan().interval} * 100);
    return lines;
}

}  // namespace

TEST_CASE("no history breaks an invariant") {
    Statistics sum;
    for (std::uint64_t seed = 1; seed <= kHistories; ++seed) {
        Lan lan{seed, {}};
        lan.run(Nanos{lan.plan().interval} * 200);
        CHECK_MESSAGE(!lan.violation(),
                      fmt::format("tools/simulate --seed {}: {}", seed, lan.violation().value_or("")));
        sum.steps += lan.statistics().steps;
        sum.transitions += lan.statistics().transitions;
        sum.checks += lan.statistics().checks;
    }
    CHECK(sum.steps > kHistories * 500);  // the histories are not empty
    CHECK(sum.transitions > kHistories * 20);
    CHECK(sum.checks > sum.steps);
    MESSAGE(fmt::format("{} histories, {} steps, {} transitions", kHistories, sum.steps, sum.transitions));
}

TEST_CASE("a seed replays its history bit by bit, and another seed is another history") {
    const auto first = traced(7);
    CHECK(first.size() > 100);
    CHECK(traced(7) == first);
    CHECK(traced(8) != first);
}

TEST_CASE("a host's clock drifts, and goes there and back") {
    const HostClock fast{.offset = 5000s, .drift_ppm = 500};
    CHECK(fast.local(Instant{1000s}) == Instant{6000s + 500ms});
    CHECK(fast.wall(Instant{6000s + 500ms}) == Instant{1000s});
    const HostClock slow{.offset = 0s, .drift_ppm = -500};
    CHECK(slow.local(Instant{1000s}) == Instant{999s + 500ms});
    for (const Nanos at : {1ns, 999'999ns, 1'000'001ns, 123'456'789'123ns}) {
        CHECK(slow.local(slow.wall(Instant{at})) >= Instant{at});
        CHECK(slow.local(slow.wall(Instant{at}) - 1ns) < Instant{at});
    }
}

TEST_CASE("a master that pauses for less than two intervals stays master, and its peers do not notice") {
    for (std::uint64_t seed = 1; seed <= kPlainSeeds; ++seed) {
        CAPTURE(seed);
        Lan lan = settled(seed);
        const auto before = lan.statistics().transitions;

        lan.pause(0);
        lan.pass(Nanos{lan.plan().interval} * 19 / 10);
        lan.resume(0);
        lan.pass(lan.settle_time());

        CHECK(lan.violation().value_or("") == "");
        CHECK(lan.statistics().transitions == before);
        CHECK(lan.master_of(0) == 0);
    }
}

TEST_CASE("a backup may pause for any time and still hears its master before it takes over") {
    for (const auto& [sabotage, moved] : {std::pair{Sabotage::None, false}, {Sabotage::DeadlinesFirst, true}}) {
        Lan lan = settled(3, sabotage);
        const auto before = lan.statistics().transitions;

        lan.pause(1);
        lan.pass(Nanos{lan.plan().interval} * 30);
        lan.resume(1);

        CHECK((lan.statistics().transitions != before) == moved);
    }
}

TEST_CASE("a master that crashes and is back within two intervals keeps its addresses, and nobody else takes them") {
    for (std::uint64_t seed = 1; seed <= kPlainSeeds; ++seed) {
        CAPTURE(seed);
        Lan lan = settled(seed);
        const auto before = lan.statistics().transitions;
        const auto held = lan.hosts()[0].kernel;

        lan.crash(0);
        lan.pass(Nanos{lan.plan().interval} * 19 / 10);
        lan.start(0, true);
        CHECK(lan.hosts()[0].kernel == held);
        lan.pass(lan.settle_time());

        CHECK(lan.violation().value_or("") == "");
        CHECK(lan.statistics().transitions == before);
        CHECK(lan.master_of(0) == 0);
    }
}

TEST_CASE("a master that is stopped is replaced within the next one's skew") {
    Lan lan = settled(5);
    const auto& next = lan.hosts()[1].config.instances[0];
    REQUIRE(next.priority == 190);
    lan.stop(0);
    const Nanos second = next.version == 2 ? Nanos{1s} : Nanos{lan.plan().interval};
    lan.pass(second * 66 / 256 + 3ms);
    CHECK(lan.master_of(0) == 1);
}

TEST_CASE("each single kind of trouble is survived on its own") {
    Lan lan = settled(11);
    lan.partition();
    lan.pass(lan.settle_time());
    lan.join();
    lan.check_settled();
    lan.set_link(0, 0, false);
    lan.pass(lan.settle_time());
    CHECK(lan.master_of(0) == 1);
    lan.set_link(0, 0, true);
    lan.check_settled();
    lan.steal_address(0);
    lan.replace_interface(0, true);
    lan.check_settled();
    lan.reload(2, true);
    lan.check_settled();
    CHECK(lan.violation().value_or("") == "");
}

TEST_CASE("a planted fault ends the history with the host and the letter of what broke") {
    Lan lan{1, {.routers = 2, .virtual_routers = 1, .plain = true}, Sabotage::Mute};
    lan.start_all();
    lan.check_settled();
    REQUIRE(lan.violation());
    CHECK(lan.violation()->find("(a) VI_1 has no master, or several") != std::string::npos);
}
