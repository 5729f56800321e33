#include "mainstay/vrrp/instance.hpp"

#include <doctest/doctest.h>

#include "bench.hpp"
#include "vrrp/timers.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

TEST_CASE("what was set again with its interface does not wait to be put back: the next loss is answered at once") {
    Bench bench = Bench::master(instance());
    const auto address = *Prefix::parse("10.9.9.9/32");
    const Instant now = bench.taken_at + 100ms;
    (void)bench.router.step(AddressLost{"eth0", address}, now);
    (void)bench.router.step(RestoreFailed{0, "eth0", address}, now);  // tried again in a second
    (void)bench.router.step(link("eth0", true, {ip("10.0.0.1")}, 12), now + 10ms);

    CHECK(deeds(bench.router.step(AddressLost{"eth0", address}, now + 20ms)) ==
          Lines{"0 restore 10.9.9.9/32@eth0", "0 arp x1"});
}

TEST_CASE("skew and master-down times are those of the RFCs") {
    struct Row {
        std::uint8_t version, priority;
        Micros interval;
        Nanos skew, down;
    };
    const Row rows[] = {
        {2, 100, 1s, 609'375us, 3'609'375us},        {2, 255, 1s, 3'906'250ns, 3'003'906'250ns},
        {2, 254, 5s, 7'812'500ns, 15'007'812'500ns}, {2, 1, 1s, 996'093'750ns, 3'996'093'750ns},
        {3, 100, 1s, 609'375us, 3'609'375us},        {3, 100, 10ms, 6'093'750ns, 36'093'750ns},
        {3, 101, 10ms, 6'054'687ns, 36'054'687ns},   {3, 255, 40'950ms, 159'960'937ns, 123'009'960'937ns},
    };
    for (const Row& row : rows) {
        CAPTURE(int{row.version});
        CAPTURE(int{row.priority});
        CHECK(skew_time(row.version, row.priority, row.interval) == row.skew);
        CHECK(master_down_time(row.version, row.priority, row.interval, 3) == row.down);
    }
}

TEST_CASE("an instance starts as BACKUP and says so") {
    Bench bench{instance()};
    (void)bench.router.step(link(), t0);

    CHECK(lines(bench.router.start(t0)) ==
          Lines{"(VI_1) Entering BACKUP STATE (init)", "announce INSTANCE VI_1 BACKUP 100"});
    CHECK(bench.due() == 3'609'375us);
}

TEST_CASE("at a takeover the advert is sent first, then addresses and ARPs, and only then events") {
    Bench bench = Bench::started(instance());

    CHECK(lines(bench.tick(t0 + 3'609'375us)) == Lines{"0 advert 100 to 224.0.0.18", "0 add announced",
                                                       "0 arp x5 begun", "debug: (VI_1) Receive advertisement timeout",
                                                       "(VI_1) Entering MASTER STATE", "debug: (VI_1) setting VIPs.",
                                                       "announce INSTANCE VI_1 MASTER 100"});
    CHECK(bench.state() == State::Master);
    CHECK(bench.due() == 4'609'375us);
}

TEST_CASE("the master is silent from when its advert arrived, not from when it was read; a long wait counts in part") {
    const auto due_after = [](Nanos waited, Bench bench) {
        const auto bytes = Peer{200}.bytes();
        (void)bench.router.step(PacketHeard{.interface = "eth0",
                                            .source = ip("10.0.0.2"),
                                            .destination = ip("224.0.0.18"),
                                            .ttl = 255,
                                            .payload = bytes,
                                            .waited = waited},
                                t0 + 1s);
        return bench.due() - 1s;
    };

    CHECK(due_after(0ns, Bench::started(instance())) == 3'609'375us);
    CHECK(due_after(120us, Bench::started(instance())) == 3'609'255us);
    CHECK(due_after(100ms, Bench::started(instance())) == 3'509'375us);
    CHECK(due_after(900ms, Bench::started(instance())) == 3'509'375us);  // perhaps paused: not to be hasty
    CHECK(due_after(-5s, Bench::started(instance())) == 3'609'375us);    // somebody set the clock
}

TEST_CASE("a deadline reached early or twice changes nothing") {
    Bench bench = Bench::started(instance());

    CHECK(bench.tick(t0 + 3'609'374us).empty());
    CHECK(bench.state() == State::Backup);
    (void)bench.hear(Peer{200}, t0 + 3'600ms);
    CHECK(bench.tick(t0 + 3'609'375us).empty());
    CHECK(bench.state() == State::Backup);
}

TEST_CASE("state MASTER shortens the first election to one interval and the smallest skew") {
    auto c = instance(105);
    c.initial_master = true;
    CHECK(Bench::started(c).due() == 1'003'906'250ns);

    c.version = 3;
    c.advert_int = 100ms;
    CHECK(Bench::started(c).due() == 100'390'625ns);
}

TEST_CASE("an address owner takes over at once") {
    auto c = instance(255);
    c.initial_master = true;
    CHECK(Bench::started(c).due() == 0s);
}

TEST_CASE("adverts are due on a fixed grid, however late they went out") {
    Bench bench = Bench::master(instance());
    const Instant first = bench.taken_at;

    CHECK(deeds(bench.tick(first + 1'050ms)) == Lines{"0 advert 100 to 224.0.0.18"});
    CHECK(bench.due_of(0) == first + 2s - t0);
    CHECK(bench.counters().deadlines_late == 0);

    (void)bench.tick(first + 2'200ms);
    CHECK(bench.due_of(0) == first + 3s - t0);
    CHECK(bench.counters().deadlines_late == 1);
    CHECK(bench.counters().adverts_skipped == 0);
}

TEST_CASE("the lateness of each advert is counted, also across a crash") {
    Bench bench = Bench::master(instance());
    const Instant first = bench.taken_at;
    (void)bench.tick(first + 1s);
    (void)bench.tick(first + 2'001ms);
    (void)bench.tick(first + 5'500ms);  // due at 3 s

    const auto before = bench.router.snapshot();
    AdvertLateness expected;
    for (const auto late : {Micros{0}, Micros{1'000}, Micros{2'500'000}}) expected.record(late);
    CHECK(before.advert_lateness == expected);
    CHECK(before.advert_lateness.counts.back() == 1);

    Router next{with({instance()})};
    (void)next.step(link("eth0"), first + 6s);
    (void)next.start(first + 6s, &before);
    CHECK(next.snapshot().advert_lateness == expected);
}

TEST_CASE("slots missed in a pause are skipped and counted, not sent in a burst") {
    Bench bench = Bench::master(instance());
    const Instant first = bench.taken_at;

    CHECK(deeds(bench.tick(first + 4'500ms)) == Lines{"0 advert 100 to 224.0.0.18"});
    CHECK(bench.due_of(0) == first + 5s - t0);
    CHECK(bench.counters().adverts_skipped == 3);
}

TEST_CASE("ARPs are repeated after garp_master_delay and refreshed from then on") {
    auto c = instance();
    c.garp_master_repeat = 2;
    c.garp_master_refresh = 10s;
    c.garp_master_refresh_repeat = 1;
    Bench bench = Bench::master(c);
    const auto arps_at = [&](Nanos after) {
        Lines all = deeds(bench.tick(bench.taken_at + after));
        std::erase_if(all, [](const std::string& line) { return line.find("arp") == std::string::npos; });
        return all;
    };

    CHECK(arps_at(4'999ms).empty());
    CHECK(arps_at(5s) == Lines{"0 arp x2"});
    CHECK(arps_at(14'999ms).empty());
    CHECK(arps_at(15s) == Lines{"0 arp x1"});
    CHECK(arps_at(24'999ms).empty());
    CHECK(arps_at(25s) == Lines{"0 arp x1"});
}

TEST_CASE("a backup that hears its master waits the whole master-down time again") {
    Bench bench = Bench::started(instance());

    CHECK(bench.hear(Peer{150}, t0 + 1s).empty());
    CHECK(bench.due() == 4'609'375us);
    CHECK(bench.router.snapshot().instances[0].master == ip("10.0.0.2"));
    CHECK(bench.router.snapshot().instances[0].master_priority == 150);
    CHECK(bench.counters().advert_rcvd == 1);
}

TEST_CASE("a backup that hears a resigning master waits only the skew time") {
    Bench bench = Bench::started(instance());

    CHECK(lines(bench.hear(Peer{0}, t0 + 400ms)) == Lines{"debug: (VI_1) Backup received priority 0 advertisement"});
    CHECK(bench.due() == 1'009'375us);
    CHECK(bench.counters().pri_zero_rcvd == 1);
}

TEST_CASE("a better backup ignores a lower master, says so once, and takes over when its timer ends") {
    Bench bench = Bench::started(instance(150));

    CHECK(lines(bench.hear(Peer{100}, t0 + 1s)) ==
          Lines{"(VI_1) received lower priority (100) advert from 10.0.0.2 - discarding"});
    CHECK(bench.hear(Peer{100}, t0 + 2s).empty());
    CHECK(bench.due() == 3'414'062'500ns);
}

TEST_CASE("an equal priority counts as a master for a backup, whichever address is higher") {
    Bench bench = Bench::started(instance());
    (void)bench.hear(Peer{100}.from("10.0.0.0"), t0 + 1s);
    CHECK(bench.due() == 4'609'375us);
}

TEST_CASE("with nopreempt any master will do") {
    auto c = instance(150);
    c.nopreempt = true;
    Bench bench = Bench::started(c);
    CHECK(bench.hear(Peer{10}, t0 + 1s).empty());
    CHECK(bench.due() == 4'414'062'500ns);
}

TEST_CASE("preempt_delay lets a lower master be for a while, but not silence") {
    auto c = instance(150);
    c.preempt_delay = 10s;
    Bench bench = Bench::started(c);

    CHECK(lines(bench.hear(Peer{100}, t0 + 1s)) == Lines{"debug: (VI_1) preempting 10.0.0.2 only after 10 s"});
    CHECK(bench.due() == 4'414'062'500ns);
    (void)bench.hear(Peer{100}, t0 + 10'999ms);
    CHECK(bench.due() == 14'413'062'500ns);
    (void)bench.hear(Peer{100}, t0 + 11s);
    CHECK(bench.due() == 14'413'062'500ns);

    SUBCASE("an equal or higher master cancels it") {
        (void)bench.hear(Peer{150}, t0 + 12s);
        (void)bench.hear(Peer{100}, t0 + 13s);
        CHECK(bench.due() == 16'414'062'500ns);
    }
}

TEST_CASE("a reload that changes preempt_delay begins a wait that is under way again") {
    auto c = instance(150);
    c.preempt_delay = 900s;
    Bench bench = Bench::started(c);
    (void)bench.hear(Peer{100}, t0 + 1s);
    c.preempt_delay = 2s;
    (void)bench.router.reload(with({c}), t0 + 2s);
    CHECK(lines(bench.hear(Peer{100}, t0 + 3s)) == Lines{"debug: (VI_1) preempting 10.0.0.2 only after 2 s"});
    (void)bench.hear(Peer{100}, t0 + 4s);
    CHECK(bench.due() == 7'414'062'500ns);
    (void)bench.hear(Peer{100}, t0 + 5s);
    CHECK(bench.due() == 7'414'062'500ns);
}

TEST_CASE("a master yields to a higher priority without sending a packet") {
    Bench bench = Bench::master(instance());

    CHECK(lines(bench.hear(Peer{101}, t0 + 10s)) ==
          Lines{"(VI_1) Master received advert from 10.0.0.2 with higher priority 101, ours 100",
                "0 remove 10.9.9.9/32@eth0", "debug: (VI_1) removing VIPs.", "(VI_1) Entering BACKUP STATE",
                "announce INSTANCE VI_1 BACKUP 100"});
    CHECK(bench.due() == 13'609'375us);
    CHECK(bench.counters().release_master == 1);
}

TEST_CASE("among equals the higher address stays master") {
    struct Row {
        const char* peer;
        State expected;
    };
    for (const Row& row :
         {Row{"10.0.0.2", State::Backup}, Row{"9.255.255.255", State::Master}, Row{"10.0.0.1", State::Master}}) {
        CAPTURE(row.peer);
        Bench bench = Bench::master(instance());
        (void)bench.hear(Peer{100}.from(row.peer), t0 + 5s);
        CHECK(bench.state() == row.expected);
    }
}

TEST_CASE("a router that is told to send adverts to itself says so") {
    auto c = instance();
    c.source = ip("10.0.0.1");
    c.unicast_peers = {{ip("10.0.0.2")}, {ip("10.0.0.1")}};
    Bench bench = Bench::master(c);
    Peer itself{100};
    itself.from("10.0.0.1").destination = ip("10.0.0.1");
    CHECK(lines(bench.hear(itself, bench.taken_at + 100ms)) ==
          Lines{"warning: (VI_1) received an advert from our own address 10.0.0.1: it is among our unicast_peer"});
    CHECK(bench.router.snapshot().instances[0].problems.empty());  // it is the only master
}

TEST_CASE("our own address in another router's advert is logged once and not answered") {
    Bench bench = Bench::master(instance());

    CHECK(lines(bench.hear(Peer{100}.from("10.0.0.1"), t0 + 5s)) ==
          Lines{"warning: (VI_1) received an advert from our own address 10.0.0.1: does another host have it?"});
    CHECK(bench.hear(Peer{100}.from("10.0.0.1"), t0 + 6s).empty());
}

TEST_CASE("a rival of lower priority is answered by an advert and ARPs, now and again later") {
    auto c = instance(150);
    c.garp_lower_prio_repeat = 3;
    c.garp_lower_prio_delay = 2s;
    Bench bench = Bench::master(c);
    const Instant now = bench.taken_at + 20'500ms;
    (void)bench.tick(bench.taken_at + 20s);

    CHECK(lines(bench.hear(Peer{100}, now)) ==
          Lines{"warning: (VI_1) two masters: 10.0.0.2 is MASTER, too, with priority 100: it does not receive our "
                "adverts, or refuses them",
                "(VI_1) Received advert from 10.0.0.2 with lower priority 100, ours 150, forcing new election",
                "0 advert 150 to 224.0.0.18", "0 arp x3", "announce INSTANCE VI_1 MASTER_RX_LOWER_PRI 150"});
    CHECK(bench.due_of(0) == bench.taken_at + 21s - t0);
    CHECK(bench.counters().rival_masters == 1);
    CHECK(deeds(bench.tick(now + 2s)) == Lines{"0 advert 150 to 224.0.0.18", "0 arp x3"});
}

TEST_CASE("two masters are one warning, and another one when the rival comes back") {
    Bench bench = Bench::master(instance(150));
    std::size_t warnings = 0;
    const auto hear = [&](Nanos at) {
        const auto now = lines(bench.hear(Peer{100}, t0 + at));
        warnings += static_cast<std::size_t>(std::ranges::count_if(
            now, [](const std::string& line) { return line.starts_with("warning: (VI_1) two masters"); }));
    };
    for (const Nanos at : {10s, 11s, 12s, 15s}) hear(at);
    CHECK(warnings == 1);

    hear(60s);
    hear(61s);
    CHECK(warnings == 2);
}

TEST_CASE("lower_prio_no_advert leaves the advert out") {
    auto c = instance(150);
    c.lower_prio_no_advert = true;
    Bench bench = Bench::master(c);
    const auto heard = bench.hear(Peer{100}, t0 + 5s);
    CHECK(deeds(heard) == Lines{"0 arp x5"});
    CHECK(lines(heard).at(1) == "(VI_1) Received advert from 10.0.0.2 with lower priority 100, ours 150");
}

TEST_CASE("a flood of rivals is counted but answered only four times an interval") {
    Bench bench = Bench::master(instance(150));
    std::size_t answers = 0;

    for (int i = 0; i < 100; ++i) answers += deeds(bench.hear(Peer{100}, t0 + 10s + i * 1ms)).size();

    CHECK(answers == 8);
    CHECK(bench.counters().rival_masters == 100);
    CHECK(deeds(bench.hear(Peer{100}, t0 + 11s)).size() == 2);
}

TEST_CASE(
    "whoever came after the fourth answer may have reported the clients otherwise: the next advert reports them "
    "again") {
    auto c = instance(150);
    c.garp_lower_prio_repeat = 2;
    c.garp_lower_prio_delay = 3s;
    Bench bench = Bench::master(c);
    const Instant due = bench.taken_at + 6s;
    (void)bench.tick(bench.taken_at + 5s);
    for (int i = 0; i < 4; ++i) (void)bench.hear(Peer{100}, bench.taken_at + 5100ms + i * 1ms);
    CHECK(deeds(bench.hear(Peer{100}, bench.taken_at + 5200ms)).empty());

    CHECK(deeds(bench.tick(due)) == Lines{"0 advert 150 to 224.0.0.18", "0 arp x2"});
    CHECK(deeds(bench.tick(due + 1s)) == Lines{"0 advert 150 to 224.0.0.18"});
    CHECK(deeds(bench.tick(due + 2s)) == Lines{"0 advert 150 to 224.0.0.18"});
    CHECK(deeds(bench.tick(due + 3s)) == Lines{"0 advert 150 to 224.0.0.18", "0 arp x2"});
}

TEST_CASE("a master answers a resigning router with an advert and restarts its interval") {
    Bench bench = Bench::master(instance());
    const Instant now = bench.taken_at + 400ms;

    CHECK(lines(bench.hear(Peer{0}, now)) == Lines{"0 advert 100 to 224.0.0.18"});
    CHECK(bench.due_of(0) == now + 1s - t0);
}

TEST_CASE("a version 3 backup learns the master's interval and forgets it as master") {
    auto c = instance();
    c.version = 3;
    c.advert_int = 100ms;
    Bench bench = Bench::started(c);

    CHECK(brief(bench.hear(Peer{150}.v3(1s), t0 + 100ms)) ==
          Lines{"(VI_1) advertisement interval mismatch with 10.0.0.2 mine=100 milli-sec rcv'd=1000 milli-sec"});
    CHECK(bench.due() == 3'709'375us);
    (void)bench.tick(t0 + 3'709'375us);
    CHECK(bench.state() == State::Master);
    CHECK(bench.due() == 3'809'375us);
}

TEST_CASE("a version 3 advert with interval zero does not make a backup take over at once") {
    auto c = instance();
    c.version = 3;
    Bench bench = Bench::started(c);
    (void)bench.hear(Peer{150}.v3(0s), t0 + 1s);
    CHECK(bench.due() == 4'609'375us);
}

TEST_CASE("unicast adverts go to every peer, each with its own checksum") {
    auto c = instance();
    c.version = 3;
    c.unicast_peers = {{ip("10.0.0.2")}, {ip("10.0.0.3")}};
    Bench bench = Bench::started(c);

    const Intents out = bench.tick(t0 + 3'609'375us);

    const auto& advert = std::get<SendAdvert>(out.at(0));
    CHECK(lines({advert}) == Lines{"0 advert 100 to 10.0.0.2 10.0.0.3"});
    CHECK(wire::vrrp_checksum_right(advert.payloads[0], ip("10.0.0.1"), ip("10.0.0.2")));
    CHECK(wire::vrrp_checksum_right(advert.payloads[1], ip("10.0.0.1"), ip("10.0.0.3")));
    CHECK_FALSE(advert.payloads[0] == advert.payloads[1]);
}

TEST_CASE("an IPv6 instance speaks from its link-local address to ff02::12") {
    auto c = instance(100, "V6", 7, "2001:db8::9/128");
    c.family = Family::V6;
    c.version = 3;
    Bench bench{c};
    (void)bench.router.step(link("eth0", true, {ip("10.0.0.1"), ip("2001:db8::1"), ip("fe80::1")}), t0);
    (void)bench.router.start(t0);

    const auto advert = std::get<SendAdvert>(bench.tick(t0 + 3'609'375us).at(0));

    CHECK(advert.source == ip("fe80::1"));
    CHECK(advert.destinations.at(0) == ip("ff02::12"));
    CHECK(wire::decode_vrrp(advert.payloads.at(0), Family::V6).value().addresses.at(0) == ip("2001:db8::9"));
}

TEST_CASE("an advert has as many addresses as keepalived's over the same MTU") {
    auto c = instance(100, "V6", 7, "2001:db8::1/128");
    c.family = Family::V6;
    c.version = 3;
    for (int i = 2; i <= 120; ++i) c.addresses.push_back(vip(fmt::format("2001:db8::{:x}", i).c_str()));
    Bench bench{c};
    (void)bench.router.step(link("eth0", true, {ip("fe80::1")}), t0);
    (void)bench.router.start(t0);

    const auto advert = std::get<SendAdvert>(bench.tick(t0 + 3'609'375us).at(0));

    CHECK(advert.payloads.at(0).size() == 8 + 89 * 16);
}

TEST_CASE("mails are for changes since the last mail only") {
    auto c = instance();
    c.smtp_alert = true;
    Bench bench{c};
    (void)bench.router.step(link(), t0);
    const auto mails = [](const Intents& out) {
        Lines all = lines(out);
        std::erase_if(all, [](const std::string& line) { return line.find("mail: ") == std::string::npos; });
        return all;
    };

    CHECK(mails(bench.router.start(t0)) ==
          Lines{"announce INSTANCE VI_1 BACKUP 100 mail: VRRP Instance is no longer owning VRRP VIPs"});
    CHECK(mails(bench.tick(t0 + 4s)) ==
          Lines{"announce INSTANCE VI_1 MASTER 100 mail: VRRP Instance is now owning VRRP VIPs"});
}

TEST_CASE("no_email_faults keeps FAULT quiet, and the return to the mailed state too") {
    auto c = with({instance()});
    c.instances[0].smtp_alert = true;
    c.global.no_email_faults = true;
    Bench bench = Bench::started(c);

    CHECK(brief(bench.router.step(link("eth0", false), t0 + 1s)).back() == "announce INSTANCE VI_1 FAULT 100");
    CHECK(brief(bench.router.step(link(), t0 + 2s)).back() == "announce INSTANCE VI_1 BACKUP 100");
}

TEST_CASE("addresses are announced as they are set only where their gratuitous ARP follows") {
    auto c = instance();
    c.garp_master_repeat = 0;
    Bench silent = Bench::started(c);
    CHECK(deeds(silent.tick(silent.router.deadline().value())) == Lines{"0 advert 100 to 224.0.0.18", "0 add"});

    auto refreshing = instance();
    refreshing.garp_master_delay = 1s;
    Bench bench = Bench::started(refreshing);
    const auto taken = bench.router.deadline().value();
    CHECK(deeds(bench.tick(taken)) == Lines{"0 advert 100 to 224.0.0.18", "0 add announced", "0 arp x5 begun"});
    CHECK(deeds(bench.tick(taken + 1s)) == Lines{"0 advert 100 to 224.0.0.18", "0 arp x5"});
}
