#include "cli/moments.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::cli;

namespace {

constexpr WallTime kNow{1'795'163'866'000'000};  // 2026-11-20T08:37:46Z, in Berlin 09:37:46
constexpr int kBerlin = 3600;

std::string read(std::string_view text) {
    const auto at = moment_from(text, kNow, kBerlin);
    return at ? local_text(*at, kBerlin) : "refused";
}

}  // namespace

TEST_CASE("a moment is read as operators write it") {
    CHECK(read("now") == "2026-11-20 09:37:46");
    CHECK(read("today") == "2026-11-20 00:00:00");
    CHECK(read("yesterday") == "2026-11-19 00:00:00");
    CHECK(read("2 hours ago") == "2026-11-20 07:37:46");
    CHECK(read("1 hour ago") == "2026-11-20 08:37:46");
    CHECK(read("90s") == "2026-11-20 09:36:16");
    CHECK(read("5 min") == "2026-11-20 09:32:46");
    CHECK(read(" 1 day ago ") == "2026-11-19 09:37:46");
    CHECK(read("2w") == "2026-11-06 09:37:46");
    CHECK(read("09:00") == "2026-11-20 09:00:00");
    CHECK(read("09:37:47") == "2026-11-19 09:37:47");
    CHECK(read("2026-11-01") == "2026-11-01 00:00:00");
    CHECK(read("2026-11-01 10:02") == "2026-11-01 10:02:00");
    CHECK(read("2026-11-01T10:02:11") == "2026-11-01 10:02:11");
    CHECK(read("2026-11-01T10:02:11Z") == "2026-11-01 11:02:11");
}

TEST_CASE("what is no moment is refused") {
    for (const char* text : {"", "soon", "2 moons ago", "24:00", "10:60", "10:0", "1:00", "2026-13-01", "2026-02-30",
                             "2026-11-01X", "2026-11-01 10:02 and more", "-5 min", "99999999999999999999 s",
                             "200000000 weeks", "10:00Z", "2026-11-01Z"}) {
        CAPTURE(text);
        CHECK(read(text) == "refused");
    }
    CHECK(moment_from("soon", kNow, 0).error().text().starts_with("\"soon\" is no time; write for example"));
}
