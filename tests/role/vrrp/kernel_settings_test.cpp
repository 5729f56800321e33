// Settings of interfaces that the vrrp role changes for a while, in a network namespace of the test's own.
#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../../kernel/own_network.hpp"
#include "../../kernel/without_rights.hpp"
#include "../../needs.hpp"
#include "../lvs/fakes.hpp"
#include "mainstay/kernel/sysctl.hpp"
#include "role/vrrp/addresses.hpp"
#include "role/vrrp/routing.hpp"
#include "role/vrrp/saved_settings.hpp"
#include "sysctl_value.hpp"

using namespace mainstay;
using namespace mainstay::role;
using mainstay::role::test::KeptLog;
using mainstay::role::test::value;
using namespace mainstay::test;

namespace {

const std::string kForwarding = "net/ipv4/conf/lo/forwarding", kIgnore = "net/ipv4/conf/lo/arp_ignore";

std::string promotion(const std::string& interface) { return value(promotion_of(interface)); }

// Two interfaces, d0 and d1, with 10.2.0.1/24 as primary and 10.2.0.2/24 as secondary address each.
struct TwoInterfaces {
    TwoInterfaces() {
        for (const std::string name : {"d0", "d1"}) {
            REQUIRE(ip("link add " + name + " type veth peer name x" + name));
            REQUIRE(ip("link set x" + name + " up"));
            REQUIRE(ip("link set " + name + " up"));
            for (const char* address : {"10.2.0.1/24", "10.2.0.2/24"})
                REQUIRE(ip("addr add " + std::string{address} + " dev " + name));
        }
        read();
    }
    void read() { REQUIRE(links.refresh(netlink)); }
    [[nodiscard]] kernel::Address removal(const std::string& name, const char* prefix) const {
        return {.interface_index = links.find(name)->index, .prefix = Prefix::parse(prefix).value()};
    }
    kernel::Rtnetlink netlink{kernel::Rtnetlink::open().value()};
    Links links;
    KeptLog log;
};

}  // namespace

TEST_CASE("a setting gets back what it had before the first change, the latest first" * kNeedsRoot) {
    in_own_network([] {
        KeptLog log;
        SavedSettings settings{log};
        REQUIRE(kernel::write_sysctl(kIgnore, "2"));
        CHECK(settings.set(kIgnore, "1"));
        CHECK(settings.set(kIgnore, "3"));
        CHECK(value(kIgnore) == "3");
        REQUIRE(settings.saved().size() == 1);
        CHECK(settings.saved()[0].name == kIgnore);
        CHECK(settings.saved()[0].before == "2");
        CHECK(settings.saved()[0].ours == "3");
        settings.restore([](const std::string&) { return true; });
        CHECK(value(kIgnore) == "2");
        CHECK(settings.saved().empty());
        CHECK(log.texts.empty());
    });
}

TEST_CASE("only what is chosen is restored, and what another program changed since stays as that wants it" *
          kNeedsRoot) {
    in_own_network([] {
        KeptLog log;
        SavedSettings settings{log};
        REQUIRE(settings.set(kIgnore, "1"));
        REQUIRE(settings.set("net/ipv4/conf/lo/arp_announce", "1"));
        settings.restore([](const std::string& name) { return name == kIgnore; });
        CHECK(value(kIgnore) == "0");
        CHECK(value("net/ipv4/conf/lo/arp_announce") == "1");
        REQUIRE(settings.saved().size() == 1);
        REQUIRE(kernel::write_sysctl("net/ipv4/conf/lo/arp_announce", "2"));
        settings.restore([](const std::string&) { return true; });
        CHECK(value("net/ipv4/conf/lo/arp_announce") == "2");
        CHECK(settings.saved().empty());
    });
}

TEST_CASE("a setting that already has its value is nothing to put back" * kNeedsRoot) {
    in_own_network([] {
        KeptLog log;
        SavedSettings settings{log};
        REQUIRE(kernel::write_sysctl(kIgnore, "1"));
        CHECK(settings.set(kIgnore, "1"));
        CHECK(settings.saved().empty());
        settings.restore([](const std::string&) { return true; });
        CHECK(value(kIgnore) == "1");
    });
}

