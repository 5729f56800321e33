#include "mainstay/vrrp/routing.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "routing_bench.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

TEST_CASE("a master sets its routes and rules after its addresses, and announces these last") {
    auto bench = Bench::started(routed());

    CHECK(deeds(bench.tick(bench.router.deadline().value())) == Lines{"0 advert 100 to 224.0.0.18", "0 add announced",
                                                                      fmt::format("0 route {} {}", kRoutes, kRule),
                                                                      "0 arp x5 begun"});
}

TEST_CASE("on leaving, rules go before routes and these before addresses") {
    auto bench = Bench::master(routed());

    CHECK(deeds(bench.router.step(Shutdown{}, bench.taken_at + 1s)) ==
          Lines{"0 advert 0 to 224.0.0.18",
                "0 unroute [from all lookup 5 preference 100] [10.2.0.0/16 via 10.0.0.2 dev eth0] [10.1.0.0/16 via "
                "10.0.0.2 dev eth0]",
                "0 remove 10.9.9.9/32@eth0"});
}

TEST_CASE("what an unclean death left behind is removed at the start, but not an owner's") {
    Bench bench{routed()};
    (void)bench.router.step(link(), t0);
    CHECK(deeds(bench.router.start(t0)).at(0).starts_with("0 unroute [from all lookup 5"));

    auto owner = routed();
    owner.priority = 255;
    Bench own{owner};
    (void)own.router.step(link(), t0);
    CHECK(deeds(own.router.start(t0)).empty());
}

TEST_CASE("a route that another program removes is restored, with a warning, and counted") {
    auto bench = Bench::master(routed());

    CHECK(
        brief(bench.router.step(RoutingLost{gone("10.2.0.0/16")}, bench.taken_at + 500ms)) ==
        Lines{"0 restore [10.2.0.0/16 via 10.0.0.2 dev eth0]",
              "warning: (VI_1) route 10.2.0.0/16 via 10.0.0.2 dev eth0 was removed by another program: restoring it"});
    CHECK(bench.router.snapshot().instances[0].counters.routing_restored == 1);
    CHECK(brief(bench.router.step(RoutingLost{gone("10.3.0.0/16")}, bench.taken_at + 500ms)).empty());
}

TEST_CASE("a route that is not tracked stays missing") {
    // effect: vrrp_instance/virtual_routes: no_track
    auto c = routed();
    c.routes = {route("10.1.0.0/16", "10.0.0.2", "eth0", true)};
    auto bench = Bench::master(c);

    CHECK(brief(bench.router.step(RoutingLost{gone("10.1.0.0/16")}, bench.taken_at + 500ms)) ==
          Lines{"(VI_1) route 10.1.0.0/16 via 10.0.0.2 dev eth0 was removed by another program; it is not tracked"});
    const auto later = bench.tick(bench.taken_at + 31s);
    CHECK(deeds(later).back() == fmt::format("0 audit {}", kRule));
}

TEST_CASE("until a reload: then it is as after a start") {
    auto c = routed();
    c.routes = {route("10.1.0.0/16", "10.0.0.2", "eth0", true)};
    auto bench = Bench::master(c);
    const auto all = fmt::format("0 audit [10.1.0.0/16 via 10.0.0.2 dev eth0] {}", kRule);
    const Instant reloaded = bench.taken_at + 500ms;

    CHECK(lines(bench.router.reload(with({c}), reloaded)).empty());
    CHECK(deeds(bench.tick(reloaded + 100ms)).back() == all);
    CHECK(deeds(bench.tick(reloaded + 31s)).back() == fmt::format("0 audit {}", kRule));
}

TEST_CASE("a route that is removed again and again is restored at a bounded rate, and in the end the master resigns") {
    auto bench = Bench::master(routed());
    Instant now = bench.taken_at + 100ms;
    int restored = 0;
    bool resigned = false;
    for (int i = 0; i < 200 && !resigned; ++i, now += 500ms) {
        for (const auto& line : deeds(bench.router.step(DeadlineReached{}, now)))
            restored += line.starts_with("0 restore");
        for (const auto& line : lines(bench.router.step(RoutingLost{gone("10.1.0.0/16")}, now))) {
            restored += line.starts_with("0 restore");
            resigned = resigned || line == "warning: (VI_1) the routes and rules cannot be kept: resigning";
        }
    }
    CHECK(resigned);
    CHECK(restored == 20);
    CHECK(bench.state() == State::Backup);
}

