// Several masters at once: two owners, a healed partition, the last advert of the one who yields.
#include <doctest/doctest.h>

#include <algorithm>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

namespace {

Bench owner() {
    auto c = instance(255);
    c.initial_master = true;
    return Bench::master(c);
}
Peer lower_owner() { return Peer{255}.from("10.0.0.0"); }

}  // namespace

TEST_CASE("of two owners the one with the lower address steps down") {
    Bench bench = owner();
    CHECK(brief(bench.hear(Peer{255}, bench.taken_at + 100ms))[0] ==
          "(VI_1) Master received advert from 10.0.0.2 with same priority 255 but higher IP address than ours");
    CHECK(bench.state() == State::Backup);
    CHECK(bench.router.snapshot().instances[0].effective_priority == 255);
}

TEST_CASE("an owner that hears another one for 3.2 intervals gives way, and is owner again when that is gone") {
    Bench bench = owner();
    const Instant begin = bench.taken_at;
    for (const Nanos after : {Nanos{500ms}, Nanos{1500ms}, Nanos{2500ms}, Nanos{3500ms}}) {
        (void)bench.hear(lower_owner(), begin + after);
        CHECK(bench.state() == State::Master);
        (void)bench.tick(begin + after + 400ms);
    }
    CHECK(brief(bench.hear(lower_owner(), begin + 4'500ms)) ==
          Lines{"warning: (VI_1) 10.0.0.0 is configured as address owner (priority 255), too: reducing our priority to "
                "254",
                "(VI_1) Master received advert from 10.0.0.0 with higher priority 255, ours 254",
                "0 remove 10.9.9.9/32@eth0", "(VI_1) Entering BACKUP STATE", "announce INSTANCE VI_1 BACKUP 254"});
    CHECK(bench.router.snapshot().instances[0].effective_priority == 254);
    CHECK(bench.router.snapshot().instances[0].reduced);

    const Instant gone = t0 + bench.due_of(0);
    CHECK(brief(bench.tick(gone)) ==
          Lines{"(VI_1) the other address owner no longer advertises: our priority is 255 again",
                "0 advert 255 to 224.0.0.18", "0 add announced", "0 arp x5 begun", "(VI_1) Entering MASTER STATE",
                "announce INSTANCE VI_1 MASTER 255"});
}

TEST_CASE("another owner that is heard now and then only is no reason to give way") {
    Bench bench = owner();
    for (int n = 0; n < 20; ++n) {
        (void)bench.hear(lower_owner(), bench.taken_at + 4s * n + 500ms);
        (void)bench.tick(bench.taken_at + 4s * n + 900ms);
    }
    CHECK(bench.state() == State::Master);
    CHECK(bench.router.snapshot().instances[0].effective_priority == 255);
}

TEST_CASE("an owner that gave way stays so over a crash, and until a reload makes it none") {
    Bench bench = owner();
    for (int n = 0; n < 5; ++n) (void)bench.hear(lower_owner(), bench.taken_at + 1s * n);
    REQUIRE(bench.state() == State::Backup);
    const auto left = bench.router.snapshot();
    auto c = instance(255);
    Bench again{c};
    (void)again.router.step(link(), bench.taken_at + 5s);
    (void)again.router.start(bench.taken_at + 5s, &left);
    CHECK(again.router.snapshot().instances[0].effective_priority == 254);
    (void)again.router.reload(with({instance(120)}), bench.taken_at + 6s);
    CHECK(again.router.snapshot().instances[0].effective_priority == 120);
}

TEST_CASE("the loser of a healed partition has a last word, by which the winner announces its addresses again") {
    // effect: vrrp_instance: higher_prio_send_advert
    auto c = instance();
    c.higher_prio_send_advert = true;
    Bench loser = Bench::master(c);
    CHECK(deeds(loser.hear(Peer{150}, loser.taken_at + 500ms)) ==
          Lines{"0 advert 100 to 224.0.0.18", "0 remove 10.9.9.9/32@eth0"});

    Bench winner = Bench::master(instance(150));
    CHECK(deeds(winner.hear(Peer{100}, winner.taken_at + 500ms)) == Lines{"0 advert 150 to 224.0.0.18", "0 arp x5"});
    CHECK(deeds(winner.tick(winner.taken_at + 5'500ms)).back() == "0 arp x5");
}

TEST_CASE("the last word of a master that was just preempted is no rival's: all was announced a moment ago") {
    Bench bench = Bench::started(instance(150));
    (void)bench.hear(Peer{100}, t0 + 3s);
    const Instant taken = t0 + bench.due_of(0);
    (void)bench.tick(taken);
    REQUIRE(bench.state() == State::Master);
    CHECK(bench.hear(Peer{100}, taken + 1ms).empty());
    CHECK(bench.counters().rival_masters == 0);
    // It goes on: it has not heard us.
    CHECK(deeds(bench.hear(Peer{100}, taken + 2ms)) == Lines{"0 advert 150 to 224.0.0.18", "0 arp x5"});

    Bench other = Bench::started(instance(150));
    (void)other.hear(Peer{100}, t0 + 3s);
    (void)other.tick(taken);
    CHECK_FALSE(other.hear(Peer{100}.from("10.0.0.3"), taken + 1ms).empty());  // somebody else is a rival
    Bench late = Bench::started(instance(150));
    (void)late.hear(Peer{100}, t0 + 3s);
    (void)late.tick(taken);
    CHECK_FALSE(late.hear(Peer{100}, taken + 1s).empty());
}

TEST_CASE("what -D says of taking and giving up addresses, and of the last advert") {
    auto c = instance();
    c.excluded_addresses = {vip("10.9.9.10/32")};
    Bench bench = Bench::started(c);
    const Lines taken = lines(bench.tick(t0 + 3'609'375us));
    CHECK(std::ranges::find(taken, "debug: (VI_1) Receive advertisement timeout") != taken.end());
    CHECK(std::ranges::find(taken, "debug: (VI_1) setting VIPs.") != taken.end());
    CHECK(std::ranges::find(taken, "debug: (VI_1) setting E-VIPs.") != taken.end());
    CHECK(lines(bench.router.step(Shutdown{}, t0 + 4s)) ==
          Lines{"0 advert 0 to 224.0.0.18", "debug: (VI_1) sent 0 priority",
                "0 remove 10.9.9.9/32@eth0 10.9.9.10/32@eth0", "debug: (VI_1) removing VIPs.",
                "debug: (VI_1) removing E-VIPs.", "announce INSTANCE VI_1 STOP 100"});
}

TEST_CASE("an owner's addresses that are there at the start stay when it takes them up at once, not when it waits") {
    auto c = instance(255);
    c.initial_master = true;
    const auto started = [&](Micros delay) {
        config::Config config = with({c});
        config.global.vrrp_startup_delay = delay;
        Bench bench{config};
        (void)bench.router.step(link("eth0", true, {ip("10.0.0.1"), ip("10.9.9.9")}), t0);
        return deeds(bench.router.start(t0));
    };
    CHECK(started(0s).empty());
    CHECK(started(5s) == Lines{"0 remove 10.9.9.9/32@eth0"});
}
