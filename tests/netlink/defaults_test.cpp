// Messages that say as little as they may: what is not said is nothing, and what has to be said is missed.
#include <doctest/doctest.h>
#include <linux/rtnetlink.h>

#include "bytes.hpp"
#include "mainstay/netlink/ipvs.hpp"
#include "mainstay/netlink/link_request.hpp"
#include "mainstay/netlink/proc_events.hpp"
#include "mainstay/netlink/routing.hpp"
#include "mainstay/netlink/rtnetlink.hpp"
#include "mainstay/netlink/vip_filter.hpp"

using namespace mainstay;
using namespace mainstay::netlink;
using namespace mainstay::netlink::test;

namespace {

Result<IpvsDestinationEntry> destination(const char* attributes) {
    auto inner = from_hex(attributes);
    auto bytes = from_hex("05010000");
    const auto length = static_cast<unsigned>(inner.size() + 4);
    bytes.insert(bytes.end(), {std::byte(length), std::byte{0}, std::byte{2}, std::byte{0x80}});
    bytes.insert(bytes.end(), inner.begin(), inner.end());
    return decode_destination(message_of(kFamilyId, bytes), Family::V4);
}

template <class T>
Result<T> reported(std::uint16_t type, const char* hex) {
    const auto bytes = from_hex(hex);
    auto read = decode_route_message(message_of(type, bytes));
    if (!read) return std::unexpected{std::move(read.error())};
    REQUIRE(read->has_value());
    return std::get<T>(**read);
}

}  // namespace

TEST_CASE("a destination that says its address alone has nothing else") {
    const auto entry = destination("0800 0100 0a000001");
    REQUIRE(entry);
    CHECK(entry->destination.endpoint == Endpoint{*IpAddress::parse("10.0.0.1"), 0});
    CHECK(entry->destination.forwarding == 0);
    CHECK(entry->destination.weight == 0);
    CHECK(entry->destination.upper_threshold == 0);
    CHECK(entry->destination.lower_threshold == 0);
    CHECK(entry->active == 0);
    CHECK(entry->inactive == 0);
    CHECK(entry->persistent == 0);
    CHECK(entry->stats == IpvsStats{});
    CHECK_FALSE(destination("0800 0200 00500000"));
}

TEST_CASE("the encapsulation is decoded only for a tunnelled destination, and is IPIP by default") {
    const std::string tunnel = "0500 0d00 01000000 0600 0e00 17c0 0000 0600 0f00 0200 0000";
    const std::string address = "0800 0100 0a000001";
    CHECK(destination((address + "0800 0300 00000000" + tunnel).c_str())->destination.tunnel == IpvsTunnel{});
    CHECK(destination((address + "0800 0300 03000000" + tunnel).c_str())->destination.tunnel == IpvsTunnel{});
    CHECK(destination((address + "0800 0300 02000000" + tunnel).c_str())->destination.tunnel ==
          IpvsTunnel{.type = 1, .port = 6080, .flags = 2});
    CHECK(destination((address + "0800 0300 02000000").c_str())->destination.tunnel == IpvsTunnel{});
}

TEST_CASE("a service says family, protocol and address, and has nothing else") {
    const auto bytes = from_hex("01010000 1c00 0180 0600 0100 0200 0000 0600 0200 0600 0000 0800 0300 0a000001");
    const auto entry = decode_service(message_of(kFamilyId, bytes));
    REQUIRE(entry);
    CHECK(describe(entry->service.key) == "TCP 10.0.0.1:0");
    CHECK(entry->service.scheduler.empty());
    CHECK(entry->service.engine.empty());
    CHECK(entry->service.flags == 0);
    CHECK(entry->service.timeout_s == 0);
    CHECK(entry->service.netmask == 0);
    CHECK(entry->stats == IpvsStats{});
}