TEST_CASE("a setting that cannot be made is named once, and is nothing to put back" * kNeedsRoot) {
    in_own_network([] {
        KeptLog log;
        SavedSettings settings{log};
        const std::string none = "net/ipv4/conf/nowhere/arp_ignore";
        CHECK_FALSE(settings.set(none, "1"));
        CHECK_FALSE(settings.set(none, "1"));
        REQUIRE(log.texts.size() == 1);
        CHECK(log.texts[0].find(none) != std::string::npos);
        CHECK_FALSE(settings.set("net/ipv4/conf/gone/arp_ignore", "1"));
        CHECK(log.texts.size() == 2);
        CHECK(settings.saved().empty());
    });
}

TEST_CASE("what a process before saved is restored by this one" * kNeedsRoot) {
    in_own_network([] {
        KeptLog log;
        SavedSettings settings{log};
        settings.adopt({{kIgnore, "0", "1"}, {kForwarding, "1", "0"}});
        REQUIRE(kernel::write_sysctl(kIgnore, "1"));
        REQUIRE(kernel::write_sysctl(kForwarding, "0"));
        settings.restore([](const std::string&) { return true; });
        CHECK(value(kIgnore) == "0");
        CHECK(value(kForwarding) == "1");
    });
}

TEST_CASE("settings are restored in the reverse order of their changes, since one may change others" * kNeedsRoot) {
    in_own_network([] {
        const std::string all = "net/ipv4/conf/all/forwarding";
        KeptLog log;
        SavedSettings settings{log};
        REQUIRE(kernel::write_sysctl(all, "1"));
        REQUIRE(kernel::write_sysctl(kForwarding, "0"));
        REQUIRE(settings.set(kForwarding, "1"));
        REQUIRE(settings.set(all, "0"));
        settings.restore([](const std::string&) { return true; });
        CHECK(value(all) == "1");
        CHECK(value(kForwarding) == "0");
    });
}

TEST_CASE("a setting that cannot be put back is named, and one whose interface is gone is not" * kNeedsRoot) {
    in_own_network([] {
        KeptLog log;
        SavedSettings settings{log};
        REQUIRE(ip("link add d0 type veth peer name d1"));
        REQUIRE(settings.set("net/ipv4/conf/d0/arp_ignore", "1"));
        REQUIRE(settings.set(kIgnore, "1"));
        REQUIRE(ip("link del d0"));
        {
            const WithoutRights until_restored;
            settings.restore([](const std::string&) { return true; });
        }
        CHECK(value(kIgnore) == "1");
        REQUIRE(log.texts.size() == 1);
        CHECK(log.texts[0].find("lo/arp_ignore") != std::string::npos);
        CHECK(settings.saved().empty());
    });
}

TEST_CASE("secondaries are promoted while a primary of their subnet goes, and only on its interface" * kNeedsRoot) {
    in_own_network([] {
        TwoInterfaces host;
        {
            const PromotedSecondaries stay{{host.removal("d0", "10.2.0.1/24")}, host.links, host.log};
            CHECK(promotion("d0") == "1");
            CHECK(promotion("d1") == "0");
        }
        CHECK(promotion("d0") == "0");
        CHECK(host.log.texts.empty());
    });
}

