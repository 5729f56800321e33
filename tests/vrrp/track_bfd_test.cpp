#include "vrrp/track_bfd.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;
using config::Section;

namespace {

// A line of track_bfd, as the front end stores it.
Section bfd_line(const char* name, std::optional<std::int64_t> weight = {}, std::optional<bool> reverse = {}) {
    Section line{.values = {{"name", config::WordList{name}}}};
    if (reverse) line.values.push_back({*reverse ? "reverse" : "noreverse", true});
    if (weight) line.values.push_back({"weight", *weight});
    return line;
}

void track(config::ExtraSettings& more, std::vector<Section> lines) {
    more.sections.push_back({.keyword = "track_bfd", .sections = std::move(lines)});
}

void define(config::Config& config, const char* name, std::int64_t weight = 0, bool reverse = false) {
    Section session{.keyword = "bfd_instance", .names = {name}};
    if (weight != 0) session.values.push_back({"weight", weight});
    if (reverse) session.values.push_back({"weight reverse", true});
    config.more.edit().sections.push_back(std::move(session));
}

config::Config tracking_bfd(std::optional<std::int64_t> weight, bool reverse = false, std::uint8_t priority = 105) {
    auto c = with({instance(priority)});
    define(c, "peer");
    track(c.instances[0].more.edit(), {bfd_line("peer", weight, reverse ? std::optional{true} : std::nullopt)});
    return c;
}

Intents update(Bench& bench, const char* name, bool up, Instant now = t0) {
    return bench.router.step(BfdFact{name, up}, now);
}

}  // namespace

TEST_CASE("an instance that tracks a BFD session without a weight is in FAULT until the session is up") {
    // effect: vrrp_instance: track_bfd
    Bench bench{tracking_bfd({})};
    (void)bench.router.step(link(), t0);

    CHECK(brief(bench.router.start(t0)) == Lines{"(VI_1) entering FAULT state (BFD instance peer down)",
                                                 "warning: (VI_1) Entering FAULT STATE (init)",
                                                 "announce INSTANCE VI_1 FAULT 105"});
    CHECK(brief(update(bench, "peer", false, t0 + 1s)).empty());
    CHECK(brief(update(bench, "peer", true, t0 + 2s)) == Lines{"VRRP_Instance(VI_1) Tracked BFD instance peer is UP",
                                                               "(VI_1) Entering BACKUP STATE",
                                                               "announce INSTANCE VI_1 BACKUP 105"});
    CHECK(brief(update(bench, "peer", true, t0 + 3s)).empty());
}

TEST_CASE("a master whose BFD session goes down resigns at once") {
    Bench bench = Bench::started(tracking_bfd({}));
    (void)update(bench, "peer", true);
    while (bench.state() != State::Master) (void)bench.tick(bench.router.deadline().value());

    CHECK(brief(update(bench, "peer", false, t0 + 60s)) ==
          Lines{"VRRP_Instance(VI_1) Tracked BFD instance peer is DOWN", "0 advert 0 to 224.0.0.18",
                "0 advert 0 to 224.0.0.18", "0 remove 10.9.9.9/32@eth0",
                "(VI_1) entering FAULT state (BFD instance peer down)", "warning: (VI_1) Entering FAULT STATE",
                "announce INSTANCE VI_1 FAULT 105"});
}

TEST_CASE("weights of both signs and reverse move the priority with a BFD session as with a script") {
    struct Row {
        int weight;
        bool reverse;
        int while_up, while_down;
    };
    for (const Row& row : {Row{10, false, 115, 105}, Row{-10, false, 105, 95}, Row{10, true, 95, 105},
                           Row{-10, true, 105, 115}, Row{254, false, 254, 105}, Row{-254, false, 105, 1}}) {
        CAPTURE(row.weight);
        CAPTURE(row.reverse);
        Bench bench = Bench::started(tracking_bfd(row.weight, row.reverse));
        CHECK(priority_of(bench) == row.while_down);  // never told of
        (void)update(bench, "peer", true);
        CHECK(priority_of(bench) == row.while_up);
        (void)update(bench, "peer", false);
        CHECK(priority_of(bench) == row.while_down);
    }
}

TEST_CASE("reverse without a weight: FAULT while the session is up") {
    Bench bench = Bench::started(tracking_bfd({}, true));
    CHECK(bench.state() == State::Backup);
    (void)update(bench, "peer", true);
    CHECK(bench.state() == State::Fault);
    CHECK(bench.router.snapshot().instances[0].fault == "BFD instance peer up");
}

