// What users of keepalived reported of elections: docs/field-cases.md has the reports' numbers.
#include <doctest/doctest.h>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

TEST_CASE("preempt_delay leaves the lower master in peace after a fault, too") {
    auto c = instance(150);
    c.preempt_delay = 60s;
    Bench bench = Bench::master(c);
    const Instant down = bench.taken_at + 10s;
    (void)bench.router.step(link("eth0", false), down);
    REQUIRE(bench.state() == State::Fault);

    const Instant up = down + 30s;
    (void)bench.router.step(link(), up);
    for (auto now = up; now < up + 60s; now += 1s) {
        (void)bench.hear(Peer{100}, now);
        (void)bench.tick(now);
        REQUIRE(bench.state() == State::Backup);
    }
    for (auto now = up + 60s; now < up + 70s; now += 1s) {
        (void)bench.hear(Peer{100}, now);
        (void)bench.tick(now);
    }
    CHECK(bench.state() == State::Master);
}
