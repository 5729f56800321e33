#include "mainstay/vrrp/track.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

namespace {

config::Config tracking_script(int weight, bool reverse = false, std::uint8_t priority = 105) {
    auto c = with({instance(priority)});
    config::TrackScript script;
    script.name = "chk";
    script.command.argv = {"/bin/chk"};
    script.interval = script.timeout = 2s;
    c.scripts = {script};
    c.instances[0].track_scripts = {{"chk", weight, reverse}};
    return c;
}

Bench boot(const config::Config& c, Lines* told = nullptr) {
    Bench bench{c};
    (void)bench.router.step(link(), t0);
    const Intents out = bench.router.start(t0);
    if (told != nullptr) *told = lines(out);
    return bench;
}

}  // namespace

TEST_CASE("weights of both signs and reverse move the priority as documented") {
    struct Row {
        int weight;
        bool reverse;
        int while_up, while_down;
    };
    for (const Row& row : {Row{10, false, 115, 105}, Row{-10, false, 105, 95}, Row{10, true, 95, 105},
                           Row{-10, true, 105, 115}, Row{253, false, 254, 105}, Row{-253, false, 105, 1}}) {
        CAPTURE(row.weight);
        CAPTURE(row.reverse);
        Bench bench = boot(tracking_script(row.weight, row.reverse));
        (void)bench.script("chk", 0, t0);
        CHECK(priority_of(bench) == row.while_up);
        (void)bench.tick(t0 + 2s);
        (void)bench.script("chk", 1, t0 + 2s);
        CHECK(priority_of(bench) == row.while_down);
    }
}

TEST_CASE("interface weights work as those of scripts, from the start on") {
    for (const auto& [weight, up, expected] : {std::tuple{20, true, 120}, {20, false, 100}, {-20, false, 80}}) {
        auto c = instance();
        c.track_interfaces = {{"eth1", weight, false}};
        Bench bench{c};
        (void)bench.router.step(link(), t0);
        (void)bench.router.step(link("eth1", up, {}, 3), t0);
        (void)bench.router.start(t0);
        CHECK(priority_of(bench) == expected);
    }
}

TEST_CASE("the classic pair: a failing check with weight -2 leaves 103, still above 100") {
    Lines told;
    Bench bench = boot(tracking_script(-2), &told);
    CHECK(told == Lines{"(VI_1) Entering BACKUP STATE (init)", "announce INSTANCE VI_1 BACKUP 105", "run chk"});
    CHECK(lines(bench.script("chk", 0, t0)) == Lines{"VRRP_Script(chk) succeeded"});
    (void)bench.tick(t0 + 2s);

    CHECK(lines(bench.script("chk", 1, t0 + 2s)) == Lines{"Script `chk` now returning 1",
                                                          "VRRP_Script(chk) failed (exited with status 1)",
                                                          "(VI_1) Changing effective priority from 105 to 103"});
}

TEST_CASE("a running master-down timer moves with the priority") {
    Bench bench = boot(tracking_script(-5));
    const Nanos before = bench.due_of(0);
    (void)bench.script("chk", 1, t0 + 100ms);
    CHECK(bench.due_of(0) - before == 19'531'250ns);
}

TEST_CASE("an owner's priority never changes") {
    Bench bench = boot(tracking_script(-100, false, 255));
    CHECK(lines(bench.script("chk", 1, t0)).size() == 2);
    CHECK(priority_of(bench) == 255);
}

