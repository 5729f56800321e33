// Decisions that hang on keywords which only the store of the model holds.
#include "mainstay/vrrp/settings.hpp"

#include <doctest/doctest.h>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

namespace {

config::Instance unicast(std::uint8_t version = 3) {
    auto c = instance();
    c.version = version;
    c.source = ip("10.0.0.1");
    c.unicast_peers = {{.address = ip("10.0.0.2")}, {.address = ip("10.0.0.3")}};
    return c;
}
Peer unicast_peer(std::uint8_t priority = 150) {
    Peer peer{priority};
    peer.v3(1s).destination = ip("10.0.0.1");
    return peer;
}
config::Config with_global(config::Instance c, config::KeywordValues values) {
    config::Config config = with({std::move(c)});
    config.global.more.edit().values = std::move(values);
    return config;
}

}  // namespace

TEST_CASE("check_unicast_src lets only peers be heard, also as the global default") {
    // effect: vrrp_instance: check_unicast_src
    // effect: global_defs: vrrp_check_unicast_src
    for (const bool global : {false, true}) {
        CAPTURE(global);
        auto c = unicast();
        if (!global) c.more.edit().values = {{"check_unicast_src", true}};
        Bench bench = Bench::started(
            with_global(c, global ? config::KeywordValues{{"vrrp_check_unicast_src", true}} : config::KeywordValues{}));

        CHECK(lines(bench.hear(unicast_peer().from("10.0.0.9"), t0 + 1s)) ==
              Lines{"(VI_1) dropped an advert from 10.0.0.9 with TTL 255: not a unicast_peer"});
        CHECK(bench.due() == 3'609'375us);
        CHECK(bench.hear(unicast_peer(), t0 + 2s).empty());
        CHECK(bench.due() == 5'609'375us);
    }
    auto ranged = unicast();
    ranged.unicast_peers.front().min_ttl = 254;
    Bench near = Bench::started(ranged);
    auto far = unicast_peer();
    far.ttl = 60;
    CHECK(lines(near.hear(far, t0 + 1s)) ==
          Lines{"(VI_1) dropped an advert from 10.0.0.2 with TTL 60: this unicast_peer's is from 254 to 255"});
    CHECK(lines(near.hear(unicast_peer().from("10.0.0.9"), t0 + 1s)) ==
          Lines{"(VI_1) dropped an advert from 10.0.0.9 with TTL 255: not a unicast_peer"});
    Bench open = Bench::started(unicast());
    CHECK(open.hear(unicast_peer().from("10.0.0.9"), t0 + 1s).empty());
    CHECK(open.due() == 4'609'375us);
}

TEST_CASE("an address owner with owner_ignore_adverts does not yield to anybody") {
    // effect: vrrp_instance: owner_ignore_adverts
    // effect: global_defs: vrrp_owner_ignore_adverts
    const auto rules_on = [](config::KeywordValues own, config::KeywordValues global, bool strict) {
        auto c = instance(255);
        c.initial_master = true;
        c.strict = strict;
        c.more.edit().values = std::move(own);
        Bench bench = Bench::master(with_global(c, std::move(global)));
        (void)bench.hear(Peer{255}, bench.taken_at + 100ms);  // from the higher address
        return bench.state() == State::Master;
    };
    CHECK_FALSE(rules_on({}, {}, false));
    CHECK(rules_on({{"owner_ignore_adverts", true}}, {}, false));
    CHECK(rules_on({{"owner_ignore_adverts", false}}, {}, false));  // keepalived: no choice for an owner
    CHECK(rules_on({}, {{"vrrp_owner_ignore_adverts", true}}, false));
    CHECK(rules_on({}, {}, true));
}

TEST_CASE("unicast_ttl is the TTL of unicast adverts; without it IPv6 takes the kernel's hop limit") {
    // effect: vrrp_instance: unicast_ttl
    auto c = unicast();
    Bench plain = Bench::started(c);
    const auto first = plain.tick(t0 + 4s);
    CHECK(advert_in(first).ttl == 255);
    CHECK_FALSE(advert_in(first).system_hop_limit);

    c.more.edit().values = {{"unicast_ttl", std::int64_t{7}}};
    CHECK(advert_in(Bench::started(c).tick(t0 + 4s)).ttl == 7);

    auto v6 = instance(100, "VI_6", 51, "2001:db8::9/64");
    v6.version = 3;
    v6.family = Family::V6;
    v6.source = ip("2001:db8::1");
    v6.unicast_peers = {{.address = ip("2001:db8::2")}};
    CHECK(advert_in(Bench::started(v6).tick(t0 + 4s)).system_hop_limit);
    v6.more.edit().values = {{"unicast_ttl", std::int64_t{3}}};
    Bench limited = Bench::started(v6);
    const auto sent = limited.tick(t0 + 4s);
    CHECK(advert_in(sent).ttl == 3);
    CHECK_FALSE(advert_in(sent).system_hop_limit);
}

