#include "mainstay/config/parse/reload_time.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::config;

TEST_CASE("a time to reload has two digits in each part, and nothing else") {
    CHECK(parse_reload_time("07:05:09")->second == 25'509);
    for (const char* odd :
         {"7:05:09", "1x:00:00", "12:3x:00", "12:30:0x", "12:30", "123:00:00", "-1:00:00", ":30:00", "24:00:00"}) {
        CAPTURE(odd);
        CHECK_FALSE(parse_reload_time(odd).has_value());
    }
}

TEST_CASE("a time of day is today's while it is to come, and tomorrow's from then on") {
    const ReloadTime noon = parse_reload_time("12:00:00Z").value();
    constexpr std::int64_t kMidnight = 1'795'132'800;  // 2026-11-20
    CHECK(next_reload(noon, kMidnight, 0) == kMidnight + 43'200);
    CHECK(next_reload(noon, kMidnight + 43'199, 0) == kMidnight + 43'200);
    CHECK(next_reload(noon, kMidnight + 43'200, 0) == kMidnight + 129'600);
}