TEST_CASE("nothing is promoted when a secondary goes, when both go, or when the address is alone or not there" *
          kNeedsRoot) {
    in_own_network([] {
        TwoInterfaces host;
        const auto promotes = [&](const std::vector<kernel::Address>& removals) {
            const PromotedSecondaries stay{removals, host.links, host.log};
            return promotion("d0") == "1";
        };
        CHECK(promotes({host.removal("d0", "10.2.0.1/24")}));
        CHECK_FALSE(promotes({host.removal("d0", "10.2.0.2/24")}));
        CHECK_FALSE(promotes({host.removal("d0", "10.2.0.1/24"), host.removal("d0", "10.2.0.2/24")}));
        CHECK(promotes({host.removal("d0", "10.2.0.1/24"), host.removal("d1", "10.2.0.2/24")}));
        CHECK_FALSE(promotes({host.removal("d0", "10.2.0.9/24")}));
        REQUIRE(ip("addr add 10.3.0.1/24 dev d0"));
        host.read();
        CHECK_FALSE(promotes({host.removal("d0", "10.3.0.1/24")}));
        CHECK(promotes({host.removal("d0", "10.3.0.1/24"), host.removal("d0", "10.2.0.1/24")}));
        CHECK(host.log.texts.empty());
    });
}

TEST_CASE("an interface that promotes its secondaries anyway keeps that setting" * kNeedsRoot) {
    in_own_network([] {
        TwoInterfaces host;
        REQUIRE(kernel::write_sysctl(promotion_of("d0"), "1"));
        {
            const PromotedSecondaries stay{{host.removal("d0", "10.2.0.1/24")}, host.links, host.log};
        }
        CHECK(promotion("d0") == "1");
    });
}

TEST_CASE("an interface that goes while its secondaries are promoted is named, and the others are put back" *
          kNeedsRoot) {
    in_own_network([] {
        TwoInterfaces host;
        {
            const PromotedSecondaries stay{
                {host.removal("d0", "10.2.0.1/24"), host.removal("d1", "10.2.0.1/24")}, host.links, host.log};
            CHECK(promotion("d1") == "1");
            REQUIRE(ip("link del d0"));
        }
        CHECK(promotion("d1") == "0");
        REQUIRE(host.log.texts.size() == 1);
        CHECK(host.log.texts[0].find("d0/promote_secondaries") != std::string::npos);
    });
}

TEST_CASE("an interface whose secondaries cannot be promoted is named, and one that is gone already is not" *
          kNeedsRoot) {
    in_own_network([] {
        TwoInterfaces host;
        const std::vector removals{host.removal("d0", "10.2.0.1/24"), host.removal("d1", "10.2.0.1/24")};
        REQUIRE(ip("link del d0"));
        {
            const WithoutRights refused;
            const PromotedSecondaries stay{removals, host.links, host.log};
        }
        CHECK(promotion("d1") == "0");
        REQUIRE(host.log.texts.size() == 1);  // nothing was changed, and nothing is put back
        CHECK(host.log.texts[0].find("d1/promote_secondaries") != std::string::npos);
    });
}

TEST_CASE("an IPv6 address has no secondaries, and those of a prefix of no length are promoted" * kNeedsRoot) {
    in_own_network([] {
        TwoInterfaces host;
        const auto promotes = [&](const char* address) {
            const PromotedSecondaries stay{{host.removal("d0", address)}, host.links, host.log};
            return promotion("d0") == "1";
        };
        REQUIRE(ip("addr add 2001:db8::1/64 dev d0 nodad"));
        REQUIRE(ip("addr add 2001:db8::2/64 dev d0 nodad"));
        REQUIRE(ip("addr add 10.6.0.1/0 dev d0"));
        REQUIRE(ip("addr add 11.6.0.1/0 dev d0"));
        host.read();
        CHECK_FALSE(promotes("2001:db8::1/64"));
        CHECK(promotes("10.6.0.1/0"));
        CHECK(host.log.texts.empty());
    });
}

TEST_CASE("the route to a removed IPv6 prefix goes while an address of it without a prefix route stays" * kNeedsRoot) {
    in_own_network([] {
        TwoInterfaces host;
        REQUIRE(ip("addr add 2001:db8::1/64 dev d0 nodad"));
        REQUIRE(ip("addr add 2001:db8::2/64 dev d0 nodad noprefixroute"));
        host.read();
        const auto has_route = [] { return ip("-6 route show dev d0 | grep -q '^2001:db8::/64.*proto kernel'"); };
        REQUIRE(has_route());
        {
            const LeftRoutes go{{host.removal("d0", "2001:db8::1/64")}, host.links, host.log};
            REQUIRE(ip("addr del 2001:db8::1/64 dev d0"));
            host.read();
        }
        CHECK_FALSE(has_route());
        CHECK(host.log.texts.empty());
    });
}

