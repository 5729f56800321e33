#include "mainstay/vrrp/router.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

TEST_CASE("addresses left over on an interface are removed before anything else") {
    auto c = instance();
    c.addresses.push_back(vip("10.9.9.10/32"));
    c.excluded_addresses = {vip("10.8.8.8/24", "eth1")};
    Bench bench{c};
    (void)bench.router.step(link("eth0", true, {ip("10.0.0.1"), ip("10.9.9.10")}), t0);
    (void)bench.router.step(link("eth1", true, {ip("10.8.8.8")}, 3), t0);

    CHECK(lines(bench.router.start(t0)).at(0) == "0 remove 10.9.9.10/32@eth0 10.8.8.8/24@eth1");
}

TEST_CASE("an interface that does not exist is a FAULT until it appears") {
    Bench bench{instance()};

    CHECK(lines(bench.router.start(t0)) == Lines{"(VI_1) entering FAULT state (interface eth0 does not exist)",
                                                 "warning: (VI_1) Entering FAULT STATE (init)",
                                                 "announce INSTANCE VI_1 FAULT 100"});
    CHECK(lines(bench.router.step(link(), t0 + 60s)) ==
          Lines{"Netlink reports eth0 up", "(VI_1) Entering BACKUP STATE", "announce INSTANCE VI_1 BACKUP 100"});
}

TEST_CASE("a master whose link dies sends no resignation into it, but drops its addresses") {
    Bench bench = Bench::master(instance());

    CHECK(brief(bench.router.step(link("eth0", false), t0 + 10s)) ==
          Lines{"Netlink reports eth0 down", "0 remove 10.9.9.9/32@eth0",
                "(VI_1) entering FAULT state (interface eth0 down)", "warning: (VI_1) Entering FAULT STATE",
                "announce INSTANCE VI_1 FAULT 100"});
    CHECK(bench.hear(Peer{50}, t0 + 11s).empty());
    CHECK(bench.counters().advert_rcvd == 0);
}

TEST_CASE("what goes down together is judged together") {
    auto c = instance();
    c.addresses.push_back(vip("10.8.8.8/24", "eth1"));
    Bench bench{c};
    const auto both = [&](bool up) {
        return HostFacts{.interfaces = {link("eth0", up), link("eth1", up, {ip("10.8.8.1")}, 3)}, .sources = {}};
    };
    (void)bench.router.step(both(true), t0);
    (void)bench.router.start(t0);

    CHECK(lines(bench.router.step(both(false), t0 + 1s)) ==
          Lines{"Netlink reports eth0 down", "Netlink reports eth1 down",
                "(VI_1) entering FAULT state (interface eth0 down)",
                "(VI_1) entering FAULT state (interface eth1 down)", "warning: (VI_1) Entering FAULT STATE",
                "announce INSTANCE VI_1 FAULT 100"});
    CHECK(lines(bench.router.step(both(false), t0 + 2s)).empty());
}

TEST_CASE("an interface that came back as another one gets a master's addresses again") {
    Bench bench = Bench::master(instance());
    CHECK(deeds(bench.router.step(link("eth0", true, {ip("10.0.0.1")}, 9), t0 + 10s)) ==
          Lines{"0 add announced", "0 arp x5 begun"});
}

TEST_CASE("an interface that was gone and has its old index again gets a master's addresses again") {
    Bench bench = Bench::master(instance());
    auto back = link();
    back.appearance = 1;
    CHECK(deeds(bench.router.step(back, t0 + 10s)) == Lines{"0 add announced", "0 arp x5 begun"});
    CHECK(deeds(bench.router.step(back, t0 + 11s)).empty());
}

TEST_CASE("when another interface gets the name of a master's one, its addresses move there") {
    Bench bench = Bench::master(instance());
    auto other = link("eth0", true, {ip("10.0.0.1")}, 9);
    other.renamed = "eth1";
    CHECK(deeds(bench.router.step(other, t0 + 10s)) ==
          Lines{"0 remove 10.9.9.9/32@eth0", "0 add announced", "0 arp x5 begun"});
    // One that the new interface has stays there.
    auto third = link("eth0", true, {ip("10.0.0.1"), ip("10.9.9.9")}, 10);
    third.renamed = "eth1";
    CHECK(deeds(bench.router.step(third, t0 + 11s)) == Lines{"0 add announced", "0 arp x5 begun"});

    Bench backup = Bench::started(instance());
    CHECK(deeds(backup.router.step(other, t0 + 1s)).empty());
}

