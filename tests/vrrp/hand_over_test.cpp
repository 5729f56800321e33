// Hand-overs by an operator, and maintenance.
#include <doctest/doctest.h>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

namespace {

config::Config pair_of_equals() { return with_group({instance(150, "A"), instance(150, "B", 52, "10.9.9.8/32")}); }

constexpr Instant kAsked = t0 + 20s;
// RFC 9568 6.1: the skew of priority 1 is 255/256 s; one interval is added.
constexpr Nanos kWait = 1'996'093'750ns;

Intents ask(Bench& bench, const Fact& fact, Instant now = kAsked) { return bench.router.step(fact, now); }

}  // namespace

TEST_CASE("a master that hands over resigns as at a stop and is BACKUP") {
    Bench bench = Bench::master(instance(150));

    CHECK(brief(ask(bench, FailOver{0})) == Lines{"(VI_1) handing over: waiting at most 1.996 s for another router",
                                                  "0 advert 0 to 224.0.0.18", "0 remove 10.9.9.9/32@eth0",
                                                  "(VI_1) Entering BACKUP STATE", "announce INSTANCE VI_1 BACKUP 150"});
    CHECK(bench.due() == kAsked + kWait - t0);
    CHECK(bench.router.snapshot().instances[0].failed_over);
}

TEST_CASE("the hand-over ends with the first advert of the router that takes over, however low its priority is") {
    Bench bench = Bench::master(instance(150));
    (void)ask(bench, FailOver{0});

    CHECK(lines(bench.hear(Peer{90}, kAsked + 648ms)) ==
          Lines{"(VI_1) handed over: 10.0.0.2 took over after 0.648 s",
                "hand-over of VI_1 taken over by 10.0.0.2 after 648000 us"});
    CHECK(bench.hear(Peer{90}, kAsked + 1'648ms).empty());
    CHECK(bench.due() == kAsked + 1'648ms + 3'414'062'500ns - t0);
}

TEST_CASE(
    "after a hand-over a better priority does not preempt, until the other resigns, is silent, or the operator asks") {
    struct Row {
        const char* what;
        bool resigns, back;
        Nanos takes_over;  // since the last advert
    };
    for (const Row& row :
         {Row{"silence", false, false, 3'414'062'500ns}, Row{"resignation", true, false, 914'062'500ns},
          Row{"the operator", false, true, 3'414'062'500ns}}) {
        CAPTURE(row.what);
        Bench bench = Bench::master(instance(150));
        (void)ask(bench, FailOver{0});
        Instant now = kAsked + 600ms;
        for (int n = 0; n < 10; ++n, now += 1s) (void)bench.hear(Peer{90}, now);
        CHECK(bench.state() == State::Backup);
        const Instant last = now - 1s;
        if (row.resigns) (void)bench.hear(Peer{0}, last + 500ms);
        if (row.back) (void)ask(bench, FailBack{0}, last);
        if (row.back) CHECK(brief(bench.hear(Peer{90}, last + 1s)).size() == 1);  // discarded: it is lower
        CHECK(bench.tick(last + row.takes_over - 1us).empty());
        CHECK_FALSE(bench.tick(last + row.takes_over + 1us).empty());
        CHECK(bench.state() == State::Master);
        CHECK_FALSE(bench.router.snapshot().instances[0].failed_over);
    }
}

TEST_CASE("a master that nobody replaces takes back what it handed over, and says so") {
    Bench bench = Bench::master(instance(150));
    (void)ask(bench, FailOver{0});

    CHECK(bench.tick(kAsked + kWait - 1us).empty());
    CHECK(brief(bench.tick(kAsked + kWait)) ==
          Lines{"0 advert 150 to 224.0.0.18", "0 add announced", "0 arp x5 begun", "(VI_1) Entering MASTER STATE",
                "announce INSTANCE VI_1 MASTER 150", "warning: (VI_1) nobody took over within 1.996 s: MASTER again",
                "hand-over of VI_1 taken back after 1996093 us"});
}

TEST_CASE("the wait for another router follows the version's skew time") {
    auto fast = instance(150);
    fast.version = 3;
    fast.advert_int = 100ms;
    Bench bench = Bench::master(fast);
    (void)ask(bench, FailOver{0});
    CHECK(bench.due() == kAsked + 199'609'375ns - t0);  // 100 ms x 255/256, and an interval

    auto slow = instance(150);
    slow.advert_int = 5s;
    Bench other = Bench::master(slow);
    (void)ask(other, FailOver{0}, t0 + 60s);
    CHECK(other.due() == 60s + 996'093'750ns + 5s);
}

TEST_CASE("a hand-over of an instance that is not MASTER, or that does not exist, does nothing") {
    Bench bench = Bench::started(instance(150));
    CHECK(ask(bench, FailOver{0}, t0 + 1s).empty());
    CHECK(ask(bench, FailOver{7}, t0 + 1s).empty());
    CHECK(ask(bench, FailBack{7}, t0 + 1s).empty());
    CHECK(ask(bench, FailBack{0}, t0 + 1s).empty());
    CHECK_FALSE(bench.router.snapshot().instances[0].failed_over);
}

TEST_CASE("all members of a sync group hand over together") {
    Bench bench = Bench::master(pair_of_equals());

    CHECK(deeds(ask(bench, FailOver{1})) == Lines{"0 advert 0 to 224.0.0.18", "0 remove 10.9.9.9/32@eth0",
                                                  "1 advert 0 to 224.0.0.18", "1 remove 10.9.9.8/32@eth0"});
    CHECK(deeds(bench.hear(Peer{90}, kAsked + 600ms)) ==
          Lines{"hand-over of A taken over by 10.0.0.2 after 600000 us"});
    CHECK(deeds(bench.hear(peer_b(90), kAsked + 601ms)) ==
          Lines{"hand-over of B taken over by 10.0.0.2 after 601000 us"});
    CHECK(bench.router.snapshot().groups[0].state == State::Backup);
}

TEST_CASE("a sync group that nobody replaces is taken back as a whole") {
    Bench bench = Bench::master(pair_of_equals());
    (void)ask(bench, FailOver{0});

    CHECK(deeds(bench.tick(kAsked + kWait)) == Lines{"0 advert 150 to 224.0.0.18", "0 add announced", "0 arp x5 begun",
                                                     "hand-over of A taken back after 1996093 us",
                                                     "1 advert 150 to 224.0.0.18", "1 add announced", "1 arp x5 begun",
                                                     "hand-over of B taken back after 1996093 us"});
}

TEST_CASE("a sync group of which another router took over only a part preempts again") {
    Bench bench = Bench::master(pair_of_equals());
    (void)ask(bench, FailOver{0});
    (void)bench.hear(Peer{90}, kAsked + 600ms);

    CHECK(lines(bench.tick(kAsked + kWait)) ==
          Lines{"warning: (B) nobody took over this instance, but another member of its sync group: preempting as "
                "configured again",
                "hand-over of B incomplete after 1996093 us"});
    (void)bench.hear(Peer{90}, kAsked + 2s);  // lower: discarded
    (void)bench.tick(kAsked + 600ms + 3'414'062'500ns);
    CHECK(bench.state(0) == State::Master);
    CHECK(bench.state(1) == State::Master);
}

TEST_CASE("a fault, a stop and a reload that removes the instance interrupt a hand-over") {
    for (int how = 0; how < 3; ++how) {
        CAPTURE(how);
        Bench bench = Bench::master(instance(150));
        (void)ask(bench, FailOver{0});
        const Instant now = kAsked + 100ms;
        const auto did = how == 0   ? bench.router.step(link("eth0", false), now)
                         : how == 1 ? bench.router.step(Shutdown{}, now)
                                    : bench.router.reload(with({instance(100, "VI_2", 77)}), now);
        const auto all = lines(did);
        CHECK(std::ranges::count(all, "hand-over of VI_1 interrupted after 100000 us") == 1);
    }
}

TEST_CASE("a restarted process still respects the router to which the operator handed over") {
    Bench bench = Bench::master(instance(150));
    (void)ask(bench, FailOver{0});
    (void)bench.hear(Peer{90}, kAsked + 600ms);
    const auto before = bench.router.snapshot();

    Bench next{instance(150)};
    (void)next.router.step(link(), kAsked + 700ms);
    (void)next.router.start(kAsked + 700ms, &before);
    CHECK(next.router.snapshot().instances[0].failed_over);
    for (int n = 1; n < 10; ++n) (void)next.hear(Peer{90}, kAsked + 600ms + n * 1s);
    CHECK(next.state() == State::Backup);
    CHECK(next.due() == kAsked + 9'600ms + 3'414'062'500ns - t0);
}

TEST_CASE("maintenance hands everything over with priority 1") {
    Bench bench = Bench::master(instance(150));

    CHECK(brief(ask(bench, Maintenance{true})) ==
          Lines{"(VI_1) Changing effective priority from 150 to 1",
                "(VI_1) handing over: waiting at most 1.996 s for another router", "0 advert 0 to 224.0.0.18",
                "0 remove 10.9.9.9/32@eth0", "(VI_1) Entering BACKUP STATE", "announce INSTANCE VI_1 BACKUP 1"});
    CHECK(bench.router.maintenance());
    CHECK(ask(bench, Maintenance{true}).empty());
    (void)bench.hear(Peer{2}, kAsked + 900ms);
    CHECK(bench.due() == kAsked + 900ms + 3'996'093'750ns - t0);  // the longest master-down interval
}

TEST_CASE("in maintenance a router that hears nobody is MASTER as the last resort, and yields to everybody") {
    Bench bench = Bench::master(instance(150));
    (void)ask(bench, Maintenance{true});

    const auto alone = brief(bench.tick(kAsked + kWait));
    CHECK(alone.front() == "0 advert 1 to 224.0.0.18");
    CHECK(alone.back() ==
          "warning: (VI_1) no other router is heard: MASTER in maintenance, as the last resort; every other router "
          "preempts it");
    CHECK(deeds(bench.hear(Peer{2}, kAsked + 5s)) == Lines{"0 remove 10.9.9.9/32@eth0"});
    CHECK(bench.state() == State::Backup);
}

TEST_CASE("after maintenance the configured priority counts again") {
    Bench bench = Bench::master(instance(150));
    (void)ask(bench, Maintenance{true});
    (void)bench.hear(Peer{90}, kAsked + 900ms);

    (void)ask(bench, Maintenance{false}, kAsked + 1s);
    CHECK_FALSE(bench.router.snapshot().instances[0].failed_over);
    CHECK(bench.due() == kAsked + 900ms + 3'414'062'500ns - t0);
    (void)bench.hear(Peer{90}, kAsked + 1'900ms);  // lower: discarded
    (void)bench.tick(kAsked + 900ms + 3'414'062'500ns);
    CHECK(bench.state() == State::Master);
}

TEST_CASE("maintenance that is on at the start holds from the beginning, for owners and state MASTER too") {
    auto first = instance(255), second = instance(150, "VI_2", 52, "10.9.9.8/32");
    second.initial_master = true;
    Bench bench{with({first, second})};
    (void)bench.router.step(link("eth0", true, {ip("10.0.0.1"), ip("10.9.9.9")}), t0);
    CHECK(bench.router.step(Maintenance{true}, t0).empty());

    CHECK(deeds(bench.router.start(t0)) == Lines{"0 remove 10.9.9.9/32@eth0"});  // it may not answer yet
    CHECK(bench.due_of(0) == 3'996'093'750ns);
    CHECK(bench.due_of(1) == 3'996'093'750ns);
}

TEST_CASE("an instance that a reload adds during maintenance has priority 1") {
    Bench bench = Bench::started(instance(150));
    (void)ask(bench, Maintenance{true}, t0 + 1s);
    (void)bench.router.reload(with({instance(150), instance(200, "VI_2", 52, "10.9.9.8/32")}), t0 + 2s);
    CHECK(bench.router.snapshot().instances[0].effective_priority == 1);
    CHECK(bench.router.snapshot().instances[1].effective_priority == 1);
}

TEST_CASE("how long a hand-over would wait is known for each instance by its name") {
    const Bench bench = Bench::started(instance(150));
    CHECK(bench.router.hand_over_wait("VI_1") == kWait);
    CHECK(bench.router.hand_over_wait("VI_9") == 0ns);
}