TEST_CASE("a daemon needs a state and nothing else") {
    const auto daemon = [](const char* hex) {
        const auto bytes = from_hex(hex);
        return decode_daemon(message_of(kFamilyId, bytes));
    };
    CHECK(*daemon("09010000 0c00 0380 0800 0100 02000000") == IpvsDaemon{.state = IpvsDaemon::State::Backup});
    CHECK(*daemon("09010000 0c00 0380 0800 0100 01000000") == IpvsDaemon{.state = IpvsDaemon::State::Master});
    CHECK(daemon("09010000 0c00 0380 0800 0100 03000000").error().text() == "IPVS daemon message without a state");
    CHECK(daemon("09010000 0c00 0380 0800 0300 33000000").error().text() == "IPVS daemon message without a state");
    CHECK(daemon("09010000").error().text() == "IPVS daemon message without its content");
    // A group that is cut off is none.
    CHECK(daemon("09010000 1400 0380 0800 0100 01000000 0700 0500 e00000 00")->group.empty());
    CHECK(daemon("09010000 1400 0380 0800 0100 01000000 0800 0600 ff020000")->group.empty());
}

TEST_CASE("missing timeouts are 0, and the kernel's first family is 16") {
    const auto nothing = from_hex("0c010000");
    CHECK(*decode_timeouts(message_of(kFamilyId, nothing)) == IpvsTimeouts{0, 0, 0});
    const auto least = from_hex("01020000 0600 0100 1000 0000"), less = from_hex("01020000 0600 0100 0f00 0000");
    CHECK(*decode_family(message_of(16, least)) == 16);
    CHECK_FALSE(decode_family(message_of(16, less)));
}

TEST_CASE("4095 is the last errno") {
    const auto last = from_hex("01f0ffff"), beyond = from_hex("00f0ffff");
    CHECK(*decode_done(message_of(NLMSG_DONE, last)) == 4095);
    CHECK_FALSE(decode_done(message_of(NLMSG_DONE, beyond)));
}

TEST_CASE("a macvlan without a MAC address of its own gets none from us") {
    const auto size = [](const NewLink& link) {
        std::vector<std::byte> out;
        REQUIRE(append_link_new(out, link, 1));
        return out.size();
    };
    NewLink link;
    link.kind = NewLink::Kind::PrivateMacvlan;
    link.name = "vrrp.51";
    link.parent = 2;
    const std::size_t without = size(link);
    link.hardware_address.emplace();
    CHECK(size(link) == without + 12);
}

TEST_CASE("a process event of another source is none, whatever is in it") {
    const auto event = [](const char* source) {
        auto bytes = from_hex(std::string{"34000000 0300 0000 00000000 00000000"} + source +
                              "00000000 00000000 1000 0000 02000000 00000000 0000000000000000");
        const std::uint32_t size = static_cast<std::uint32_t>(bytes.size());
        std::memcpy(bytes.data(), &size, sizeof size);
        return decode_process_events(bytes)->size();
    };
    CHECK(event("01000000 01000000") == 1);
    CHECK(event("01000000 02000000") == 0);
    CHECK(event("02000000 01000000") == 0);
}

TEST_CASE("a link that says its number alone has nothing else, and a parent elsewhere is none") {
    const auto link = reported<LinkChanged>(RTM_NEWLINK, "00 00 0000 03000000 00000000 00000000");
    REQUIRE(link);
    CHECK(link->link.index == 3);
    CHECK(link->link.name.empty());
    CHECK_FALSE(link->link.up);
    CHECK(link->link.mtu == 0);
    CHECK(link->link.parent == 0);
    CHECK(link->link.master == 0);
    CHECK(link->link.group == 0);
    CHECK(link->link.vrf_table == 0);
    CHECK(link->link.hardware_address.empty());
    const std::string parent = "00 00 0000 03000000 00000000 00000000 0800 0500 07000000";
    CHECK(reported<LinkChanged>(RTM_NEWLINK, parent.c_str())->link.parent == 7);
    CHECK(reported<LinkChanged>(RTM_NEWLINK, (parent + "0800 2500 04000000").c_str())->link.parent == 0);
    CHECK_FALSE(reported<LinkChanged>(RTM_NEWLINK, "00 00 0000 00000000 00000000 00000000"));
}