TEST_CASE("a route that was there and cannot be put back makes the master resign after three attempts") {
    auto bench = Bench::master(routed());
    Instant now = bench.taken_at + 100ms;
    (void)bench.router.step(RoutingLost{gone("10.1.0.0/16")}, now);
    const RoutingOutcome refused{
        .owner = 0, .how = SetRouting::How::Restore, .added = {}, .refused = {{0, "Network is unreachable"}}};

    CHECK(brief(bench.router.step(refused, now)) ==
          Lines{"warning: (VI_1) route 10.1.0.0/16 via 10.0.0.2 dev eth0 is missing and cannot be restored: Network "
                "is unreachable"});
    CHECK(brief(bench.router.step(refused, now)).empty());
    CHECK(bench.state() == State::Master);
    CHECK(brief(bench.router.step(refused, now)).at(0) ==
          "warning: (VI_1) the routes and rules cannot be kept: resigning");
    CHECK(bench.state() == State::Backup);
}

TEST_CASE("a route without an interface is put back too, but is no reason to resign") {
    auto c = routed();
    c.routes = {route("10.1.0.0/16", "10.0.0.2", "")};
    auto bench = Bench::master(c);
    const RoutingOutcome refused{
        .owner = 0, .how = SetRouting::How::Restore, .added = {}, .refused = {{0, "Network is unreachable"}}};
    for (int i = 0; i < 5; ++i) (void)bench.router.step(refused, bench.taken_at + 100ms);

    CHECK(bench.state() == State::Master);
}

TEST_CASE("an entry that cannot be set at first is logged once and retried after a second; the master stays") {
    auto bench = Bench::master(routed());
    const RoutingOutcome refused{.owner = 0, .how = {}, .added = {}, .refused = {{1, "No such device"}}};

    CHECK(brief(bench.router.step(refused, bench.taken_at)) ==
          Lines{"(VI_1) route 10.2.0.0/16 via 10.0.0.2 dev eth0 cannot be set: No such device"});
    CHECK(deeds(bench.tick(bench.taken_at + 1s)).back() == fmt::format("0 audit {} {}", kRoutes, kRule));
    const RoutingOutcome again{
        .owner = 0, .how = SetRouting::How::Audit, .added = {}, .refused = {{1, "No such device"}}};
    CHECK(brief(bench.router.step(again, bench.taken_at + 1s)).empty());
    using Refused = std::vector<std::pair<std::string, std::string>>;
    CHECK(bench.router.refused_routing(0) == Refused{{"route 10.2.0.0/16 via 10.0.0.2 dev eth0", "No such device"}});
    CHECK(bench.router.refused_routing(kNoInstance).empty());
    const RoutingOutcome added{.owner = 0, .how = SetRouting::How::Audit, .added = {1}, .refused = {}};
    CHECK(brief(bench.router.step(added, bench.taken_at + 31s)) ==
          Lines{"(VI_1) route 10.2.0.0/16 via 10.0.0.2 dev eth0 could be set at last"});
    CHECK(bench.router.refused_routing(0).empty());
}

TEST_CASE("routes that the kernel dropped silently are found when an interface returns, and every half minute") {
    auto bench = Bench::master(with({routed()}));
    const Instant now = bench.taken_at + 100ms;
    (void)bench.router.step(link("eth1", false), now);
    (void)bench.router.step(link("eth1", true), now);

    CHECK(deeds(bench.tick(now + 100ms)) == Lines{fmt::format("0 audit {} {}", kRoutes, kRule)});
    const RoutingOutcome added{.owner = 0, .how = SetRouting::How::Audit, .added = {0}, .refused = {}};
    CHECK(brief(bench.router.step(added, now + 100ms)) ==
          Lines{"warning: (VI_1) route 10.1.0.0/16 via 10.0.0.2 dev eth0 was missing: restored"});
    (void)bench.router.step(RoutingUncertain{}, now + 200ms);
    CHECK(deeds(bench.tick(now + 300ms)) == Lines{fmt::format("0 audit {} {}", kRoutes, kRule)});
}

TEST_CASE("routes over a link that was down so shortly that it never counted as down are looked for at once") {
    auto bench = Bench::master(with({routed()}));
    const Instant now = bench.taken_at + 100ms;
    auto again = link("eth1");
    again.times_up = 1;
    CHECK(deeds(bench.router.step(again, now)).empty());
    CHECK(bench.state() == State::Master);
    CHECK(deeds(bench.tick(now + 100ms)) == Lines{fmt::format("0 audit {} {}", kRoutes, kRule)});
}

