#include "mainstay/config/parse/reload_time.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::config;

TEST_CASE("a time to reload has two digits in each part, and nothing else") {
    CHECK(parse_reload_time("07:05:09")->second == 25'509);
    CHECK(parse_reload_time("00:00:00")->second == 0);
    CHECK(parse_reload_time("23:59:59")->second == 86'399);
    for (const char* odd : {"7:05:09", "1x:00:00", "12:3x:00", "12:30:0x", "12:30", "123:00:00", "-1:00:00", ":30:00",
                            "24:00:00", "23:60:00", "23:59:60", "", "Z", "12:30:00z", "12:30:00:00"}) {
        CAPTURE(odd);
        CHECK_FALSE(parse_reload_time(odd).has_value());
    }
}

TEST_CASE("a day may stand before the time, of this century when its year has two digits") {
    struct Row {
        const char* text;
        std::int64_t day;  // since 1970-01-01
        std::int32_t second;
        bool utc;
    };
    for (const Row& row :
         {Row{"2026-11-20 00:00:00", 20'777, 0, false}, Row{"26-11-20 12:00:00Z", 20'777, 43'200, true},
          Row{"  2028-02-29   00:00:01 Z \r\n", 21'243, 1, true}, Row{"00-01-01 00:00:00", 10'957, 0, false},
          Row{"99-12-31 23:59:59", 47'481, 86'399, false}, Row{"0100-01-01 00:00:00", -683'003, 0, false}}) {
        CAPTURE(row.text);
        const auto time = parse_reload_time(row.text);
        REQUIRE(time.has_value());
        CHECK(time->day == row.day);
        CHECK(time->second == row.second);
        CHECK(time->utc == row.utc);
    }
    for (const char* odd : {"2026-02-29 00:00:00", "2026-13-01 00:00:00", "2026-00-01 00:00:00", "2026-01-00 00:00:00",
                            "026-01-01 00:00:00", "2026-1-01 00:00:00", "2026/01/01 00:00:00", "2026-01-01"}) {
        CAPTURE(odd);
        CHECK_FALSE(parse_reload_time(odd).has_value());
    }
}

TEST_CASE("a time that is none is shown in the refusal, up to 40 characters of it") {
    CHECK(parse_reload_time("noon").error().text() ==
          "'noon' is not a time: HH:MM:SS, or [YY]YY-MM-DD HH:MM:SS, optionally followed by Z");
    CHECK(parse_reload_time(std::string(50, 'x')).error().text().starts_with("'" + std::string(40, 'x') + "' is not"));
}

namespace {

UtcOffset always(std::int64_t offset) {
    return [offset](std::int64_t) { return offset; };
}

const UtcOffset utc = always(0);

}  // namespace

TEST_CASE("a time of a day comes once, and local time is as far from UTC as is said") {
    const ReloadTime once = parse_reload_time("2026-11-20 12:00:00").value();
    constexpr std::int64_t kNoon = 1'795'176'000;
    CHECK(next_reload(once, kNoon - 1, utc) == kNoon);
    CHECK(next_reload(once, kNoon, utc) == std::nullopt);
    CHECK(next_reload(once, 0, always(3600)) == kNoon - 3600);
    CHECK(next_reload(parse_reload_time("2026-11-20 12:00:00Z").value(), 0, always(3600)) == kNoon);

    const ReloadTime daily = parse_reload_time("00:30:00").value();
    CHECK(next_reload(daily, kNoon, always(3600)) == kNoon + 12 * 3600 - 1800);   // 23:30 UTC
    CHECK(next_reload(daily, kNoon, always(-3600)) == kNoon + 13 * 3600 + 1800);  // 01:30 UTC
}

TEST_CASE("a time of day is today's while it is to come, and tomorrow's from then on") {
    const ReloadTime noon = parse_reload_time("12:00:00Z").value();
    constexpr std::int64_t kMidnight = 1'795'132'800;  // 2026-11-20
    CHECK(next_reload(noon, kMidnight, utc) == kMidnight + 43'200);
    CHECK(next_reload(noon, kMidnight + 43'199, utc) == kMidnight + 43'200);
    CHECK(next_reload(noon, kMidnight + 43'200, utc) == kMidnight + 129'600);
}

TEST_CASE("a time after the next change of summer time is a local time of then") {
    constexpr std::int64_t kHour = 3600, kDay = 24 * kHour;
    constexpr std::int64_t kNoon = 1'795'176'000;    // 2026-11-20 12:00 UTC
    constexpr std::int64_t kSpring = 1'806'195'600;  // 2027-03-28 01:00 UTC
    constexpr std::int64_t kAutumn = 1'824'944'400;  // 2027-10-31 01:00 UTC
    const UtcOffset berlin = [](std::int64_t at) { return at >= kSpring && at < kAutumn ? 2 * kHour : kHour; };
    const auto next = [&](const char* text, std::int64_t now) {
        return next_reload(parse_reload_time(text).value(), now, berlin);
    };
    CHECK(next("2027-07-01 12:00:00", kNoon) == kSpring + 95 * kDay + 9 * kHour);
    CHECK(next("2027-03-28 01:59:59", kNoon) == kSpring - 1);
    CHECK(next("2027-03-28 03:00:00", kNoon) == kSpring);
    CHECK(next("2027-10-31 03:00:00", kSpring) == kAutumn + kHour);
    CHECK(next("12:00:00", kSpring - 13 * kHour) == kSpring + 9 * kHour);
    CHECK(next("01:00:00", kSpring - kHour / 2) == kSpring + 22 * kHour);
    CHECK(next("00:30:00", kAutumn + 12 * kHour) == kAutumn + 22 * kHour + kHour / 2);
}
