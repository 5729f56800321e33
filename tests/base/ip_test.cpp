#include "mainstay/base/ip.hpp"

#include <doctest/doctest.h>

using namespace mainstay;

TEST_CASE("addresses are read strictly") {
    for (const char* good : {"10.0.0.1", "255.255.255.255", "::", "2001:db8::1", "::ffff:10.0.0.1"}) {
        CAPTURE(good);
        CHECK(IpAddress::parse(good).has_value());
    }
    for (const char* bad : {"", "10.0.0", "10.0.0.256", "10.0.0.1/24", " 10.0.0.1", "10.0.0.1 ", "[::1]",
                            "fe80::1%eth0", "host", "010.0.0.1", "1.2.3.4.5", "10.9.9.9,"}) {
        CAPTURE(bad);
        CHECK_FALSE(IpAddress::parse(bad).has_value());
    }
}

TEST_CASE("addresses print and compare as VRRP needs it") {
    CHECK(IpAddress::v4(0x0a000001).to_string() == "10.0.0.1");
    CHECK(IpAddress::parse("2001:0db8:0:0::1")->to_string() == "2001:db8::1");
    CHECK(*IpAddress::parse("10.0.0.10") > *IpAddress::parse("10.0.0.9"));
    CHECK(*IpAddress::parse("200.0.0.1") > *IpAddress::parse("9.255.255.255"));
    CHECK(*IpAddress::parse("::1") > *IpAddress::parse("255.0.0.1"));
    CHECK(IpAddress::parse("10.0.0.1")->v4_host_order() == 0x0a000001);
}

TEST_CASE("a prefix keeps host bits and knows its range") {
    const auto prefix = Prefix::parse("10.9.9.9/22");

    REQUIRE(prefix);
    CHECK(prefix->to_string() == "10.9.9.9/22");
    CHECK(prefix->contains(*IpAddress::parse("10.9.11.255")));
    CHECK_FALSE(prefix->contains(*IpAddress::parse("10.9.12.0")));
    CHECK_FALSE(prefix->contains(*IpAddress::parse("::1")));
    CHECK(Prefix::parse("10.0.0.1")->length == 32);
    CHECK(Prefix::parse("::1")->length == 128);
    for (const char* bad : {"10.0.0.1/33", "10.0.0.1/", "10.0.0.1/x", "10.0.0.1/255.255.255.0", "::1/129", "/24"}) {
        CAPTURE(bad);
        CHECK_FALSE(Prefix::parse(bad).has_value());
    }
}

TEST_CASE("IPv6 endpoints are printed in brackets") {
    CHECK(Endpoint{*IpAddress::parse("10.0.0.1"), 80}.to_string() == "10.0.0.1:80");
    CHECK(Endpoint{*IpAddress::parse("2001:db8::1"), 443}.to_string() == "[2001:db8::1]:443");
}