TEST_CASE("an address that is shorter than its family's is none") {
    CHECK_FALSE(reported<AddressAdded>(RTM_NEWADDR, "0a 40 00 00 03000000 0800 0100 20010db8"));
    CHECK_FALSE(reported<AddressAdded>(RTM_NEWADDR, "02 18 00 00 03000000 0700 0200 0a0000 00"));
    const auto address = reported<AddressAdded>(RTM_NEWADDR, "02 20 00 00 03000000 0800 0200 0a000001");
    REQUIRE(address);
    CHECK(address->address.prefix.to_string() == "10.0.0.1/32");
    CHECK(address->address.label.empty());
    CHECK_FALSE(address->address.broadcast);
    CHECK_FALSE(address->address.peer);
    CHECK_FALSE(reported<AddressAdded>(RTM_NEWADDR, "02 21 00 00 03000000 0800 0200 0a000001"));
}

TEST_CASE("labels may have a time to live") {
    Route route;
    route.destination = *Prefix::parse("10.1.0.0/24");
    route.hop.encapsulation = {.type = Encapsulation::Type::Mpls, .labels = {100}};
    route.hop.encapsulation.ttl = 9;
    std::vector<std::byte> out;
    REQUIRE(append_route_add(out, route, 1));
    CHECK(to_hex(out).ends_with(to_hex(from_hex("0800 0100 00064100 0500 0200 09000000"))));
}

TEST_CASE("rules are counted as they are made") {
    const auto count = [](Family family, bool reports, bool filters) {
        VipFilter filter;
        filter.family = family;
        filter.reports = reports;
        filter.filters = filters;
        return rule_count(filter);
    };
    CHECK(count(Family::V4, false, false) == 0);
    CHECK(count(Family::V4, true, false) == 1);
    CHECK(count(Family::V4, false, true) == 2);
    CHECK(count(Family::V4, true, true) == 3);
    CHECK(count(Family::V6, false, false) == 0);
    CHECK(count(Family::V6, true, false) == 3);
    CHECK(count(Family::V6, false, true) == 8);
    CHECK(count(Family::V6, true, true) == 11);
}

TEST_CASE("a destination has its own counters, and a stack of labels is never empty") {
    CHECK(destination("0800 0100 0a000001 0c00 0a80 0800 0100 05000000")->stats.connections == 5);
    Route route;
    route.destination = *Prefix::parse("10.1.0.0/24");
    route.hop.encapsulation = {.type = Encapsulation::Type::Mpls};
    std::vector<std::byte> out;
    CHECK_FALSE(append_route_add(out, route, 1));
    CHECK(out.empty());
}

TEST_CASE("behind an acknowledgement there is no request, and its text comes at once") {
    const auto payload = from_hex("00000000 24000000 1000 0500 07000000 00000000 0700 0100 6f6b00 00");
    CHECK(decode_acknowledgement(message_of(NLMSG_ERROR, payload, 0x200))->text == "ok");
}

TEST_CASE("the last number of a process event ends with it") {
    auto bytes = from_hex(
        "38000000 0300 0000 00000000 00000000 01000000 01000000 00000000 00000000 1400 0000"
        "00000000 00000000 0000000000000000 05000000");
    CHECK(bytes.size() == 0x38);
    CHECK(decode_process_events(bytes)->at(0).error == 5);
}

TEST_CASE("table 256 has its attribute, and the last metric is one") {
    Route route;
    route.destination = *Prefix::parse("10.1.0.0/24");
    std::vector<std::byte> out;
    route.table = 256;
    route.metrics = {{.number = RTAX_MAX, .value = 1}};
    REQUIRE(append_route_add(out, route, 1));
    CHECK(to_hex(out).contains(to_hex(from_hex("0800 0f00 00010000"))));
    route.metrics = {{.number = RTAX_MAX + 1, .value = 1}};
    CHECK_FALSE(append_route_add(out, route, 1));
    CHECK(destination("0800 0100 0a000001 0400 0a80")->stats == IpvsStats{});
}
