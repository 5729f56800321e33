// The requests that set and remove the addresses of an instance.
#include "role/vrrp/addresses.hpp"

#include <doctest/doctest.h>

#include "mainstay/config/load.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace std::chrono_literals;

namespace {

constexpr Instant t0{1'000s};

config::Config written(const std::string& addresses, const std::string& before = "") {
    auto loaded = config::load_text("x.conf",
                                    before + "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\nversion 3\n" +
                                        "advert_int 1\nvirtual_ipaddress {\n" + addresses +
                                        "\n}\nvirtual_ipaddress_excluded {\n10.0.9.1 dev eth9\n2001:db8::9/64\n}\n}\n",
                                    {});
    REQUIRE(loaded.can_run());
    return std::move(loaded.config);
}

Prefix prefix(const char* text) { return Prefix::parse(text).value(); }

kernel::Address there(std::uint32_t index, const char* text, const char* label = "") {
    return {.interface_index = index, .prefix = prefix(text), .label = label};
}

// eth0 with index 2 and eth9 with index 9, and these addresses.
Links host(const std::vector<kernel::Address>& addresses = {}, bool with_eth9 = true) {
    Links links;
    (void)links.take({netlink::LinkChanged{{.index = 2, .name = "eth0", .up = true, .running = true}}});
    if (with_eth9) (void)links.take({netlink::LinkChanged{{.index = 9, .name = "eth9", .up = true, .running = true}}});
    for (const auto& address : addresses) (void)links.take({netlink::AddressAdded{address}});
    return links;
}

kernel::Address only(const std::string& line) {
    const auto config = written(line);
    return address_request(config.instances.at(0).addresses.at(0), 7);
}

using Texts = std::vector<std::string>;
Texts texts(const std::vector<kernel::Address>& requests) {
    Texts all;
    for (const auto& one : requests) all.push_back(std::to_string(one.interface_index) + " " + one.prefix.to_string());
    return all;
}

}  // namespace

TEST_CASE("the words of an address are the attributes of its request") {
    const auto plain = only("10.0.0.100");
    CHECK(plain.interface_index == 7);
    CHECK(plain.prefix == prefix("10.0.0.100/32"));
    CHECK(plain.nodad);
    CHECK_FALSE(plain.broadcast);
    CHECK_FALSE(plain.noprefixroute);
    CHECK_FALSE(plain.home);
    CHECK_FALSE(plain.manages_temporary);
    CHECK_FALSE(plain.joins_group);
    CHECK_FALSE(plain.peer);
    CHECK_FALSE(plain.preferred_lifetime);
    CHECK(plain.protocol == 18);
    const auto rich = only("10.0.0.100/24 brd + scope link label eth0:1 noprefixroute");
    CHECK(rich.broadcast == IpAddress::parse("10.0.0.255"));
    CHECK(rich.scope == 253);
    CHECK(rich.label == "eth0:1");
    CHECK(rich.noprefixroute);
    CHECK(only("10.0.0.100 peer 10.0.0.200").peer == IpAddress::parse("10.0.0.200"));
}

TEST_CASE("an IPv6 address is deprecated when it is a /128, unless its lifetime is given") {
    CHECK(only("2001:db8::1").preferred_lifetime == 0U);
    CHECK_FALSE(only("2001:db8::1/64").preferred_lifetime);
    CHECK(only("2001:db8::1 preferred_lft 90").preferred_lifetime == 90U);
    CHECK(only("2001:db8::1/64 preferred_lft 90").preferred_lifetime == 90U);
    CHECK_FALSE(only("2001:db8::1 preferred_lft forever").preferred_lifetime);
    CHECK_FALSE(only("2001:db8::1/64 -nodad").nodad);
    CHECK(only("2001:db8::1/64 home").home);
    CHECK(only("2001:db8::1/64 mngtmpaddr").manages_temporary);
}

TEST_CASE("addresses are requested in their order, those that are asked for, where their interface is") {
    const auto config = written("10.0.0.100\n10.0.0.101 dev eth9");
    const auto& instance = config.instances.at(0);
    CHECK(texts(address_requests(instance, {}, host())) ==
          Texts{"2 10.0.0.100/32", "9 10.0.0.101/32", "9 10.0.9.1/32", "2 2001:db8::9/64"});
    CHECK(texts(address_requests(instance, {1, 3}, host())) == Texts{"9 10.0.0.101/32", "2 2001:db8::9/64"});
    CHECK(texts(address_requests(instance, {}, host({}, false))) == Texts{"2 10.0.0.100/32", "2 2001:db8::9/64"});
}

TEST_CASE("a removal names the peer that the kernel knows, and IPv6 addresses without a prefix route come first") {
    auto with_peer = there(2, "10.0.0.100/32");
    with_peer.peer = IpAddress::parse("10.0.0.200");
    auto without_route = there(2, "2001:db8::2/64"), v4 = there(2, "10.0.0.101/24");
    without_route.noprefixroute = v4.noprefixroute = true;
    const auto links = host({with_peer, v4, there(2, "2001:db8::1/64"), without_route});
    const auto requests = removal_requests({{"eth0", prefix("10.0.0.100/32")},
                                            {"nowhere", prefix("10.0.0.9/32")},
                                            {"eth0", prefix("10.0.0.101/24")},
                                            {"eth0", prefix("2001:db8::1/64")},
                                            {"eth0", prefix("2001:db8::2/64")},
                                            {"eth9", prefix("10.0.0.9/32")}},
                                           links);
    CHECK(texts(requests) ==
          Texts{"2 2001:db8::2/64", "2 10.0.0.100/32", "2 10.0.0.101/24", "2 2001:db8::1/64", "9 10.0.0.9/32"});
    CHECK(requests[1].peer == IpAddress::parse("10.0.0.200"));
    CHECK_FALSE(requests[2].peer);
}

TEST_CASE("of relabelled addresses those are wrong that a master holds and tracks, or that are static") {
    const auto config = written("10.0.0.100 label eth0:1\n10.0.0.101\n10.0.0.102 no_track",
                                "static_ipaddress {\n10.0.7.1/24 dev eth9 label eth9:s\n}\n");
    const auto links =
        host({there(2, "10.0.0.100/32", "new:1"), there(2, "10.0.0.101/32", "eth0"), there(2, "10.0.0.102/32", "new"),
              there(9, "10.0.7.1/24", "new:s"), there(2, "10.0.0.50/24", "new")});
    const std::vector<vrrp::HeldAddress> relabelled{
        {"eth0", prefix("10.0.0.100/32")},    {"eth0", prefix("10.0.0.101/32")}, {"eth0", prefix("10.0.0.102/32")},
        {"eth0", prefix("10.0.0.50/24")},     {"eth9", prefix("10.0.7.1/24")},   {"eth0", prefix("10.0.0.100/32")},
        {"nowhere", prefix("10.0.0.100/32")}, {"eth0", prefix("10.0.0.99/32")}};
    vrrp::Router router{config};
    (void)router.step(
        vrrp::InterfaceFact{.name = "eth0", .index = 2, .up = true, .addresses = {*IpAddress::parse("10.0.0.1")}}, t0);
    (void)router.step(
        vrrp::InterfaceFact{.name = "eth9", .index = 9, .up = true, .addresses = {*IpAddress::parse("10.0.9.9")}}, t0);
    (void)router.start(t0);
    using Held = std::vector<vrrp::HeldAddress>;
    CHECK(wrongly_labelled({}, router, links).empty());
    CHECK(wrongly_labelled(relabelled, router, links) == Held{{"eth9", prefix("10.0.7.1/24")}});
    (void)router.step(vrrp::DeadlineReached{}, router.deadline().value());
    REQUIRE(router.snapshot().instances.at(0).owns_addresses);
    CHECK(wrongly_labelled(relabelled, router, links) ==
          Held{{"eth0", prefix("10.0.0.100/32")}, {"eth9", prefix("10.0.7.1/24")}});
}

TEST_CASE("a static address comes before a reload where its interface has no other of its family") {
    const auto config = written("10.0.0.100",
                                "static_ipaddress {\n10.9.9.9/25 dev eth9\n10.0.0.9/24 dev eth0\n"
                                "2001:db8::9/64 dev eth0\n10.8.8.8 dev eth7\n}\n");
    const auto on = [&config](const std::vector<kernel::Address>& addresses) {
        return texts(first_sources(config, host(addresses)));
    };
    CHECK(on({}) == Texts{"9 10.9.9.9/25", "2 10.0.0.9/24", "2 2001:db8::9/64"});
    CHECK(on({there(2, "10.0.0.1/24")}) == Texts{"9 10.9.9.9/25", "2 2001:db8::9/64"});
    CHECK(on({there(2, "2001:db8::1/64"), there(9, "10.9.9.1/24")}) == Texts{"2 10.0.0.9/24"});
}
