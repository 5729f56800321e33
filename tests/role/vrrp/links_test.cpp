// What the vrrp role knows of links and addresses, and what of a notification is a change.
#include "role/vrrp/links.hpp"

#include <doctest/doctest.h>

#include "mainstay/config/addresses.hpp"
#include "role/vrrp/addresses.hpp"

using namespace mainstay;
using namespace mainstay::role;

namespace {

kernel::Address address(const char* text) { return {.interface_index = 2, .prefix = *Prefix::parse(text)}; }

}  // namespace

TEST_CASE("an address whose lifetime alone was renewed is no change, and one that has another flag is") {
    Links links;
    (void)links.take({netlink::LinkChanged{{.index = 2, .name = "ms-vip", .up = true}}});
    auto one = address("192.0.2.1/32");
    CHECK(links.take({netlink::AddressAdded{one}}).interfaces == std::set<std::string>{"ms-vip"});
    CHECK(links.take({netlink::AddressAdded{one}}).empty());

    one.noprefixroute = true;
    CHECK(links.take({netlink::AddressAdded{one}}).interfaces == std::set<std::string>{"ms-vip"});
    CHECK(links.take({netlink::AddressRemoved{one}}).lost.size() == 1);
    CHECK(links.take({netlink::AddressAdded{one}}).interfaces == std::set<std::string>{"ms-vip"});
}

namespace {

using Names = std::set<std::string>;

kernel::Link link(std::uint32_t index, const char* name, bool up = true, bool running = true) {
    return {.index = index, .name = name, .up = up, .running = running, .mtu = 1500};
}
kernel::Address on(std::uint32_t index, const char* text, bool secondary = false, bool tentative = false) {
    return {.interface_index = index, .prefix = *Prefix::parse(text), .secondary = secondary, .tentative = tentative};
}
Links known(const std::vector<kernel::RouteNotification>& all) {
    Links links;
    (void)links.take(all);
    return links;
}
std::vector<std::string> texts(const std::vector<IpAddress>& addresses) {
    std::vector<std::string> all;
    for (const auto& address : addresses) all.push_back(address.to_string());
    return all;
}
using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a link is up when the kernel has it up and running; one that is not there has no index") {
    const auto links = known({netlink::LinkChanged{link(2, "a")}, netlink::LinkChanged{link(3, "b", true, false)},
                              netlink::LinkChanged{link(4, "c", false, true)}});
    CHECK(links.fact("a").up);
    CHECK(links.fact("a").index == 2);
    CHECK(links.fact("a").mtu == 1500);
    CHECK_FALSE(links.fact("b").up);
    CHECK_FALSE(links.fact("c").up);
    CHECK(links.fact("d").index == 0);
    CHECK(links.fact("d").name == "d");
    CHECK_FALSE(links.fact("d").up);
}

TEST_CASE("a polled link that the kernel has down stays down, and one that is polled no more is as the kernel says") {
    auto links = known({netlink::LinkChanged{link(2, "a", false, true)}, netlink::LinkChanged{link(3, "b")}});
    links.set_polled("a", true);
    CHECK_FALSE(links.fact("a").up);
    links.set_polled("b", false);
    CHECK_FALSE(links.fact("b").up);
    links.set_polled("b", std::nullopt);
    CHECK(links.fact("b").up);
}

TEST_CASE("the addresses that packets may come from: primary ones first, none that is still tentative") {
    const auto links =
        known({netlink::LinkChanged{link(2, "a")}, netlink::AddressAdded{on(2, "10.0.0.9/32", true)},
               netlink::AddressAdded{on(2, "10.0.0.1/24")}, netlink::AddressAdded{on(2, "2001:db8::1/64", false, true)},
               netlink::AddressAdded{on(3, "10.0.0.7/24")}});
    CHECK(texts(links.fact("a").addresses) == Texts{"10.0.0.1", "10.0.0.9"});
    CHECK_FALSE(links.fact("a").borrows);
    CHECK(texts(links.addresses_of(2)) == Texts{"10.0.0.9", "10.0.0.1", "2001:db8::1"});
    CHECK(links.addresses_of(9).empty());
    CHECK(links.fact("a").tentative);
}