TEST_CASE("the route to an IPv6 prefix stays with another address that has it" * kNeedsRoot) {
    in_own_network([] {
        TwoInterfaces host;
        for (const char* address : {"2001:db8::1/64", "2001:db8::2/64", "2001:db8::3/64"})
            REQUIRE(ip("addr add " + std::string{address} + " dev d0 nodad"));
        host.read();
        {
            const LeftRoutes go{{host.removal("d0", "2001:db8::1/64")}, host.links, host.log};
            REQUIRE(ip("addr del 2001:db8::1/64 dev d0"));
            host.read();
        }
        CHECK(ip("-6 route show dev d0 | grep -q '^2001:db8::/64.*proto kernel'"));
    });
}

TEST_CASE("the broadcast route that the kernel leaves behind for a removed secondary goes" * kNeedsRoot) {
    in_own_network([] {
        TwoInterfaces host;
        const auto has_route = [] { return ip("route show table local dev d0 | grep -q '^broadcast 10.7.0.0 '"); };
        REQUIRE(ip("addr add 10.7.0.1/24 brd 10.7.0.255 dev d0"));
        REQUIRE(ip("addr add 10.7.0.9/24 brd 10.7.0.0 dev d0"));
        host.read();
        {
            const LeftRoutes go{{host.removal("d0", "10.7.0.9/24")}, host.links, host.log};
            REQUIRE(ip("addr del 10.7.0.9/24 dev d0"));
            REQUIRE(has_route());  // since Linux 5.14
            host.read();
        }
        CHECK_FALSE(has_route());
        CHECK(host.log.texts.empty());
    });
}

TEST_CASE("the broadcast route of a removed address goes, unless another address has that broadcast" * kNeedsRoot) {
    in_own_network([] {
        TwoInterfaces host;
        const auto has_route = [](const char* at) {
            return ip("route show table local dev d0 | grep -q 'broadcast " + std::string{at} + " '");
        };
        REQUIRE(ip("addr add 10.4.0.1/24 brd 10.4.0.0 dev d0"));
        REQUIRE(ip("addr add 10.4.0.2/24 brd 10.4.0.255 dev d0"));
        REQUIRE(ip("addr add 10.5.0.1/24 brd 10.5.0.0 dev d0"));
        REQUIRE(ip("addr add 10.5.0.2/24 brd 10.5.0.0 dev d0"));
        host.read();
        REQUIRE(has_route("10.4.0.0"));
        REQUIRE(has_route("10.5.0.0"));
        {
            const LeftRoutes go{{host.removal("d0", "10.4.0.2/24"), host.removal("d0", "10.4.0.9/24"),
                                 host.removal("d0", "10.5.0.2/24")},
                                host.links,
                                host.log};  // 10.4.0.9 is not there
            REQUIRE(ip("addr del 10.4.0.2/24 dev d0"));
            REQUIRE(ip("addr del 10.5.0.2/24 dev d0"));
            host.read();
        }
        CHECK(has_route("10.4.0.0"));
        CHECK(has_route("10.5.0.0"));
        REQUIRE(ip("addr add 10.4.0.3/24 dev d0"));
        host.read();
        {
            REQUIRE(kernel::write_sysctl(promotion_of("d0"), "1"));
            const LeftRoutes go{{host.removal("d0", "10.4.0.1/24")}, host.links, host.log};
            REQUIRE(ip("addr del 10.4.0.1/24 dev d0"));
            host.read();
        }
        CHECK_FALSE(has_route("10.4.0.0"));
        CHECK(host.log.texts.empty());
    });
}