TEST_CASE("a new process sets the routes of a master again, and takes away none") {
    Bench before = Bench::master(routed());
    const auto snapshot = before.router.snapshot();
    Bench after{routed()};
    (void)after.router.step(link(), before.taken_at + 1s);

    const auto done = deeds(after.router.start(before.taken_at + 100ms, &snapshot));
    CHECK(done == Lines{"0 add", fmt::format("0 route {} {}", kRoutes, kRule)});
}

TEST_CASE("a new process of a backup removes what the one before may have set last") {
    const Bench before = Bench::started(with({routed()}));
    const auto snapshot = before.router.snapshot();
    Bench after{routed()};
    (void)after.router.step(link(), t0 + 1s);

    CHECK(deeds(after.router.start(t0 + 1s, &snapshot)) ==
          Lines{fmt::format("0 unroute {} [10.2.0.0/16 via 10.0.0.2 dev eth0] [10.1.0.0/16 via 10.0.0.2 dev eth0]",
                            kRule)});
}

TEST_CASE("a new process sets again what goes with the addresses of a master that steps back") {
    auto c = instance();
    c.nopreempt = true;
    c.addresses = {vip("10.7.0.9/24", "eth1")};
    auto config = with({c});
    config::Section routes{.keyword = "static_routes"};
    routes.sections.push_back({.values = {{"dev", WordList{"eth1"}}, {"to", *Prefix::parse("10.8.0.0/16")}}});
    config.more.edit().sections = {routes};
    Bench before{config}, after{config};
    const auto boot = [](Bench& bench, Instant now) {
        (void)bench.router.step(link(), now);
        (void)bench.router.step(link("eth1", true, {ip("10.7.0.9")}), now);
    };
    boot(before, t0);
    (void)before.router.start(t0);
    const Instant taken = before.router.deadline().value();
    (void)before.tick(taken);
    REQUIRE(before.state() == State::Master);
    const auto snapshot = before.router.snapshot();

    boot(after, taken + 9s);
    CHECK(deeds(after.router.start(taken + 9s, &snapshot)) == Lines{"static route [10.8.0.0/16 dev eth1]",
                                                                    "0 remove 10.7.0.9/24@eth1",
                                                                    "static again [10.8.0.0/16 dev eth1]"});
}

TEST_CASE("an instance is in FAULT while a device of its routes or rules is down") {
    auto c = routed();
    c.routes[0] = route("10.1.0.0/16", "10.0.0.2", "eth1");
    c.more.edit().sections[0].sections[0] = rule(100, 5, "eth2");
    Bench bench{c};
    (void)bench.router.step(link(), t0);
    (void)bench.router.step(link("eth1", false), t0);
    (void)bench.router.step(link("eth2", true), t0);
    CHECK(brief(bench.router.start(t0)).at(1) == "(VI_1) entering FAULT state (interface eth1 down)");

    (void)bench.router.step(link("eth1", true), t0);
    CHECK(bench.state() == State::Backup);
    (void)bench.router.step(link("eth2", false), t0);
    CHECK(bench.state() == State::Fault);
}

TEST_CASE("but not for one that is not tracked") {
    auto c = routed();
    c.routes[0] = route("10.1.0.0/16", "10.0.0.2", "eth1", true);
    Bench bench = Bench::started(c);
    CHECK(bench.state() == State::Backup);
}

TEST_CASE("static entries are set at the start, in any state, and removed at the stop") {
    Bench bench{with_statics(with({instance()}))};
    (void)bench.router.step(link(), t0);
    (void)bench.router.step(link("eth1"), t0);

    CHECK(deeds(bench.router.start(t0)) ==
          Lines{"static 10.7.0.1/24@eth1", "static route [10.8.0.0/16 dev eth1] [from all lookup 9 preference 200]"});
    CHECK(deeds(bench.router.step(Shutdown{}, t0 + 1s)) ==
          Lines{"gone unroute [from all lookup 9 preference 200] [10.8.0.0/16 dev eth1]",
                "gone remove 10.7.0.1/24@eth1"});
}

