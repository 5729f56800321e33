#include "mainstay/wire/arp.hpp"

#include <doctest/doctest.h>

#include "hex.hpp"
#include "mac.hpp"

using namespace mainstay;

TEST_CASE("a gratuitous ARP is a broadcast request that asks for the address it claims") {
    const auto frame = wire::gratuitous_arp(test::kMac, IpAddress::parse("10.9.9.9").value());

    REQUIRE(frame.has_value());
    CHECK(test::to_hex(*frame) ==
          "ff ff ff ff ff ff 02 00 00 00 00 01 08 06 "
          "00 01 08 00 06 04 00 01 02 00 00 00 00 01 0a 09 09 09 ff ff ff ff ff ff 0a 09 09 09");
}

TEST_CASE("a gratuitous ARP for an IPv6 address is refused") {
    const auto frame = wire::gratuitous_arp(test::kMac, IpAddress::parse("fe80::1").value());

    REQUIRE_FALSE(frame.has_value());
    CHECK(frame.error().text() == "build a gratuitous ARP for fe80::1");
}

TEST_CASE("a probe asks for an address and claims none") {
    const auto frame = wire::arp_probe(test::kMac, IpAddress::parse("10.9.9.9").value());

    REQUIRE(frame.has_value());
    CHECK(test::to_hex(*frame) ==
          "ff ff ff ff ff ff 02 00 00 00 00 01 08 06 "
          "00 01 08 00 06 04 00 01 02 00 00 00 00 01 00 00 00 00 00 00 00 00 00 00 0a 09 09 09");
    CHECK(wire::arp_probe(test::kMac, IpAddress::parse("fe80::1").value()).error().text() ==
          "build an ARP probe for fe80::1");
}

TEST_CASE("an answer to a probe names who has the address") {
    // As Linux answers a probe for 10.9.9.9, padded to the least length of a frame.
    auto frame = test::from_hex(
        "02 00 00 00 00 01 02 00 00 00 00 02 08 06 "
        "00 01 08 00 06 04 00 02 02 00 00 00 00 02 0a 09 09 09 02 00 00 00 00 01 00 00 00 00");
    const wire::ArpPacket expected{.reply = true,
                                   .sender_mac = {std::byte{2}, {}, {}, {}, {}, std::byte{2}},
                                   .sender = IpAddress::parse("10.9.9.9").value(),
                                   .target = IpAddress::parse("0.0.0.0").value()};
    CHECK(wire::decode_arp(frame) == expected);
    for (std::size_t length = 0; length < frame.size(); ++length) {
        CAPTURE(length);
        CHECK_FALSE(wire::decode_arp(std::span{frame}.first(length)).has_value());
    }
    frame.resize(60);
    CHECK(wire::decode_arp(frame) == expected);
    frame[21] = std::byte{1};
    CHECK(wire::decode_arp(frame)->reply == false);
    frame[21] = std::byte{3};  // RARP
    CHECK_FALSE(wire::decode_arp(frame).has_value());
    frame[21] = std::byte{2};
    for (const std::size_t at : {12U, 13U, 14U, 15U, 16U, 17U, 18U, 19U}) {
        CAPTURE(at);
        auto other = frame;
        other[at] = std::byte{0x77};
        CHECK_FALSE(wire::decode_arp(other).has_value());
    }
}
