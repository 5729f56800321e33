// Random histories of up to five directors. A failing seed is printed; MAINSTAY_SIM_SEED=n replays one history alone,
// MAINSTAY_SIM_RUNS=n tries more of them.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <string>

#include "lan.hpp"

using namespace mainstay;
using namespace mainstay::sim;
using namespace std::chrono_literals;

namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// How many of the seeds break an invariant.
std::size_t violations(Sabotage sabotage, std::uint64_t seeds) {
    std::size_t count = 0;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        Lan lan{seed, {.sabotage = sabotage}};
        lan.run();
        count += lan.violation().has_value();
    }
    return count;
}

Lan settled(std::uint64_t seed, Sabotage sabotage = Sabotage::None) {
    Lan lan{seed, {.hosts = 3, .instances = 1, .calm = true, .sabotage = sabotage}};
    lan.start_all();
    lan.pass(lan.settle_time());
    lan.check_settled();
    return lan;
}

}  // namespace

TEST_CASE("no history breaks an invariant") {
    const auto first = from_environment("MAINSTAY_SIM_SEED", 1);
    const bool one = std::getenv("MAINSTAY_SIM_SEED") != nullptr;
    const auto runs = one ? 1 : from_environment("MAINSTAY_SIM_RUNS", 300);
    std::uint64_t steps = 0, transitions = 0;
    for (std::uint64_t seed = first; seed < first + runs; ++seed) {
        Lan lan{seed, {}};
        lan.run();
        steps += lan.steps();
        transitions += lan.transitions();
        CHECK_MESSAGE(!lan.violation(), fmt::format("MAINSTAY_SIM_SEED={}: {}", seed, lan.violation().value_or("")));
    }
    CHECK(steps > runs * 50);  // the histories are not empty
    CHECK(transitions > runs * 2);
    MESSAGE(fmt::format("{} histories, {} steps, {} transitions", runs, steps, transitions));
}

TEST_CASE("a seed replays its history exactly") {
    Lan a{7, {}}, b{7, {}};
    a.run();
    b.run();
    CHECK(a.steps() == b.steps());
    CHECK(a.transitions() == b.transitions());
}

TEST_CASE("planted faults are found") {
    for (const Sabotage sabotage :
         {Sabotage::KeepsAddresses, Sabotage::Deaf, Sabotage::Mute, Sabotage::ForgetsState, Sabotage::YieldsToAnyone}) {
        CAPTURE(static_cast<int>(sabotage));
        CHECK(violations(sabotage, 60) > 0);
    }
}

TEST_CASE("a master that pauses for less than two intervals stays master, and its peers do not notice") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        Lan lan = settled(seed);
        const auto before = lan.transitions();

        lan.pause(0);
        lan.pass(Nanos{lan.interval()} * 19 / 10);
        lan.resume(0);
        lan.pass(lan.settle_time());

        CHECK(lan.violation().value_or("") == "");
        CHECK(lan.transitions() == before);
        CHECK(lan.master_of(0) == 0);
    }
}

TEST_CASE("a backup may pause for any time and still hears its master before it takes over") {
    for (const auto& [sabotage, moved] : {std::pair{Sabotage::None, false}, {Sabotage::DeadlinesFirst, true}}) {
        Lan lan = settled(3, sabotage);
        const auto before = lan.transitions();

        lan.pause(1);
        lan.pass(Nanos{lan.interval()} * 30);
        lan.resume(1);

        CHECK((lan.transitions() != before) == moved);
    }
}

TEST_CASE("a master that crashes and is back within two intervals keeps its addresses, and nobody else takes them") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        Lan lan = settled(seed);
        const auto before = lan.transitions();
        const auto held = lan.hosts()[0].kernel;

        lan.crash(0);
        lan.pass(Nanos{lan.interval()} * 19 / 10);
        lan.restart(0);
        CHECK(lan.hosts()[0].kernel == held);
        lan.pass(lan.settle_time());

        CHECK(lan.violation().value_or("") == "");
        CHECK(lan.transitions() == before);
        CHECK(lan.master_of(0) == 0);
    }
}

TEST_CASE("a master that is stopped is replaced within the skew time") {
    Lan lan = settled(5);
    lan.stop(0);
    lan.pass(Nanos{lan.interval()} * 76 / 256 + 1s / 3 + 10ms);  // host 1 has priority 180
    CHECK(lan.master_of(0) == 1);
}
