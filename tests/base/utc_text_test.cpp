#include "mainstay/base/time.hpp"

#include <doctest/doctest.h>

using namespace mainstay;

TEST_CASE("a time is written in UTC with the digits that are asked for, a broken one as the nearest that can be") {
    CHECK(utc_text({1'795'163'866'000'042}, UtcDigits::WholeSeconds) == "2026-11-20T08:37:46Z");
    CHECK(utc_text({1'795'163'866'000'042}, UtcDigits::Microseconds) == "2026-11-20T08:37:46.000042Z");
    CHECK(utc_text({-1}, UtcDigits::WholeSeconds) == "1970-01-01T00:00:00Z");
    CHECK(utc_text({253'402'300'800'000'000}, UtcDigits::Microseconds) == "9999-12-31T23:59:59.999999Z");
}