TEST_CASE("an address that another host was found to have is tentative for good, and nothing to wait for") {
    auto address = on(2, "2001:db8::1/64", false, true);
    auto links = known({netlink::LinkChanged{link(2, "a")}, netlink::AddressAdded{address}});
    CHECK(links.fact("a").tentative);
    address.dad_failed = true;
    CHECK(links.take({netlink::AddressAdded{address}}).interfaces == Names{"a"});
    CHECK_FALSE(links.fact("a").tentative);
    CHECK(links.fact("a").addresses.empty());
}

TEST_CASE("a VMAC sends from the IPv4 addresses of its parent, and changes with it") {
    auto links = known({netlink::LinkChanged{link(2, "eth0")}, netlink::LinkChanged{link(3, "vrrp.51")},
                        netlink::AddressAdded{on(2, "10.0.0.1/24")}, netlink::AddressAdded{on(2, "2001:db8::1/64")},
                        netlink::AddressAdded{on(3, "10.0.0.100/32")}});
    links.lend({{"vrrp.51", "eth0"}});
    CHECK(texts(links.fact("vrrp.51").addresses) == Texts{"10.0.0.100", "10.0.0.1"});
    CHECK(links.fact("vrrp.51").borrows);
    CHECK_FALSE(links.fact("eth0").borrows);
    CHECK(links.take({netlink::AddressAdded{on(2, "10.0.0.2/24")}}).interfaces == Names{"eth0", "vrrp.51"});
    CHECK(links.take({netlink::AddressRemoved{on(3, "10.0.0.100/32")}}).interfaces == Names{"vrrp.51"});
    CHECK(texts(links.fact("vrrp.51").addresses) == Texts{"10.0.0.1", "10.0.0.2"});
    (void)links.take({netlink::AddressRemoved{on(2, "10.0.0.1/24")}, netlink::AddressRemoved{on(2, "10.0.0.2/24")}});
    CHECK_FALSE(links.fact("vrrp.51").borrows);
}

TEST_CASE("a link that has another MAC address is named") {
    auto links = known({netlink::LinkChanged{link(2, "a")}, netlink::LinkChanged{link(3, "b")}});
    auto other = link(2, "a");
    other.hardware_address = {std::byte{2}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{9}};
    auto change = links.take(
        {netlink::LinkChanged{other}, netlink::LinkChanged{link(3, "b", false)}, netlink::LinkChanged{link(4, "c")}});
    CHECK(change.other_mac == Names{"a"});
    CHECK(links.take({netlink::LinkChanged{link(2, "a", false)}}).other_mac == Names{"a"});
    CHECK(links.take({netlink::LinkChanged{link(2, "a", true)}}).other_mac.empty());
    change.merge(links.take({netlink::LinkChanged{other}}));
    CHECK(change.other_mac == Names{"a"});
}

TEST_CASE("a renamed link is a change of both names, and one that reports itself again is none") {
    auto links = known({netlink::LinkChanged{link(2, "a")}});
    CHECK(links.take({netlink::LinkChanged{link(2, "a")}}).empty());
    CHECK(links.take({netlink::LinkChanged{link(2, "b")}}).interfaces == Names{"a", "b"});
    CHECK(links.find("a") == nullptr);
    REQUIRE(links.find("b") != nullptr);
    CHECK(links.find("b")->index == 2);
    CHECK(links.find(3U) == nullptr);
}

