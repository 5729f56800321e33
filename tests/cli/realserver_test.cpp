#include "cli/realserver.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::cli;

TEST_CASE("a virtual address is taken alone or with the prefix of a single address") {
    CHECK(parse_virtual_address("192.168.4.100")->to_string() == "192.168.4.100/32");
    CHECK(parse_virtual_address("192.168.4.100/32")->to_string() == "192.168.4.100/32");
    CHECK(parse_virtual_address("2001:db8::1")->to_string() == "2001:db8::1/128");
    CHECK(parse_virtual_address("fd00::1/128")->to_string() == "fd00::1/128");
}

TEST_CASE("what no director could send to is refused with the reason") {
    const std::array<std::pair<const char*, const char*>, 14> refused{{
        {"", "'' is not an IPv4 or IPv6 address"},
        {"vip.example", "'vip.example' is not an IPv4 or IPv6 address"},
        {"10.0.0.256", "'10.0.0.256' is not an IPv4 or IPv6 address"},
        {"10.0.0.1/24", "'10.0.0.1/24' has a prefix length: omit it, a virtual address is always set as /32 or /128"},
        {"fd00::1/64", "'fd00::1/64' has a prefix length: omit it, a virtual address is always set as /32 or /128"},
        {"127.0.0.1", "'127.0.0.1' is a loopback address"},
        {"127.255.0.9", "'127.255.0.9' is a loopback address"},
        {"::1", "'::1' is a loopback address"},
        {"224.0.0.18", "'224.0.0.18' is a multicast address"},
        {"ff02::12", "'ff02::12' is a multicast address"},
        {"fe80::1", "'fe80::1' is a link-local address: no director can send to it"},
        {"0.0.0.0", "'0.0.0.0' is not a host address"},
        {"::", "'::' is not a host address"},
        {"255.255.255.255", "'255.255.255.255' is a reserved or broadcast address"},
    }};
    for (const auto& [text, why] : refused) {
        CAPTURE(text);
        const auto result = parse_virtual_address(text);
        REQUIRE_FALSE(result);
        CHECK(result.error().text() == why);
    }
}

TEST_CASE("stricter values of arp_ignore are right too, other values of arp_announce are not") {
    const ArpSetting& ignore = kArpSettings[0];
    const ArpSetting& announce = kArpSettings[1];
    for (const int value : {1, 2, 8}) CHECK(ignore.is_right(value));
    for (const int value : {0, 3, 4, -1}) CHECK_FALSE(ignore.is_right(value));
    CHECK(announce.is_right(2));
    for (const int value : {0, 1, 3}) CHECK_FALSE(announce.is_right(value));
}

TEST_CASE("the state is read back as it was written") {
    const RealServerState state{.vips = {*parse_virtual_address("10.0.0.1"), *parse_virtual_address("fd00::1")},
                                .saved = {{"net/ipv4/conf/all/arp_ignore", 0}, {"net/ipv4/conf/lo/arp_announce", 1}}};

    CHECK(to_text(state, "b-1") ==
          "mainstay-realserver 1\nboot b-1\nsaved net/ipv4/conf/all/arp_ignore 0\n"
          "saved net/ipv4/conf/lo/arp_announce 1\nvip 10.0.0.1/32\nvip fd00::1/128\n");
    const auto read = from_text(to_text(state, "b-1"), "b-1");
    REQUIRE(read);
    CHECK(*read == state);
}

TEST_CASE("a state of an earlier boot says nothing") {
    const auto read = from_text("mainstay-realserver 1\nboot b-1\nvip 10.0.0.1/32\n", "b-2");
    REQUIRE(read);
    CHECK(*read == RealServerState{});
    CHECK(from_text("", "b-2") == RealServerState{});
}

TEST_CASE("a state that is not ours is an error that names its line, and changes no other setting") {
    const std::string head = "mainstay-realserver 1\nboot b\n";
    for (const std::string& text :
         {std::string{"mainstay-realserver 2\nboot b\n"}, std::string{"\n"}, std::string{"rubbish"},
          head + "saved net/ipv4/ip_forward 1\n", head + "saved ../../etc/x 1\n",
          head + "saved net/ipv4/conf/lo/arp_ignore\n", head + "saved net/ipv4/conf/lo/arp_ignore 1x\n",
          head + "saved net/ipv4/conf/lo/arp_ignore 99999999999\n", head + "vip 127.0.0.1/32\n", head + "vip\n",
          head + "other thing\n", std::string(5000, '\0')}) {
        CAPTURE(text.substr(0, 60));
        const auto read = from_text(text, "b");
        REQUIRE_FALSE(read);
        CHECK(read.error().code() == Errc::Invalid);
    }
    CHECK(from_text(head + "vip 10.0.0.1\nbad line\n", "b").error().text() == "line 4 cannot be read");
}
