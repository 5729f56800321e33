#include "vrrp/group.hpp"

#include <doctest/doctest.h>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

namespace {

config::Config pair() { return with_group({instance(100, "A"), instance(90, "B", 52, "10.9.9.8/32")}); }

}  // namespace

TEST_CASE("members begin together and the group with them") {
    auto c = pair();
    c.sync_groups[0].smtp_alert = true;
    Bench bench{c};
    (void)bench.router.step(link(), t0);
    CHECK(lines(bench.router.start(t0)) ==
          Lines{"(A) Entering BACKUP STATE (init)", "announce INSTANCE A BACKUP 100",
                "(B) Entering BACKUP STATE (init)", "announce INSTANCE B BACKUP 90",
                "announce GROUP G BACKUP 0 mail: All VRRP group instances are now in BACKUP state"});
}

TEST_CASE("a member whose timer ends waits until all want to be MASTER, then all go at once") {
    Bench bench = Bench::started(pair());

    CHECK(bench.tick(t0 + 3'609'375us).empty());
    CHECK(bench.state(0) == State::Backup);
    CHECK(brief(bench.tick(t0 + 3'648'437'500ns)) ==
          Lines{"VRRP_Group(G) Syncing instances to MASTER state", "0 advert 100 to 224.0.0.18", "0 add announced",
                "0 arp x5 begun", "(A) Entering MASTER STATE", "announce INSTANCE A MASTER 100",
                "1 advert 90 to 224.0.0.18", "1 add announced", "1 arp x5 begun", "(B) Entering MASTER STATE",
                "announce INSTANCE B MASTER 90", "announce GROUP G MASTER 0"});
}

TEST_CASE("a member that hears its master keeps the whole group back") {
    Bench bench = Bench::started(pair());
    Instant now = t0;
    for (int i = 1; i <= 20; ++i) {
        now = t0 + i * 1s;
        (void)bench.hear(peer_b(200), now);
        (void)bench.tick(now);
    }
    CHECK(bench.state(0) == State::Backup);
    CHECK(bench.state(1) == State::Backup);
}

TEST_CASE("a member whose master fell silent while its group is kept back names no master") {
    Bench bench = Bench::started(pair());
    (void)bench.hear(Peer{200}, t0 + 1s);
    CHECK(bench.router.snapshot().instances[0].names_master());
    for (int i = 1; i <= 10; ++i) {
        (void)bench.hear(peer_b(200), t0 + i * 1s);
        (void)bench.tick(t0 + i * 1s);
    }
    CHECK_FALSE(bench.router.snapshot().instances[0].names_master());
    CHECK(bench.router.snapshot().instances[1].names_master());
}

TEST_CASE("a member that changes its mind no longer wants to be MASTER") {
    Bench bench = Bench::started(pair());
    (void)bench.tick(t0 + 3'609'375us);  // A wants
    (void)bench.hear(Peer{200}, t0 + 3'620ms);
    CHECK(bench.tick(t0 + 3'700ms).empty());  // B wants, A follows
    CHECK(bench.state(1) == State::Backup);
}

TEST_CASE("one member that yields pulls all to BACKUP") {
    Bench bench = Bench::master(pair());

    CHECK(brief(bench.hear(peer_b(200), t0 + 9s)) ==
          Lines{"(B) Master received advert from 10.0.0.2 with higher priority 200, ours 90",
                "1 remove 10.9.9.8/32@eth0", "(B) Entering BACKUP STATE", "announce INSTANCE B BACKUP 90",
                "VRRP_Group(G) Syncing instances to BACKUP state", "0 remove 10.9.9.9/32@eth0",
                "(A) Entering BACKUP STATE", "announce INSTANCE A BACKUP 100", "announce GROUP G BACKUP 0"});
}

TEST_CASE("one member's fault is everybody's, until all are fit") {
    auto c = pair();
    c.instances[1].track_interfaces = {{"eth1", 0, false}};
    Bench bench{c};
    (void)bench.router.step(link(), t0);
    (void)bench.router.step(link("eth1", true, {}, 3), t0);
    (void)bench.router.start(t0);
    (void)bench.tick(t0 + 4s);
    REQUIRE(bench.state(0) == State::Master);

    CHECK(brief(bench.router.step(link("eth1", false, {}, 3), t0 + 5s)) ==
          Lines{"Netlink reports eth1 down", "0 advert 0 to 224.0.0.18", "0 advert 0 to 224.0.0.18",
                "0 remove 10.9.9.9/32@eth0", "(A) entering FAULT state (sync group G)",
                "warning: (A) Entering FAULT STATE", "announce INSTANCE A FAULT 100", "1 advert 0 to 224.0.0.18",
                "1 advert 0 to 224.0.0.18", "1 remove 10.9.9.8/32@eth0",
                "(B) entering FAULT state (interface eth1 down)", "warning: (B) Entering FAULT STATE",
                "announce INSTANCE B FAULT 90", "VRRP_Group(G) Syncing instances to FAULT state",
                "announce GROUP G FAULT 0"});
    CHECK(brief(bench.router.step(link("eth1", true, {}, 3), t0 + 6s)) ==
          Lines{"Netlink reports eth1 up", "(A) Entering BACKUP STATE", "announce INSTANCE A BACKUP 100",
                "(B) Entering BACKUP STATE", "announce INSTANCE B BACKUP 90",
                "VRRP_Group(G) Syncing instances to BACKUP state", "announce GROUP G BACKUP 0"});
}

TEST_CASE("the group's own trackers count for every member") {
    auto c = pair();
    c.sync_groups[0].track_interfaces = {{"eth1", -20, false}};
    Bench bench = Bench::started(c);
    CHECK(bench.router.snapshot().instances[0].effective_priority == 80);
    CHECK(bench.router.snapshot().instances[1].effective_priority == 70);
}

TEST_CASE("a group waits for a member's script in silence") {
    auto c = pair();
    config::TrackScript script;
    script.name = "chk";
    c.scripts = {script};
    c.instances[0].track_scripts = {{"chk", 0, false}};
    Bench bench{c};
    (void)bench.router.step(link(), t0);

    CHECK(lines(bench.router.start(t0)) ==
          Lines{"warning: (A) Entering FAULT STATE (init)", "warning: (B) Entering FAULT STATE (init)", "run chk"});
    CHECK(bench.router.snapshot().groups[0].state == State::Init);
    CHECK(lines(bench.script("chk", 0, t0 + 100ms)).back() == "announce GROUP G BACKUP 0");
}

TEST_CASE("a rival of one member is answered for all of them") {
    Bench bench = Bench::master(pair());
    CHECK(deeds(bench.hear(peer_b(10), t0 + 9s)) ==
          Lines{"1 advert 90 to 224.0.0.18", "1 arp x5", "0 advert 100 to 224.0.0.18", "0 arp x5"});
}

TEST_CASE("state MASTER is no head start inside a group") {
    auto c = pair();
    c.instances[0].initial_master = true;
    CHECK(Bench::started(c).due_of(0) == 3'609'375us);
}

TEST_CASE("a stopping group is reported after its members") {
    Bench bench = Bench::master(pair());
    const Lines told = brief(bench.router.step(Shutdown{}, t0 + 9s));
    REQUIRE(told.size() == 7);
    CHECK(told.at(4) == "announce INSTANCE A STOP 100");
    CHECK(told.at(6) == "announce GROUP G STOP 0");
}

TEST_CASE("a restarted group that was master stays master, and is not reported again") {
    Bench dead = Bench::master(pair());
    Bench bench{dead.router.config()};
    (void)bench.router.step(link(), t0 + 4s);
    const RouterSnapshot previous = dead.router.snapshot();
    CHECK(lines(bench.router.start(t0 + 4s, &previous)) == Lines{"0 add", "1 add"});
    CHECK(bench.router.snapshot().groups[0].state == State::Master);
}

TEST_CASE("a reborn group steps back as one when one of its members was silent too long") {
    auto c = pair();
    for (auto& instance : c.instances) instance.nopreempt = true;
    Bench dead = Bench::master(c);
    (void)dead.hear(Peer{0},
                    dead.taken_at + 500ms);  // the first member answers: its next advert is due half a second later
    const RouterSnapshot previous = dead.router.snapshot();
    const Instant late = previous.instances[1].deadline + 2100ms;  // three intervals and a bit for the second alone
    Bench bench{c};
    (void)bench.router.step(link(), late);
    (void)bench.router.start(late, &previous);

    CHECK(bench.state(0) == State::Backup);
    CHECK(bench.state(1) == State::Backup);
}
