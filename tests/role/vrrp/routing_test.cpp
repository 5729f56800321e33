// Routes, rules and static addresses between the router and a kernel whose network is the test's own.
#include "role/vrrp/routing.hpp"
#include "../../needs.hpp"

#include "../../kernel/without_rights.hpp"
#include "mainstay/kernel/sysctl.hpp"
#include "mainstay/vrrp/statics.hpp"
#include "office.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using mainstay::test::WithoutDescriptors;
using mainstay::test::WithoutRights;
using How = vrrp::SetRouting::How;
using Positions = std::vector<std::size_t>;

namespace {

std::vector<vrrp::RoutingEntry> entries(const std::string& routes, const std::string& rules = {}) {
    auto text = "virtual_routes {\n" + routes + "\n}\n";
    if (!rules.empty()) text += "virtual_rules {\n" + rules + "\n}\n";
    return vrrp::routing_of(Office::written(instance(text)).instances.at(0));
}

const std::string kRoute = "10.9.0.0/24 dev eth0";

// What the router is given, as text: "lost 10.9.0.0/24", "uncertain", "added 11 13", "refused 10: REASON".
struct RoutingHost {
    Cable cable;
    boost::asio::io_context loop;
    KeptLog log;
    Texts given;
    kernel::Rtnetlink netlink = kernel::Rtnetlink::open().value();
    Links links;
    VrrpRouting routing{loop, log, [this](const vrrp::Fact& fact) { take(fact); }};

    RoutingHost() { read(); }
    ~RoutingHost() { routing.close(); }
    void read() { REQUIRE(links.refresh(netlink)); }
    [[nodiscard]] Result<void> follow(const std::string& more, const std::string& before = {}) {
        return routing.follow(Office::written(before + instance(more)));
    }
    void open() { REQUIRE(follow("virtual_routes {\n" + kRoute + "\n}")); }
    void set(const std::vector<vrrp::RoutingEntry>& all, How wanted = How::First, Positions positions = {}) {
        for (std::size_t at = positions.size(); at < all.size(); ++at) positions.push_back(at);
        routing.set({.owner = 3, .how = wanted, .positions = positions, .entries = all}, links);
    }
    void remove(const std::vector<vrrp::RoutingEntry>& all) { routing.remove({.owner = 3, .entries = all}, links); }
    void set_static(const std::string& addresses) {
        vrrp::SetStaticAddresses wanted;
        const auto config = Office::written("static_ipaddress {\n" + addresses + "\n}\n" + instance());
        for (const auto& entry : vrrp::static_addresses_of(config)) wanted.addresses.push_back(entry.address);
        routing.set_static(wanted, links, netlink);
    }
    bool until_given(const Texts& wanted) {
        const auto end = std::chrono::steady_clock::now() + kPatience;
        while (given.size() < wanted.size() && std::chrono::steady_clock::now() < end)
            loop.run_one_for(std::chrono::milliseconds{20});
        loop.restart();
        return given == wanted;
    }
    // What is there to be read now.
    void run() {
        loop.poll();
        loop.restart();
    }

private:
    void take(const vrrp::Fact& fact) {
        if (const auto* lost = std::get_if<vrrp::RoutingLost>(&fact); lost != nullptr)
            given.push_back("lost " + std::get<netlink::Route>(lost->what).destination.to_string());
        if (std::holds_alternative<vrrp::RoutingUncertain>(fact)) given.emplace_back("uncertain");
        const auto* outcome = std::get_if<vrrp::RoutingOutcome>(&fact);
        if (outcome == nullptr) return;
        CHECK(outcome->owner == 3);
        how = outcome->how;
        std::string added = "added";
        for (const auto position : outcome->added) added += " " + std::to_string(position);
        given.push_back(added);
        for (const auto& [position, reason] : outcome->refused)
            given.push_back("refused " + std::to_string(position) + ": " + reason);
    }

public:
    How how = How::First;  // of the last outcome
};

}  // namespace

TEST_CASE("each route that cannot be set is reported by its position, among those that can" *
          mainstay::test::kNeedsRoot) {
    on_host<RoutingHost>([](RoutingHost& host) {
        host.open();
        auto all = entries("10.9.0.0/24 dev nowhere\n10.10.0.0/24 dev eth0\n10.11.0.0/24 via 192.0.2.9 dev eth0\n" +
                           std::string{"10.12.0.0/24 dev eth0\n"} +
                           "10.13.0.0/24 nexthop via 10.0.0.2 dev eth0 nexthop via 10.0.0.3 dev gone");
        all.push_back({.what = all[1].what, .vrf = "red"});
        all.push_back({.what = all[1].what, .vrf = "eth0"});
        host.set(all, How::Audit, {10, 11, 12, 13, 14, 15, 16});
        CHECK(host.how == How::Audit);
        REQUIRE(host.given.size() == 6);
        CHECK(host.given[0] == "added 11 13");
        CHECK(host.given[1] == "refused 10: interface nowhere does not exist");
        CHECK(host.given[2] == "refused 14: interface gone does not exist");
        CHECK(host.given[3] == "refused 15: VRF red does not exist");
        CHECK(host.given[4] == "refused 16: VRF eth0 does not exist");
        CHECK(host.given[5].starts_with("refused 12: "));
        CHECK(has_route("10.10.0.0/24 dev eth0"));
        CHECK(has_route("10.12.0.0/24 dev eth0"));
        CHECK(host.log.texts.empty());
    });
}