TEST_CASE("a peer with the unicast checksum of keepalived before 1.3.6 is believed and answered alike, for good") {
    // effect: vrrp_instance: old_unicast_checksum
    Peer old = unicast_peer();
    const auto hear_old = [&](Bench& bench, Instant now) {
        const auto bytes = wire::encode_vrrp(old.packet, old.source, ip("224.0.0.18"));
        return bench.router.step(PacketHeard{"eth0", old.source, ip("10.0.0.1"), 255, bytes}, now);
    };
    Bench bench = Bench::started(unicast());
    CHECK(lines(hear_old(bench, t0 + 1s)) == Lines{"(VI_1) Setting unicast VRRPv3 checksum to old version"});
    CHECK(bench.due() == 4'609'375us);
    CHECK(hear_old(bench, t0 + 2s).empty());
    const auto sent = bench.tick(t0 + 10s);
    CHECK(wire::vrrp_checksum_right(advert_in(sent).payloads[0], ip("10.0.0.1"), ip("224.0.0.18")));
    CHECK_FALSE(wire::vrrp_checksum_right(advert_in(sent).payloads[0], ip("10.0.0.1"), ip("10.0.0.2")));

    auto never = unicast();
    never.more.edit().values = {{"old_unicast_checksum", config::WordList{"never"}}};
    Bench strict = Bench::started(never);
    CHECK(lines(hear_old(strict, t0 + 1s)) == Lines{"(VI_1) received a packet with a wrong checksum from 10.0.0.2"});
    CHECK(strict.counters().checksum_err == 1);

    auto always = unicast();
    always.more.edit().values = {{"old_unicast_checksum", config::WordList{}}};
    Bench from_start = Bench::started(always);
    const auto first = from_start.tick(t0 + 4s);
    CHECK(wire::vrrp_checksum_right(advert_in(first).payloads[1], ip("10.0.0.1"), ip("224.0.0.18")));
    (void)from_start.router.reload(with({unicast()}), t0 + 5s);  // without it again
    const auto later = from_start.tick(t0 + 6s);
    CHECK(wire::vrrp_checksum_right(advert_in(later).payloads[0], ip("10.0.0.1"), ip("10.0.0.2")));
}

TEST_CASE("v3_checksum_as_v2 leaves the pseudo header out and believes any checksum") {
    // effect: vrrp_instance: v3_checksum_as_v2
    // effect: global_defs: v3_checksum_as_v2
    for (const bool global : {false, true}) {
        CAPTURE(global);
        auto c = instance();
        c.version = 3;
        if (!global) c.more.edit().values = {{"v3_checksum_as_v2", true}};
        Bench bench = Bench::started(
            with_global(c, global ? config::KeywordValues{{"v3_checksum_as_v2", true}} : config::KeywordValues{}));
        auto bytes = Peer{150}.v3(1s).bytes();
        bytes[6] ^= std::byte{0x55};
        (void)bench.router.step(PacketHeard{"eth0", ip("10.0.0.2"), ip("224.0.0.18"), 255, bytes}, t0 + 1s);
        CHECK(bench.due() == 4'609'375us);

        const auto sent = bench.tick(t0 + 10s);
        // 31 33 64 01 00 64 | checksum | 0a 09 09 09: the sum of these words alone
        CHECK(advert_in(sent).payloads[0][6] == std::byte{0x57});
        CHECK(advert_in(sent).payloads[0][7] == std::byte{0x55});
    }
}

TEST_CASE("unicast_fault_no_peer keeps an instance without peers in FAULT, where it would go to multicast") {
    // effect: vrrp_instance: unicast_fault_no_peer
    auto c = instance();
    c.more.edit().values = {{"unicast_fault_no_peer", true}};
    Bench bench{c};
    (void)bench.router.step(link(), t0);
    CHECK(lines(bench.router.start(t0))[0] == "(VI_1) entering FAULT state (no unicast peer)");
    CHECK(bench.state() == State::Fault);

    c.unicast_peers = {{.address = ip("10.0.0.2")}};
    CHECK(Bench::started(c).state() == State::Backup);
}