TEST_CASE("the addresses of a link that goes are not lost to another program, those of the others are") {
    auto links = known({netlink::LinkChanged{link(2, "a")}, netlink::LinkChanged{link(3, "b")},
                        netlink::AddressAdded{on(2, "10.0.0.1/24")}, netlink::AddressAdded{on(3, "10.0.1.1/24")}});
    const auto change =
        links.take({netlink::AddressRemoved{on(2, "10.0.0.1/24")}, netlink::AddressRemoved{on(3, "10.0.1.1/24")},
                    netlink::LinkGone{.index = 2, .name = "a"}});
    REQUIRE(change.lost.size() == 1);
    CHECK(change.lost[0].interface == "b");
    CHECK(change.lost[0].address == *Prefix::parse("10.0.1.1/24"));
    CHECK(change.interfaces == Names{"a", "b"});
    CHECK(links.fact("a").index == 0);
    CHECK_FALSE(links.holds(2, *Prefix::parse("10.0.0.1/24")));
}

TEST_CASE("an address is found by its interface, address and length") {
    const auto links = known({netlink::LinkChanged{link(2, "a")}, netlink::AddressAdded{on(2, "10.0.0.1/24")}});
    const auto prefix = *Prefix::parse("10.0.0.1/24");
    CHECK(links.holds(2, prefix));
    CHECK_FALSE(links.holds(3, prefix));
    CHECK_FALSE(links.holds(2, *Prefix::parse("10.0.0.1/32")));
    REQUIRE(links.address(2, prefix) != nullptr);
    CHECK(links.address(2, prefix)->prefix == prefix);
    CHECK(links.address(3, prefix) == nullptr);
    CHECK(links.address(2, *Prefix::parse("10.0.0.2/24")) == nullptr);
    const auto any = [&](std::uint32_t index, std::uint8_t length) {
        return links.any_address(index, [length](const auto& a) { return a.prefix.length == length; });
    };
    CHECK(any(2, 24));
    CHECK_FALSE(any(2, 32));
    CHECK_FALSE(any(3, 24));
}

TEST_CASE("another label and a failed check for duplicates are reported with their address") {
    auto links = known({netlink::LinkChanged{link(2, "a")}, netlink::AddressAdded{on(2, "10.0.0.1/24")}});
    auto one = on(2, "10.0.0.1/24");
    one.label = "a:1";
    const auto relabelled = links.take({netlink::AddressAdded{one}});
    CHECK(relabelled.relabelled == std::vector{vrrp::HeldAddress{"a", *Prefix::parse("10.0.0.1/24")}});
    CHECK(relabelled.duplicates.empty());
    CHECK(links.take({netlink::AddressAdded{on(2, "10.0.0.2/24")}}).relabelled.empty());
    auto six = on(2, "2001:db8::1/64");
    six.dad_failed = true;
    const auto failed = links.take({netlink::AddressAdded{six}});
    REQUIRE(failed.duplicates.size() == 1);
    CHECK(failed.duplicates[0].interface == "a");
    CHECK(failed.duplicates[0].address == six.prefix);
    CHECK(failed.relabelled.empty());
}

TEST_CASE("which interfaces forward IPv6 is followed, until they go") {
    auto links = known({netlink::LinkChanged{link(2, "a")}, netlink::ForwardingChanged{2, true}});
    CHECK(links.forwards_ipv6(2));
    CHECK_FALSE(links.forwards_ipv6(3));
    CHECK(links.take({netlink::ForwardingChanged{2, false}}).empty());
    CHECK_FALSE(links.forwards_ipv6(2));
    (void)links.take({netlink::ForwardingChanged{2, true}, netlink::LinkGone{.index = 2, .name = "a"}});
    CHECK_FALSE(links.forwards_ipv6(2));
}

