// What status says of tracked objects, beside what they do.
#include "mainstay/vrrp/track.hpp"

#include <doctest/doctest.h>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

namespace {

using Kind = TrackedObject::Kind;
using config::Section;
using config::WordList;

Section weighed_line(const char* name, std::int64_t weight) {
    return {"", {}, {{"name", WordList{name}}, {"weight", weight}}, {}};
}

// Everything that can be tracked, with weights.
config::Config tracking_all() {
    auto c = with({instance()});
    config::TrackScript script;
    script.name = "chk";
    script.command.argv = {"/bin/chk"};
    script.interval = script.timeout = 2s;
    c.scripts = {script};
    auto& one = c.instances[0];
    one.track_interfaces = {{"eth7", -30, false}};
    one.track_scripts = {{"chk", -20, false}};
    auto& defined = c.more.edit().sections;
    defined.push_back({"track_file", {"load"}, {{"file", WordList{"/run/f"}}, {"weight", std::int64_t{1}}}, {}});
    defined.push_back({"vrrp_track_process", {"web"}, {{"process", WordList{"haproxy"}}}, {}});
    defined.push_back({"bfd_instance", {"peer"}, {}, {}});
    auto& tracked = one.more.edit().sections;
    tracked.push_back({"track_file", {}, {}, {weighed_line("load", 2)}});
    tracked.push_back({"track_process", {}, {}, {weighed_line("web", -5)}});
    tracked.push_back({"track_bfd", {}, {}, {weighed_line("peer", -40)}});
    return c;
}

// The base priority and what the objects add to it.
int sum_of(const Router& router) {
    int sum = router.config().instances[0].priority;
    for (const auto& one : router.tracked_by(0)) sum += one.adds;
    return sum;
}

}  // namespace

TEST_CASE("each kind of tracked object is listed with its state, its weight and what it adds") {
    Bench bench = Bench::started(tracking_all());
    const auto before = bench.router.tracked_by(0);
    REQUIRE(before.size() == 6);
    CHECK(before[0] == TrackedObject{.kind = Kind::Interface, .name = "eth0", .known = true, .up = true});
    CHECK(before[1] ==
          TrackedObject{.kind = Kind::Interface, .name = "eth7", .known = true, .weight = -30, .adds = -30});
    CHECK(before[2] == TrackedObject{.kind = Kind::Script, .name = "chk", .weight = -20});
    CHECK(before[3] == TrackedObject{.kind = Kind::Bfd, .name = "peer", .known = true, .weight = -40, .adds = -40});
    CHECK(before[4] == TrackedObject{.kind = Kind::File, .name = "load", .weight = 2});
    CHECK(before[5] == TrackedObject{.kind = Kind::Process, .name = "web", .weight = -5});
    CHECK(sum_of(bench.router) == bench.router.snapshot().instances[0].effective_priority);

    (void)bench.script("chk", 1, t0);
    (void)bench.router.step(FileFact{"load", 7}, t0);
    (void)bench.router.step(ProcessFact{"web", 0}, t0);
    (void)bench.router.step(BfdFact{"peer", true}, t0);

    const auto after = bench.router.tracked_by(0);
    CHECK(after[2] == TrackedObject{.kind = Kind::Script, .name = "chk", .known = true, .weight = -20, .adds = -20});
    CHECK(after[3] == TrackedObject{.kind = Kind::Bfd, .name = "peer", .known = true, .up = true, .weight = -40});
    CHECK(after[4] ==
          TrackedObject{.kind = Kind::File, .name = "load", .known = true, .up = true, .weight = 2, .adds = 14});
    CHECK(after[5] == TrackedObject{.kind = Kind::Process, .name = "web", .known = true, .weight = -5, .adds = -5});
    CHECK(sum_of(bench.router) == bench.router.snapshot().instances[0].effective_priority);
}

TEST_CASE("an object without a weight that is down holds the instance in FAULT, and its group's members too") {
    auto c = with({instance(), instance()});
    c.instances[1].name = "VI_2";
    c.instances[1].virtual_router_id = 52;
    c.sync_groups = {{.name = "G", .members = {"VI_1", "VI_2"}, .track_interfaces = {{"eth9", 0, false}}}};
    for (auto& one : c.instances) one.sync_group = "G";
    c.instances[0].dont_track_primary = true;
    Bench bench = Bench::started(std::move(c));

    const TrackedObject eth9{.kind = Kind::Interface, .name = "eth9", .known = true, .faults = true};
    CHECK(bench.router.tracked_by(0) == std::vector{eth9});
    REQUIRE(bench.router.tracked_by(1).size() == 2);
    CHECK(bench.router.tracked_by(1)[1] == eth9);
    CHECK(bench.state() == State::Fault);
}

TEST_CASE("the interface of a member does not count once more because its group tracks it") {
    auto c = with({instance(), instance()});
    c.instances[1].name = "VI_2";
    c.instances[1].interface = "eth1";
    c.sync_groups = {{.name = "G", .members = {"VI_1", "VI_2"}, .track_interfaces = {{"eth0", 20}, {"eth1", 30}}}};
    for (auto& one : c.instances) one.sync_group = "G";
    Bench bench{c};
    (void)bench.router.step(link("eth1", true, {ip("10.1.0.1")}, 3), t0);
    (void)bench.router.step(link(), t0);
    (void)bench.router.start(t0);
    CHECK(bench.router.snapshot().instances[0].effective_priority == 130);
    CHECK(bench.router.snapshot().instances[1].effective_priority == 120);
    REQUIRE(bench.router.tracked_by(0).size() == 2);
    CHECK(bench.router.tracked_by(0)[1].name == "eth1");
    c.instances[0].dont_track_primary = true;
    (void)bench.router.reload(c, t0);
    CHECK(bench.router.snapshot().instances[0].effective_priority == 150);
}

TEST_CASE("a file that asks for FAULT is shown as down") {
    auto c = tracking_all();
    c.instances[0].more.edit().sections.front() = {"track_file", {}, {}, {weighed_line("load", 0)}};
    Bench bench = Bench::started(std::move(c));
    (void)bench.router.step(FileFact{"load", 1}, t0);
    CHECK(bench.router.tracked_by(0)[4] ==
          TrackedObject{.kind = Kind::File, .name = "load", .known = true, .faults = true});
    (void)bench.router.step(FileFact{"load", 0}, t0 + 1s);
    CHECK(bench.router.tracked_by(0)[4] ==
          TrackedObject{.kind = Kind::File, .name = "load", .known = true, .up = true});
}
