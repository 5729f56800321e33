#include "role/lvs/counters.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::role;
using lvs::Outcome;

TEST_CASE("checks are counted by their type and how they ended, with their durations") {
    std::vector<report::CheckTypeStatus> types;
    count_check(types, "TCP_CHECK", Outcome::Passed, Micros{900});
    count_check(types, "HTTP_GET", Outcome::Failed, Micros{20'000});
    count_check(types, "HTTP_GET", Outcome::TimedOut, Micros{11'000'000});
    count_check(types, "HTTP_GET", Outcome::NotRun, Micros{5});

    REQUIRE(types.size() == 2);
    CHECK(types[0].type == "TCP_CHECK");
    CHECK(types[0].passed == 1);
    CHECK(types[0].durations.counts[0] == 1);
    CHECK(types[1].type == "HTTP_GET");
    CHECK(types[1].passed == 0);
    CHECK(types[1].failed == 2);
    CHECK(types[1].not_run == 1);
    CHECK(types[1].durations.counts[4] == 1);
    CHECK(types[1].durations.counts.back() == 1);
    CHECK(types[1].durations.sum_us == 11'020'000);
}
