// Why an instance came to its state, and what makes its priority, as status and `why` show it.
#include "mainstay/vrrp/reasons.hpp"

#include <doctest/doctest.h>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

namespace {

std::string reason(const Bench& bench, std::size_t i = 0) { return bench.router.snapshot().instances.at(i).reason; }

Bench until_master(Bench bench, Instant begin) {
    for (Instant now = begin; bench.state() != State::Master && now < begin + 60s;) {
        now = bench.router.deadline().value();
        (void)bench.tick(now);
    }
    return bench;
}

config::Config scripted(int weight) {
    auto c = with({instance()});
    config::TrackScript script;
    script.name = "chk";
    script.command.argv = {"/bin/chk"};
    script.interval = script.timeout = 2s;
    c.scripts = {script};
    c.instances[0].track_scripts = {{"chk", weight, false}};
    return c;
}

}  // namespace

TEST_CASE("a master names what made it take over") {
    CHECK(reason(Bench::started(instance())) == "the instance started");
    CHECK(reason(Bench::master(instance())) == "no other router advertised");

    Bench silent = Bench::started(instance());
    (void)silent.hear(Peer{150}, t0 + 1s);
    CHECK(reason(until_master(std::move(silent), t0 + 1s)) ==
          "no advertisement of 10.0.0.2 (priority 150) arrived for 3.61 s");

    Bench resigned = Bench::started(instance());
    (void)resigned.hear(Peer{150}, t0 + 1s);
    (void)resigned.hear(Peer{0}, t0 + 2s);
    CHECK(reason(until_master(std::move(resigned), t0 + 2s)) == "10.0.0.2 resigned (priority 0)");

    Bench weaker = Bench::started(instance());
    (void)weaker.hear(Peer{50}, t0 + 1s);
    CHECK(reason(until_master(std::move(weaker), t0 + 1s)) ==
          "10.0.0.2 advertised only priority 50, this router has 100: preempted");
}

TEST_CASE("a backup names the router that it yielded to") {
    Bench bench = Bench::master(instance());
    (void)bench.hear(Peer{150}, bench.taken_at + 100ms);
    CHECK(bench.state() == State::Backup);
    CHECK(reason(bench) == "10.0.0.2 advertises priority 150, this router had 100");

    Bench equal = Bench::master(instance());
    (void)equal.hear(Peer{100}, equal.taken_at + 100ms);
    CHECK(reason(equal) == "10.0.0.2 advertises the same priority 100 and has the higher address");
    CHECK(reason(until_master(std::move(equal), t0 + 10s)) ==
          "no advertisement of 10.0.0.2 (priority 100) arrived for 3.61 s");
}

TEST_CASE("a fault and its end are named") {
    Bench bench = Bench::master(instance());
    (void)bench.router.step(link("eth0", false), bench.taken_at + 100ms);
    CHECK(reason(bench) == "interface eth0 down");
    (void)bench.router.step(link(), bench.taken_at + 200ms);
    CHECK(reason(bench) == "the fault has ended (interface eth0 down)");
}

TEST_CASE("a member of a group that follows another member says so") {
    Bench bench = Bench::master(with_group({instance(), instance(100, "VI_2", 52, "10.9.9.8/32")}));
    (void)bench.hear(Peer{150}, bench.taken_at + 100ms);
    CHECK(reason(bench, 0) == "10.0.0.2 advertises priority 150, this router had 100");
    CHECK(reason(bench, 1) == "another member of sync group G left MASTER");
}

TEST_CASE("the reason survives a crash") {
    Bench before = Bench::started(instance());
    (void)before.hear(Peer{150}, t0 + 1s);
    const auto snapshot = before.router.snapshot();

    Bench after{instance()};
    (void)after.router.step(link(), t0 + 2s);
    (void)after.router.start(t0 + 2s, &snapshot);

    CHECK(reason(after) == "the instance started");
    CHECK(reason(until_master(std::move(after), t0 + 2s)) ==
          "no advertisement of 10.0.0.2 (priority 150) arrived for 3.61 s");
}

TEST_CASE("the parts of the priority are those trackers that change it") {
    Bench bench = Bench::started(scripted(-20));
    (void)bench.script("chk", 0, t0);
    CHECK(bench.router.snapshot().instances[0].priority_parts.empty());
    (void)bench.tick(t0 + 2s);
    (void)bench.script("chk", 1, t0 + 2s);

    const auto snapshot = bench.router.snapshot();
    CHECK(snapshot.instances[0].effective_priority == 80);
    CHECK(snapshot.instances[0].priority_parts == std::vector<PriorityPart>{{"track_script chk", false, -20}});
    CHECK(snapshot.scripts[0].failures_in_row == 1);
    (void)bench.tick(t0 + 4s);
    (void)bench.script("chk", 1, t0 + 4s);
    CHECK(bench.router.snapshot().scripts[0].failures_in_row == 2);
    (void)bench.tick(t0 + 6s);
    (void)bench.script("chk", 0, t0 + 6s);
    CHECK(bench.router.snapshot().scripts[0].failures_in_row == 0);
}
