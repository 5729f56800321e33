// Walks from seeds of their own; MAINSTAY_WALK_SEED begins elsewhere, MAINSTAY_WALKS takes more of them.
#include <doctest/doctest.h>

#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

#include "walk.hpp"

using namespace mainstay::role::test;

namespace {

constexpr std::uint64_t kWalks = 400;
constexpr int kSteps = 60;

std::uint64_t number_of(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    if (text == nullptr) return otherwise;
    const std::string_view digits{text};
    std::from_chars(digits.data(), digits.data() + digits.size(), otherwise);
    return otherwise;
}

}  // namespace

TEST_CASE("whatever reloads, verdicts, operators and crashes did, the table is as after a fresh start") {
    const auto first = number_of("MAINSTAY_WALK_SEED", 1);
    const auto walks = number_of("MAINSTAY_WALKS", kWalks);
    for (std::uint64_t seed = first; seed < first + walks; ++seed) {
        LvsWalk walk{seed};
        for (int i = 0; i < kSteps; ++i) {
            const std::string wrong = walk.step();
            if (wrong.empty()) continue;
            std::string history;
            for (const auto& line : walk.history()) history += line + "\n";
            CAPTURE(seed);
            CAPTURE(history);
            FAIL(wrong);
        }
    }
}