TEST_CASE("a tracker without a weight has its bfd_instance's, and its own word counts before that one's reverse") {
    // effect: bfd_instance: weight
    auto c = with({instance(), instance(), instance()});
    define(c, "a", 20);
    define(c, "b", -30, true);
    define(c, "c");
    track(c.instances[0].more.edit(), {bfd_line("a"), bfd_line("b"), bfd_line("c", 5)});
    track(c.instances[0].more.edit(),
          {bfd_line("a", 99), bfd_line("c", {}, true)});  // merged: the first of a name counts
    using All = std::vector<TrackedBfd>;

    CHECK(tracked_bfds(c, c.instances[0], nullptr) == All{{"a", 20, false}, {"b", -30, true}, {"c", 5, false}});
    track(c.instances[0].more.edit(), {bfd_line("b", {}, true)});
    track(c.instances[1].more.edit(), {bfd_line("b", 5), bfd_line("a", 5, true), bfd_line("c", -5)});
    track(c.instances[2].more.edit(), {bfd_line("b", -5, false), bfd_line("a", 5, false)});
    c.instances[0].more.edit().sections.erase(c.instances[0].more->sections.begin());
    CHECK(tracked_bfds(c, c.instances[0], nullptr) == All{{"a", 99, false}, {"c", 0, true}, {"b", -30, true}});
    CHECK(tracked_bfds(c, c.instances[1], nullptr) == All{{"b", 5, true}, {"a", 5, true}, {"c", -5, false}});
    CHECK(tracked_bfds(c, c.instances[2], nullptr) == All{{"b", -5, false}, {"a", 5, false}});
}

TEST_CASE("an address owner and a member of a group without sync_group_tracking_weight have no weighted BFD trackers") {
    auto c = with_group({instance(100, "VI_1"), instance(255, "VI_2", 52, "10.9.9.10/32")});
    define(c, "peer", 20);
    define(c, "other");
    for (auto& i : c.instances) track(i.more.edit(), {bfd_line("peer"), bfd_line("other")});
    track(c.sync_groups[0].more.edit(), {bfd_line("peer", -7)});
    using All = std::vector<TrackedBfd>;
    const auto* group = &c.sync_groups[0];

    CHECK(tracked_bfds(c, c.instances[0], group) == All{{"other", 0, false}, {"peer", -7, false}});
    c.sync_groups[0].more.edit().values.push_back({"sync_group_tracking_weight", true});
    CHECK(tracked_bfds(c, c.instances[0], group) == All{{"peer", 20, false}, {"other", 0, false}, {"peer", -7, false}});
    CHECK(tracked_bfds(c, c.instances[1], group) == All{{"other", 0, false}, {"peer", -7, false}});
}

TEST_CASE("a BFD session that a sync group tracks counts for every member") {
    // effect: vrrp_sync_group: track_bfd
    auto c = with_group({instance(100, "VI_1"), instance(100, "VI_2", 52, "10.9.9.10/32")});
    define(c, "peer");
    track(c.sync_groups[0].more.edit(), {bfd_line("peer")});
    Bench bench = Bench::started(c);
    CHECK(bench.state(0) == State::Fault);
    CHECK(bench.state(1) == State::Fault);

    const Lines told = brief(update(bench, "peer", true));
    CHECK(std::ranges::count(told, "VRRP_Instance(VI_1) Tracked BFD instance peer is UP") == 1);
    CHECK(std::ranges::count(told, "VRRP_Instance(VI_2) Tracked BFD instance peer is UP") == 1);
    CHECK(bench.state(0) == State::Backup);
    CHECK(bench.state(1) == State::Backup);
}

TEST_CASE("a restarted router remembers reported BFD states, and a reload keeps them") {
    Bench first = Bench::started(tracking_bfd({}));
    (void)update(first, "peer", true);
    (void)update(first, "elsewhere", true);
    while (first.state() != State::Master) (void)first.tick(first.router.deadline().value());
    const RouterSnapshot snapshot = first.router.snapshot();

    Bench second{tracking_bfd({})};
    (void)second.router.step(link(), t0 + 60s);
    (void)second.router.start(t0 + 60s, &snapshot);
    CHECK(second.state() == State::Master);

    auto next = tracking_bfd({});
    next.instances[0].priority = 110;
    (void)second.router.reload(next, t0 + 61s);
    CHECK(second.state() == State::Master);
    CHECK(second.router.snapshot().bfds == std::vector<BfdSnapshot>{{"peer", true}});

    // Another session of this name is another session.
    (void)second.router.reload(with({instance()}), t0 + 62s);
    (void)second.router.reload(tracking_bfd({}), t0 + 63s);
    CHECK(second.state() == State::Fault);
}

TEST_CASE("first script results that are awaited are no reason beside a BFD session that is down") {
    auto c = tracking_bfd({});
    config::TrackScript script;
    script.name = "chk";
    script.interval = 2s;
    c.scripts = {script};
    c.instances[0].track_scripts = {{"chk", 0, false}};
    Bench bench = Bench::started(c);
    CHECK(bench.router.snapshot().instances[0].fault == "BFD instance peer down");
    CHECK(lines(update(bench, "peer", true)).at(0) == "VRRP_Instance(VI_1) Tracked BFD instance peer is UP");
    CHECK(bench.state() == State::Fault);
    (void)bench.script("chk", 0, t0 + 1s);
    CHECK(bench.state() == State::Backup);
}
