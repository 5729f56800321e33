#include "mainstay/netlink/link_request.hpp"

#include <doctest/doctest.h>
#include <linux/rtnetlink.h>

#include "bytes.hpp"
#include "mainstay/netlink/rtnetlink.hpp"

using namespace mainstay;
using namespace mainstay::netlink;
using namespace mainstay::netlink::test;

namespace {

NewLink vmac() {
    NewLink link{.name = "vrrp.51", .parent = 2, .hardware_address = {}, .group = 7};
    link.hardware_address = {std::byte{0}, std::byte{0}, std::byte{0x5e}, std::byte{0}, std::byte{1}, std::byte{0x33}};
    return link;
}

std::string made(const NewLink& link) {
    std::vector<std::byte> out;
    REQUIRE(append_link_new(out, link, 0x01020304));
    return to_hex(out);
}

std::string set(const LinkSettings& settings) {
    std::vector<std::byte> out;
    REQUIRE(append_link_set(out, settings, 0x01020304));
    return to_hex(out);
}

}  // namespace

TEST_CASE("a VMAC is asked for as a private macvlan over its parent, with its MAC address and group") {
    CHECK(made(vmac()) == hex("64000000 1000 0506 04030201 00000000"  // NEWLINK, CREATE EXCL ACK REQUEST
                              "00 00 0000 00000000 00000000 00000000"
                              "0c00 0300 767272702e353100"   // IFLA_IFNAME vrrp.51
                              "0800 0500 02000000"           // IFLA_LINK 2
                              "0800 1b00 07000000"           // IFLA_GROUP 7
                              "0a00 0100 00005e000133 0000"  // IFLA_ADDRESS
                              "1c00 1280"                    // IFLA_LINKINFO
                              "0c00 0100 6d6163766c616e00"   // IFLA_INFO_KIND macvlan
                              "0c00 0280"                    // IFLA_INFO_DATA
                              "0800 0100 01000000"));        // IFLA_MACVLAN_MODE private
}

TEST_CASE("an ipvlan is asked for in mode L2, with the flag of its mode and no MAC address") {
    // effect: vrrp_instance: use_ipvlan
    auto link = vmac();
    link.kind = NewLink::Kind::Ipvlan;
    link.group = 0;
    link.ipvlan_mode = NewLink::IpvlanMode::Vepa;
    CHECK(made(link) == hex("58000000 1000 0506 04030201 00000000"
                            "00 00 0000 00000000 00000000 00000000"
                            "0c00 0300 767272702e353100"
                            "0800 0500 02000000"
                            "2400 1280"
                            "0b00 0100 6970766c616e00 00"  // ipvlan
                            "1400 0280"
                            "0600 0100 0000 0000"     // IFLA_IPVLAN_MODE L2
                            "0600 0200 0200 0000"));  // IFLA_IPVLAN_FLAGS VEPA
}

TEST_CASE("settings of a link are only those that are given") {
    CHECK(set({.index = 5, .up = true}) ==
          hex("20000000 1300 0500 04030201 00000000 00 00 0000 05000000 01000000 01000000"));
    CHECK(set({.index = 5, .up = false}) ==
          hex("20000000 1300 0500 04030201 00000000 00 00 0000 05000000 00000000 01000000"));
    CHECK(set({.index = 5, .master = 9, .group = 7}) ==
          hex("30000000 1300 0500 04030201 00000000 00 00 0000 05000000 00000000 00000000"
              "0800 0a00 09000000 0800 1b00 07000000"));
    CHECK(set({.index = 5, .no_generated_address = true}) ==
          hex("30000000 1300 0500 04030201 00000000 00 00 0000 05000000 00000000 00000000"
              "1000 1a80 0c00 0a80 0500 0800 01 000000"));
}