TEST_CASE("static entries that another program removes are restored at once, with keepalived's log text") {
    Bench bench{with_statics(with({instance()}))};
    (void)bench.router.step(link(), t0);
    (void)bench.router.step(link("eth1"), t0);
    (void)bench.router.start(t0);

    CHECK(brief(bench.router.step(AddressLost{"eth1", *Prefix::parse("10.7.0.1/24")}, t0)) ==
          Lines{"static 10.7.0.1/24@eth1", "warning: Restoring deleted static address 10.7.0.1/24 dev eth1"});
    CHECK(
        brief(bench.router.step(RoutingLost{gone("10.8.0.0/16")}, t0)) ==
        Lines{"static restore [10.8.0.0/16 dev eth1]", "warning: Restoring deleted static route 10.8.0.0/16 dev eth1"});
    CHECK(brief(bench.router.step(RoutingLost{netlink::Rule{.table = 9, .priority = 200}}, t0)) ==
          Lines{"static restore [from all lookup 9 preference 200]",
                "warning: Restoring deleted static rule from all lookup 9 preference 200"});
}

TEST_CASE("the instances of a track_group are in FAULT while the interface of its static entries is down") {
    auto c = with_statics(with({instance(), instance(100, "B", 52, "10.9.9.8/32")}));
    auto& sections = c.more.edit().sections;
    for (auto* line : {&sections[0].sections[0], &sections[1].sections[0]})
        line->values.push_back({"track_group", WordList{"uplinks"}});
    sections.push_back({.keyword = "track_group",
                        .names = {"uplinks"},
                        .sections = {{.keyword = "group", .values = {{"group", WordList{"B"}}}}}});
    Bench bench{c};
    (void)bench.router.step(link(), t0);
    (void)bench.router.step(link("eth1", false), t0);
    (void)bench.router.start(t0);

    CHECK(bench.state(0) == State::Backup);
    CHECK(bench.state(1) == State::Fault);
    (void)bench.router.step(link("eth1", true), t0);
    CHECK(bench.state(1) == State::Backup);
}

TEST_CASE("an address in use by another host is logged once, counted each time and retried") {
    auto c = instance();
    c.excluded_addresses = {vip("2001:db8::5/64")};
    auto bench = Bench::master(c);
    const DuplicateAddress duplicate{"eth0", *Prefix::parse("2001:db8::5/64")};
    const Instant now = bench.taken_at + 100ms;

    CHECK(brief(bench.router.step(duplicate, now)) ==
          Lines{"(VI_1) address 2001:db8::5/64 on eth0 is in use by another host (duplicate address detection): "
                "the kernel does not use it; retried every 10 s"});
    CHECK(bench.state() == State::Master);
    const auto later = deeds(bench.tick(now + 10s));
    CHECK(std::ranges::find(later, "0 restore 2001:db8::5/64@eth0") != later.end());
    CHECK(brief(bench.router.step(duplicate, now + 11s)).empty());
    CHECK(bench.router.snapshot().instances[0].counters.duplicate_addresses == 2);
}

TEST_CASE("a default route with words that only IPv6 knows is one of IPv6") {
    const auto family = [](config::KeywordValues words) {
        config::Instance c;
        config::VirtualRoute line;
        words.insert(words.begin(), {"to", WordList{"default"}});
        line.more.edit().values = std::move(words);
        c.routes = {line};
        const auto entries = routing_of(c);
        REQUIRE(entries.size() == 1);
        return std::get<netlink::Route>(entries[0].what).destination.address.family();
    };

    CHECK(family({{"dev", WordList{"eth0"}}, {"pref", WordList{"high"}}}) == Family::V6);
    CHECK(family({{"dev", WordList{"eth0"}}, {"expires", Micros{100'000'000}}}) == Family::V6);
    CHECK(family({{"dev", WordList{"eth0"}}}) == Family::V4);
}

TEST_CASE("routes over an interface that has no IPv4 address left are set again in the same step") {
    auto c = routed();
    c.addresses = {vip("10.9.9.9/32"), vip("10.7.0.9/24", "eth1")};
    Bench bench = Bench::started(with_statics(with({c})));
    (void)bench.router.step(link("eth1", true, {ip("10.7.0.9")}), t0);
    (void)bench.tick(t0 + 4s);
    REQUIRE(bench.state() == State::Master);
    c.addresses[1].prefix = *Prefix::parse("10.7.0.10/24");

    const auto done = deeds(bench.router.reload(with_statics(with({c})), t0 + 5s));
    CHECK(std::ranges::find(done, "gone remove 10.7.0.9/24@eth1") != done.end());
    CHECK(done.back() == "static again [10.8.0.0/16 dev eth1]");
    // The outcome is no news.
    const RoutingOutcome added{.owner = kNoInstance, .how = SetRouting::How::Again, .added = {0}, .refused = {}};
    CHECK(brief(bench.router.step(added, t0 + 5s)).empty());
}

