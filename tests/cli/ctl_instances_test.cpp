#include <doctest/doctest.h>

#include "cli/ctl.hpp"

namespace mainstay::cli {

TEST_CASE("a duration has units, seconds without one, and is at most a year") {
    for (const auto& [text, seconds] :
         {std::pair{"90", 90}, {"90s", 90}, {"30m", 1'800}, {"1h30m", 5'400}, {"2d", 172'800}, {"366d", 31'622'400}}) {
        CAPTURE(text);
        CHECK(seconds_of(text) == seconds);
    }
    for (const char* text :
         {"", "0", "0s", "-1", "1x", "m", "1.5h", "1h ", "367d", "99999999999999999999s", "366d1s"}) {
        CAPTURE(text);
        CHECK_FALSE(seconds_of(text));
    }
}

}  // namespace mainstay::cli
