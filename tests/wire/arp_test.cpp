#include "mainstay/wire/arp.hpp"

#include <doctest/doctest.h>

#include "hex.hpp"

using namespace mainstay;

namespace {
constexpr wire::MacAddress kMac{std::byte{2}, {}, {}, {}, {}, std::byte{1}};
}

TEST_CASE("a gratuitous ARP is a broadcast request that asks for the address it claims") {
    const auto frame = wire::gratuitous_arp(kMac, IpAddress::parse("10.9.9.9").value());

    REQUIRE(frame.has_value());
    CHECK(test::to_hex(*frame) ==
          "ff ff ff ff ff ff 02 00 00 00 00 01 08 06 "
          "00 01 08 00 06 04 00 01 02 00 00 00 00 01 0a 09 09 09 ff ff ff ff ff ff 0a 09 09 09");
}

TEST_CASE("a gratuitous ARP for an IPv6 address is refused") {
    const auto frame = wire::gratuitous_arp(kMac, IpAddress::parse("fe80::1").value());

    REQUIRE_FALSE(frame.has_value());
    CHECK(frame.error().text() == "build a gratuitous ARP for fe80::1");
}
