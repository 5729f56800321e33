// Plants every bug of mutations.py, and of Sabotage, in turn and lets the simulator look for it, seed after seed.
// MAINSTAY_SIM_BUG=name tries one alone, MAINSTAY_SIM_SEEDS=n looks through so many seeds.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "lan.hpp"
#include "planted.hpp"

using namespace mainstay;
using namespace mainstay::sim;

namespace {

constexpr int kIntervals = 100;  // of one history, at least
constexpr std::uint64_t kSeedsMax = 4000;
constexpr std::uint64_t kSeedsWithout = 100;

// The first seed that breaks an invariant, with what broke; nothing when none of them does.
std::optional<std::pair<std::uint64_t, std::string>> hunt(int number, Sabotage sabotage, std::uint64_t seeds) {
    planted = number;
    std::optional<std::pair<std::uint64_t, std::string>> found;
    for (std::uint64_t seed = 1; seed <= seeds && !found; ++seed) {
        Lan lan{seed, {}, sabotage};
        lan.run(Nanos{lan.plan().interval} * kIntervals);
        if (lan.violation()) found = {seed, *lan.violation()};
    }
    planted = 0;
    return found;
}

std::uint64_t seeds_max() {
    const char* text = std::getenv("MAINSTAY_SIM_SEEDS");
    return text == nullptr ? kSeedsMax : std::strtoull(text, nullptr, 10);
}

bool wanted(std::string_view name) {
    const char* only = std::getenv("MAINSTAY_SIM_BUG");
    return only == nullptr || name == only;
}

// What found it, as a line of a table.
std::string attempt(std::string_view name, const char* what, int number, Sabotage sabotage) {
    CAPTURE(name);
    const auto found = hunt(number, sabotage, seeds_max());
    CHECK_MESSAGE(found.has_value(), fmt::format("nobody notices {}: {}", name, what));
    return found ? fmt::format("\n{:<31} seed {:<4} {}", name, found->first, found->second) : std::string{};
}

}  // namespace

TEST_CASE("every bug planted in the machine is found") {
    std::string table;
    int number = 0;
    for (const Mutation& mutation : kMutations)
        if (++number; wanted(mutation.name)) table += attempt(mutation.name, mutation.what, number, Sabotage::None);
    MESSAGE(table);
}

TEST_CASE("every bug planted in the director around it is found") {
    std::string table;
    for (int s = 1; s < static_cast<int>(Sabotage::Count_); ++s) {
        const auto sabotage = static_cast<Sabotage>(s);
        if (wanted(to_string(sabotage))) table += attempt(to_string(sabotage), "in the director", 0, sabotage);
    }
    MESSAGE(table);
}

TEST_CASE("without a bug the same program finds none") {
    const auto found = hunt(0, Sabotage::None, kSeedsWithout);
    CHECK_MESSAGE(!found, (found ? found->second : ""));
}
