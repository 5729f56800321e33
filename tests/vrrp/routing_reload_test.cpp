// What a reload does to routes and rules: the difference, and nothing else.
#include "mainstay/vrrp/routing.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "routing_bench.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

TEST_CASE(
    "a reload removes what is gone, adds what is new and leaves the rest alone, also what another master has now") {
    auto a = routed(), b = instance(100, "B", 52, "10.9.9.8/32");
    Bench bench = Bench::master(with({a, b}));
    (void)bench.tick(bench.taken_at + 4s);
    REQUIRE(bench.state(1) == State::Master);
    CHECK(lines(bench.router.reload(with({a, b}), bench.taken_at + 4s)).empty());
    b.routes = {route("10.1.0.0/16", "10.0.0.3")};
    a.routes = {a.routes[1], route("10.3.0.0/16")};

    CHECK(deeds(bench.router.reload(with({a, b}), bench.taken_at + 4s)) ==
          Lines{"0 unroute [10.1.0.0/16 via 10.0.0.2 dev eth0]", "0 route [10.3.0.0/16 via 10.0.0.2 dev eth0]",
                "1 route [10.1.0.0/16 via 10.0.0.3 dev eth0]"});
}

TEST_CASE("a route or a rule that moves to another master, or becomes static, is never removed") {
    auto a = routed(), b = instance(100, "B", 52, "10.9.9.8/32");
    auto bench = Bench::master(with({a, b}));
    (void)bench.tick(bench.taken_at + 1s);
    REQUIRE(bench.state(1) == State::Master);
    b.routes = {a.routes[1]};
    a.routes.edit().pop_back();
    a.more.edit().sections.clear();
    auto next = with({a, b});
    config::Section rules{.keyword = "static_rules"};
    rules.sections.push_back(rule(100, 5));
    next.more.edit().sections = {rules};

    CHECK(deeds(bench.router.reload(next, bench.taken_at + 4s)) ==
          Lines{"1 route [10.2.0.0/16 via 10.0.0.2 dev eth0]", "static route [from all lookup 5 preference 100]"});
}

TEST_CASE("a route stays when a reload changes of it what the kernel does not keep") {
    auto c = routed();
    auto bench = Bench::master(c);
    c.routes[0].more.edit().values.push_back({"ttl-propagate", WordList{"enabled"}});

    CHECK(deeds(bench.router.reload(with({c}), bench.taken_at + 1s)) ==
          Lines{"0 route [10.1.0.0/16 via 10.0.0.2 dev eth0]"});
}

TEST_CASE("a route stays when a reload adds or takes away the word add") {
    auto c = routed();
    auto bench = Bench::master(c);
    c.routes[0].more.edit().values.push_back({"add", true});

    CHECK(deeds(bench.router.reload(with({c}), bench.taken_at + 1s)) ==
          Lines{"0 route [10.1.0.0/16 via 10.0.0.2 dev eth0]"});
}

TEST_CASE("a route stays when a reload adds or takes away the word append, unless another has the same destination") {
    auto c = routed();
    auto bench = Bench::master(c);
    c.routes[0].more.edit().values.push_back({"append", true});
    CHECK(deeds(bench.router.reload(with({c}), bench.taken_at + 1s)) ==
          Lines{"0 route [10.1.0.0/16 via 10.0.0.2 dev eth0]"});

    c.routes.push_back(route("10.1.0.0/16", "10.0.0.3"));
    (void)bench.router.reload(with({c}), bench.taken_at + 2s);
    c.routes[0].more.edit().values.pop_back();
    CHECK(deeds(bench.router.reload(with({c}), bench.taken_at + 3s)) ==
          Lines{"0 unroute [10.1.0.0/16 via 10.0.0.2 dev eth0]", "0 route [10.1.0.0/16 via 10.0.0.2 dev eth0]"});
}

TEST_CASE("a route that two masters have stays while one of them is master") {
    auto other = instance(100, "VI_2", 52, "10.9.9.10/32");
    other.routes = {route("10.1.0.0/16")};
    Bench bench = Bench::started(with({routed(), other}));
    while (bench.state(0) != State::Master || bench.state(1) != State::Master)
        (void)bench.tick(bench.router.deadline().value());
    const Instant now = bench.router.deadline().value();

    CHECK(deeds(bench.hear(Peer{200}, now)) ==
          Lines{"0 unroute [from all lookup 5 preference 100] [10.2.0.0/16 via 10.0.0.2 dev eth0]",
                "0 remove 10.9.9.9/32@eth0"});
    CHECK(deeds(bench.hear(Peer{200, 52, "10.9.9.10"}, now + 1ms)) ==
          Lines{"1 unroute [10.1.0.0/16 via 10.0.0.2 dev eth0]", "1 remove 10.9.9.10/32@eth0"});
}

TEST_CASE("an instance that a reload removes takes its routes with it") {
    Bench bench = Bench::master(with({routed(), instance(100, "B", 52, "10.9.9.8/32")}));

    const auto done = deeds(bench.router.reload(with({instance(100, "B", 52, "10.9.9.8/32")}), bench.taken_at + 1s));
    CHECK(done.at(0) == "gone advert 0 to 224.0.0.18");
    CHECK(done.at(1).starts_with("gone unroute [from all lookup 5"));
}

TEST_CASE("a reload changes static entries as a difference") {
    Bench bench{with_statics(with({instance()}))};
    (void)bench.router.step(link(), t0);
    (void)bench.router.step(link("eth1"), t0);
    (void)bench.router.start(t0);
    auto next = with_statics(with({instance()}));
    CHECK(deeds(bench.router.reload(next, t0 + 1s)).empty());
    auto& sections = next.more.edit().sections;
    sections[0].sections[0].values[0].data = *Prefix::parse("10.7.0.2/24");
    sections[2].sections.push_back(rule(201, 10));

    CHECK(deeds(bench.router.reload(next, t0 + 1s)) == Lines{"static 10.7.0.2/24@eth1", "gone remove 10.7.0.1/24@eth1",
                                                             "static route [from all lookup 10 preference 201]"});
}
