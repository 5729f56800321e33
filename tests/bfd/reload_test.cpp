// What a new configuration and a new incarnation of the role keep.
#include <doctest/doctest.h>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::bfd;
using namespace mainstay::bfd::test;

namespace {

Bench restarted(const SessionsSnapshot& block, Instant now, Settings s = settings()) {
    Bench bench{{std::move(s)}};
    (void)bench.sessions.start(now, &block);
    return bench;
}

}  // namespace

TEST_CASE("a reload without changes asks for nothing and moves no timer") {
    Bench bench = Bench::up();
    const auto before = bench.sessions.snapshot();
    CHECK(bench.sessions.reload({settings()}, t0 + 5ms).empty());
    CHECK(bench.sessions.snapshot() == before);
}

TEST_CASE("a renamed or moved session keeps its state and is reported again") {
    Bench bench = Bench::up();
    CHECK(deeds(bench.sessions.reload({settings("new", "10.0.0.7"), settings("uplink")}, t0 + 5ms)) ==
          Lines{"tell uplink UP", "Down 2>0 tx 1000 rx 10 to 10.0.0.7"});
    CHECK(bench.state(1) == State::Up);
    (void)bench.hear(kDownAgain, t0 + 6ms);
    CHECK(bench.state(1) == State::Down);
}

TEST_CASE("a removed session says Down to its neighbour") {
    Bench bench = Bench::up();
    CHECK(deeds(bench.sessions.reload({settings("b", "10.0.0.3")}, t0 + 5ms)) ==
          Lines{"Down 1>9 tx 1000 rx 10 diag 7", "Down 2>0 tx 1000 rx 10 to 10.0.0.3"});
    CHECK(bench.sessions.snapshot().sessions.size() == 1);

    CHECK(
        deeds(bench.hear("20 40 03 18 00 00 00 09 00 00 00 00 00 0f 42 40 00 00 27 10 00 00 00 00", t0 + 6ms)).empty());
    CHECK(bench.state() == State::Down);
}

TEST_CASE("a second session of the same kind with the same neighbour is a new one") {
    Bench bench = Bench::up();
    (void)bench.sessions.reload({settings(), settings("twin")}, t0 + 5ms);
    CHECK(bench.state(0) == State::Up);
    CHECK(bench.snapshot(1).name == "twin");
    CHECK(bench.state(1) == State::Down);
    CHECK(bench.snapshot(1).discriminator == 2);
    CHECK(bench.snapshot(1).source_port == 49153);

    const auto block = bench.sessions.snapshot();
    Bench after{{settings(), settings("twin"), settings("triplet")}};
    (void)after.sessions.start(t0 + 6ms, &block);
    CHECK(after.snapshot(0).discriminator == 1);
    CHECK(after.snapshot(1).discriminator == 2);
    CHECK(after.snapshot(2).discriminator == 3);
}

TEST_CASE("another neighbour, source or kind is another session") {
    Settings neighbor = settings("peer", "10.0.0.3"), source = settings(), kind = settings();
    source.source = ip("10.0.0.9");
    kind.multihop = true;
    for (const Settings& next : {neighbor, source, kind}) {
        Bench bench = Bench::up();
        (void)bench.sessions.reload({next}, t0 + 5ms);
        CHECK(bench.state() == State::Down);
        CHECK(bench.snapshot().discriminator == 2);
    }
}

TEST_CASE("a session whose source_ip is no longer given goes on") {
    Settings with_source = settings();
    with_source.source = ip("10.0.0.1");
    Bench bench = Bench::up(with_source);
    CHECK(deeds(bench.sessions.reload({settings()}, t0 + 5ms)).empty());
    CHECK(bench.state() == State::Up);
    CHECK(bench.snapshot().discriminator == 1);
    CHECK(bench.snapshot().source.empty());

    Settings kind = with_source;
    kind.multihop = true;
    (void)bench.sessions.reload({kind}, t0 + 6ms);
    CHECK(bench.state() == State::Down);
}

TEST_CASE("a session whose source_ip becomes the address in use goes on") {
    Settings with_source = settings();
    with_source.source = ip("10.0.0.1");
    Bench bench = Bench::up();
    CHECK(deeds(bench.sessions.reload({with_source}, t0 + 5ms)).empty());
    CHECK(bench.state() == State::Up);
    CHECK(bench.snapshot().discriminator == 1);
    CHECK(bench.snapshot().source == ip("10.0.0.1"));
    CHECK(deeds(bench.hear(kUp, t0 + 6ms)).empty());

    Bench unheard = Bench::started();
    (void)unheard.sessions.reload({with_source}, t0 + 5ms);
    CHECK(unheard.snapshot().discriminator == 2);
}