TEST_CASE("lost notifications are a change, and changes that follow each other are put together") {
    Links links;
    auto change = links.take({netlink::NotificationsLost{}});
    CHECK(change.overrun);
    CHECK_FALSE(change.empty());
    CHECK(change.interfaces.empty());

    Links::Change first{.interfaces = {"a"}, .lost = {{"a", *Prefix::parse("10.0.0.1/24")}}};
    first.merge({.interfaces = {"b"},
                 .lost = {{"b", *Prefix::parse("10.0.0.2/24")}},
                 .duplicates = {{"b", *Prefix::parse("2001:db8::1/64")}},
                 .relabelled = {{"b", *Prefix::parse("10.0.0.3/24")}}});
    CHECK(first.interfaces == Names{"a", "b"});
    REQUIRE(first.lost.size() == 2);
    CHECK(first.lost[1].interface == "b");
    CHECK(first.duplicates.size() == 1);
    CHECK(first.relabelled.size() == 1);
}

TEST_CASE("the interfaces of a configuration are those of its instances, addresses, routes and trackers") {
    config::Config config;
    auto& one = config.instances.emplace_back();
    one.interface = "eth0";
    one.addresses.emplace_back().prefix = *Prefix::parse("10.0.0.100/32");
    one.excluded_addresses.emplace_back().dev = "eth2";
    one.track_interfaces.push_back({.name = "eth3"});
    config.sync_groups.emplace_back().track_interfaces.push_back({.name = "eth4"});
    CHECK(interfaces_of(config) == Names{"eth0", "eth2", "eth3", "eth4"});
    CHECK(config::device_of(one.addresses[0], one) == "eth0");
    CHECK(config::device_of(one.excluded_addresses[0], one) == "eth2");
    CHECK(interfaces_of({}).empty());
}

TEST_CASE("a renamed interface still holds the addresses that were set under its former name") {
    Links links = known({netlink::LinkChanged{link(2, "eth1")}, netlink::AddressAdded{on(2, "192.0.2.1/24")}});
    const std::vector<vrrp::HeldAddress> held{{"eth1", *Prefix::parse("192.0.2.1/24")}};
    (void)links.take({netlink::LinkChanged{link(2, "lan1")}});
    CHECK(links.fact("eth1").index == 0);
    CHECK(*links.fact("eth1").renamed == "lan1");
    REQUIRE(removal_requests(held, links).size() == 1);
    CHECK(removal_requests(held, links)[0].interface_index == 2);

    // Another interface gets the name: what it does not hold is still looked for on the first one.
    (void)links.take({netlink::LinkChanged{link(3, "eth1")}});
    CHECK(*links.fact("eth1").renamed == "lan1");
    CHECK(removal_requests(held, links)[0].interface_index == 2);
    (void)links.take({netlink::AddressAdded{on(3, "192.0.2.1/24")}});
    CHECK(removal_requests(held, links)[0].interface_index == 3);

    (void)links.take({netlink::LinkGone{3}, netlink::LinkGone{2}});
    CHECK(removal_requests(held, links).empty());
    CHECK(links.fact("eth1").renamed.empty());
}

TEST_CASE("a link that was gone and is back is another one, whatever its index") {
    auto links = known({netlink::LinkChanged{link(2, "a")}, netlink::LinkChanged{link(3, "b")}});
    const auto before = links.fact("a");
    CHECK(links.identity("a") == Links::Identity{.index = 2});
    const auto change = links.take({netlink::LinkGone{2, "a"}, netlink::LinkChanged{link(2, "a")}});
    CHECK(change.interfaces == Names{"a"});
    CHECK_FALSE(links.fact("a").is_same_link(before));
    CHECK(links.identity("a") == Links::Identity{.index = 2, .appearance = 1});
    CHECK(links.identity("b") == Links::Identity{.index = 3});
    (void)links.take({netlink::LinkChanged{link(2, "a", false)}});
    CHECK(links.fact("a").appearance == 1);
    (void)links.take({netlink::LinkGone{3, "b"}, netlink::LinkGone{2, "a"}});
    CHECK(links.identity("a") == Links::Identity{});
    (void)links.take({netlink::LinkChanged{link(2, "a")}});
    CHECK(links.fact("a").appearance == 3);
}

