#include "mainstay/netlink/rtnetlink.hpp"

#include <doctest/doctest.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>

#include "bytes.hpp"

using namespace mainstay;
using namespace mainstay::netlink;
using namespace mainstay::netlink::test;

namespace {

Address vip(const char* prefix) { return {.interface_index = 3, .prefix = *Prefix::parse(prefix)}; }

std::string added(const Address& address) {
    std::vector<std::byte> out;
    REQUIRE(append_address_add(out, address, 0x01020304));
    return to_hex(out);
}

// RTM_NEWLINK as Linux 6.1 sends it for a veth interface, cut down to the attributes of interest and a few others.
const char* const kLink =
    "00 00 0100 03000000 43100100 00000000"  // AF_UNSPEC, ARPHRD_ETHER, index 3, UP BROADCAST RUNNING MULTICAST
                                             // LOWER_UP
    "0900 0300 65746830 00 000000"           // IFLA_IFNAME eth0
    "0800 0d00 e8030000"                     // IFLA_TXQLEN
    "0800 0400 dc050000"                     // IFLA_MTU 1500
    "0a00 0100 02000000aa01 0000"            // IFLA_ADDRESS
    "0800 0500 02000000";                    // IFLA_LINK

const char* const kAddress =
    "02 18 80 00 03000000"          // AF_INET, /24, permanent, universe, index 3
    "0800 0100 c0a8040b"            // IFA_ADDRESS 192.168.4.11
    "0800 0200 c0a8040b"            // IFA_LOCAL
    "0800 0400 c0a804ff"            // IFA_BROADCAST
    "0900 0300 65746830 00 000000"  // IFA_LABEL eth0
    "0800 0800 80000000"            // IFA_FLAGS
    "1400 0600 ffffffff ffffffff 10000000 10000000";

}  // namespace

TEST_CASE("an IPv4 address is asked for with the bytes that the kernel expects") {
    CHECK(added(vip("10.0.0.1/32")) ==
          to_hex(from_hex("28000000 1400 0506 04030201 00000000"  // CREATE EXCL ACK REQUEST
                          "02 20 00 00 03000000"
                          "0800 0200 0a000001"
                          "0800 0100 0a000001")));
}

TEST_CASE("label, broadcast and scope go with an IPv4 address") {
    auto address = vip("10.0.0.1/24");
    address.label = "eth0:1";
    address.broadcast = IpAddress::parse("10.0.0.255");
    address.scope = RT_SCOPE_LINK;

    CHECK(added(address) == to_hex(from_hex("3c000000 1400 0506 04030201 00000000"
                                            "02 18 00 fd 03000000"
                                            "0800 0200 0a000001"
                                            "0800 0100 0a000001"
                                            "0800 0400 0a0000ff"
                                            "0b00 0300 657468303a3100 00")));
}

TEST_CASE("an IPv6 address comes without duplicate detection unless that is wanted") {
    auto address = vip("2001:db8::1/128");
    CHECK(added(address).substr(32, 16) == to_hex(from_hex("0a 80 02 00 03000000")));

    address.nodad = false;
    CHECK(added(address).substr(32, 16) == to_hex(from_hex("0a 80 00 00 03000000")));
}

TEST_CASE("flags above eight bits go into the long attribute as well") {
    auto address = vip("2001:db8::1/64");
    address.noprefixroute = true;

    const auto bytes = from_hex(added(address));
    const auto attributes = Attributes::parse(std::span{bytes}.subspan(24));

    REQUIRE(attributes);
    CHECK(attributes->value<std::uint32_t>(IFA_FLAGS) == (IFA_F_NOPREFIXROUTE | IFA_F_NODAD));
}

TEST_CASE("a deprecated IPv6 address lives for ever but is preferred for no time") {
    auto address = vip("2001:db8::1/128");
    address.deprecated = true;

    const auto bytes = from_hex(added(address));
    const auto attributes = Attributes::parse(std::span{bytes}.subspan(24));

    REQUIRE(attributes);
    const auto lifetimes = attributes->value<ifa_cacheinfo>(IFA_CACHEINFO);
    REQUIRE(lifetimes);
    CHECK(lifetimes->ifa_prefered == 0);
    CHECK(lifetimes->ifa_valid == 0xffffffff);
}

TEST_CASE("libnl reads what was asked for in the same way") {
    auto address = vip("10.0.0.1/24");
    address.label = "eth0:1";
    auto bytes = from_hex(added(address));
    auto* first = reinterpret_cast<nlattr*>(bytes.data() + NLMSG_HDRLEN + sizeof(ifaddrmsg));
    const int length = static_cast<int>(bytes.size() - NLMSG_HDRLEN - sizeof(ifaddrmsg));

    const nlattr* label = nla_find(first, length, IFA_LABEL);
    REQUIRE(label != nullptr);
    CHECK(std::string{nla_get_string(label)} == "eth0:1");
    const nlattr* local = nla_find(first, length, IFA_LOCAL);
    REQUIRE(local != nullptr);
    CHECK(nla_get_u32(local) == 0x0100000a);
    CHECK(nla_find(first, length, IFA_BROADCAST) == nullptr);
}

TEST_CASE("an address is removed by interface, prefix and address alone") {
    auto address = vip("10.0.0.1/32");
    address.label = "eth0:1";
    std::vector<std::byte> out;

    REQUIRE(append_address_remove(out, address, 9));

    CHECK(to_hex(out) == to_hex(from_hex("28000000 1500 0500 09000000 00000000"
                                         "02 20 00 00 03000000"
                                         "0800 0200 0a000001"
                                         "0800 0100 0a000001")));
}