TEST_CASE("a nopreempt master that was held up for longer than timer_expired_backup allows steps back") {
    // effect: vrrp_instance: timer_expired_backup thread_timer_expired
    auto c = instance();
    c.nopreempt = true;
    c.more.edit().values = {{"timer_expired_backup", std::int64_t{254}}};
    // A backup of priority 254 takes over 3.0078125 s after the last advert: 2.0078125 s after the next one was due.
    Bench bench = Bench::master(c);
    (void)bench.tick(bench.taken_at + 3'007'000us);
    CHECK(bench.state() == State::Master);

    Bench late = Bench::master(c);
    CHECK(lines(late.tick(late.taken_at + 3'507'812us)) ==
          Lines{"VRRP thread timer expired 2.507812 seconds ago",
                "(VI_1) another router may be master by now, which nopreempt respects", "0 remove 10.9.9.9/32@eth0",
                "debug: (VI_1) removing VIPs.", "(VI_1) Entering BACKUP STATE", "announce INSTANCE VI_1 BACKUP 100"});
    auto old_name = c;
    old_name.more.edit().values = {{"thread_timer_expired", std::int64_t{254}}};
    Bench renamed = Bench::master(old_name);
    (void)renamed.tick(renamed.taken_at + 3'507'812us);
    CHECK(renamed.state() == State::Backup);
    CHECK(late.due_of(0) == late.taken_at + 3'507'812us + 3'609'375us - t0);

    c.nopreempt = false;
    Bench preempts = Bench::master(c);
    (void)preempts.tick(preempts.taken_at + 9s);
    CHECK(preempts.state() == State::Master);
}

TEST_CASE("log_unknown_vrids names each foreign VRID once") {
    // effect: global_defs: log_unknown_vrids
    Bench silent = Bench::started(instance());
    CHECK(silent.hear(Peer{150, 77, "10.9.9.1"}, t0 + 1s).empty());
    Bench bench = Bench::started(with_global(instance(), {{"log_unknown_vrids", true}}));
    CHECK(lines(bench.hear(Peer{150, 77, "10.9.9.1"}, t0 + 1s)) ==
          Lines{"unknown VRID 77 received from 10.0.0.2 on eth0"});
    CHECK(bench.hear(Peer{150, 77, "10.9.9.1"}, t0 + 2s).empty());
    CHECK(lines(bench.hear(Peer{150, 78, "10.9.9.1"}, t0 + 3s)) ==
          Lines{"unknown VRID 78 received from 10.0.0.2 on eth0"});
}

TEST_CASE(
    "adverts of another VRID for an address of ours are named: in the log once, among the problems, as the reason") {
    Bench bench = Bench::started(instance());
    const std::string text = "10.0.0.2 advertises 10.9.9.9 with VRID 77, this router has VRID 51";
    CHECK(lines(bench.hear(Peer{150, 77}, t0 + 1s)) ==
          Lines{"warning: (VI_1) " + text + ": neither hears the other, and both may hold the address"});
    CHECK(bench.hear(Peer{150, 77}, t0 + 2s).empty());
    CHECK(bench.hear(Peer{0, 77}, t0 + 2s).empty());                // it resigns
    CHECK(bench.hear(Peer{150, 78, "10.9.9.1"}, t0 + 2s).empty());  // of others
    Peer routed{150, 77}, elsewhere{150, 77};
    routed.ttl = 254;  // not from this link
    elsewhere.interface = "eth1";
    CHECK(bench.hear(routed, t0 + 2s).empty());
    CHECK(bench.hear(elsewhere, t0 + 2s).empty());
    const auto problems = bench.router.snapshot().instances.at(0).problems;
    REQUIRE(problems.size() == 1);
    CHECK(std::string{problems[0].kind} == "other_vrid");
    CHECK(problems[0].text == text);
    CHECK(problems[0].count == 2);

    (void)bench.tick(bench.router.deadline().value());

    CHECK(bench.state() == State::Master);
    CHECK(bench.router.snapshot().instances.at(0).reason == "no advertisement was accepted: " + text);
}