TEST_CASE("a route has the interfaces of its hops, or of its only one, and is in the table of its VRF" *
          mainstay::test::kNeedsRoot) {
    on_host<RoutingHost>([](RoutingHost& host) {
        host.open();
        REQUIRE(ip("addr add 10.5.0.1/24 dev eth1"));
        auto red = *host.links.find("eth1");
        red.index = 900, red.name = "red", red.vrf_table = 77;
        (void)host.links.take({kernel::LinkChanged{red}});
        auto all = entries(
            "10.13.0.0/24 nexthop via 10.0.0.2 dev eth0 nexthop via 10.5.0.3 dev eth1\n10.14.0.0/24 dev "
            "eth1\n10.15.0.0/24 via 10.0.0.2",
            "from 10.3.0.0/24 table 77 preference 1234");
        all.push_back({.what = entries(kRoute)[0].what, .vrf = "red"});
        host.set(all);
        CHECK(host.given.empty());
        CHECK(ip("route show 10.13.0.0/24 | grep -q 'via 10.0.0.2 dev eth0'"));
        CHECK(ip("route show 10.13.0.0/24 | grep -q 'via 10.5.0.3 dev eth1'"));
        CHECK(has_route("10.14.0.0/24 dev eth1"));
        CHECK(has_route("10.15.0.0/24 via 10.0.0.2 dev eth0"));
        CHECK(ip("route show table 77 | grep -q '^10.9.0.0/24 dev eth0'"));
        CHECK(ip("rule show | grep -q '^1234:.*10.3.0.0/24 lookup 77'"));
    });
}

TEST_CASE("what could be set is reported when it was missing, not at first" * mainstay::test::kNeedsRoot) {
    on_host<RoutingHost>([](RoutingHost& host) {
        host.open();
        const auto all = entries(kRoute + "\n10.10.0.0/24 dev eth0");
        host.set(all);
        CHECK(host.given.empty());
        host.set(all, How::Again);  // they are there
        CHECK(host.given.empty());
        REQUIRE(ip("route del 10.10.0.0/24"));
        host.set(all, How::Again, {7, 8});
        CHECK(host.given == Texts{"added 8"});
        CHECK(host.how == How::Again);
    });
}

TEST_CASE("a route that another program removes is lost, each time, and one that is removed here is not" *
          mainstay::test::kNeedsRoot) {
    on_host<RoutingHost>([](RoutingHost& host) {
        host.open();
        const auto all = entries(kRoute + "\n10.10.0.0/24 dev eth0\n10.11.0.0/24 dev eth0\n2001:db8:5::/48 dev eth0");
        host.set(all);
        REQUIRE(ip("route del 10.9.0.0/24"));
        CHECK(host.until_given({"lost 10.9.0.0/24"}));
        REQUIRE(ip("route del 10.10.0.0/24"));
        CHECK(host.until_given({"lost 10.9.0.0/24", "lost 10.10.0.0/24"}));
        host.given.clear();
        host.remove(all);
        CHECK_FALSE(has_route("10.11.0.0/24"));
        CHECK_FALSE(ip("-6 route show | grep -q 2001:db8:5::"));
        host.run();
        CHECK(host.given.empty());
        CHECK(host.log.texts.empty());  // those that were not there are no failure
    });
}

TEST_CASE("what another program removed before a removal here is lost, even the same route" *
          mainstay::test::kNeedsRoot) {
    on_host<RoutingHost>([](RoutingHost& host) {
        host.open();
        const auto all = entries(kRoute + "\n10.10.0.0/24 dev eth0");
        host.set(all);
        REQUIRE(ip("route del 10.9.0.0/24"));
        host.remove(all);
        CHECK(host.given == Texts{"lost 10.9.0.0/24"});
        host.run();
        CHECK(host.given.size() == 1);
        CHECK_FALSE(has_route("10.10.0.0/24"));
    });
}

