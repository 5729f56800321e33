#include "mainstay/base/histogram.hpp"

#include <doctest/doctest.h>

using namespace mainstay;

namespace {

constexpr std::array kBounds{Micros{10}, Micros{100}};

}  // namespace

TEST_CASE("a duration is counted in the first bucket whose bound it does not exceed") {
    Histogram<kBounds> histogram;
    for (const int value : {-5, 0, 10, 11, 100, 101}) histogram.record(Micros{value});
    CHECK(histogram.counts == std::array<std::uint64_t, 3>{3, 2, 1});
    CHECK(histogram.sum_us == 222);
}
