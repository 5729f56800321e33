// Values that are made one by one, as they are asked for.
#include "mainstay/base/generator.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <vector>

using namespace mainstay;

namespace {

Generator<int> counting(int last, std::shared_ptr<std::vector<int>> made) {
    for (int i = 1; i <= last; ++i) {
        made->push_back(i);
        co_yield i;
    }
}

Generator<std::string> failing(bool first) {
    if (!first) co_yield "a";
    throw std::runtime_error{"no more"};
}

}  // namespace

TEST_CASE("a generator runs as far as it is asked, and ends") {
    const auto made = std::make_shared<std::vector<int>>();
    auto numbers = counting(2, made);
    CHECK(made->empty());
    CHECK(numbers.next() == 1);
    CHECK(*made == std::vector{1});
    CHECK(numbers.next() == 2);
    CHECK(numbers.next() == std::nullopt);
    CHECK(numbers.next() == std::nullopt);
    CHECK(counting(0, made).next() == std::nullopt);
}

TEST_CASE("a generator that goes lets go what it holds, whether it had begun or not, and may be moved") {
    const auto made = std::make_shared<std::vector<int>>();
    {
        auto begun = counting(2, made);
        CHECK(begun.next() == 1);
        const auto idle = counting(2, made);
        auto moved = std::move(begun);
        CHECK(moved.next() == 2);
        CHECK(begun.next() == std::nullopt);  // NOLINT(bugprone-use-after-move)
        moved = counting(1, made);
        CHECK(moved.next() == 1);
        CHECK(made.use_count() == 3);  // `made`, `idle` and `moved`: the one that it was before has gone
    }
    CHECK(made.use_count() == 1);
}

TEST_CASE("what a generator throws comes to whoever asks") {
    auto at_once = failing(true);
    CHECK_THROWS_AS(static_cast<void>(at_once.next()), std::runtime_error);
    CHECK(at_once.next() == std::nullopt);
    CHECK_THROWS_AS(joined(failing(false)), std::runtime_error);
}

TEST_CASE("pieces become one text") {
    CHECK(joined([](int count) -> Generator<std::string> {
              for (int i = 0; i < count; ++i) co_yield std::to_string(i);
          }(3)) == "012");
}