TEST_CASE("an IPv6 address with a peer has the route of its prefix, like one without" * kNeedsRoot) {
    in_own_network([] {
        TwoInterfaces host;
        const auto has_route = [] { return ip("-6 route show dev d0 | grep -q '^2001:db8::/64.*proto kernel'"); };
        REQUIRE(ip("addr add 2001:db8::1 peer 2001:db8::9/64 dev d0 nodad"));
        REQUIRE(ip("addr add 2001:db8::2/64 dev d0 nodad"));
        REQUIRE(ip("addr add 2001:db8::3/64 dev d0 nodad noprefixroute"));
        host.read();
        {
            const LeftRoutes go{{host.removal("d0", "2001:db8::2/64")}, host.links, host.log};
            REQUIRE(ip("addr del 2001:db8::2/64 dev d0"));
            host.read();
        }
        CHECK(has_route());
        {
            const LeftRoutes go{{host.removal("d0", "2001:db8::1/64")}, host.links, host.log};
            REQUIRE(ip("addr del 2001:db8::1 peer 2001:db8::9/64 dev d0"));
            host.read();
        }
        CHECK_FALSE(has_route());
        CHECK(host.log.texts.empty());
    });
}

TEST_CASE("of the routes to a removed IPv6 prefix only the kernel's own one on that interface goes" * kNeedsRoot) {
    in_own_network([] {
        TwoInterfaces host;
        const auto has_route = [](const std::string& device, const std::string& words) {
            return ip("-6 route show dev " + device + " | grep -q '^2001:db8::/64 " + words + "'");
        };
        for (const std::string device : {"d0", "d1"}) {
            REQUIRE(ip("addr add 2001:db8::1/64 nodad dev " + device));
            REQUIRE(ip("addr add 2001:db8::2/64 nodad noprefixroute dev " + device));
        }
        REQUIRE(ip("-6 route append 2001:db8::/64 dev d1 proto kernel metric 300"));
        host.read();
        const auto remove = [&](const std::string& device) {
            const LeftRoutes go{{host.removal(device, "2001:db8::1/64")}, host.links, host.log};
            REQUIRE(ip("addr del 2001:db8::1/64 dev " + device));
            host.read();
        };
        SUBCASE("on another interface, as the first of the two") { remove("d1"); }
        SUBCASE("on another interface, as the second of the two") { remove("d0"); }
        const bool first = has_route("d0", "proto kernel metric 256");
        CHECK(first != has_route("d1", "proto kernel metric 256"));
        CHECK(has_route("d1", "proto kernel metric 300"));
        remove(first ? "d0" : "d1");
        CHECK_FALSE(has_route("d0", "proto kernel metric 256"));
        CHECK_FALSE(has_route("d1", "proto kernel metric 256"));
        CHECK(has_route("d1", "proto kernel metric 300"));
        CHECK(host.log.texts.empty());
    });
}

TEST_CASE("a route of another program in the place of one of the kernel stays" * kNeedsRoot) {
    in_own_network([] {
        TwoInterfaces host;
        REQUIRE(ip("addr add 2001:db8::1/64 dev d0 nodad"));
        REQUIRE(ip("addr add 2001:db8::2/64 dev d0 nodad noprefixroute"));
        REQUIRE(ip("-6 route replace 2001:db8::/64 dev d0 proto static metric 256"));
        REQUIRE(ip("addr add 2001:db8:1::1/64 dev d0 nodad noprefixroute"));
        REQUIRE(ip("addr add 2001:db8:1::2/64 dev d0 nodad noprefixroute"));
        REQUIRE(ip("-6 route add 2001:db8:1::/64 dev d0 proto kernel metric 256"));
        REQUIRE(ip("addr add 10.4.0.1/24 brd 10.4.0.0 dev d0"));
        REQUIRE(ip("route del broadcast 10.4.0.0 dev d0 table local"));
        REQUIRE(ip("route add broadcast 10.4.0.0 dev d0 table local proto static scope link"));
        host.read();
        {
            const LeftRoutes go{{host.removal("d0", "2001:db8::1/64"), host.removal("d0", "2001:db8:1::1/64"),
                                 host.removal("d0", "10.4.0.1/24")},
                                host.links,
                                host.log};
            for (const char* address : {"2001:db8::1/64", "2001:db8:1::1/64", "10.4.0.1/24"})
                REQUIRE(ip("addr del " + std::string{address} + " dev d0"));
            host.read();
        }
        CHECK(ip("-6 route show dev d0 | grep -q '^2001:db8::/64 proto static'"));
        CHECK(ip("-6 route show dev d0 | grep -q '^2001:db8:1::/64 proto kernel'"));  // neither address had made it
        CHECK(ip("route show table local dev d0 | grep -q '^broadcast 10.4.0.0 proto static'"));
        CHECK(host.log.texts.empty());
    });
}

