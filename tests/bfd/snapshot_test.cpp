// What a session says of itself, member by member.
#include <doctest/doctest.h>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::bfd;
using namespace mainstay::bfd::test;

TEST_CASE("the snapshot of a session that is up has both ends in it") {
    auto ours = settings();
    ours.source = ip("10.0.0.1");
    ours.min_rx = 20ms;
    Bench bench = Bench::up(ours);
    // Its peer is up, wants 12 ms between packets to it and sends every 30 ms, on demand; nothing is asked of us.
    (void)bench.hear("24 c2 07 18 00 00 00 09 00 00 00 01 00 00 75 30 00 00 2e e0 00 00 00 00", t0 + 1ms);
    const SessionSnapshot s = bench.snapshot();
    CHECK(s.name == "peer");
    CHECK(s.neighbor == ip("10.0.0.2"));
    CHECK(s.source == ip("10.0.0.1"));
    CHECK_FALSE(s.multihop);
    CHECK(s.state == State::Up);
    CHECK(s.remote_state == State::Up);
    CHECK(s.diagnostic == Diagnostic::None);
    CHECK(s.remote_diagnostic == Diagnostic::ForwardingPlaneReset);
    CHECK(s.discriminator == 1);
    CHECK(s.remote_discriminator == 9);
    CHECK(s.source_port == 49152);
    CHECK(s.multiplier == 5);
    CHECK(s.remote_multiplier == 7);
    CHECK(s.desired_min_tx == 10ms);
    CHECK(s.required_min_rx == 20ms);
    CHECK(s.applied_min_tx == 10ms);
    CHECK(s.applied_min_rx == 20ms);
    CHECK(s.remote_min_tx == 30ms);
    CHECK(s.remote_min_rx == 12ms);
    CHECK(s.remote_demand);
    CHECK_FALSE(s.polling);
    CHECK(s.detection_time == 210ms);
    CHECK(s.expires == t0 + 211ms);
}

TEST_CASE("the snapshot of a session without received packets has no time and no peer") {
    auto ours = settings();
    ours.multihop = true;
    ours.multiplier = 4;
    const SessionSnapshot s = Bench::started(ours).snapshot();
    CHECK(s.multihop);
    CHECK(s.state == State::Down);
    CHECK(s.remote_state == State::Down);
    CHECK(s.multiplier == 4);
    CHECK(s.remote_discriminator == 0);
    CHECK(s.detection_time == 0ms);
    CHECK(s.expires == Instant{});
    CHECK(s.transmit_interval == 1s);
}

TEST_CASE("a passive session that is spoken to without coming nearer speaks a second after its start") {
    auto ours = settings();
    ours.passive = true;
    Bench bench = Bench::started(ours);
    CHECK(bench.snapshot().transmit_interval == 0ms);
    (void)bench.hear("27 00 03 18 00 00 00 09 00 00 00 00 00 0f 42 40 00 00 27 10 00 00 00 00", t0 + 100ms);
    CHECK(bench.state() == State::Down);
    CHECK(bench.snapshot().next_send == t0 + 1s);
}

TEST_CASE("a packet from further away than anything can come says that no TTL is too small") {
    auto ours = settings();
    ours.ttl = 3;
    ours.max_hops = 3;
    Bench bench = Bench::up(ours);
    CHECK(bench.hear(kUp, t0 + 1ms, "10.0.0.2", 0).empty());
    CHECK(bench.snapshot().counters.received == 3);
}
