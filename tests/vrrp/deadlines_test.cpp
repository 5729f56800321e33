#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "vrrp/deadlines.hpp"

namespace mainstay::vrrp {

using namespace std::chrono_literals;

TEST_CASE("without a deadline there is no next one") {
    Deadlines deadlines;
    CHECK_FALSE(deadlines.next());
    deadlines.resize(3);
    CHECK_FALSE(deadlines.next());
    deadlines.set(2, Instant{5s});
    deadlines.set(2, std::nullopt);
    CHECK_FALSE(deadlines.next());
}

TEST_CASE("the earliest deadline is the next one, and of equal ones the first position's") {
    Deadlines deadlines;
    deadlines.resize(5);
    deadlines.set(4, Instant{7s});
    deadlines.set(1, Instant{9s});
    CHECK(deadlines.next()->position == 4);
    deadlines.set(3, Instant{7s});
    CHECK(deadlines.next()->position == 3);
    deadlines.set(3, Instant{8s});
    deadlines.set(4, Instant{10s});
    CHECK(deadlines.next()->position == 3);
    CHECK(deadlines.next()->due == Instant{8s});
}

TEST_CASE("one position is a tournament too") {
    Deadlines deadlines;
    deadlines.resize(1);
    deadlines.set(0, Instant{3s});
    CHECK(deadlines.next()->due == Instant{3s});
}

TEST_CASE("after any changes the next deadline is the least of all") {
    for (const std::size_t size : {1U, 2U, 3U, 64U, 65U, 1000U}) {
        std::mt19937 chance{static_cast<unsigned>(size)};
        std::vector<Instant> plain(size, Instant::max());
        Deadlines deadlines;
        deadlines.resize(size);
        for (int i = 0; i < 2000; ++i) {
            const std::size_t at = chance() % size;
            plain[at] = chance() % 5 == 0 ? Instant::max() : Instant{std::chrono::milliseconds{chance() % 500}};
            deadlines.set(at, plain[at] == Instant::max() ? std::nullopt : std::optional{plain[at]});
            const auto least = std::ranges::min_element(plain);
            const auto next = deadlines.next();
            REQUIRE(next.has_value() == (*least != Instant::max()));
            if (next) REQUIRE(next->position == static_cast<std::size_t>(least - plain.begin()));
        }
    }
}

}  // namespace mainstay::vrrp
