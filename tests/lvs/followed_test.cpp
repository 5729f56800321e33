// What a tracked file's number and a session's state mean for a server, and what an agent's percentage is.
#include "mainstay/lvs/followed.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "builders.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

using Type = config::Checker::Type;
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

config::Checker of_file(config::KeywordValues values = {}) {
    config::Checker checker;
    checker.type = Type::File;
    checker.more.edit().values = std::move(values);
    return checker;
}

// The weight of a server of weight 10; none: the file takes it out.
std::optional<std::int64_t> weight(std::int64_t number, FileRule rule, const config::Checker& checker = of_file()) {
    const CheckFinished result = file_result(7, server("10.0.0.11", 10), checker, rule, number);
    CHECK(result.checker == 7);
    CHECK(result.reason == "the file says " + std::to_string(number));
    CHECK(result.weight.has_value() == (result.outcome == Outcome::Passed));
    return result.weight;
}

bool passes(std::int64_t number, bool reverse) {
    const CheckFinished result = file_result(7, server("10.0.0.11", 10), of_file(), {0, reverse}, number);
    CHECK_FALSE(result.weight.has_value());
    return result.outcome == Outcome::Passed;
}

std::string name_of(Type type, config::KeywordValues values) {
    config::Checker checker = of_file(std::move(values));
    checker.type = type;
    return std::string{followed_name(checker)};
}

}  // namespace

TEST_CASE("a file's number is added to the weight, as often as the rule says, and taken from it when reversed") {
    CHECK(weight(3, {1, false}) == 13);
    CHECK(weight(3, {2, false}) == 16);
    CHECK(weight(3, {2, true}) == 4);
    CHECK(weight(-3, {-2, false}) == 16);
    CHECK(weight(0, {2, false}) == 10);
}

TEST_CASE("a check's own weight goes before the block's, reversed only when it says so itself") {
    CHECK(weight(3, {2, true}, of_file({{"weight", std::int64_t{5}}})) == 25);
    CHECK(weight(3, {2, false}, of_file({{"weight", std::int64_t{5}}, {"weight reverse", true}})) == -5);
    CHECK(weight(3, {2, true}, of_file({{"weight reverse", false}})) == 4);
}

TEST_CASE("more than the kernel takes is its most, and at the lowest number and below the server is out") {
    CHECK(weight(2147483647, {1, false}) == 2147483657);
    CHECK(weight(2147483648, {1, false}) == 2147483657);
    CHECK(weight(-2147483647, {1, false}) == -2147483637);
    CHECK(weight(-2147483648, {1, false}) == std::nullopt);
    CHECK(weight(-2147483649, {1, false}) == std::nullopt);
}

TEST_CASE("a product beyond all numbers has the sign that it would have") {
    CHECK(weight(kMost, {2, false}) == 2147483657);
    CHECK(weight(-kMost, {-2, false}) == 2147483657);
    CHECK(weight(-kMost, {2, true}) == 2147483657);
    CHECK(weight(kMost, {2, true}) == std::nullopt);
    CHECK(weight(kMost, {-2, false}) == std::nullopt);
    CHECK(weight(-kMost, {2, false}) == std::nullopt);
}

TEST_CASE("with weight 0 any number but 0 is a failure, reversed 0 is") {
    CHECK(passes(0, false));
    CHECK_FALSE(passes(1, false));
    CHECK_FALSE(passes(-1, false));
    CHECK_FALSE(passes(0, true));
    CHECK(passes(1, true));
}

TEST_CASE("a check follows the file or the session that it names, and other kinds follow nothing") {
    const config::KeywordValues both{{"name", config::WordList{"b1"}}, {"track_file", config::WordList{"f1"}}};
    CHECK(name_of(Type::File, both) == "f1");
    CHECK(name_of(Type::Bfd, both) == "b1");
    CHECK(name_of(Type::Dns, both).empty());
    CHECK(name_of(Type::File, {{"track_file", config::WordList{}}}).empty());
    CHECK(name_of(Type::File, {{"track_file", true}}).empty());
    CHECK(name_of(Type::File, {}).empty());
}

TEST_CASE("a session's result is its state, and says so") {
    const CheckFinished up = bfd_result(3, true), down = bfd_result(3, false);
    CHECK(up.checker == 3);
    CHECK(up.outcome == Outcome::Passed);
    CHECK(up.reason == "the session is up");
    CHECK_FALSE(up.weight.has_value());
    CHECK(down.checker == 3);
    CHECK(down.outcome == Outcome::Failed);
    CHECK(down.reason == "the session is down");
}

TEST_CASE("a percentage of a weight is rounded, a half up, and at least 1") {
    CHECK(part_of_weight(10, 74) == 7);
    CHECK(part_of_weight(10, 75) == 8);
    CHECK(part_of_weight(1, 149) == 1);
    CHECK(part_of_weight(1, 150) == 2);
    CHECK(part_of_weight(1, 1) == 1);
    CHECK(part_of_weight(0, 100) == 0);
    CHECK(part_of_weight(100, 0) == 0);
}