TEST_CASE("the broadcast route of the same address on another interface stays" * kNeedsRoot) {
    in_own_network([] {
        TwoInterfaces host;
        const auto has_route = [](const std::string& device) {
            return ip("route show table local dev " + device + " | grep -q 'broadcast 10.4.0.0 '");
        };
        std::string removed = "d0", other = "d1";
        SUBCASE("the first of the two goes") {}
        SUBCASE("the second of the two goes") { std::swap(removed, other); }
        for (const char* device : {"d0", "d1"})
            REQUIRE(ip("addr add 10.4.0.1/24 brd 10.4.0.0 dev " + std::string{device}));
        host.read();
        {
            const LeftRoutes go{{host.removal(removed, "10.4.0.1/24")}, host.links, host.log};
            REQUIRE(ip("addr del 10.4.0.1/24 dev " + removed));
            host.read();
        }
        CHECK_FALSE(has_route(removed));
        CHECK(has_route(other));
    });
}

TEST_CASE("a subnet inside that of a removed address keeps its own broadcast route" * kNeedsRoot) {
    in_own_network([] {
        TwoInterfaces host;
        std::string removed = "10.4.0.1/24";
        SUBCASE("a larger subnet") {}
        SUBCASE("the broadcast address itself") { removed = "10.4.0.255/32"; }
        REQUIRE(ip("addr add 10.4.0.130/25 dev d0"));
        REQUIRE(ip("addr add " + removed + " brd 10.4.0.255 dev d0"));
        host.read();
        {
            const LeftRoutes go{{host.removal("d0", removed.c_str())}, host.links, host.log};
            REQUIRE(ip("addr del " + removed + " dev d0"));
            host.read();
        }
        CHECK(ip("route show table local dev d0 | grep -q '^broadcast 10.4.0.255 .*src 10.4.0.130'"));
        CHECK(host.log.texts.empty());
    });
}

TEST_CASE("routes that cannot be removed are named with the reason, and so is what cannot be opened" * kNeedsRoot) {
    in_own_network([] {
        TwoInterfaces host;
        REQUIRE(ip("addr add 10.4.0.1/24 brd 10.4.0.0 dev d0"));
        host.read();
        {
            const LeftRoutes go{{host.removal("d0", "10.4.0.1/24")}, host.links, host.log};
            REQUIRE(ip("addr del 10.4.0.1/24 dev d0"));
            host.read();
        }
        CHECK(host.log.texts.empty());
        const auto fail_with = [&]<class Hindrance>() {
            REQUIRE(ip("addr add 10.4.0.1/24 brd 10.4.0.0 dev d0"));
            host.read();
            std::optional<LeftRoutes> go{std::in_place, std::vector{host.removal("d0", "10.4.0.1/24")}, host.links,
                                         host.log};
            REQUIRE(ip("addr del 10.4.0.1/24 dev d0"));
            host.read();
            const Hindrance until_the_end;
            go.reset();
        };
        fail_with.operator()<WithoutRights>();
        REQUIRE(host.log.texts.size() == 1);
        CHECK(host.log.texts[0].starts_with("a route of a removed address cannot be removed: "));
        fail_with.operator()<WithoutDescriptors>();
        REQUIRE(host.log.texts.size() == 2);
        CHECK(host.log.texts[1].find("Too many open files") != std::string::npos);
    });
}