TEST_CASE("without multicast on its interface an instance is in FAULT, unless it has unicast peers") {
    auto deaf = link();
    deaf.multicast = false;
    Bench bench{instance()};
    (void)bench.router.step(deaf, t0);
    CHECK(lines(bench.router.start(t0)).at(0) ==
          "(VI_1) entering FAULT state (interface eth0 does not support multicast)");
    CHECK(bench.state() == State::Fault);
    (void)bench.router.step(link(), t0 + 1s);
    CHECK(bench.state() == State::Backup);

    auto c = instance();
    c.unicast_peers.push_back({.address = ip("10.0.0.2")});
    Bench unicast{c};
    (void)unicast.router.step(deaf, t0);
    (void)unicast.router.start(t0);
    CHECK(unicast.state() == State::Backup);
}

TEST_CASE("vrrp_startup_delay holds timers and ears back") {
    auto c = with({instance()});
    c.global.vrrp_startup_delay = 2'500ms;
    Bench bench{c};
    (void)bench.router.step(link(), t0);

    CHECK(lines(bench.router.start(t0)).at(0) == "Delaying startup for 2.5 seconds");
    CHECK(bench.due_of(0) == 6'109'375us);
    (void)bench.hear(Peer{200}, t0 + 2s);
    CHECK(bench.counters().advert_rcvd == 0);
    CHECK(bench.due() == 2'500ms);
    CHECK(lines(bench.tick(t0 + 2'500ms)) == Lines{"Delayed start completed"});
    (void)bench.hear(Peer{200}, t0 + 3s);
    CHECK(bench.counters().advert_rcvd == 1);
}

TEST_CASE("at shutdown all instances resign before events are published") {
    Bench bench = Bench::master(with({instance(100), instance(50, "VI_2", 52, "10.9.9.8/32")}));

    CHECK(brief(bench.router.step(Shutdown{}, t0 + 9s)) ==
          Lines{"0 advert 0 to 224.0.0.18", "0 remove 10.9.9.9/32@eth0", "announce INSTANCE VI_1 STOP 100",
                "announce INSTANCE VI_2 STOP 50"});
    CHECK(bench.router.finished());
    CHECK(bench.router.deadline() == std::nullopt);
    CHECK(bench.tick(t0 + 20s).empty());
    CHECK(bench.hear(Peer{1}, t0 + 20s).empty());
}

// ---- addresses removed by others -----------------------------------------------------------------------------------

TEST_CASE("a master restores an address that another program removed") {
    Bench bench = Bench::master(instance());
    const AddressLost lost{"eth0", Prefix::parse("10.9.9.9/32").value()};

    CHECK(lines(bench.router.step(lost, t0 + 9s)) ==
          Lines{"0 restore 10.9.9.9/32@eth0", "0 arp x1",
                "warning: (VI_1) address 10.9.9.9/32 on eth0 was removed by another program: restoring it"});
    CHECK(bench.counters().addresses_restored == 1);
}

TEST_CASE("addresses that are not ours, not held or not tracked stay away") {
    const AddressLost lost{"eth0", Prefix::parse("10.9.9.9/32").value()};
    CHECK(Bench::started(instance()).router.step(lost, t0 + 1s).empty());
    Bench bench = Bench::master(instance());
    CHECK(bench.router.step(AddressLost{"eth0", Prefix::parse("10.9.9.9/24").value()}, t0 + 9s).empty());
    CHECK(bench.router.step(AddressLost{"eth1", lost.address}, t0 + 9s).empty());

    auto c = instance();
    c.addresses[0].no_track = true;
    CHECK(deeds(Bench::master(c).router.step(lost, t0 + 9s)).empty());
}

TEST_CASE("an address that is not tracked stays away until a reload") {
    auto c = instance();
    c.addresses[0].no_track = true;
    Bench bench = Bench::master(c);
    (void)bench.router.step(AddressLost{"eth0", Prefix::parse("10.9.9.9/32").value()}, t0 + 9s);

    (void)bench.router.reload(bench.router.config(), t0 + 10s);

    CHECK(std::ranges::count(deeds(bench.tick(t0 + 10s)), "0 restore 10.9.9.9/32@eth0") == 1);
    (void)bench.router.reload(bench.router.config(), t0 + 11s);
    (void)bench.tick(t0 + 11s);
    CHECK(bench.counters().addresses_restored == 1);
}

TEST_CASE("after five restores in ten seconds the sixth has to wait its turn") {
    Bench bench = Bench::master(instance());
    const AddressLost lost{"eth0", Prefix::parse("10.9.9.9/32").value()};
    const Instant from = t0 + 10s;
    for (int i = 0; i < 5; ++i) CHECK(deeds(bench.router.step(lost, from + i * 1s)).size() == 2);

    CHECK(lines(bench.router.step(lost, from + 5s)) == Lines{"warning: (VI_1) address 10.9.9.9/32 on eth0 was removed "
                                                             "by another program again; it will be restored later"});
    (void)bench.tick(from + 9'999ms);
    CHECK(bench.counters().addresses_restored == 5);
    (void)bench.tick(from + 10s);
    CHECK(bench.counters().addresses_restored == 6);
}

TEST_CASE("a reload that asks for an address again is not the last attempt to put it back") {
    Bench bench = Bench::master(instance());
    const RestoreFailed failed{0, "eth0", Prefix::parse("10.9.9.9/32").value()};
    const auto at = bench.taken_at;
    (void)bench.router.step(AddressLost{failed.interface, failed.address}, at + 100ms);
    (void)bench.router.step(failed, at + 100ms);
    (void)bench.tick(at + 1'100ms);
    (void)bench.router.step(failed, at + 1'100ms);

    (void)bench.router.reload(bench.router.config(), at + 1'200ms);
    (void)bench.tick(at + 1'200ms);
    (void)bench.router.step(failed, at + 1'200ms);

    CHECK(bench.state() == State::Master);
}

TEST_CASE("a master that cannot keep its addresses resigns, with its group") {
    auto config = with_group({instance(100, "A"), instance(100, "B", 52, "10.9.9.8/32")});
    Bench bench = Bench::master(config);
    REQUIRE(bench.state(1) == State::Master);
    const RestoreFailed failed{0, "eth0", Prefix::parse("10.9.9.9/32").value()};
    const auto at = bench.taken_at;

    (void)bench.router.step(AddressLost{failed.interface, failed.address}, at + 100ms);
    (void)bench.router.step(failed, at + 100ms);
    (void)bench.tick(at + 1'100ms);
    (void)bench.router.step(failed, at + 1'100ms);
    CHECK(bench.state(0) == State::Master);
    CHECK(deeds(bench.router.step(failed, at + 2'100ms)) ==
          Lines{"0 advert 0 to 224.0.0.18", "0 remove 10.9.9.9/32@eth0", "1 advert 0 to 224.0.0.18",
                "1 remove 10.9.9.8/32@eth0"});
    CHECK(bench.state(0) == State::Backup);
    CHECK(bench.state(1) == State::Backup);
    CHECK(bench.due() == at + 2'100ms + 3'609'375us - t0);
}

// ---- after a crash
// ---------------------------------------------------------------------------------------------------

namespace {
Bench reborn(const Bench& dead, Instant now, Intents& told, const InterfaceFact& fact = link()) {
    Bench bench{dead.router.config()};
    (void)bench.router.step(fact, now);
    const RouterSnapshot previous = dead.router.snapshot();
    told = bench.router.start(now, &previous);
    return bench;
}
}  // namespace

TEST_CASE("a crashed master resumes as master, and nothing is reported") {
    Bench dead = Bench::master(instance());
    Intents told;

    SUBCASE("its next advert is due when it was due") {
        Bench bench = reborn(dead, dead.taken_at + 300ms, told);
        CHECK(lines(told) == Lines{"0 add"});
        CHECK(bench.state() == State::Master);
        CHECK(bench.due_of(0) == dead.taken_at + 1s - t0);
        CHECK(bench.counters() == dead.counters());
    }
    SUBCASE("an advert that is overdue goes out at once") {
        Bench bench = reborn(dead, dead.taken_at + 1'700ms, told);
        CHECK(bench.due_of(0) == dead.taken_at + 1'700ms - t0);
        CHECK(deeds(bench.tick(dead.taken_at + 1'700ms)) == Lines{"0 advert 100 to 224.0.0.18"});
    }
    SUBCASE("but not when its link died meanwhile") {
        Bench bench = reborn(dead, dead.taken_at + 300ms, told, link("eth0", false));
        CHECK(brief(told).at(0) == "0 remove 10.9.9.9/32@eth0");
        CHECK(bench.state() == State::Fault);
    }
}

TEST_CASE("with nopreempt a master that was silent too long does not come back as one") {
    auto c = instance();
    c.nopreempt = true;
    Bench dead = Bench::master(c);
    Intents told;
    CHECK(reborn(dead, dead.taken_at + 3s, told).state() == State::Master);
    CHECK(reborn(dead, dead.taken_at + 3'001ms, told).state() == State::Backup);
    CHECK(deeds(told) == Lines{"0 remove 10.9.9.9/32@eth0"});
}

TEST_CASE("a crashed backup keeps its deadline while no advert can have been missed") {
    Bench dead = Bench::started(instance());
    (void)dead.hear(Peer{200}, t0 + 2s);
    Intents told;

    Bench soon = reborn(dead, t0 + 2'999ms, told);
    CHECK(told.empty());
    CHECK(soon.due_of(0) == 5'609'375us);
    CHECK(soon.router.snapshot().instances[0].master == ip("10.0.0.2"));

    CHECK(reborn(dead, t0 + 3s, told).due_of(0) == 6'609'375us);
    CHECK(reborn(dead, t0 + 50s, told).due_of(0) == 53'609'375us);
}

// It died between the kernel's answer and its state block: it had become MASTER, and nobody has read of it.
TEST_CASE("a new process removes the addresses that its block knows nothing of") {
    const Bench dead = Bench::started(instance());
    Intents told;

    CHECK(reborn(dead, t0 + 2s, told, link("eth0", true, {ip("10.0.0.1"), ip("10.9.9.9")})).state() == State::Backup);
    CHECK(deeds(told) == Lines{"0 remove 10.9.9.9/32@eth0"});
}

TEST_CASE("script results outlive a crash") {
    auto c = with({instance()});
    config::TrackScript script;
    script.name = "chk";
    c.scripts = {script};
    c.instances[0].track_scripts = {{"chk", 0, false}};
    Bench dead = Bench::started(c);
    (void)dead.script("chk", 0, t0);
    REQUIRE(dead.state() == State::Backup);
    Intents told;

    Bench bench = reborn(dead, t0 + 100ms, told);

    CHECK(lines(told) == Lines{"run chk"});
    CHECK(bench.state() == State::Backup);
}

TEST_CASE("a fault that was reported before the crash is not reported again") {
    Bench dead = Bench::started(instance());
    (void)dead.router.step(link("eth0", false), t0 + 1s);
    Intents told;
    Bench bench = reborn(dead, t0 + 2s, told, link("eth0", false));
    CHECK(told.empty());
    CHECK(bench.state() == State::Fault);
    CHECK(bench.router.snapshot().instances[0].fault == "interface eth0 down");
}

TEST_CASE("what a backup will do at its deadline is seen by stepping a copy, which changes nothing") {
    Bench bench{with({instance()})};
    (void)bench.router.step(link(), t0);
    (void)bench.router.start(t0);
    const auto due = bench.router.deadline();
    REQUIRE(due);
    CHECK(bench.router.takes_over_next());

    auto other = bench.router.copy();
    const auto seen = lines(other.step(DeadlineReached{}, *due));

    CHECK(seen.at(0) == "0 advert 100 to 224.0.0.18");
    CHECK(other.snapshot().instances.at(0).state == State::Master);
    CHECK(bench.router.snapshot().instances.at(0).state == State::Backup);
    CHECK(bench.router.deadline() == due);
    CHECK(lines(bench.router.step(DeadlineReached{}, *due)) == seen);
    CHECK_FALSE(bench.router.takes_over_next());
}

TEST_CASE("a backup's deadline is tight, and of a master's adverts those in short intervals") {
    auto slow = instance();
    auto fast = instance(100, "VI_2", 52, "10.9.9.8/32");
    fast.advert_int = Micros{100'000};
    Bench bench{with({slow, fast})};
    CHECK_FALSE(bench.router.is_tight(t0));
    (void)bench.router.step(link(), t0);
    (void)bench.router.start(t0);
    std::vector<bool> tight;
    for (int i = 0; i < 40; ++i) {
        tight.push_back(bench.router.is_tight(*bench.router.deadline()));
        (void)bench.router.step(DeadlineReached{}, *bench.router.deadline());
    }
    CHECK(tight[0]);
    CHECK(bench.router.snapshot().instances.at(0).state == State::Master);
    CHECK(bench.router.snapshot().instances.at(1).state == State::Master);
    CHECK(std::ranges::count(tight, false) > 0);
    CHECK(std::ranges::count(tight, false) < 5);  // one in ten, once both are master
}
