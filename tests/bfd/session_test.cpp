// One session: states, intervals, polls, silence.
#include <doctest/doctest.h>

#include <algorithm>

#include "bench.hpp"
#include "bfd/session.hpp"

using namespace mainstay;
using namespace mainstay::bfd;
using namespace mainstay::bfd::test;

TEST_CASE("the state table is that of RFC 5880 6.8.6") {
    using enum State;
    struct Row {
        State ours, heard;
        std::optional<State> next;
    };
    const Row rows[] = {
        {Down, AdminDown, {}},   {Down, Down, Init}, {Down, Init, Up}, {Down, Up, {}},
        {Init, AdminDown, Down}, {Init, Down, {}},   {Init, Init, Up}, {Init, Up, Up},
        {Up, AdminDown, Down},   {Up, Down, Down},   {Up, Init, {}},   {Up, Up, {}},
    };
    for (const Row& row : rows) {
        CAPTURE(to_string(row.ours));
        CAPTURE(to_string(row.heard));
        CHECK(next_state(row.ours, row.heard) == row.next);
    }
}

TEST_CASE("jitter takes away up to a quarter, and at least a tenth when one lost packet ends the session") {
    CHECK(jittered(100ms, 5, 0) == 100ms);
    CHECK(jittered(100ms, 5, 0x7fff'ffff) == 87'500'191ns);
    CHECK(jittered(100ms, 5, 0xffff'ffff) == 75ms);
    CHECK(jittered(100ms, 1, 0) == 90ms);
    CHECK(jittered(100ms, 1, 0xffff'ffff) == 75ms);
    CHECK(jittered(4'294'967'295us, 255, 0xffff'ffff) == 3'221'225'471'250ns);
}

TEST_CASE("a session begins with a packet, byte for byte") {
    Bench bench{{settings()}};

    const Intents intents = bench.sessions.start(t0);

    const auto expected = from_hex("20 40 05 18 00 00 00 01 00 00 00 00 00 0f 42 40 00 00 27 10 00 00 00 00");
    REQUIRE(intents.size() == 1);
    const auto& packet = std::get<SendPacket>(intents[0]);
    CHECK(std::ranges::equal(packet.payload, expected));
    CHECK(packet.source == IpAddress{});
    Settings bound = settings();
    bound.source = ip("10.0.0.1");
    CHECK(std::get<SendPacket>(Bench{{bound}}.sessions.start(t0).at(0)).source == ip("10.0.0.1"));
    CHECK(packet.destination == ip("10.0.0.2"));
    CHECK(packet.source_port == 49152);
    CHECK(packet.destination_port == 3784);
    CHECK(packet.ttl == 255);
}

TEST_CASE("a session comes up through INIT, and each step is sent to the neighbour at once") {
    Bench bench = Bench::started();

    CHECK(lines(bench.hear(kDown, t0 + 100ms)) == Lines{"debug: (peer) Entering Init state", "Init 1>9 tx 1000 rx 10"});
    CHECK(lines(bench.hear(kUpPoll, t0 + 101ms)) ==
          Lines{"tell peer UP", "(peer) Entering Up state", "Up final 1>9 tx 10 rx 10"});
    CHECK(bench.due() == 110ms);  // 10 ms after the last periodic one: the poll is not put off by the answer
    CHECK(lines(bench.tick(t0 + 110ms)) == Lines{"Up poll 1>9 tx 10 rx 10"});
    CHECK(bench.hear(kUpFinal, t0 + 111ms).empty());
    CHECK(lines(bench.tick(t0 + 120ms)) == Lines{"Up 1>9 tx 10 rx 10"});
}

TEST_CASE("a session comes up straight from DOWN when the neighbour was quicker") {
    Bench bench = Bench::started();
    CHECK(deeds(bench.hear(kInit, t0 + 100ms)) == Lines{"tell peer UP", "Up poll 1>9 tx 10 rx 10"});
    CHECK(bench.state() == State::Up);
}

TEST_CASE("a state is reported to the checkers only if they may follow it, and to the status anyhow") {
    Settings s = settings();
    s.reports_to_vrrp = false;
    CHECK(deeds(Bench::started(s).hear(kInit, t0)).at(0) == "tell peer UP");
    s.reports_to_vrrp = true;
    s.reports_to_checkers = false;
    CHECK(deeds(Bench::started(s).hear(kInit, t0)).at(0) == "tell peer UP not checkers");
}

TEST_CASE("while it is not up a session speaks once in idle_tx, and a neighbour that wants less gets less") {
    Settings s = settings();
    s.idle_tx = 2s;
    Bench bench = Bench::started(s);
    CHECK(bench.due() == 2s);
    CHECK(lines(bench.tick(t0 + 2s)) == Lines{"Down 1>0 tx 2000 rx 10"});
    CHECK(bench.due() == 4s);

    // Required Min RX of 5 s.
    (void)bench.hear("20 40 03 18 00 00 00 09 00 00 00 00 00 0f 42 40 00 4c 4b 40 00 00 00 00", t0 + 3s);
    CHECK(bench.snapshot().transmit_interval == 5s);
    CHECK(bench.snapshot().next_send - t0 == 8s);
}

TEST_CASE("up, the slower of what we like to send and the neighbour likes to hear is the interval") {
    struct Row {
        Micros ours;
        const char* hears;  // the neighbour, up, with this Required Min RX
        Micros interval;
    };
    const Row rows[] = {
        {10ms, "20 d0 03 18 00 00 00 09 00 00 00 01 00 00 27 10 00 00 27 10 00 00 00 00", 10ms},
        {10ms, "20 d0 03 18 00 00 00 09 00 00 00 01 00 00 27 10 00 03 0d 40 00 00 00 00", 200ms},
        {50ms, "20 d0 03 18 00 00 00 09 00 00 00 01 00 00 27 10 00 00 00 01 00 00 00 00", 50ms},
        {10ms, "20 d0 03 18 00 00 00 09 00 00 00 01 00 00 27 10 00 00 00 00 00 00 00 00", 0ms},
    };
    for (const Row& row : rows) {
        CAPTURE(row.hears);
        Settings s = settings();
        s.min_tx = row.ours;
        Bench bench = Bench::started(s);
        (void)bench.hear(kInit, t0);
        (void)bench.hear(row.hears, t0);
        CHECK(bench.snapshot().transmit_interval == row.interval);
        CHECK((bench.snapshot().next_send == Instant{}) == (row.interval == 0ms));
    }
}

TEST_CASE("a neighbour that wants packets sooner does not wait for the one planned before") {
    Bench bench = Bench::up();
    (void)bench.hear("20 c0 03 18 00 00 00 09 00 00 00 01 00 00 27 10 00 0f 42 40 00 00 00 00", t0 + 5ms);
    CHECK(bench.snapshot().next_send - t0 == 1s);

    (void)bench.hear(kUp, t0 + 20ms);
    CHECK(bench.snapshot().next_send - t0 == 20ms);  // already overdue: now
}

TEST_CASE("the detection time is the neighbour's multiplier times the slower of both") {
    struct Row {
        Micros min_rx;
        const char* hears;
        Micros time;
    };
    const Row rows[] = {
        {10ms, "20 d0 03 18 00 00 00 09 00 00 00 01 00 00 27 10 00 00 27 10 00 00 00 00", 30ms},
        {10ms, "20 d0 ff 18 00 00 00 09 00 00 00 01 00 00 27 10 00 00 27 10 00 00 00 00", 2550ms},
        {10ms, "20 d0 03 18 00 00 00 09 00 00 00 01 00 01 d4 c0 00 00 27 10 00 00 00 00", 360ms},
        {300ms, "20 d0 03 18 00 00 00 09 00 00 00 01 00 01 d4 c0 00 00 27 10 00 00 00 00", 900ms},
        {10ms, "20 d0 ff 18 00 00 00 09 00 00 00 01 ff ff ff ff 00 00 27 10 00 00 00 00", 1'095'216'660'225us},
    };
    for (const Row& row : rows) {
        CAPTURE(row.hears);
        Settings s = settings();
        s.min_rx = row.min_rx;
        Bench bench = Bench::started(s);
        (void)bench.hear(kInit, t0);
        (void)bench.hear(row.hears, t0 + 1ms);
        CHECK(bench.snapshot().detection_time == row.time);
        CHECK(bench.snapshot().expires == t0 + 1ms + row.time);
    }
}

TEST_CASE("silence for the detection time takes an up session down, and not a moment less") {
    Bench bench = Bench::up();
    CHECK(deeds(bench.tick(t0 + 30ms - 1ns)) == Lines{"Up 1>9 tx 10 rx 10"});

    CHECK(lines(bench.tick(t0 + 30ms + 40us)) ==
          Lines{"(peer) Expired after 30 ms (40 usec overdue)", "tell peer DOWN",
                "(peer) Entering Down state (Local diagnostic - Control Detection Time Expired, Remote diagnostic - No "
                "Diagnostic)",
                "Down 1>0 tx 1000 rx 10 diag 1"});
    CHECK(bench.due() == 1030ms + 40us);
    const Counters expected{
        .sent = 4, .received = 2, .became_up = 1, .went_down = 1, .expired = 1, .deadlines_late = 1};
    CHECK(bench.snapshot().counters == expected);
}

TEST_CASE("every valid packet restarts the detection time") {
    Bench bench = Bench::up();
    for (Nanos at = 20ms; at < 200ms; at += 20ms) (void)bench.hear(kUp, t0 + at);
    (void)bench.tick(t0 + 205ms);
    CHECK(bench.state() == State::Up);
    CHECK(bench.snapshot().expires - t0 == 210ms);
}

TEST_CASE("silence while DOWN makes the session forget its neighbour without a report") {
    Bench bench = Bench::up();
    (void)bench.hear(kDownAgain, t0 + 10ms);
    REQUIRE(bench.state() == State::Down);

    CHECK(deeds(bench.tick(t0 + 3010ms)) == Lines{"Down 1>0 tx 1000 rx 10 diag 3"});
    CHECK(bench.snapshot().remote_discriminator == 0);
    CHECK(bench.snapshot().counters.expired == 0);
}

TEST_CASE("a neighbour that says DOWN takes an up session down at once") {
    Bench bench = Bench::up();
    CHECK(lines(bench.hear(kDownAgain, t0 + 5ms)) ==
          Lines{"tell peer DOWN",
                "(peer) Entering Down state (Local diagnostic - Neighbor Signaled Session Down, Remote diagnostic - "
                "Control Detection Time Expired)",
                "Down 1>9 tx 1000 rx 10 diag 3"});
}

TEST_CASE("a session that its neighbour takes out of service counts as up, until one with it has failed") {
    Bench bench = Bench::up();
    CHECK(lines(bench.hear(kAdminDown, t0 + 5ms)) ==
          Lines{"(peer) Entering Down state (Local diagnostic - Neighbor Signaled Session Down, Remote diagnostic - "
                "Administratively Down)",
                "(peer) Counts as up: its neighbour is administratively down", "Down 1>9 tx 1000 rx 10 diag 3"});
    CHECK(bench.snapshot().counts_as_up);
    CHECK(bench.snapshot().counters.went_down == 1);
    SUBCASE("it falls silent") {
        CHECK(deeds(bench.tick(t0 + 3005ms)) == Lines{"Down 1>0 tx 1000 rx 10 diag 3"});
        CHECK(bench.snapshot().counts_as_up);
    }
    SUBCASE("it comes back") {
        CHECK(deeds(bench.hear(kDownAgain, t0 + 6ms)) == Lines{"Init 1>9 tx 1000 rx 10"});
        CHECK(deeds(bench.hear(kUp, t0 + 7ms)) == Lines{"Up poll 1>9 tx 10 rx 10"});
        CHECK(deeds(bench.hear(kDownAgain, t0 + 8ms)) == Lines{"tell peer DOWN", "Down 1>9 tx 1000 rx 10 diag 3"});
        CHECK_FALSE(bench.snapshot().counts_as_up);
    }
    SUBCASE("it begins to come back, and is not heard any more") {
        (void)bench.hear(kDownAgain, t0 + 6ms);
        CHECK(deeds(bench.tick(t0 + 3006ms)) == Lines{"tell peer DOWN", "Down 1>0 tx 1000 rx 10 diag 1"});
    }
    SUBCASE("this process is restarted") {
        Bench after{{settings("renamed")}};
        const auto block = bench.sessions.snapshot();
        CHECK(deeds(after.sessions.start(t0 + 6ms, &block)).front() == "tell renamed UP");
        CHECK(after.snapshot().counts_as_up);
    }
}

TEST_CASE("a poll is answered at once and moves no timer") {
    Bench bench = Bench::up();
    const auto before = bench.snapshot();

    CHECK(lines(bench.hear(kUpPoll, t0 + 3ms)) == Lines{"Up final 1>9 tx 10 rx 10"});
    CHECK(bench.snapshot().next_send == before.next_send);
}

TEST_CASE("the answer to a poll does not count as a packet sent") {
    Bench bench = Bench::up();
    (void)bench.hear(kUpPoll, t0 + 3ms);
    (void)bench.hear("20 c0 03 18 00 00 00 09 00 00 00 01 00 00 27 10 00 00 4e 20 00 00 00 00", t0 + 4ms);
    CHECK(bench.due() == 20ms);
}

TEST_CASE("a poll is repeated with every packet until it is answered, and an answer to nothing is ignored") {
    Bench bench = Bench::started();
    (void)bench.hear(kInit, t0);
    (void)bench.hear(kUp, t0 + 10ms);
    CHECK(deeds(bench.tick(t0 + 10ms)) == Lines{"Up poll 1>9 tx 10 rx 10"});
    CHECK(deeds(bench.tick(t0 + 20ms)) == Lines{"Up poll 1>9 tx 10 rx 10"});
    (void)bench.hear(kUpFinal, t0 + 21ms);
    (void)bench.hear(kUp, t0 + 29ms);
    CHECK(deeds(bench.tick(t0 + 30ms)) == Lines{"Up 1>9 tx 10 rx 10"});
    CHECK(bench.hear(kUpFinal, t0 + 31ms).empty());
    CHECK_FALSE(bench.snapshot().polling);
}

TEST_CASE("a session whose intervals are the same up and down has nothing to poll for") {
    Settings s = settings();
    s.min_tx = s.idle_tx = 1s;
    Bench bench = Bench::started(s);
    CHECK(deeds(bench.hear(kInit, t0)) == Lines{"tell peer UP", "Up 1>9 tx 1000 rx 10"});
}

TEST_CASE("a session that will send more slowly than while it was down waits for the neighbour to know") {
    Settings s = settings();
    s.min_tx = 5s;
    Bench bench = Bench::started(s);
    CHECK(deeds(bench.hear(kInit, t0)) == Lines{"tell peer UP", "Up poll 1>9 tx 5000 rx 10"});
    CHECK(bench.snapshot().transmit_interval == 1s);

    (void)bench.hear(kUpFinal, t0 + 1ms);
    CHECK(bench.snapshot().transmit_interval == 5s);
    CHECK(bench.snapshot().next_send - t0 == 5s);
}

TEST_CASE("a neighbour in demand mode is left alone while both are up, and is still watched") {
    Bench bench = Bench::up();
    (void)bench.hear("20 c2 03 18 00 00 00 09 00 00 00 01 00 00 27 10 00 00 27 10 00 00 00 00", t0 + 5ms);
    CHECK(bench.snapshot().transmit_interval == 0ms);
    CHECK(bench.due() == 35ms);

    CHECK(deeds(bench.tick(t0 + 35ms)) == Lines{"tell peer DOWN", "Down 1>0 tx 1000 rx 10 diag 1"});
}

TEST_CASE("demand mode silences only a session that is up on both sides and has nothing to confirm") {
    // Required Min RX 10 ms; the demand bit with Init, and with Up.
    const char* init = "20 82 03 18 00 00 00 09 00 00 00 01 00 00 27 10 00 00 27 10 00 00 00 00";
    const char* up = "20 c2 03 18 00 00 00 09 00 00 00 01 00 00 27 10 00 00 27 10 00 00 00 00";
    Bench bench = Bench::started();
    (void)bench.hear(init, t0);
    CHECK(bench.snapshot().transmit_interval == 10ms);
    (void)bench.hear(up, t0 + 1ms);
    CHECK(bench.snapshot().polling);
    CHECK(bench.snapshot().transmit_interval == 10ms);
    (void)bench.hear("20 d2 03 18 00 00 00 09 00 00 00 01 00 00 27 10 00 00 27 10 00 00 00 00", t0 + 2ms);
    CHECK(bench.snapshot().transmit_interval == 0ms);
    (void)bench.hear(init, t0 + 3ms);
    CHECK(bench.snapshot().transmit_interval == 10ms);
    (void)bench.hear(kDownAgain, t0 + 4ms);
    (void)bench.hear(up, t0 + 5ms);
    REQUIRE(bench.state() == State::Down);
    CHECK(bench.snapshot().transmit_interval == 1s);
}

TEST_CASE("sending resumes when a neighbour that requested no packets is gone") {
    Bench bench = Bench::up();
    (void)bench.hear("20 c0 03 18 00 00 00 09 00 00 00 01 00 00 27 10 00 00 00 00 00 00 00 00", t0 + 5ms);
    CHECK(bench.due() == 35ms);
    CHECK(deeds(bench.tick(t0 + 35ms)) == Lines{"tell peer DOWN", "Down 1>0 tx 1000 rx 10 diag 1"});
}

TEST_CASE("a passive session says nothing before its neighbour does, and nothing after it has gone") {
    Settings s = settings();
    s.passive = true;
    Bench bench{{s}};
    CHECK(bench.sessions.start(t0).empty());
    CHECK_FALSE(bench.sessions.deadline().has_value());

    CHECK(deeds(bench.hear(kDown, t0 + 5s)) == Lines{"Init 1>9 tx 1000 rx 10"});
    CHECK(deeds(bench.tick(t0 + 6s)) == Lines{"Init 1>9 tx 1000 rx 10"});
    (void)bench.tick(t0 + 7s);
    CHECK(deeds(bench.tick(t0 + 8s)).empty());
    CHECK(bench.state() == State::Down);
    CHECK_FALSE(bench.sessions.deadline().has_value());
}

TEST_CASE("the next packet is due one interval after the last one was due, and missed ones are left out") {
    Bench bench = Bench::up();
    CHECK(bench.due() == 10ms);
    (void)bench.tick(t0 + 10ms + 900us);
    CHECK(bench.due() == 20ms);
    CHECK(bench.snapshot().counters.deadlines_late == 0);
    (void)bench.hear(kUp, t0 + 49ms);

    CHECK(deeds(bench.tick(t0 + 55ms)) == Lines{"Up 1>9 tx 10 rx 10"});
    CHECK(bench.due() == 65ms);
    CHECK(bench.snapshot().counters.deadlines_late == 1);
}

TEST_CASE("a packet that goes out when the one after it is due is late, and that one is left out") {
    Bench bench = Bench::up();
    (void)bench.tick(t0 + 11ms);  // a tenth of the interval
    CHECK(bench.snapshot().counters.deadlines_late == 0);
    CHECK(bench.due() == 20ms);
    (void)bench.hear(kUp, t0 + 29ms);
    CHECK(deeds(bench.tick(t0 + 30ms)) == Lines{"Up 1>9 tx 10 rx 10"});
    CHECK(bench.snapshot().counters.deadlines_late == 1);
    CHECK(bench.due() == 40ms);
}

TEST_CASE("a wake-up before its time changes nothing") {
    Bench bench = Bench::up();
    const auto before = bench.snapshot();
    CHECK(bench.tick(t0 + 9ms).empty());
    CHECK(bench.snapshot() == before);
}

TEST_CASE("jitter is drawn for every packet") {
    std::uint32_t next = 0;
    Bench bench{{settings()}, [&] { return next += 0x4000'0000; }};
    (void)bench.sessions.start(t0);  // two draws made the session, the third is 0xc0000000: 3/4 of a quarter
    CHECK(bench.due() == 812'497'139ns);
    (void)bench.tick(t0 + bench.due());
    CHECK(bench.due() == 812'497'139ns + 1s);
}

TEST_CASE("a stop says Down to every neighbour, once, and finishes") {
    Settings silent = settings("silent", "10.0.0.3");
    silent.passive = true;
    Bench bench{{settings(), silent}};
    (void)bench.sessions.start(t0);
    (void)bench.hear(kInit, t0);

    CHECK(lines(bench.sessions.step(Shutdown{}, t0 + 5ms)) == Lines{"Down 1>9 tx 1000 rx 10 diag 7"});
    CHECK(bench.sessions.finished());
    CHECK_FALSE(bench.sessions.deadline().has_value());
    CHECK(bench.hear(kUp, t0 + 6ms).empty());
    CHECK(bench.sessions.step(Shutdown{}, t0 + 7ms).empty());
    CHECK(bench.sessions.start(t0 + 8ms).empty());
    CHECK(bench.sessions.finished());

    Settings passive = settings();
    passive.passive = true;
    Bench spoken_to{{passive}};
    (void)spoken_to.sessions.start(t0);
    (void)spoken_to.hear(kDown, t0);
    CHECK(lines(spoken_to.sessions.step(Shutdown{}, t0 + 5ms)) == Lines{"Down 1>9 tx 1000 rx 10 diag 7"});
    Bench unheard = Bench::started();
    CHECK(lines(unheard.sessions.step(Shutdown{}, t0 + 5ms)) == Lines{"Down 1>0 tx 1000 rx 10 diag 7"});
}