TEST_CASE("the start is delayed by vrrp_startup_delay, or until vrrp_delay_after_boot is over") {
    // effect: global_defs: vrrp_startup_delay vrrp_delay_after_boot
    config::Config config = with({instance()});
    config.global.vrrp_startup_delay = 2'500'000us;
    Bench bench{config};
    (void)bench.router.step(link(), t0);
    CHECK(lines(bench.router.start(t0))[0] == "Delaying startup for 2.5 seconds");
    CHECK(bench.hear(Peer{200}, t0 + 1s).empty());
    CHECK(lines(bench.tick(t0 + 2'500ms)) == Lines{"Delayed start completed"});
    CHECK(bench.due_of(0) == 6'109'375us);

    // The clock counts from boot: at 1000 s, 10 s are missing.
    config.global.more.edit().values = {{"vrrp_delay_after_boot", Micros{1'010'000'000}}};
    Bench booted{config};
    (void)booted.router.step(link(), t0);
    CHECK(lines(booted.router.start(t0))[0] == "Delaying startup for 10 seconds");
    Bench long_ago{config};
    (void)long_ago.router.step(link(), t0);
    CHECK(lines(long_ago.router.start(t0 + 9s))[0] == "Delaying startup for 2.5 seconds");
}

TEST_CASE("the receive buffer is what the instance says, else what the policy makes of it") {
    using config::WordList;
    config::Global global;
    auto c = instance();
    CHECK(receive_buffer(c, global, 1500) == std::nullopt);
    global.more.edit().values = {{"vrrp_rx_bufs_policy", WordList{"advert"}}};
    CHECK(receive_buffer(c, global, 1500) == 3 * 40);  // 20 bytes of IP, 8 of VRRP, an address, 8 of authentication
    global.more.edit().values = {{"vrrp_rx_bufs_multiplier", std::int64_t{5}},
                                 {"vrrp_rx_bufs_policy", WordList{"ADVERT"}},
                                 {"vrrp_rx_bufs_policy", WordList{"MTU"}}};
    CHECK(receive_buffer(c, global, 1500) == 7'500);
    global.more.edit().values.push_back({"vrrp_rx_bufs_policy", std::int64_t{10'000}});
    CHECK(receive_buffer(c, global, 1500) == 10'000);
    c.more.edit().values = {{"kernel_rx_buf_size", std::int64_t{70'000}}};
    CHECK(receive_buffer(c, global, 1500) == 70'000);
}

TEST_CASE("without an interface, adverts are heard and sent in the vrf, else anywhere") {
    // effect: vrrp_instance: vrf
    auto c = unicast();
    c.interface.clear();
    c.addresses = {vip("10.9.9.9/32", "eth0")};
    c.more.edit().values = {{"vrf", config::WordList{"blue"}}};
    CHECK(advert_device(c) == "blue");
    Bench bench = Bench::started(c);
    Peer peer = unicast_peer();
    peer.interface = "blue";
    (void)bench.hear(peer, t0 + 1s);
    CHECK(bench.due() == 4'609'375us);
    const auto sent = bench.tick(t0 + 10s);
    CHECK(advert_in(sent).interface == "blue");

    c.more.edit().values.clear();
    Bench anywhere = Bench::started(c);
    const auto first = anywhere.tick(t0 + 10s);
    CHECK(advert_in(first).interface.empty());
}

TEST_CASE("a unicast instance that leaves FAULT announces its own address") {
    auto c = unicast();
    Bench bench = Bench::started(c);
    (void)bench.router.step(link("eth0", false), t0 + 1s);
    CHECK(deeds(bench.router.step(link(), t0 + 2s)) == Lines{"announce 10.0.0.1@eth0"});
    auto multicast = Bench::started(instance());
    (void)multicast.router.step(link("eth0", false), t0 + 1s);
    CHECK(deeds(multicast.router.step(link(), t0 + 2s)).empty());
}

TEST_CASE("an instance receives only its own group, even if others share the VRID") {
    // effect: vrrp_instance: mcast_dst_ip
    auto one = instance(100, "VI_1"), two = instance(100, "VI_2", 51, "10.9.9.10/32");
    two.multicast_group = ip("224.0.0.99");
    Bench bench = Bench::started(with({two, one}));
    Peer peer{150};
    CHECK(bench.hear(peer, t0 + 1s).empty());
    CHECK(bench.due_of(1) == 4'609'375us);
    CHECK(bench.due_of(0) == 3'609'375us);
    peer = Peer{150, 51, "10.9.9.10"};
    peer.destination = ip("224.0.0.99");
    (void)bench.hear(peer, t0 + 2s);
    CHECK(bench.due_of(0) == 5'609'375us);
    (void)bench.tick(t0 + 5s);
    CHECK(deeds(bench.tick(t0 + 5'609'375us)) ==
          Lines{"0 advert 100 to 224.0.0.99", "0 add announced", "0 arp x5 begun"});
}
