// Plants every fault of lvs_walk_mutations.py in turn and lets walks look for it, seed after seed.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <optional>
#include <string>

#include "planted.hpp"
#include "walk.hpp"

using namespace mainstay;
using namespace mainstay::role::test;

namespace {

constexpr std::uint64_t kSeedsMax = 2000;
constexpr std::uint64_t kSeedsWithout = 50;
constexpr int kSteps = 60;

// The first seed whose walk finds something, with the first line of what.
std::optional<std::pair<std::uint64_t, std::string>> hunt(int number, std::uint64_t seeds) {
    sim::planted = number;
    std::optional<std::pair<std::uint64_t, std::string>> found;
    for (std::uint64_t seed = 1; seed <= seeds && !found; ++seed) {
        LvsWalk walk{seed};
        for (int i = 0; i < kSteps && !found; ++i)
            if (const auto wrong = walk.step(); !wrong.empty()) found = {seed, wrong.substr(0, wrong.find('\n'))};
    }
    sim::planted = 0;
    return found;
}

}  // namespace

TEST_CASE("walks find every fault that is planted in the judge, the planner and the ledger") {
    std::string table;
    int number = 0;
    for (const auto& mutation : sim::kMutations) {
        const auto found = hunt(++number, kSeedsMax);
        CHECK_MESSAGE(found.has_value(), fmt::format("nobody notices {}: {}", mutation.name, mutation.what));
        if (found) table += fmt::format("\n{:<24} seed {:<4} {}", mutation.name, found->first, found->second);
    }
    MESSAGE(table);
}

TEST_CASE("walks of the files as they are find nothing") { CHECK_FALSE(hunt(0, kSeedsWithout).has_value()); }