TEST_CASE("routes from an address are set again when that address goes and comes") {
    auto c = routed();
    auto& route_data = c.routes[0];
    route_data.more.edit().values.push_back({"src", ip("10.9.9.9")});
    Bench bench = Bench::master(c);
    c.addresses[0].label = "eth0:1";

    const auto done = deeds(bench.router.reload(with({c}), bench.taken_at + 1s));
    CHECK(done.back().starts_with("0 again [10.1.0.0/16"));
}

TEST_CASE("an IPv6 route whose source is gone goes, and comes back with it") {
    auto c = routed();
    c.routes = {route("2001:db8:1::/48", "2001:db8::2"), route("2001:db8:2::/48", "2001:db8::2")};
    c.routes[0].more.edit().values.push_back({"src", ip("2001:db8::1")});
    Bench bench = Bench::master(c);
    const Instant now = bench.taken_at + 1s;
    const char* const sourced = "[2001:db8:1::/48 via 2001:db8::2 dev eth0]";

    CHECK(deeds(bench.router.step(AddressLost{"eth0", *Prefix::parse("2001:db8::9/64")}, now)).empty());
    CHECK(deeds(bench.router.step(AddressLost{"eth0", *Prefix::parse("2001:db8::1/64")}, now)) ==
          Lines{fmt::format("0 unroute {}", sourced), fmt::format("0 audit {}", sourced)});
}

TEST_CASE(
    "when somebody takes an interface its last IPv4 address, routes are looked at at once, and again with the next") {
    auto c = instance();
    c.routes = {route("10.1.0.0/16", "10.7.0.2", "eth1"), route("10.2.0.0/16", "10.7.0.2", "eth1")};
    Bench bench{c};
    (void)bench.router.step(link(), t0);
    (void)bench.router.step(link("eth1", true, {ip("10.7.0.1")}), t0);
    (void)bench.router.start(t0);
    const Instant now = t0 + 4s;
    (void)bench.tick(now);
    REQUIRE(bench.state() == State::Master);
    (void)bench.router.step(link("eth1", true, {}), now);

    CHECK(deeds(bench.router.step(AddressLost{"eth1", *Prefix::parse("10.7.0.1/24")}, now)) ==
          Lines{"0 audit [10.1.0.0/16 via 10.7.0.2 dev eth1] [10.2.0.0/16 via 10.7.0.2 dev eth1]"});
    const RoutingOutcome refused{
        .owner = 0, .how = SetRouting::How::Audit, .added = {}, .refused = {{1, "Network is down"}}};
    (void)bench.router.step(refused, now);
    CHECK(deeds(bench.router.step(link("eth1", true, {ip("10.7.0.3")}), now)) ==
          Lines{"0 again [10.2.0.0/16 via 10.7.0.2 dev eth1]"});
    const RoutingOutcome still{
        .owner = 0, .how = SetRouting::How::Again, .added = {}, .refused = {{1, "Network is down"}}};
    CHECK(brief(bench.router.step(still, now)).empty());
    const RoutingOutcome added{.owner = 0, .how = SetRouting::How::Again, .added = {1}, .refused = {}};
    CHECK(brief(bench.router.step(added, now)) ==
          Lines{"(VI_1) route 10.2.0.0/16 via 10.7.0.2 dev eth1 could be set at last"});
}

TEST_CASE("static entries over an interface that is replaced while it is up are set again at once") {
    Bench bench{with_statics(with({instance()}))};
    (void)bench.router.step(link(), t0);
    (void)bench.router.step(link("eth1"), t0);
    (void)bench.router.start(t0);

    CHECK(deeds(bench.router.step(link("eth1", true, {ip("10.0.0.1")}, 7), t0 + 1s)) ==
          Lines{"static 10.7.0.1/24@eth1", "static again [10.8.0.0/16 dev eth1]"});
    // Once, also if the one before had come up another number of times.
    auto other = link("eth1", true, {ip("10.0.0.1")}, 8);
    other.times_up = 1;
    CHECK(deeds(bench.router.step(other, t0 + 2s)) ==
          Lines{"static 10.7.0.1/24@eth1", "static again [10.8.0.0/16 dev eth1]"});
}
