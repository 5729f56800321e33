// When a state block is written. Pauses are either none or far longer than any test takes.
#include "role/common/blocks.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace mainstay;
using namespace mainstay::role;
using namespace std::chrono_literals;

namespace {

constexpr int kForever = 10'000'000;  // shares: a publish of 1 ms keeps the next one away for hours

struct PacerBench {
    explicit PacerBench(PublishPacer::Shares shares)
        : pacer{std::make_unique<PublishPacer>(
              loop, shares, [this] { publish(); },
              [this](Nanos time) {
                  asked = time;
                  return delays;
              })} {}

    void publish() {
        ++published;
        const auto end = std::chrono::steady_clock::now() + 1ms;
        while (std::chrono::steady_clock::now() < end) {
        }
    }
    bool becomes(int count) {
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (published != count && std::chrono::steady_clock::now() < end) {
            loop.restart();
            loop.run_one_for(10ms);
        }
        return published == count;
    }
    // What is due by now has happened.
    int settled() {
        loop.restart();
        loop.run_for(30ms);
        return published;
    }

    boost::asio::io_context loop;
    int published = 0;
    bool delays = false;
    Nanos asked{0};
    std::unique_ptr<PublishPacer> pacer;
};

}  // namespace

TEST_CASE("what is urgent is published before the call returns, or when the share of the last one is over") {
    PacerBench often{{.urgent = 0, .usual = kForever}};
    often.pacer->at_once();
    CHECK(often.published == 1);
    often.pacer->at_once();
    CHECK(often.published == 2);

    PacerBench seldom{{.urgent = kForever, .usual = 0}};
    seldom.pacer->at_once();
    CHECK(seldom.published == 1);
    seldom.pacer->at_once();
    CHECK(seldom.published == 1);
    CHECK(seldom.settled() == 1);

    PacerBench later{{.urgent = 20, .usual = kForever}};
    later.pacer->at_once();
    later.pacer->at_once();
    CHECK(later.becomes(2));
}

TEST_CASE("what may wait is published from the loop, all of it at once") {
    PacerBench bench{{.urgent = 0, .usual = 0}};
    bench.pacer->within(1ms);
    bench.pacer->within(1ms);
    CHECK(bench.published == 0);
    CHECK(bench.becomes(1));
    CHECK(bench.settled() == 1);
    bench.pacer->within(1ms);
    CHECK(bench.becomes(2));
}

TEST_CASE("the shorter pause counts, whichever was asked for first") {
    PacerBench shorter{{.urgent = 0, .usual = 0}};
    shorter.pacer->within(1h);
    CHECK(shorter.settled() == 0);
    shorter.pacer->within(1ms);
    CHECK(shorter.becomes(1));

    PacerBench longer{{.urgent = 0, .usual = 0}};
    longer.pacer->within(1ms);
    longer.pacer->within(1h);
    CHECK(longer.becomes(1));
}

TEST_CASE("what may wait keeps to its share of the time") {
    PacerBench bench{{.urgent = 0, .usual = kForever}};
    bench.pacer->now();
    bench.pacer->within(0ms);
    CHECK(bench.settled() == 1);
    bench.pacer->at_once();  // what is urgent has a share of its own
    CHECK(bench.published == 2);

    PacerBench later{{.urgent = kForever, .usual = 20}};
    later.pacer->now();
    later.pacer->within(0ms);
    CHECK(later.becomes(2));
}

TEST_CASE("what may wait looks for a moment in which it delays nothing, for a second at most") {
    PacerBench bench{{.urgent = 0, .usual = 0}};
    bench.pacer->now();
    bench.delays = true;
    bench.pacer->within(1ms);
    CHECK(bench.settled() == 1);
    CHECK(bench.asked >= 1ms);  // as long as the last one took
    bench.delays = false;
    CHECK(bench.becomes(2));

    bench.delays = true;
    const auto begun = std::chrono::steady_clock::now();
    bench.pacer->within(1ms);
    CHECK(bench.becomes(3));
    CHECK(std::chrono::steady_clock::now() - begun >= PublishPacer::kPutOffMax - 50ms);

    bench.pacer->within(1ms);
    CHECK(bench.settled() == 3);
    bench.pacer->at_once();  // what is urgent waits for nobody
    CHECK(bench.published == 4);

    PacerBench shared{{.urgent = 20, .usual = 0}};
    shared.delays = true;
    shared.pacer->now();
    shared.pacer->within(1ms);
    shared.pacer->at_once();
    CHECK(shared.becomes(2));
    CHECK(shared.asked == 0ns);
}

TEST_CASE("a publish serves what waited before it") {
    PacerBench bench{{.urgent = 0, .usual = 0}};
    bench.pacer->within(1ms);
    bench.pacer->now();
    CHECK(bench.settled() == 1);
    bench.pacer->within(1h);
    bench.pacer->now();
    bench.pacer->within(2h);  // not the one hour of before
    CHECK(bench.settled() == 2);
    bench.pacer->within(1ms);
    CHECK(bench.becomes(3));
}

TEST_CASE("an urgent publish that has to wait comes before a less urgent one that waits") {
    PacerBench bench{{.urgent = 20, .usual = 0}};
    bench.pacer->now();
    bench.pacer->within(1h);
    bench.pacer->at_once();
    CHECK(bench.becomes(2));
}

TEST_CASE("after the stop only now() publishes") {
    PacerBench bench{{.urgent = 0, .usual = 0}};
    bench.pacer->within(1ms);
    bench.pacer->stop();
    CHECK(bench.settled() == 0);
    bench.pacer->within(1ms);
    bench.pacer->at_once();
    CHECK(bench.settled() == 0);
    bench.pacer->now();
    CHECK(bench.published == 1);
}

TEST_CASE("a stop leaves nothing that a loop would wait for") {
    PacerBench bench{{.urgent = 0, .usual = 0}};
    bench.pacer->within(1h);
    bench.pacer->stop();
    bench.settled();
    CHECK(bench.loop.stopped());
}

TEST_CASE("what is due when the pacer is stopped, or goes, is not published any more") {
    for (const bool goes : {false, true}) {
        PacerBench bench{{.urgent = 0, .usual = 0}};
        boost::asio::steady_timer before{bench.loop, 0ms};  // both are over when the loop looks, this one first
        before.async_wait([&](const boost::system::error_code&) {
            if (goes)
                bench.pacer.reset();
            else
                bench.pacer->stop();
        });
        bench.pacer->within(0ms);
        const auto end = std::chrono::steady_clock::now() + 2ms;
        while (std::chrono::steady_clock::now() < end) {
        }
        CHECK(bench.settled() == 0);
    }
}

TEST_CASE("a pacer that is gone publishes nothing") {
    PacerBench bench{{.urgent = 0, .usual = 0}};
    bench.pacer->within(1ms);
    bench.pacer.reset();
    CHECK(bench.settled() == 0);
}