TEST_CASE("a route that cannot be removed is named with the reason, whatever stands before it" *
          mainstay::test::kNeedsRoot) {
    on_host<RoutingHost>([](RoutingHost& host) {
        host.open();
        const auto all = entries("10.8.0.0/24 dev nowhere\n" + kRoute);
        host.set(all);
        host.given.clear();
        {
            const WithoutRights refused;
            host.remove(all);
        }
        REQUIRE(host.log.texts.size() == 1);
        CHECK(host.log.texts[0].starts_with("10.9.0.0/24 dev eth0 cannot be removed: "));
        CHECK(has_route(kRoute));
    });
}

TEST_CASE("when notifications of routes were lost, nothing is certain any more" * mainstay::test::kNeedsRoot) {
    on_host<RoutingHost>([](RoutingHost& host) {
        host.open();
        const std::string lines = "seq 1 4000 | sed 's|.*|route WORD 10.20.0.0/24 dev eth0 proto 18 metric &|'";
        for (const std::string word : {"add", "del"})
            REQUIRE(std::system((lines + " | sed s/WORD/" + word + "/ | ip -batch - >/dev/null").c_str()) == 0);
        const auto end = std::chrono::steady_clock::now() + kPatience;
        while (count(host.given, "uncertain") == 0 && std::chrono::steady_clock::now() < end)
            host.loop.run_one_for(std::chrono::milliseconds{20});
        host.loop.restart();
        host.run();
        CHECK(count(host.given, "uncertain") == 1);
        CHECK(host.log.texts == Texts{"route notifications were lost: setting all our routes again"});
    });
}

TEST_CASE("routes are watched once some are configured, of an instance or static ones, and until the end" *
          mainstay::test::kNeedsRoot) {
    on_host<RoutingHost>([](RoutingHost& host) {
        REQUIRE(host.follow(""));
        const auto all = entries(kRoute);
        host.set(all);
        CHECK_FALSE(has_route(kRoute));
        {
            const WithoutDescriptors none;
            CHECK(host.follow(""));  // nothing to open
            CHECK_FALSE(host.follow("virtual_routes {\n" + kRoute + "\n}"));
        }
        SUBCASE("of an instance") { host.open(); }
        SUBCASE("of another instance") {
            REQUIRE(host.follow("virtual_routes {\n" + kRoute + "\n}", instance("", "10.0.0.101", "VI_0", 50)));
        }
        SUBCASE("static ones") { REQUIRE(host.follow("", "static_routes {\n10.8.0.0/24 dev eth0\n}\n")); }
        host.set(all);
        CHECK(has_route(kRoute));
        REQUIRE(ip("route del 10.9.0.0/24"));
        REQUIRE(host.follow(""));  // what was told before is not forgotten
        CHECK(host.until_given({"lost 10.9.0.0/24"}));
        host.routing.close();
        host.set(all);
        CHECK_FALSE(has_route(kRoute));
        REQUIRE(ip("route add 10.9.0.0/24 dev eth0 proto 18"));
        host.remove(all);
        CHECK(has_route(kRoute));
        host.run();
        CHECK(host.given.size() == 1);
        host.routing.close();
    });
}

TEST_CASE("a static address that cannot be set is named once, and again after it could be set" *
          mainstay::test::kNeedsRoot) {
    on_host<RoutingHost>([](RoutingHost& host) {
        const std::string both = "10.6.0.1/24 dev s0\n10.7.0.1/24 dev eth0";
        const auto nowhere = [&] {
            return host.log.count("static address 10.6.0.1/24 dev s0 cannot be set: the interface does not exist");
        };
        for (std::size_t times = 1; times <= 2; ++times) {
            host.set_static(both);
            host.set_static(both);
            CHECK(nowhere() == times);
            CHECK(host.log.texts.size() == times);
            CHECK(has_address("10.7.0.1/24"));
            REQUIRE(ip("link add s0 type veth peer name s1"));
            host.read();
            host.set_static(both);
            CHECK(has_address("10.6.0.1/24", "s0"));
            REQUIRE(ip("link del s0"));
            host.read();
        }
    });
}

TEST_CASE("a static address that the kernel refuses is named once with the reason, and again after it could be set" *
          mainstay::test::kNeedsRoot) {
    on_host<RoutingHost>([](RoutingHost& host) {
        const std::string all = "10.6.0.1/24 dev eth0\n2001:db8::6/64 dev eth0\n10.7.0.1/24 dev eth0";
        const auto forbid = [](const char* value) {
            REQUIRE(kernel::write_sysctl("net/ipv6/conf/eth0/disable_ipv6", value));
        };
        for (std::size_t times = 1; times <= 2; ++times) {
            forbid("1");
            host.set_static(all);
            host.set_static(all);
            CHECK(host.log.count("static address 2001:db8::6/64 dev eth0 cannot be set: Permission denied") == times);
            CHECK(host.log.texts.size() == times);
            CHECK(has_address("10.7.0.1/24"));
            forbid("0");
            host.set_static(all);
            CHECK(has_address("2001:db8::6/64"));
        }
    });
}
