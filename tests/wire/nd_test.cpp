#include "mainstay/wire/nd.hpp"

#include <doctest/doctest.h>

#include "hex.hpp"
#include "mac.hpp"

using namespace mainstay;

namespace {
const IpAddress kAddress = IpAddress::parse("2001:db8::9").value();
}  // namespace

TEST_CASE("an unsolicited neighbour advertisement overrides caches of all nodes") {  // bytes from scapy
    CHECK(test::to_hex(wire::unsolicited_na(test::kMac, kAddress, false).value()) ==
          "33 33 00 00 00 01 02 00 00 00 00 01 86 dd 60 00 00 00 00 20 3a ff "
          "20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 09 ff 02 00 00 00 00 00 00 00 00 00 00 00 00 00 01 "
          "88 00 f9 1a 20 00 00 00 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 09 02 01 02 00 00 00 00 01");
}

TEST_CASE("a router says that it is one") {
    CHECK(test::to_hex(wire::unsolicited_na(test::kMac, kAddress, true).value()).substr(54 * 3, 8 * 3 - 1) ==
          "88 00 79 1a a0 00 00 00");
}

TEST_CASE("a neighbour advertisement for an IPv4 address is refused") {
    CHECK_FALSE(wire::unsolicited_na(test::kMac, IpAddress::parse("10.0.0.1").value(), false).has_value());
}
