// Setting the addresses of a new master, on a network of the test's own.
#include "role/vrrp/takeover.hpp"
#include "../../needs.hpp"

#include "mainstay/kernel/sysctl.hpp"
#include "office.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

struct TakeOverHost {
    Cable cable;
    boost::asio::io_context loop;
    KeptLog log;
    kernel::Rtnetlink netlink = kernel::Rtnetlink::open().value();
    Links links;
    VrrpTransport transport{loop, log, [] {}};
    Announcer announcer{loop, transport, links, log, [] { return Instant{std::chrono::steady_clock::now()}; }};
    TakeOver takeover{loop, links, announcer, log};

    TakeOverHost() { REQUIRE(links.refresh(netlink)); }
    bool heard(const Texts& wanted) {
        const auto end = std::chrono::steady_clock::now() + kPatience;
        while (cable.heard().size() < wanted.size() && std::chrono::steady_clock::now() < end)
            loop.run_one_for(std::chrono::milliseconds{5});
        return cable.heard() == wanted;
    }
};

config::Instance with_addresses(const std::string& addresses, const std::string& more = {}) {
    return Office::written(instance(more, addresses)).instances.at(0);
}

}  // namespace

TEST_CASE("seventy addresses are set and announced once each, in their order, prepared or not" *
          mainstay::test::kNeedsRoot) {
    on_host<TakeOverHost>([](TakeOverHost& host) {
        std::string addresses;
        Texts arps;
        for (int n = 101; n < 171; ++n) {
            addresses += "10.0.0." + std::to_string(n) + "\n";
            arps.push_back("arp 10.0.0." + std::to_string(n));
        }
        const auto many = with_addresses(addresses);
        SUBCASE("prepared") { host.takeover.prepare(host.netlink, many); }
        SUBCASE("not prepared") {}
        CHECK_FALSE(has_address("10.0.0.101/32"));
        CHECK(host.cable.heard().empty());
        host.takeover.set(host.netlink, many);
        CHECK(host.heard(arps));
        for (const char* one : {"10.0.0.101/32", "10.0.0.132/32", "10.0.0.133/32", "10.0.0.164/32", "10.0.0.170/32"})
            CHECK(has_address(one));
        CHECK(host.log.count("cannot be set") == 0);
    });
}

TEST_CASE("what was prepared is set once, and not at all when it was forgotten" * mainstay::test::kNeedsRoot) {
    on_host<TakeOverHost>([](TakeOverHost& host) {
        const auto before = with_addresses("10.0.0.100"), now = with_addresses("10.0.0.101");
        host.takeover.prepare(host.netlink, before);
        host.takeover.set(host.netlink, now);  // as many addresses as were prepared
        CHECK(has_address("10.0.0.100/32"));
        CHECK_FALSE(has_address("10.0.0.101/32"));
        host.takeover.set(host.netlink, now);
        CHECK(has_address("10.0.0.101/32"));
        CHECK(host.heard({"arp 10.0.0.100", "arp 10.0.0.101"}));
        const auto later = with_addresses("10.0.0.102"), last = with_addresses("10.0.0.103");
        host.takeover.prepare(host.netlink, later);
        host.takeover.forget();
        host.takeover.set(host.netlink, last);
        CHECK_FALSE(has_address("10.0.0.102/32"));
        CHECK(has_address("10.0.0.103/32"));
        CHECK(host.log.count("cannot be set") == 0);
    });
}

TEST_CASE("an instance without addresses takes over without any" * mainstay::test::kNeedsRoot) {
    on_host<TakeOverHost>([](TakeOverHost& host) {
        const auto none = with_addresses("10.0.0.100 dev nowhere");
        host.takeover.prepare(host.netlink, none);
        host.takeover.set(host.netlink, none);
        CHECK(host.cable.heard().empty());
        CHECK(host.log.texts.empty());
    });
}

TEST_CASE("addresses are set silently at the positions that are asked for" * mainstay::test::kNeedsRoot) {
    on_host<TakeOverHost>([](TakeOverHost& host) {
        host.takeover.set_silently(host.netlink, with_addresses("10.0.0.100\n10.0.0.101\n10.0.0.102"), {2, 0});
        CHECK(has_address("10.0.0.100/32"));
        CHECK_FALSE(has_address("10.0.0.101/32"));
        CHECK(has_address("10.0.0.102/32"));
        CHECK(host.cable.heard().empty());
    });
}