TEST_CASE("slower packets and a shorter patience wait for the neighbour's word; the other way is at once") {
    struct Row {
        Micros min_tx, min_rx;
        Micros interval_before, interval_after, detection_before, detection_after;
    };
    const Row rows[] = {
        // up with 20/20 before; the neighbour asks for 10 and would send every 10
        {50ms, 20ms, 20ms, 50ms, 60ms, 60ms},
        {10ms, 20ms, 10ms, 10ms, 60ms, 60ms},
        {20ms, 40ms, 20ms, 20ms, 120ms, 120ms},
        {20ms, 15ms, 20ms, 20ms, 60ms, 45ms},
    };
    for (const Row& row : rows) {
        CAPTURE(row.min_tx);
        CAPTURE(row.min_rx);
        Settings s = settings();
        s.min_tx = s.min_rx = 20ms;
        Bench bench = Bench::up(s);
        s.min_tx = row.min_tx;
        s.min_rx = row.min_rx;

        const auto sent = deeds(bench.sessions.reload({s}, t0 + 5ms));

        CHECK(sent == Lines{fmt::format("Up poll 1>9 tx {} rx {}", row.min_tx / 1ms, row.min_rx / 1ms)});
        CHECK(bench.snapshot().transmit_interval == row.interval_before);
        CHECK(bench.snapshot().detection_time == row.detection_before);
        CHECK(bench.snapshot().expires - t0 == row.detection_before);
        (void)bench.hear(kUpFinal, t0 + 6ms);
        CHECK(bench.snapshot().transmit_interval == row.interval_after);
        CHECK(bench.snapshot().detection_time == row.detection_after);
        CHECK(bench.snapshot().expires - t0 == 6ms + row.detection_after);
    }
}

TEST_CASE("an answer that may be to an earlier poll does not confirm a later one") {
    Bench bench = Bench::up();
    Settings s = settings();
    s.min_tx = 50ms;
    (void)bench.sessions.reload({s}, t0 + 5ms);
    s.min_tx = 90ms;
    (void)bench.sessions.reload({s}, t0 + 6ms);

    (void)bench.hear(kUpFinal, t0 + 7ms);
    CHECK(bench.snapshot().polling);
    CHECK(bench.snapshot().transmit_interval == 10ms);
    (void)bench.hear(kUpFinal, t0 + 17ms);
    CHECK_FALSE(bench.snapshot().polling);
    CHECK(bench.snapshot().transmit_interval == 90ms);
}

TEST_CASE("new settings of a session that is down count at once and need no poll") {
    Bench bench = Bench::started();
    Settings s = settings();
    s.min_rx = 30ms;
    s.idle_tx = 3s;
    s.multiplier = 7;
    CHECK(deeds(bench.sessions.reload({s}, t0 + 5ms)) == Lines{"Down 1>0 tx 3000 rx 30 x7"});
    CHECK(bench.due() == 3005ms);
}

TEST_CASE("a session that becomes passive falls silent while it knows no neighbour") {
    Bench bench = Bench::started();
    Settings s = settings();
    s.passive = true;
    CHECK(bench.sessions.reload({s}, t0 + 5ms).empty());
    CHECK_FALSE(bench.sessions.deadline().has_value());

    s.passive = false;
    (void)bench.sessions.reload({s}, t0 + 2s);
    CHECK(bench.due() == 2s);
}

TEST_CASE("a session that goes down in the middle of a poll starts over with the new settings") {
    Bench bench = Bench::up();
    Settings s = settings();
    s.min_rx = 50ms;
    (void)bench.sessions.reload({s}, t0 + 5ms);
    CHECK(deeds(bench.hear(kDownAgain, t0 + 6ms)) == Lines{"tell peer DOWN", "Down 1>9 tx 1000 rx 50 diag 3"});
    CHECK_FALSE(bench.snapshot().polling);
}

// ---- restart of the role -------------------------------------------------------------------------------------------