TEST_CASE("a setting of IPv4 on an interface is asked for by its number") {
    CHECK(ipv4_setting_number("accept_local") == 23);
    CHECK(ipv4_setting_number("arp_announce") == 18);
    CHECK(ipv4_setting_number("arp_filter") == 13);
    CHECK(ipv4_setting_number("arp_ignore") == 19);
    CHECK(ipv4_setting_number("promote_secondaries") == 20);
    CHECK(ipv4_setting_number("rp_filter") == 8);
    for (const char* other : {"", "arp", "forwarding", "rp_filter "}) CHECK_FALSE(ipv4_setting_number(other));
    CHECK(set({.index = 5, .ipv4 = Ipv4Setting{.number = 19, .value = 1}}) ==
          hex("34000000 1300 0500 04030201 00000000 00 00 0000 05000000 00000000 00000000"
              "1400 1a80"              // IFLA_AF_SPEC
              "1000 0280 0c00 0180"    // AF_INET, IFLA_INET_CONF
              "0800 1300 01000000"));  // IPV4_DEVCONF_ARP_IGNORE
}

TEST_CASE("a link is removed by its index") {
    std::vector<std::byte> out;
    REQUIRE(append_link_delete(out, 5, 0x01020304));
    CHECK(to_hex(out) == hex("20000000 1100 0500 04030201 00000000 00 00 0000 05000000 00000000 00000000"));
}

TEST_CASE("an interface gets another MAC address") {
    LinkSettings settings{.index = 7};
    settings.hardware_address = {std::byte{2}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}, std::byte{9}};
    CHECK(set(settings) == hex("2c000000 1300 0500 04030201 00000000"  // SETLINK, ACK REQUEST
                               "00 00 0000 07000000 00000000 00000000"
                               "0a00 0100 020000000109 0000"));  // IFLA_ADDRESS
}

TEST_CASE("the mode of an ipvlan is changed in place, also back to the kernel's own") {
    CHECK(set({.index = 7, .ipvlan_mode = NewLink::IpvlanMode::Private}) ==
          hex("3c000000 1000 0500 04030201 00000000"  // NEWLINK, ACK REQUEST
              "00 00 0000 07000000 00000000 00000000"
              "1c00 1280"                   // IFLA_LINKINFO
              "0b00 0100 6970766c616e0000"  // IFLA_INFO_KIND ipvlan
              "0c00 0280 0600 0200 0100 0000"));
    CHECK(set({.index = 7, .ipvlan_mode = NewLink::IpvlanMode::Bridge})
              .ends_with("060002000000"
                         "0000"));
}

TEST_CASE("links that cannot be asked for are refused and leave the batch as it was") {
    std::vector<std::byte> out;
    auto nameless = vmac(), long_name = vmac(), orphan = vmac();
    nameless.name.clear();
    long_name.name = "sixteen-letters!";
    orphan.parent = 0;
    for (const auto& link : {nameless, long_name, orphan}) CHECK_FALSE(append_link_new(out, link, 1));
    CHECK_FALSE(append_link_set(out, {.index = 0, .up = true}, 1));
    CHECK_FALSE(append_link_delete(out, 0, 1));
    CHECK(out.empty());
}

TEST_CASE("a macvlan is read with its kind, mode, parent, master and group") {
    // As Linux 6.1 tells of one, cut down.
    const auto payload = from_hex(
        "00 00 0100 07000000 43100100 00000000"
        "0c00 0300 767272702e353100"
        "0800 0500 02000000"
        "0800 0a00 09000000"
        "0800 1b00 07000000"
        "1c00 1200"
        "0c00 0100 6d6163766c616e00"
        "0c00 0200 0800 0100 01000000");
    const auto read = decode_route_message(message_of(RTM_NEWLINK, payload));
    REQUIRE(read);
    const auto& link = std::get<LinkChanged>(**read).link;
    CHECK(link.kind == "macvlan");
    CHECK(link.private_macvlan);
    CHECK(link.parent == 2);
    CHECK(link.master == 9);
    CHECK(link.group == 7);
    CHECK(link.hardware_type == 1);
}