TEST_CASE("a script without weight keeps its instance in FAULT until its first result, which is not reported") {
    Lines told;
    Bench bench = boot(tracking_script(0), &told);
    CHECK(told == Lines{"warning: (VI_1) Entering FAULT STATE (init)", "run chk"});
    CHECK(bench.state() == State::Fault);

    SUBCASE("its success lets the instance in") {
        CHECK(lines(bench.script("chk", 0, t0 + 1s)) ==
              Lines{"VRRP_Script(chk) succeeded", "(VI_1) Entering BACKUP STATE", "announce INSTANCE VI_1 BACKUP 105"});
        CHECK(bench.due_of(0) == 4'589'843'750ns);
    }
    SUBCASE("its failure makes the FAULT a real one") {
        CHECK(lines(bench.script("chk", 1, t0 + 1s)) ==
              Lines{"Script `chk` now returning 1", "VRRP_Script(chk) failed (exited with status 1)",
                    "(VI_1) entering FAULT state (script chk fails)", "warning: (VI_1) Entering FAULT STATE",
                    "announce INSTANCE VI_1 FAULT 105"});
    }
}

TEST_CASE("a master whose script fails resigns and goes to FAULT, and comes back as BACKUP") {
    Bench bench = boot(tracking_script(0));
    (void)bench.script("chk", 0, t0);
    (void)bench.tick(t0 + 4s);
    REQUIRE(bench.state() == State::Master);

    CHECK(deeds(bench.script("chk", 1, t0 + 5s)) ==
          Lines{"0 advert 0 to 224.0.0.18", "0 advert 0 to 224.0.0.18", "0 remove 10.9.9.9/32@eth0"});
    CHECK(bench.state() == State::Fault);
    CHECK(bench.counters().pri_zero_sent == 2);
    (void)bench.tick(t0 + 6s);
    (void)bench.script("chk", 0, t0 + 6s);
    CHECK(bench.state() == State::Backup);
}

TEST_CASE("reverse without weight means that success is the fault") {
    Bench bench = boot(tracking_script(0, true));
    (void)bench.script("chk", 0, t0);
    CHECK(bench.state() == State::Fault);
    (void)bench.tick(t0 + 2s);
    (void)bench.script("chk", 1, t0 + 2s);
    CHECK(bench.state() == State::Backup);
}

TEST_CASE("rise and fall count results in a row, except for the first one") {
    auto c = tracking_script(-10);
    c.scripts[0].rise = 2;
    c.scripts[0].fall = 3;
    Bench bench = boot(c);
    Instant now = t0;
    const auto result = [&](int status) {
        (void)bench.script("chk", status, now);
        (void)bench.tick(now += 2s);
        return int{priority_of(bench)};
    };

    CHECK(result(1) == 95);  // the first result decides
    CHECK(result(0) == 95);
    CHECK(result(1) == 95);  // not in a row
    CHECK(result(0) == 95);
    CHECK(result(0) == 105);  // two successes
    CHECK(result(1) == 105);
    CHECK(result(1) == 105);
    CHECK(result(1) == 95);  // three failures
}

TEST_CASE("init_fail starts bad and needs rise successes") {
    auto c = tracking_script(0);
    c.scripts[0].init_fail = true;
    c.scripts[0].rise = 2;
    Lines told;
    Bench bench = boot(c, &told);
    CHECK(told == Lines{"(VI_1) entering FAULT state (script chk fails)", "warning: (VI_1) Entering FAULT STATE (init)",
                        "announce INSTANCE VI_1 FAULT 105", "run chk"});
    (void)bench.script("chk", 0, t0);
    CHECK(bench.state() == State::Fault);
    (void)bench.tick(t0 + 2s);
    (void)bench.script("chk", 0, t0 + 2s);
    CHECK(bench.state() == State::Backup);
}

TEST_CASE("scripts run once per interval on a grid and never twice at a time") {
    Bench bench = boot(tracking_script(-2));
    CHECK(bench.due() == 2s);
    CHECK(lines(bench.tick(t0 + 2s)) == Lines{"Track script chk is already running, expect idle - skipping run"});
    (void)bench.script("chk", 0, t0 + 2'100ms);
    (void)bench.hear(Peer{200}, t0 + 2'100ms);
    CHECK(lines(bench.tick(t0 + 4'300ms)) == Lines{"run chk"});
    (void)bench.hear(Peer{200}, t0 + 5s);
    CHECK(bench.due() == 6s);
}

TEST_CASE("every kind of failure has its own text") {
    using How = ScriptDone::How;
    struct Row {
        How how;
        int status;
        const char* log;
    };
    for (const Row& row : {Row{How::Exited, 127, "VRRP_Script(chk) failed (exited with status 127)"},
                           Row{How::Signalled, 9, "VRRP_Script(chk) failed (due to signal 9)"},
                           Row{How::TimedOut, 0, "VRRP_Script(chk) timed_out"},
                           Row{How::NotRun, 0, "VRRP_Script(chk) failed (could not be run)"}}) {
        CAPTURE(row.log);
        Bench bench = boot(tracking_script(-2));
        const Lines told = lines(bench.router.step(ScriptDone{"chk", row.how, row.status}, t0));
        CHECK(std::ranges::find(told, row.log) != told.end());
        CHECK(bench.router.snapshot().scripts[0].failures == 1);
    }
}

TEST_CASE("results of scripts that were not requested are ignored") {
    Bench bench = boot(tracking_script(0));
    CHECK(bench.script("other", 1, t0).empty());
    (void)bench.script("chk", 0, t0);
    CHECK(bench.script("chk", 1, t0 + 1s).empty());
}

TEST_CASE("scripts that no instance tracks are not run") {
    auto c = tracking_script(0);
    c.instances[0].track_scripts.clear();
    Lines told;
    (void)boot(c, &told);
    CHECK(std::ranges::find(told, "run chk") == told.end());
}

TEST_CASE("every fault has its reason in the log") {
    const Lines entering{"warning: (VI_1) Entering FAULT STATE", "announce INSTANCE VI_1 FAULT 100"};
    struct Row {
        InterfaceFact fact;
        Lines told;
    };
    for (const Row& row :
         {Row{link("eth0", false), {"Netlink reports eth0 down", "(VI_1) entering FAULT state (interface eth0 down)"}},
          Row{link("eth0", false, {}, 0),
              {"Interface eth0 deleted", "(VI_1) entering FAULT state (interface eth0 does not exist)"}},
          Row{InterfaceFact{.name = "eth0", .renamed = std::string{"lan0"}},
              {"Interface name has changed from eth0 to lan0",
               "(VI_1) entering FAULT state (interface eth0 does not exist)"}},
          Row{link("eth0", true, {}), {"(VI_1) entering FAULT state (no IPv4 address for interface)"}}}) {
        Bench bench = Bench::started(instance());
        Lines expected = row.told;
        expected.insert(expected.end(), entering.begin(), entering.end());
        CHECK(lines(bench.router.step(row.fact, t0 + 1s)) == expected);
        CHECK(bench.router.deadline() == std::nullopt);

        (void)bench.router.step(link(), t0 + 2s);
        CHECK(bench.state() == State::Backup);
        CHECK(bench.due() == 5'609'375us);
    }
}

TEST_CASE("state MASTER is no head start for an instance that had to wait for its script") {
    auto c = tracking_script(0);
    c.instances[0].initial_master = true;
    Bench bench = boot(c);
    (void)bench.script("chk", 0, t0 + 1s);
    CHECK(bench.due_of(0) == 4'589'843'750ns);
}

TEST_CASE("dont_track_primary bears a link that is down, not one that is gone") {
    auto c = instance();
    c.dont_track_primary = true;
    Bench bench = Bench::started(c);
    (void)bench.router.step(link("eth0", false), t0 + 1s);
    CHECK(bench.state() == State::Backup);
    (void)bench.router.step(link("eth0", false, {}, 0), t0 + 1s);
    CHECK(bench.state() == State::Fault);
}

TEST_CASE("tracked interfaces and the devices of VIPs must all be up") {
    auto c = instance();
    c.track_interfaces = {{"eth1", 0, false}};
    c.excluded_addresses = {vip("10.8.8.8/32", "eth2")};
    Bench bench{c};
    (void)bench.router.step(link(), t0);
    (void)bench.router.start(t0);
    CHECK(bench.router.snapshot().instances[0].fault == "interface eth2 does not exist, interface eth1 down");
    (void)bench.router.step(link("eth1", true, {}, 3), t0);
    CHECK(bench.state() == State::Fault);
    (void)bench.router.step(link("eth2", true, {}, 4), t0);
    CHECK(bench.state() == State::Backup);
}

TEST_CASE("no_track lets a VIP's device be down") {
    auto c = instance();
    c.excluded_addresses = {vip("10.8.8.8/32", "eth2")};
    c.excluded_addresses[0].no_track = true;
    CHECK(Bench::started(c).state() == State::Backup);
}

TEST_CASE("a VIP is never taken for the source of adverts") {
    Bench bench = Bench::started(instance());
    (void)bench.router.step(link("eth0", true, {ip("10.9.9.9"), ip("10.0.0.7")}), t0);
    const auto advert = std::get<SendAdvert>(bench.tick(t0 + 4s).at(0));
    CHECK(advert.source == ip("10.0.0.7"));
}

TEST_CASE("an owner speaks from its own VIP") {
    Bench bench{instance(255)};
    (void)bench.router.step(link("eth0", true, {ip("10.9.9.9")}), t0);
    CHECK(deeds(bench.router.start(t0)).empty());  // and does not take it off the interface
    CHECK(std::get<SendAdvert>(bench.tick(t0).at(0)).source == ip("10.9.9.9"));
}

TEST_CASE("a unicast instance whose source address this host has not got is in FAULT until it has") {
    // effect: vrrp_instance: unicast_src_ip
    auto c = instance();
    c.source = ip("10.0.0.5");
    c.unicast_peers = {{ip("10.0.0.2")}};
    Bench bench{c};
    (void)bench.router.step(link(), t0);
    (void)bench.router.step(SourceFact{ip("10.0.0.5"), "eth0", false}, t0);
    (void)bench.router.start(t0);
    CHECK(bench.state() == State::Fault);
    CHECK(bench.router.snapshot().instances[0].fault == "source address 10.0.0.5 is not on this host");
    (void)bench.router.step(SourceFact{ip("10.0.0.6"), "eth0", false}, t0 + 1s);
    (void)bench.router.step(SourceFact{ip("10.0.0.6"), "eth0", true}, t0 + 1s);
    CHECK(bench.state() == State::Fault);

    (void)bench.router.step(SourceFact{ip("10.0.0.5"), "eth0", true}, t0 + 1s);

    CHECK(bench.state() == State::Backup);
    CHECK(std::get<SendAdvert>(bench.tick(t0 + 5s).at(0)).source == ip("10.0.0.5"));
}

TEST_CASE("a source address that is missing on one interface is not on another") {
    auto first = instance(), second = instance();
    for (auto* one : {&first, &second}) {
        one->family = Family::V6;
        one->source = ip("fe80::1");
        one->unicast_peers = {{ip("fe80::2")}};
        one->addresses[0].prefix = {ip("2001:db8::9"), 128};
    }
    second.name = "VI_2";
    second.interface = "eth1";
    Bench bench{with({first, second})};
    (void)bench.router.step(link(), t0);
    (void)bench.router.step(link("eth1", true, {ip("fe80::1")}), t0);
    (void)bench.router.step(SourceFact{ip("fe80::1"), "eth0", false}, t0);
    (void)bench.router.step(SourceFact{ip("fe80::1"), "eth1", true}, t0);
    (void)bench.router.start(t0);
    CHECK(bench.router.snapshot().instances[0].fault == "source address fe80::1 is not on this host");
    CHECK(bench.router.snapshot().instances[1].state == State::Backup);
}

TEST_CASE("an interface's own link-local address is its source though it is a virtual one on another interface") {
    auto first = instance(), second = instance();
    for (auto* one : {&first, &second}) one->family = Family::V6;
    first.addresses[0].prefix = {ip("2001:db8::9"), 128};
    second.name = "VI_2";
    second.addresses[0].prefix = {ip("fe80::1"), 128};
    second.addresses[0].dev = "eth1";
    second.excluded_addresses.edit().emplace_back().prefix = {ip("fe80::2"), 128};  // on its interface
    const auto virtuals = virtual_addresses(with({first, second}));
    Links links;
    links.update(link("eth0", true, {ip("fe80::2"), ip("fe80::1")}));
    links.update(link("eth1", true, {ip("fe80::1"), ip("fe80::7")}));
    const auto source_on = [&](const char* interface) {
        first.interface = interface;
        return judge(first, nullptr, links, {}, virtuals).source;
    };
    CHECK(source_on("eth0") == ip("fe80::1"));
    CHECK(source_on("eth1") == ip("fe80::7"));
}

TEST_CASE("a virtual address of more than one link is no source, whichever interface it is on") {
    auto second = instance();
    second.addresses[0].prefix = {ip("10.0.0.77"), 32};
    second.addresses[0].dev = "eth1";
    const auto virtuals = virtual_addresses(with({instance(), second}));
    Links links;
    links.update(link("eth0", true, {ip("10.0.0.77"), ip("10.0.0.7")}));
    CHECK(judge(instance(), nullptr, links, {}, virtuals).source == ip("10.0.0.7"));
}

TEST_CASE("a multicast instance sends from an address that this host has not got") {
    // effect: vrrp_instance: mcast_src_ip
    auto c = instance();
    c.source = ip("10.0.0.5");
    Bench bench{c};
    (void)bench.router.step(link(), t0);
    (void)bench.router.step(SourceFact{ip("10.0.0.5"), "eth0", false}, t0);
    (void)bench.router.start(t0);
    CHECK(bench.state() == State::Backup);
}

TEST_CASE("a reload that changes a script keeps the instance, also with init_fail, until the script's next result") {
    for (const int weight : {0, 20}) {
        CAPTURE(weight);
        auto c = tracking_script(weight);
        c.scripts[0].init_fail = true;
        Bench bench = boot(c);
        (void)bench.script("chk", 0, t0);
        for (Instant now = t0; bench.state() != State::Master && now < t0 + 20s; now += 500ms) (void)bench.tick(now);
        REQUIRE(bench.state() == State::Master);
        const auto priority = priority_of(bench);

        c.scripts[0].command.argv.emplace_back("x");
        (void)bench.router.reload(c, t0 + 30s);
        CHECK(bench.state() == State::Master);
        CHECK(priority_of(bench) == priority);

        (void)bench.script("chk", 1, t0 + 30s);  // the first result decides
        CHECK(bench.state() == (weight == 0 ? State::Fault : State::Master));
        CHECK(priority_of(bench) == priority - weight);
    }
}

TEST_CASE("what a run of the former command says after a reload does not count for the new one") {
    auto c = tracking_script(0);
    Bench bench = boot(c);  // its first run has number 1
    (void)bench.router.step(ScriptDone{"chk", ScriptDone::How::Exited, 0, 1}, t0);
    (void)bench.tick(t0 + 2s);  // the second one is under way
    c.scripts[0].command.argv.emplace_back("x");
    (void)bench.router.reload(c, t0 + 3s);  // and the third
    CHECK(bench.router.step(ScriptDone{"chk", ScriptDone::How::Exited, 1, 2}, t0 + 4s).empty());
    CHECK(bench.state() != State::Fault);
    (void)bench.router.step(ScriptDone{"chk", ScriptDone::How::Exited, 1, 3}, t0 + 5s);
    CHECK(bench.state() == State::Fault);
}

TEST_CASE("an instance that waits for a script's first result waits on when a reload changes its command") {
    auto c = tracking_script(0);
    Bench bench = boot(c);
    REQUIRE(bench.state() == State::Fault);
    c.scripts[0].command.argv.emplace_back("x");
    (void)bench.router.reload(c, t0 + 1s);
    CHECK(bench.state() == State::Fault);
    (void)bench.router.step(ScriptDone{"chk", ScriptDone::How::Exited, 0, 2}, t0 + 2s);
    CHECK(bench.state() == State::Backup);
}

TEST_CASE("an IPv6 address that is still tentative at the start is waited for, and a FAULT by it is not reported") {
    auto c = instance();
    c.family = Family::V6;
    c.version = 3;
    c.addresses = {vip("fe80::9/64")};
    const auto v6_link = [](bool tentative, std::vector<IpAddress> addresses) {
        InterfaceFact fact = link("eth0", true, std::move(addresses));
        fact.tentative = tentative;
        return fact;
    };
    Bench bench{c};
    (void)bench.router.step(v6_link(true, {}), t0);
    CHECK(lines(bench.router.start(t0)) ==
          Lines{"(VI_1) not started yet: waiting while the IPv6 address of eth0 is tentative"});
    CHECK(bench.state() == State::Fault);
    CHECK(bench.router.snapshot().instances[0].fault == "waiting while the IPv6 address of eth0 is tentative");
    SUBCASE("it may be used") {
        CHECK(lines(bench.router.step(v6_link(false, {ip("fe80::1")}), t0 + 1s)) ==
              Lines{"(VI_1) Entering BACKUP STATE (init)", "announce INSTANCE VI_1 BACKUP 100"});
        (void)bench.tick(t0 + 6s);
        REQUIRE(bench.state() == State::Master);
        // What a master loses is told, also if an address is detected anew.
        CHECK(lines(bench.router.step(v6_link(true, {}), t0 + 7s)).back() == "announce INSTANCE VI_1 FAULT 100");
    }
    SUBCASE("another host has it") {
        CHECK(lines(bench.router.step(v6_link(false, {}), t0 + 1s)) ==
              Lines{"(VI_1) entering FAULT state (no IPv6 address for interface)",
                    "warning: (VI_1) Entering FAULT STATE", "announce INSTANCE VI_1 FAULT 100"});
    }
}