TEST_CASE("a new incarnation sends nothing extra: the next packet is the one that was due") {
    Bench before = Bench::up();
    (void)before.hear(kUp, t0 + 9ms);
    const auto block = before.sessions.snapshot();

    Bench after{{settings()}, [] { return 0x1234'5678U; }};
    CHECK(after.sessions.start(t0 + 10ms - 1us, &block).empty());
    CHECK(after.due() == 10ms);
    CHECK(deeds(after.tick(t0 + 10ms)) == Lines{"Up 1>9 tx 10 rx 10"});
    CHECK(after.snapshot().source_port == 49152);
    CHECK(after.snapshot().counters.sent == before.snapshot().counters.sent + 1);
}

TEST_CASE("a new incarnation takes over everything") {
    Bench polling = Bench::up(), down = Bench::up();
    Settings s = settings();
    s.min_tx = 50ms;
    s.min_rx = 5ms;
    (void)polling.sessions.reload({s}, t0 + 1ms);
    s.min_tx = 90ms;
    (void)polling.sessions.reload({s}, t0 + 2ms);
    REQUIRE(polling.snapshot().polls_again);
    (void)down.hear("21 42 07 18 00 00 00 09 00 00 00 01 00 0f 42 40 00 00 4e 20 00 00 00 00", t0 + 2ms);
    REQUIRE(down.snapshot().remote_demand);

    for (const auto& [bench, with] : {std::pair{&polling, s}, std::pair{&down, settings()}}) {
        auto before = bench->sessions.snapshot();
        before.strangers = 3;
        auto after = restarted(before, t0 + 2ms, with).sessions.snapshot();

        CHECK(after.sessions[0].unheard);
        CHECK(after.sessions[0].expires - t0 == 2ms + before.sessions[0].detection_time);
        after.sessions[0].unheard = false;
        after.sessions[0].expires = before.sessions[0].expires;
        CHECK(after == before);
    }
}

TEST_CASE("a packet that became due while no process ran is sent at once") {
    const auto block = Bench::up().sessions.snapshot();
    Bench after = restarted(block, t0 + 20ms);
    CHECK(after.due() == 20ms);
}

TEST_CASE("a restart gives the neighbour its detection time again, but only once") {
    const auto block = Bench::up().sessions.snapshot();
    REQUIRE(block.sessions[0].expires - t0 == 30ms);

    Bench second = restarted(block, t0 + 40ms);
    CHECK(second.state() == State::Up);
    CHECK(second.snapshot().expires - t0 == 70ms);

    Bench third = restarted(second.sessions.snapshot(), t0 + 60ms);
    CHECK(third.snapshot().expires - t0 == 70ms);
    CHECK(lines(third.tick(t0 + 70ms)).at(0) == "(peer) Expired after 30 ms (0 usec overdue)");

    Bench heard = restarted(block, t0 + 40ms);
    (void)heard.hear(kUp, t0 + 45ms);
    CHECK(restarted(heard.sessions.snapshot(), t0 + 60ms).snapshot().expires - t0 == 90ms);
}

TEST_CASE("a restart with other settings announces them like a reload") {
    const auto block = Bench::up().sessions.snapshot();
    Settings s = settings("renamed");
    s.min_tx = 50ms;
    Bench after{{s}};
    CHECK(deeds(after.sessions.start(t0 + 5ms, &block)) == Lines{"tell renamed UP", "Up poll 1>9 tx 50 rx 10"});
    CHECK(after.snapshot().transmit_interval == 10ms);

    s = settings();
    s.min_rx = 5ms;
    Bench hearing{{s}};
    CHECK(deeds(hearing.sessions.start(t0 + 5ms, &block)) == Lines{"Up poll 1>9 tx 10 rx 5"});
    CHECK(hearing.snapshot().detection_time == 30ms);
}

TEST_CASE("an unanswered poll outlives a restart") {
    Bench polling = Bench::started();
    (void)polling.hear(kInit, t0);
    CHECK(deeds(restarted(polling.sessions.snapshot(), t0 + 5ms).tick(t0 + 10ms)) == Lines{"Up poll 1>9 tx 10 rx 10"});
}

TEST_CASE("a session that is missing or invalid in the state block starts again") {
    auto block = Bench::up().sessions.snapshot();
    Bench other{{settings("b", "10.0.0.3"), settings()}};
    CHECK(deeds(other.sessions.start(t0 + 5ms, &block)) == Lines{"Down 2>0 tx 1000 rx 10 to 10.0.0.3"});
    CHECK(other.state(1) == State::Up);
    CHECK(other.snapshot(0).source_port == 49153);

    const SessionSnapshot good = block.sessions[0];
    auto own = good, remote = good, state = good, remote_state = good, interval = good;
    own.discriminator = 0;
    remote.remote_multiplier = 0;
    state.state = static_cast<State>(4);
    remote_state.remote_state = static_cast<State>(255);
    interval.applied_min_tx = 0us;
    for (const SessionSnapshot& nonsense : {own, remote, state, remote_state, interval}) {
        block.sessions = {nonsense};
        CHECK(deeds(Bench{{settings()}}.sessions.start(t0 + 5ms, &block)) == Lines{"Down 1>0 tx 1000 rx 10"});
    }
    block.sessions = {good};
    block.sessions[0].unheard = true;
    block.sessions[0].expires = t0 + 1h;
    CHECK(restarted(block, t0 + 5ms).snapshot().expires - t0 == 35ms);
}
