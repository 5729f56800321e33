#include "cli/realserver.hpp"

#include <doctest/doctest.h>

namespace mainstay::cli {

TEST_CASE("the rules lower the MSS of what the addresses answer, and replace what was there") {
    CHECK(mss_rules(1440, {*Prefix::parse("192.0.2.10"), *Prefix::parse("2001:db8::10"), *Prefix::parse("192.0.2.11"),
                           *Prefix::parse("192.0.2.10")}) ==
          "table inet mainstay_realserver\n"
          "delete table inet mainstay_realserver\n"
          "table inet mainstay_realserver {\n"
          "    chain lower_mss {\n"
          "        type filter hook postrouting priority mangle; policy accept;\n"
          "        ip saddr { 192.0.2.10, 192.0.2.11 } tcp flags & (syn | rst) == syn tcp option maxseg size set 1440\n"
          "        ip6 saddr { 2001:db8::10 } tcp flags & (syn | rst) == syn tcp option maxseg size set 1440\n"
          "    }\n"
          "}\n");
}

TEST_CASE("addresses of one family make one rule") {
    CHECK(mss_rules(1220, {*Prefix::parse("2001:db8::10")}) ==
          "table inet mainstay_realserver\n"
          "delete table inet mainstay_realserver\n"
          "table inet mainstay_realserver {\n"
          "    chain lower_mss {\n"
          "        type filter hook postrouting priority mangle; policy accept;\n"
          "        ip6 saddr { 2001:db8::10 } tcp flags & (syn | rst) == syn tcp option maxseg size set 1220\n"
          "    }\n"
          "}\n");
}

TEST_CASE("an MSS is a number that TCP can have") {
    CHECK(parse_mss("536") == 536);
    CHECK(parse_mss("65495") == 65495);
    for (const char* text : {"", "535", "65496", "70000", "-1440", "1440b", "1440 ", "0x600", "192.0.2.10"}) {
        CAPTURE(text);
        const auto mss = parse_mss(text);
        REQUIRE_FALSE(mss);
        CHECK(mss.error().text() == std::string{"'"} + text +
                                        "' is not an MSS: it is a number from 536 to 65495; on a director, "
                                        "`mainstayctl ipvs --mtu` shows which");
    }
}

}  // namespace mainstay::cli
