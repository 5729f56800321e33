// Why an instance came to its state, and what makes its priority, as status and `why` show it.
#include "mainstay/vrrp/reasons.hpp"

#include <doctest/doctest.h>

#include <algorithm>

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
    CHECK(reason(Bench::master(instance(255))) ==
          "this router owns the addresses (priority 255) and waits for no other");

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

namespace {

// "STATE: reason" of each change of an instance that is told of.
Lines told(const Intents& intents) {
    Lines all;
    for (const Intent& intent : intents)
        if (const auto* one = std::get_if<Announce>(&intent);
            one != nullptr && one->event.kind == Event::Kind::Instance)
            all.push_back(fmt::format("{}: {}", to_string(one->event.transition), one->event.reason));
    return all;
}

}  // namespace

TEST_CASE("a change of state is told with its own reason, not with that of the change before") {
    Bench asked = Bench::master(instance());
    CHECK(told(asked.router.step(FailOver{0}, asked.taken_at + 1s)) == Lines{"BACKUP: an operator handed it over"});
    CHECK(reason(asked) == "an operator handed it over");
    CHECK(told(asked.tick(asked.router.deadline().value())) ==
          Lines{"MASTER: an operator handed it over, and no other router took over"});

    Bench maintained = Bench::master(instance());
    CHECK(told(maintained.router.step(Maintenance{true}, maintained.taken_at + 1s)) ==
          Lines{"BACKUP: an operator began maintenance"});

    CHECK(told(maintained.tick(maintained.router.deadline().value())) ==
          Lines{"MASTER: an operator began maintenance, and no other router took over"});
    const Instant later = maintained.router.deadline().value();
    CHECK(told(maintained.router.step(FailOver{0}, later)) == Lines{"BACKUP: an operator handed it over"});
    CHECK(told(maintained.tick(maintained.router.deadline().value())) ==
          Lines{"MASTER: an operator handed it over, and no other router took over"});

    auto nopreempt = instance();
    nopreempt.nopreempt = true;
    set(nopreempt.more, "timer_expired_backup", std::int64_t{254});
    Bench stalled = Bench::master(nopreempt);
    const Instant late = stalled.router.deadline().value() + 10s;
    CHECK(told(stalled.tick(late)) ==
          Lines{"BACKUP: this process did not run for longer than a backup waits: another router may have taken over"});

    Bench grouped = Bench::master(with_group({instance(), instance(100, "VI_2", 52, "10.9.9.8/32")}));
    CHECK(told(grouped.hear(Peer{150}, grouped.taken_at + 100ms)) ==
          Lines{"BACKUP: 10.0.0.2 advertises priority 150, this router had 100",
                "BACKUP: another member of sync group G left MASTER"});

    Bench robbed = Bench::master(instance());
    Lines all;
    for (Instant now = robbed.taken_at; all.empty() && now < robbed.taken_at + 200s; now += 500ms) {
        (void)robbed.tick(now);
        all = told(robbed.router.step(AddressLost{"eth0", Prefix::parse("10.9.9.9/32").value()}, now));
    }
    CHECK(all == Lines{"BACKUP: the addresses could not be kept: another program removed them again and again"});
}

TEST_CASE("a router that takes over although others advertise says why it did not heed them") {
    auto secret = instance();
    secret.auth_type = config::AuthType::Pass;
    secret.auth_pass = "right";
    Bench bench = Bench::started(secret);
    for (int n = 1; n < 5; ++n) (void)bench.hear(Peer{150}, t0 + n * 700ms);
    CHECK(reason(until_master(std::move(bench), t0 + 3s)) ==
          "no advertisement was accepted: 10.0.0.2 advertises with no authentication, this router with auth_type PASS");

    // What was refused before the last one that was accepted does not count any more.
    Bench earlier = Bench::started(instance());
    Peer other{150};
    other.packet.version = 3;
    (void)earlier.hear(other, t0 + 1s);
    (void)earlier.hear(Peer{150}, t0 + 2s);
    CHECK(reason(until_master(std::move(earlier), t0 + 2s)) ==
          "no advertisement of 10.0.0.2 (priority 150) arrived for 3.61 s");

    // Another interval is one for version 2 alone.
    auto slower = instance();
    slower.advert_int = 2s;
    auto third = slower;
    third.version = 3;
    Bench two = Bench::started(slower), three = Bench::started(third);
    (void)two.hear(Peer{150}, t0 + 1s);
    (void)three.hear(Peer{150}.v3(1s), t0 + 1s);
    CHECK(reason(until_master(std::move(two), t0 + 1s)) ==
          "no advertisement was accepted: 10.0.0.2 advertises every 1 s, this router every 2 s");
    CHECK(reason(until_master(std::move(three), t0 + 1s)) ==
          "no advertisement of 10.0.0.2 (priority 150) arrived for 3.61 s");
}

TEST_CASE("a router that stepped back does not take its own address for the master's") {
    Bench bench = Bench::master(instance());
    CHECK(bench.router.snapshot().instances[0].names_master());
    (void)bench.router.step(FailOver{0}, bench.taken_at + 1s);
    CHECK_FALSE(bench.router.snapshot().instances[0].names_master());
    (void)bench.hear(Peer{90}, bench.taken_at + 1500ms);
    CHECK(bench.router.snapshot().instances[0].names_master());
    CHECK(bench.router.snapshot().instances[0].master == ip("10.0.0.2"));
}

TEST_CASE("a fault of a script is named by its first result, and no longer by the wait for it") {
    Bench bench = Bench::started(scripted(0));
    CHECK(reason(bench) == "waiting for the first result of script chk");
    const auto told = bench.script("chk", 1, t0 + 100ms);
    CHECK(reason(bench) == "script chk fails");
    CHECK(std::ranges::any_of(told, [](const Intent& intent) {
        const auto* said = std::get_if<Announce>(&intent);
        return said != nullptr && said->event.reason == "script chk fails";
    }));
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