TEST_CASE("what cannot be asked for is refused and leaves the batch as it was") {
    std::vector<std::byte> batch;
    REQUIRE(append_address_add(batch, vip("10.0.0.1/32"), 1));
    const auto before = batch;

    auto no_interface = vip("10.0.0.1/32");
    no_interface.interface_index = 0;
    auto long_label = vip("10.0.0.1/32");
    long_label.label = "sixteen-letters!";
    Address long_prefix{.interface_index = 3, .prefix = {IpAddress::v4(1), 33}};
    for (const auto& address : {Address{.interface_index = 3}, no_interface, long_label, long_prefix}) {
        CHECK_FALSE(append_address_add(batch, address, 2));
        CHECK(batch == before);
    }
}

TEST_CASE("dumps ask for everything of their kind") {
    std::vector<std::byte> out;
    append_link_dump(out, 1);
    append_address_dump(out, 2);

    CHECK(to_hex(out) == to_hex(from_hex("20000000 1200 0103 01000000 00000000 00000000 00000000 00000000 00000000"
                                         "18000000 1600 0103 02000000 00000000 00000000 00000000")));
}

TEST_CASE("a link is read with its state, size and hardware address") {
    const auto payload = from_hex(kLink);

    const auto read = decode_route_message(message_of(RTM_NEWLINK, payload));

    REQUIRE(read);
    REQUIRE(read->has_value());
    CHECK(std::get<LinkChanged>(**read).link == Link{.index = 3,
                                                     .name = "eth0",
                                                     .up = true,
                                                     .running = true,
                                                     .loopback = false,
                                                     .no_arp = false,
                                                     .mtu = 1500,
                                                     .hardware_address = from_hex("02000000aa01"),
                                                     .hardware_type = 1,
                                                     .kind = {},
                                                     .parent = 2});
}

TEST_CASE("a removed link is reported by index and name") {
    const auto payload = from_hex(kLink);

    const auto read = decode_route_message(message_of(RTM_DELLINK, payload));

    REQUIRE(read);
    REQUIRE(read->has_value());
    CHECK(std::get<LinkGone>(**read) == LinkGone{3, "eth0"});
}

TEST_CASE("a bridge's word about its ports is not about links") {
    auto payload = from_hex(kLink);
    payload[0] = std::byte{7};  // AF_BRIDGE

    const auto read = decode_route_message(message_of(RTM_DELLINK, payload));

    REQUIRE(read);
    CHECK_FALSE(read->has_value());
}

TEST_CASE("an IPv4 address is read with label and broadcast") {
    const auto payload = from_hex(kAddress);

    const auto read = decode_route_message(message_of(RTM_NEWADDR, payload));

    REQUIRE(read);
    REQUIRE(read->has_value());
    CHECK(std::get<AddressAdded>(**read).address == Address{.interface_index = 3,
                                                            .prefix = *Prefix::parse("192.168.4.11/24"),
                                                            .label = "eth0",
                                                            .broadcast = IpAddress::parse("192.168.4.255"),
                                                            .scope = 0,
                                                            .secondary = false,
                                                            .tentative = false,
                                                            .nodad = false,
                                                            .noprefixroute = false,
                                                            .deprecated = false});
}

TEST_CASE("of an address with a peer the own one counts") {
    const auto payload = from_hex("02 20 80 00 05000000 0800 0100 0a000002 0800 0200 0a000001");

    const auto read = decode_route_message(message_of(RTM_DELADDR, payload));

    REQUIRE(read);
    REQUIRE(read->has_value());
    CHECK(std::get<AddressRemoved>(**read).address.prefix.to_string() == "10.0.0.1/32");
}

TEST_CASE("an IPv6 address has its duplicate address detection state in its long flags") {
    const auto payload = from_hex(
        "0a 40 80 00 03000000"
        "1400 0100 20010db8000000000000000000000001"
        "0800 0800 60020000");  // tentative, deprecated, no prefix route

    const auto read = decode_route_message(message_of(RTM_NEWADDR, payload));

    REQUIRE(read);
    REQUIRE(read->has_value());
    const auto& address = std::get<AddressAdded>(**read).address;
    CHECK(address.prefix.to_string() == "2001:db8::1/64");
    CHECK(address.tentative);
    CHECK(address.deprecated);
    CHECK(address.noprefixroute);
    CHECK_FALSE(address.nodad);
    CHECK_FALSE(address.secondary);
}

TEST_CASE("messages about other things are no error and have no value") {
    const auto route = decode_route_message(message_of(RTM_NEWROUTE, from_hex("00")));
    REQUIRE(route);
    CHECK_FALSE(route->has_value());
    const auto other_family = decode_route_message(message_of(RTM_NEWADDR, from_hex("1c 18 80 00 03000000")));
    REQUIRE(other_family);
    CHECK_FALSE(other_family->has_value());
}

TEST_CASE("messages without what identifies their object are errors") {
    CHECK_FALSE(decode_route_message(message_of(RTM_NEWADDR, from_hex("02 18 80 00 03000000"))));
    CHECK_FALSE(decode_route_message(message_of(RTM_NEWADDR, from_hex("02 18 80 00 03000000 0600 0200 0a00 0000"))));
    CHECK_FALSE(decode_route_message(message_of(RTM_NEWADDR, from_hex("02 21 80 00 03000000 0800 0200 0a000001"))));
    CHECK_FALSE(decode_route_message(message_of(RTM_NEWLINK, from_hex("00 00 0100 00000000 43100100 00000000"))));
}

TEST_CASE("damaged link and address messages never read outside") {
    const auto decodes = [](const Message& message) { return decode_route_message(message).has_value(); };

    CHECK(survives_damage(RTM_NEWLINK, from_hex(kLink), decodes) > 20);
    CHECK(survives_damage(RTM_NEWADDR, from_hex(kAddress), decodes) > 20);
}