TEST_CASE("a link that was down between two reads has come up once more") {
    auto links = known({netlink::LinkChanged{link(2, "a")}});
    const auto before = links.fact("a").times_up;
    (void)links.take({netlink::LinkChanged{link(2, "a", false)}, netlink::LinkChanged{link(2, "a")}});
    CHECK(links.fact("a").times_up == before + 1);
    CHECK(links.fact("a").is_same_link(known({netlink::LinkChanged{link(2, "a")}}).fact("a")));
}

TEST_CASE("what a dump shows is a change like what notifications tell") {
    const auto label = [](kernel::Address address, const char* text) {
        address.label = text;
        return address;
    };
    auto links = known({netlink::LinkChanged{link(2, "a")}, netlink::LinkChanged{link(3, "b")},
                        netlink::LinkChanged{link(4, "c")}, netlink::LinkChanged{link(5, "d")},
                        netlink::AddressAdded{on(2, "10.0.0.1/24")}, netlink::AddressAdded{on(2, "10.0.0.2/24")},
                        netlink::AddressAdded{on(4, "10.0.4.1/24")}, netlink::AddressAdded{on(5, "10.0.5.1/24")}});
    auto other = link(3, "b");
    other.hardware_address = {std::byte{2}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{9}};
    auto duplicate = on(2, "2001:db8::1/64");
    duplicate.dad_failed = true;
    const std::vector<kernel::Link> now{link(2, "a"), other, link(5, "d"), link(6, "e")};
    const std::vector<kernel::Address> addresses{on(2, "10.0.0.3/24"), label(on(2, "10.0.0.2/24"), "a:1"), duplicate,
                                                 on(5, "10.0.5.1/24")};
    auto change = links.replace(now, addresses, std::vector{kernel::ForwardingChanged{2, true}});
    CHECK(change.interfaces == Names{"a", "b", "c", "e"});
    CHECK(change.other_mac == Names{"b"});
    REQUIRE(change.lost.size() == 1);  // not that of the link that went
    CHECK(change.lost[0].interface == "a");
    CHECK(change.lost[0].address == *Prefix::parse("10.0.0.1/24"));
    REQUIRE(change.duplicates.size() == 1);
    CHECK(change.duplicates[0].address == duplicate.prefix);
    CHECK(change.relabelled == std::vector{vrrp::HeldAddress{"a", *Prefix::parse("10.0.0.2/24")}});
    CHECK_FALSE(change.overrun);
    CHECK(texts(links.addresses_of(2)) == Texts{"10.0.0.3", "10.0.0.2", "2001:db8::1"});
    CHECK(links.addresses_of(4).empty());
    CHECK(links.forwards_ipv6(2));
    CHECK(links.replace(now, addresses, std::nullopt).empty());
    CHECK(links.forwards_ipv6(2));  // it was not asked
    (void)links.replace(now, addresses, std::vector<kernel::ForwardingChanged>{});
    CHECK_FALSE(links.forwards_ipv6(2));
}

TEST_CASE("of two interfaces that exchange their names each holds what was set under its former one") {
    Links links = known({netlink::LinkChanged{link(2, "eth0")}, netlink::LinkChanged{link(3, "eth1")},
                         netlink::AddressAdded{on(2, "192.0.2.1/24")}});
    const std::vector<vrrp::HeldAddress> held{{"eth0", *Prefix::parse("192.0.2.1/24")}};
    (void)links.take({netlink::LinkChanged{link(2, "tmp")}, netlink::LinkChanged{link(3, "eth0")},
                      netlink::LinkChanged{link(2, "eth1")}});
    CHECK(links.fact("eth0").index == 3);
    CHECK(*links.fact("eth0").renamed == "eth1");
    CHECK(removal_requests(held, links)[0].interface_index == 2);
    (void)links.take({netlink::LinkChanged{link(3, "tmp")}, netlink::LinkChanged{link(2, "eth0")}});
    CHECK(links.fact("eth0").index == 2);
    CHECK(*links.fact("eth0").renamed == "tmp");
    CHECK(removal_requests(held, links)[0].interface_index == 2);
}
