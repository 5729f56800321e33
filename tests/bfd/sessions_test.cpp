// All sessions: whose packet it is, what is discarded.
#include <doctest/doctest.h>

#include "bench.hpp"
#include "bfd/session.hpp"

using namespace mainstay;
using namespace mainstay::bfd;
using namespace mainstay::bfd::test;

namespace {

// The neighbour's packet to session `your`, up.
std::vector<std::byte> up_for(std::uint32_t your) {
    auto bytes = from_hex(kUp);
    bytes[11] = std::byte(your);
    return bytes;
}

Bench two() {
    Bench bench{{settings("a", "10.0.0.2"), settings("b", "10.0.0.3")}};
    (void)bench.sessions.start(t0);
    return bench;
}

}  // namespace

TEST_CASE("every session has a discriminator and a source port of its own, whatever chance says") {
    Bench bench{{settings("a", "10.0.0.2"), settings("b", "10.0.0.3"), settings("c", "10.0.0.4")},
                [] { return 0xffff'ffffU; }};
    (void)bench.sessions.start(t0);

    CHECK(bench.snapshot(0).discriminator == 0xffff'ffff);
    CHECK(bench.snapshot(1).discriminator == 1);
    CHECK(bench.snapshot(2).discriminator == 2);
    CHECK(bench.snapshot(0).source_port == 65535);
    CHECK(bench.snapshot(1).source_port == 49152);
    CHECK(bench.snapshot(2).source_port == 49153);
}

TEST_CASE("more sessions than source ports share them") {
    Bench bench{std::vector<Settings>(16'400, settings()), [next = 0U]() mutable { return next++ / 2; }};
    (void)bench.sessions.start(t0);
    const auto all = bench.sessions.snapshot().sessions;
    CHECK(all.at(16'383).source_port == 65535);
    CHECK(all.at(16'384).source_port >= 49152);
    CHECK(all.at(16'399).discriminator == 16'400);
}

TEST_CASE("a first packet is matched by its source, later ones by the discriminator") {
    Bench bench = two();
    (void)bench.hear(kDown, t0, "10.0.0.3");
    CHECK(bench.state(0) == State::Down);
    CHECK(bench.state(1) == State::Init);

    (void)bench.hear(up_for(2), t0, "10.0.0.3");
    CHECK(bench.state(1) == State::Up);
    CHECK(bench.state(0) == State::Down);
}

TEST_CASE("packets of no session are counted, and logged once a minute for each kind") {
    Bench bench = two();
    const auto stranger = from_hex(kDown), unknown = up_for(7);

    CHECK(lines(bench.hear(stranger, t0, "10.0.0.9")) ==
          Lines{"warning: Discarding packet from 10.0.0.9: its sender is not a neighbour of any session"});
    CHECK(lines(bench.hear(unknown, t0 + 1s, "10.0.0.9")) ==
          Lines{"warning: Discarding packet from 10.0.0.9: session is not found - your discriminator field is "
                "0x00000007"});
    CHECK(bench.hear(stranger, t0 + 2s, "10.0.0.8").empty());
    CHECK(bench.hear(stranger, t0 + 60s - 1ns, "10.0.0.9").empty());
    CHECK(lines(bench.hear(stranger, t0 + 60s, "10.0.0.9")) ==
          Lines{"warning: Discarding packet from 10.0.0.9: its sender is not a neighbour of any session (and 2 more "
                "since the last such "
                "message)"});
    CHECK(bench.hear(stranger, t0 + 61s, "10.0.0.9").empty());
    CHECK(lines(bench.hear(stranger, t0 + 120s, "10.0.0.9")) ==
          Lines{"warning: Discarding packet from 10.0.0.9: its sender is not a neighbour of any session (and 1 more "
                "since the last such "
                "message)"});
    CHECK(bench.sessions.snapshot().strangers == 7);
}

TEST_CASE("a neighbour's packet that does not count is counted with its session and changes nothing") {
    struct Row {
        std::vector<std::byte> bytes;
        std::uint8_t ttl;
        const char* why;
    };
    auto no_multiplier = from_hex(kUp);
    no_multiplier[2] = std::byte{0};
    const Row rows[] = {
        {no_multiplier, 255, "its detection multiplier is zero"},
        {from_hex("20 c0"), 255, "it is shorter than 24 bytes"},
        {from_hex(kDownAgain), 254, "its TTL is 254, expecting at least 255"},
        {up_for(7), 255, "session is not found - your discriminator field is 0x00000007"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.why);
        Bench bench = Bench::up();
        const auto before = bench.snapshot();

        CHECK(lines(bench.hear(row.bytes, t0 + 5ms, "10.0.0.2", row.ttl)) ==
              Lines{std::string{"warning: (peer) Discarding packet from 10.0.0.2: "} + row.why});

        auto after = bench.snapshot();
        CHECK(after.counters.discarded == 1);
        after.counters = before.counters;
        CHECK(after == before);
    }
}

TEST_CASE("a neighbour's wrong TTL is logged once, and again after the session's state has changed") {
    Settings s = settings();
    s.max_hops = 2;
    Bench bench = Bench::up(s);
    const Lines said{"warning: (peer) Discarding packet from 10.0.0.2: its TTL is 252, expecting at least 253"};
    CHECK(lines(bench.hear(kUp, t0 + 1ms, "10.0.0.2", 252)) == said);
    CHECK(bench.hear(kUp, t0 + 2ms, "10.0.0.2", 252).empty());
    (void)bench.hear(kDownAgain, t0 + 3ms);
    CHECK(lines(bench.hear(kUp, t0 + 4ms, "10.0.0.2", 252)) == said);
}

TEST_CASE("a packet that names a session must be from its neighbour, to its source and to its port") {
    Settings s = settings();
    s.source = ip("10.0.0.1");
    struct Row {
        const char* from;
        const char* to;
        bool multihop, counts;
    };
    const Row rows[] = {
        {"10.0.0.2", "10.0.0.1", false, true},
        {"10.0.0.3", "10.0.0.1", false, false},
        {"10.0.0.2", "10.0.0.5", false, false},
        {"10.0.0.2", "10.0.0.1", true, false},
    };
    for (const char* bytes : {kDown, kInit})
        for (const Row& row : rows) {
            CAPTURE(row.from);
            CAPTURE(row.to);
            Bench bench = Bench::started(s);
            const auto payload = from_hex(bytes);
            (void)bench.sessions.step(PacketHeard{ip(row.from), ip(row.to), 255, row.multihop, payload}, t0);
            CHECK((bench.state() != State::Down) == row.counts);
            CHECK(bench.sessions.snapshot().strangers == (row.counts ? 0 : 1));
        }
}

TEST_CASE("sessions with one neighbour are distinguished by their own address; one without takes the rest") {
    Settings any = settings("any"), first = settings("first"), second = settings("second");
    first.source = ip("10.0.0.1");
    second.source = ip("10.0.1.1");
    Bench bench{{any, first, second}};
    (void)bench.sessions.start(t0);
    const auto bytes = from_hex(kDown);

    (void)bench.sessions.step(PacketHeard{ip("10.0.0.2"), ip("10.0.1.1"), 255, false, bytes}, t0);
    CHECK(bench.state(2) == State::Init);
    CHECK(bench.state(0) == State::Down);
    (void)bench.sessions.step(PacketHeard{ip("10.0.0.2"), ip("10.0.9.1"), 255, false, bytes}, t0);
    CHECK(bench.state(0) == State::Init);
    CHECK(bench.state(1) == State::Down);
}

TEST_CASE("a multihop session speaks to port 4784 and hears only what came to it") {
    Settings s = settings();
    s.multihop = true;
    Bench bench{{s}};
    const Intents intents = bench.sessions.start(t0);
    REQUIRE(intents.size() == 1);
    CHECK(std::get<SendPacket>(intents[0]).destination_port == 4784);
    const auto bytes = from_hex(kDown);

    (void)bench.sessions.step(PacketHeard{ip("10.0.0.2"), ip("10.0.0.1"), 255, false, bytes}, t0);
    CHECK(bench.state() == State::Down);
    (void)bench.sessions.step(PacketHeard{ip("10.0.0.2"), ip("10.0.0.1"), 255, true, bytes}, t0);
    CHECK(bench.state() == State::Init);
}

TEST_CASE("the TTL of a packet must reach ours less max_hops") {
    struct Row {
        std::uint8_t ours;
        int max_hops;
        std::uint8_t heard;
        bool counts;
    };
    const Row rows[] = {
        {255, 0, 255, true}, {255, 0, 254, false}, {255, 10, 245, true}, {255, 10, 244, false}, {255, 255, 0, true},
        {64, 0, 64, true},   {64, 0, 255, true},   {64, 0, 63, false},   {64, 255, 0, true},    {255, -1, 0, true},
    };
    for (const Row& row : rows) {
        CAPTURE(row.heard);
        Settings s = settings();
        s.ttl = row.ours;
        s.max_hops = row.max_hops;
        Bench bench{{s}};
        CHECK(std::get<SendPacket>(bench.sessions.start(t0).at(0)).ttl == row.ours);
        (void)bench.hear(kDown, t0, "10.0.0.2", row.heard);
        CHECK((bench.state() == State::Init) == row.counts);
    }
}

TEST_CASE("a source port that another program uses is replaced") {
    Bench bench = two();
    CHECK(bench.sessions.step(PortTaken{49152}, t0).empty());
    CHECK(bench.snapshot(0).source_port == 49154);
    CHECK(bench.snapshot(1).source_port == 49153);
    CHECK(bench.snapshot(0).discriminator == 1);
}

TEST_CASE("one step serves every session that is due, and the earliest is the deadline") {
    Bench bench = two();
    (void)bench.hear(kInit, t0 + 100ms);
    CHECK(bench.due() == 110ms);
    CHECK(deeds(bench.tick(t0 + 1s)) == Lines{"Up poll 1>9 tx 10 rx 10", "Down 2>0 tx 1000 rx 10 to 10.0.0.3"});

    Bench later = two();
    (void)later.hear(kDown, t0 + 100ms, "10.0.0.3");
    (void)later.hear(up_for(2), t0 + 200ms, "10.0.0.3");
    CHECK(later.due() == 210ms);
}

TEST_CASE("before the start and without sessions nothing is wanted") {
    Bench idle{{settings()}};
    CHECK(idle.hear(kDown, t0).empty());
    CHECK(idle.sessions.reload({settings()}, t0).empty());
    CHECK_FALSE(idle.sessions.deadline().has_value());

    Bench none{std::vector<Settings>{}};
    CHECK(none.sessions.start(t0).empty());
    CHECK_FALSE(none.sessions.deadline().has_value());
    CHECK(none.sessions.start(t0).empty());
}