TEST_CASE("each address that the kernel refuses is named with the reason, in a takeover and after it" *
          mainstay::test::kNeedsRoot) {
    on_host<TakeOverHost>([](TakeOverHost& host) {
        REQUIRE(kernel::write_sysctl("net/ipv6/conf/eth0/disable_ipv6", "1"));
        const auto both =
            with_addresses("10.0.0.100", "virtual_ipaddress_excluded {\n2001:db8::7/64\n10.0.0.101\n2001:db8::8/64\n}");
        const auto refused = [&](const std::string& address) {
            return host.log.count("(VI_1) address " + address + " cannot be set: Permission denied");
        };
        host.takeover.set_silently(host.netlink, both, {});
        CHECK(refused("2001:db8::7/64") == 1);
        CHECK(refused("2001:db8::8/64") == 1);
        CHECK(host.log.texts.size() == 2);
        CHECK(has_address("10.0.0.101/32"));
        host.takeover.set(host.netlink, both);
        CHECK(refused("2001:db8::7/64") == 2);
        CHECK(refused("2001:db8::8/64") == 2);
        CHECK(host.log.count("cannot be set") == 4);
    });
}

TEST_CASE("what the kernel has refused to a master is tried again, and announced when it is set" *
          mainstay::test::kNeedsRoot) {
    on_host<TakeOverHost>([](TakeOverHost& host) {
        REQUIRE(kernel::write_sysctl("net/ipv6/conf/eth0/disable_ipv6", "1"));
        const auto config =
            Office::written(instance("priority 255\nvirtual_ipaddress_excluded {\n2001:db8::7/64\n}", "10.0.0.100"));
        vrrp::Router router{std::make_shared<const config::Config>(config)};
        const Instant now{std::chrono::steady_clock::now()};
        (void)router.step(host.links.fact("eth0"), now);
        (void)router.start(now);
        (void)router.step(vrrp::DeadlineReached{}, router.deadline().value());
        REQUIRE(router.snapshot().instances.at(0).owns_addresses);
        int retried = 0;
        const auto again = [&] { host.takeover.retry_later(std::chrono::milliseconds{10}, [&retried] { ++retried; }); };
        again();
        CHECK(host.loop.run_for(std::chrono::milliseconds{20}) == 0);  // nothing has been refused
        host.takeover.set(host.netlink, config.instances[0]);
        CHECK(host.takeover.refused(config).size() == 1);
        again();
        again();
        host.loop.restart();
        while (retried < 2) host.loop.run_one();
        host.takeover.retry(host.netlink, router);
        CHECK(host.takeover.refused(config).size() == 1);
        CHECK(host.log.count("cannot be set: Permission denied") == 1);  // not again and again
        REQUIRE(kernel::write_sysctl("net/ipv6/conf/eth0/disable_ipv6", "0"));
        const auto heard = host.cable.heard().size();
        host.takeover.retry(host.netlink, router);
        CHECK(host.takeover.refused(config).empty());
        CHECK(has_address("2001:db8::7/64"));
        CHECK(host.log.count("(VI_1) address 2001:db8::7/64, which the kernel had refused, is set now") == 1);
        CHECK(host.cable.heard().size() == heard + config.instances[0].garp_master_repeat);
    });
}

TEST_CASE("what the kernel has refused is not tried again once a reload has removed it, or the master is none" *
          mainstay::test::kNeedsRoot) {
    on_host<TakeOverHost>([](TakeOverHost& host) {
        REQUIRE(kernel::write_sysctl("net/ipv6/conf/eth0/disable_ipv6", "1"));
        const std::string excluded = "virtual_ipaddress_excluded {\n2001:db8::7/64\n}";
        const auto with = Office::written(instance("priority 255\n" + excluded, "10.0.0.100"));
        const Instant now{std::chrono::steady_clock::now()};
        int retried = 0;
        const auto none_is_left = [&] {
            host.takeover.retry_later(std::chrono::milliseconds{1}, [&retried] { ++retried; });
            host.loop.restart();
            return host.loop.run_for(std::chrono::milliseconds{20}) == 0 && retried == 0;
        };
        for (const bool removed : {true, false}) {
            CAPTURE(removed);
            const auto config = removed ? Office::written(instance("priority 255", "10.0.0.100")) : with;
            vrrp::Router router{std::make_shared<const config::Config>(config)};
            (void)router.step(host.links.fact("eth0"), now);
            (void)router.start(now);
            if (removed) (void)router.step(vrrp::DeadlineReached{}, router.deadline().value());
            host.takeover.set(host.netlink, with.instances[0]);
            CHECK(host.takeover.refused(with).size() == 1);
            host.takeover.retry(host.netlink, router);
            CHECK(host.takeover.refused(with).empty());
            CHECK(none_is_left());
        }
    });
}
