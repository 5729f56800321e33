// Tracked files and processes, delayed links, and what is told of a priority: from facts to priorities and faults.
#include "mainstay/vrrp/trackers.hpp"

#include <doctest/doctest.h>

#include "bench.hpp"
#include "vrrp/link_delays.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

namespace {

using config::KeywordValue;
using config::Section;
using config::WordList;

Section block(const char* keyword, const char* name, config::KeywordValues values) {
    return {keyword, name[0] == 0 ? WordList{} : WordList{name}, std::move(values), {}};
}

Section file(std::int64_t weight = 1, bool reverse = false, const char* name = "F") {
    config::KeywordValues values{{"file", WordList{"/run/f"}}, {"weight", weight}};
    if (reverse) values.push_back({"weight reverse", true});
    return block("track_file", name, values);
}

Section process(config::KeywordValues more = {}) {
    more.insert(more.begin(), {"process", WordList{"haproxy"}});
    return block("vrrp_track_process", "P", std::move(more));
}

Section line(const char* name, std::optional<std::int64_t> weight = {}, const char* reverse = nullptr) {
    Section one{"", {}, {{"name", WordList{name}}}, {}};
    if (weight) one.values.push_back({"weight", *weight});
    if (reverse != nullptr) one.values.push_back({reverse, true});
    return one;
}

Section tracks(const char* keyword, std::vector<Section> lines) { return {keyword, {}, {}, std::move(lines)}; }

config::Config tracking(std::vector<Section> defined, std::vector<Section> tracked, std::uint8_t priority = 100) {
    config::Instance c = instance(priority);
    c.more.edit().sections = std::move(tracked);
    config::Config all = with({std::move(c)});
    all.more.edit().sections = std::move(defined);
    return all;
}

}  // namespace

TEST_CASE("what a file contributes") {
    // effect: vrrp_instance: track_file
    // effect: track_file: weight
    struct Row {
        std::int64_t value;
        int weight;
        bool reverse;
        std::optional<int> adds;
    };
    const Row rows[] = {
        {0, 1, false, 0},
        {5, 1, false, 5},
        {-5, 1, false, -5},
        {5, -3, false, -15},
        {5, 3, true, -15},
        {-5, 3, true, 15},
        {300, 1, false, 253},
        {254, 1, false, 253},
        {-253, 1, false, -253},
        {-254, 1, false, {}},
        {-1000, 1, false, {}},
        {127, -2, false, {}},
        {1, -254, false, {}},
        {126, 2, true, -252},
        {127, 2, true, {}},
        {0, 0, false, 0},
        {1, 0, false, {}},
        {-1, 0, false, {}},
        {0, 0, true, {}},
        {7, 0, true, 0},
        {2'147'483'647, 254, false, 253},
        {-2'147'483'648, 254, false, {}},
    };
    for (const Row& row : rows) {
        INFO("value ", row.value, " weight ", row.weight, row.reverse ? " reverse" : "");
        CHECK(file_contribution(row.value, row.weight, row.reverse) == row.adds);
    }
}

TEST_CASE("the value of a tracked file changes the priority") {
    Bench bench = Bench::started(tracking({file()}, {tracks("track_file", {line("F", -2)})}));

    // The first notification has it already.
    CHECK(brief(bench.router.step(FileFact{"F", 10}, t0 + 1ms)) ==
          Lines{"Track file F now holds 10", "(VI_1) Changing effective priority from 100 to 80",
                "(VI_1) Entering BACKUP STATE (init)", "announce INSTANCE VI_1 BACKUP 80"});
    CHECK(brief(bench.router.step(FileFact{"F", -30}, t0 + 2ms)) ==
          Lines{"Track file F now holds -30", "(VI_1) Changing effective priority from 80 to 160"});
    CHECK(bench.router.step(FileFact{"F", -30}, t0 + 3ms).empty());
    CHECK(bench.router.step(FileFact{"other", 7}, t0 + 3ms).empty());
}

TEST_CASE("the weight of the line counts before that of the file, and so does its reverse") {
    struct Row {
        Section defined, tracked;
        int priority;
    };
    const Row rows[] = {
        {file(3), line("F"), 106},
        {file(3, true), line("F"), 94},
        {file(3), line("F", 4), 108},
        {file(3, true), line("F", 4), 92},
        {file(3), line("F", {}, "reverse"), 94},
        {file(3, true), line("F", {}, "noreverse"), 106},
        {file(3, true), line("F", 4, "reverse"), 92},
    };
    for (const Row& row : rows) {
        Bench bench = Bench::started(tracking({row.defined}, {tracks("track_file", {row.tracked})}));
        (void)bench.router.step(FileFact{"F", 2}, t0 + 1ms);
        CHECK(priority_of(bench) == row.priority);
    }
}

TEST_CASE("weights outside 1 to 254 are kept in the sum and cut in the result") {
    Bench bench = Bench::started(
        tracking({file(1, false, "F"), file(1, false, "G")}, {tracks("track_file", {line("F"), line("G")})}));
    (void)bench.router.step(FileFact{"F", 253}, t0 + 1ms);
    CHECK(priority_of(bench) == 254);
    (void)bench.router.step(FileFact{"G", -200}, t0 + 2ms);
    CHECK(priority_of(bench) == 153);
    (void)bench.router.step(FileFact{"F", 0}, t0 + 3ms);
    CHECK(priority_of(bench) == 1);
}

TEST_CASE("a file of -254 is a fault, and ends with its value") {
    Bench bench = Bench::started(tracking({file()}, {tracks("track_file", {line("F")})}));
    (void)bench.router.step(FileFact{"F", 0}, t0 + 1ms);

    CHECK(brief(bench.router.step(FileFact{"F", -254}, t0 + 2ms)) ==
          Lines{"Track file F now holds -254", "(VI_1) entering FAULT state (file F holds -254)",
                "warning: (VI_1) Entering FAULT STATE", "announce INSTANCE VI_1 FAULT 100"});
    CHECK(brief(bench.router.step(FileFact{"F", -253}, t0 + 3ms)) ==
          Lines{"Track file F now holds -253", "(VI_1) Changing effective priority from 100 to 1",
                "(VI_1) Entering BACKUP STATE", "announce INSTANCE VI_1 BACKUP 1"});
    // keepalived: in FAULT the file adds what it added before.
    CHECK(brief(bench.router.step(FileFact{"F", -300}, t0 + 4ms)) ==
          Lines{"Track file F now holds -300", "(VI_1) entering FAULT state (file F holds -300)",
                "warning: (VI_1) Entering FAULT STATE", "announce INSTANCE VI_1 FAULT 1"});
}

TEST_CASE("an instance begins with the first word about what it tracks") {
    auto c = tracking({file(0)}, {tracks("track_file", {line("F")})});
    c.instances[0].initial_master = true;
    Bench bench{c};
    (void)bench.router.step(link(), t0);
    CHECK(brief(bench.router.start(t0)) == Lines{"(VI_1) not started yet: waiting for the first reading of file F"});
    CHECK(bench.state() == State::Fault);

    SUBCASE("when it comes; state MASTER keeps its head start") {
        CHECK(brief(bench.router.step(FileFact{"F", 0}, t0 + 5ms)) ==
              Lines{"(VI_1) Entering BACKUP STATE (init)", "announce INSTANCE VI_1 BACKUP 100"});
        CHECK(bench.due() == 5ms + 1s + 3'906'250ns);
        CHECK(bench.router.snapshot().instances[0].reason == "the instance started");
    }
    SUBCASE("and without it after two seconds") {
        CHECK(bench.due() == 2s);
        CHECK(brief(bench.tick(t0 + 2s)) ==
              Lines{"(VI_1) Entering BACKUP STATE (init)", "announce INSTANCE VI_1 BACKUP 100"});
    }
    SUBCASE("and says it when the word is bad") {
        CHECK(brief(bench.router.step(FileFact{"F", 1}, t0 + 5ms)) ==
              Lines{"Track file F now holds 1", "(VI_1) entering FAULT state (file F holds 1)",
                    "warning: (VI_1) Entering FAULT STATE", "announce INSTANCE VI_1 FAULT 100"});
    }
}

TEST_CASE("what a tracked process contributes by its weight") {
    // effect: vrrp_track_process: weight
    struct Row {
        std::int64_t weight;
        bool reverse;
        int up, down;
    };
    const Row rows[] = {{20, false, 120, 100}, {-20, false, 100, 80}, {20, true, 80, 100}, {-20, true, 100, 120}};
    for (const Row& row : rows) {
        config::KeywordValues values{{"weight", row.weight}};
        if (row.reverse) values.push_back({"weight reverse", true});
        Bench bench = Bench::started(tracking({process(values)}, {tracks("track_process", {line("P")})}));
        (void)bench.router.step(ProcessFact{"P", 1}, t0 + 1ms);
        CHECK(priority_of(bench) == row.up);
        (void)bench.router.step(ProcessFact{"P", 0}, t0 + 2ms);
        CHECK(priority_of(bench) == row.down);
    }
}

TEST_CASE("a process is up while its number is within the quorum") {
    // effect: vrrp_track_process: quorum quorum_max
    struct Row {
        config::KeywordValues values;
        std::vector<std::uint32_t> up, down;
    };
    const Row rows[] = {
        {{}, {1, 2, 60'000}, {0}},
        {{{"quorum", std::int64_t{2}}}, {2, 3}, {0, 1}},
        {{{"quorum", std::int64_t{2}}, {"quorum_max", std::int64_t{3}}}, {2, 3}, {0, 1, 4}},
        {{{"quorum_max", std::int64_t{0}}}, {0}, {1, 2}},
        {{{"quorum", std::int64_t{1}}, {"quorum_max", std::int64_t{0}}}, {0}, {1, 2}},
    };
    for (const Row& row : rows)
        for (const bool good : {true, false})
            for (const std::uint32_t count : good ? row.up : row.down) {
                INFO("count ", count);
                Bench bench =
                    Bench::started(tracking({process(row.values)}, {tracks("track_process", {line("P", -10)})}));
                (void)bench.router.step(ProcessFact{"P", count}, t0 + 1ms);
                CHECK(priority_of(bench) == (good ? 100 : 90));
            }
}

TEST_CASE("a process tracked without a weight is a fault below its quorum") {
    Bench bench = Bench::started(tracking({process()}, {tracks("track_process", {line("P")})}));
    CHECK(brief(bench.router.step(ProcessFact{"P", 1}, t0 + 1ms)) == Lines{"Quorum gained for tracked process P",
                                                                           "(VI_1) Entering BACKUP STATE (init)",
                                                                           "announce INSTANCE VI_1 BACKUP 100"});
    CHECK(brief(bench.router.step(ProcessFact{"P", 0}, t0 + 2ms)) ==
          Lines{"Quorum lost for tracked process P", "(VI_1) entering FAULT state (process P has no quorum)",
                "warning: (VI_1) Entering FAULT STATE", "announce INSTANCE VI_1 FAULT 100"});
    Bench absent = Bench::started(tracking({process()}, {tracks("track_process", {line("P")})}));
    for (const auto& said : brief(absent.router.step(ProcessFact{"P", 0}, t0 + 1ms)))
        CHECK_FALSE(said.contains("Quorum"));
}

TEST_CASE("fork_delay and terminate_delay hold a change back, and forget one that does not last") {
    // effect: vrrp_track_process: delay terminate_delay fork_delay
    const auto c = tracking({process({{"fork_delay", Micros{2s}}, {"terminate_delay", Micros{500ms}}})},
                            {tracks("track_process", {line("P", -10)})});
    Bench bench = Bench::started(c);
    (void)bench.router.step(ProcessFact{"P", 1}, t0);
    CHECK(priority_of(bench) == 100);  // the first word counts at once

    (void)bench.router.step(ProcessFact{"P", 0}, t0 + 100ms);
    CHECK(priority_of(bench) == 100);
    CHECK(bench.due() == 600ms);
    (void)bench.router.step(ProcessFact{"P", 1}, t0 + 300ms);
    (void)bench.tick(t0 + 600ms);
    CHECK(priority_of(bench) == 100);

    (void)bench.router.step(ProcessFact{"P", 0}, t0 + 700ms);
    (void)bench.tick(t0 + 1200ms);
    CHECK(priority_of(bench) == 90);
    (void)bench.router.step(ProcessFact{"P", 1}, t0 + 1300ms);
    (void)bench.tick(t0 + 3299ms);
    CHECK(priority_of(bench) == 90);
    (void)bench.tick(t0 + 3300ms);
    CHECK(priority_of(bench) == 100);

    const auto both = process_trackers(tracking({process({{"delay", Micros{3s}}, {"fork_delay", Micros{1s}}})}, {}));
    CHECK(both.at(0).fork_delay == 1s);
    CHECK(both.at(0).terminate_delay == 3s);
}

TEST_CASE("parameters and param_match make a process be looked for by its command line") {
    using Params = ProcessTracker::Params;
    const auto read = [](config::KeywordValues values) {
        return process_trackers(tracking({block("vrrp_track_process", "P", std::move(values))}, {})).at(0);
    };
    CHECK_FALSE(read({{"process", WordList{"a"}}}).full_command);
    CHECK(read({{"full_command", true}, {"process", WordList{"a"}}}).full_command);
    CHECK(read({{"full_command", true}, {"process", WordList{"a"}}}).params == Params::None);
    CHECK(read({{"process", WordList{"a", "-f"}}}).params == Params::Exact);
    CHECK(read({{"process", WordList{"a", "-f"}}}).full_command);
    CHECK(read({{"param_match", WordList{"partial"}}, {"process", WordList{"a", "-f"}}}).params == Params::Partial);
    CHECK(read({{"param_match", WordList{"initial"}}, {"process", WordList{"a", "-f"}}}).params == Params::Initial);
}

TEST_CASE("what a group tracks counts for each member") {
    // effect: vrrp_sync_group: track_file track_process
    config::Config c = with_group({instance(100), instance(120, "VI_2", 52, "10.9.9.10/32")});
    c.more.edit().sections = {file(), process()};
    c.sync_groups[0].more.edit().sections = {tracks("track_file", {line("F", 3)}),
                                             tracks("track_process", {line("P", -7)})};
    Bench bench = Bench::started(c);
    (void)bench.router.step(FileFact{"F", 5}, t0 + 1ms);
    (void)bench.router.step(ProcessFact{"P", 0}, t0 + 1ms);
    CHECK(priority_of(bench, 0) == 108);
    CHECK(priority_of(bench, 1) == 128);
}

TEST_CASE("without sync_group_tracking_weight a member's files have weight 0 for 1, and are dropped for another one") {
    // effect: vrrp_sync_group: sync_group_tracking_weight
    struct Row {
        std::int64_t weight;
        bool allowed;
        int priority;
        State state;
    };
    const Row rows[] = {{1, true, 105, State::Backup},
                        {2, true, 110, State::Backup},
                        {1, false, 100, State::Fault},
                        {2, false, 100, State::Backup}};
    for (const Row& row : rows) {
        config::Config c = with_group({instance(100), instance(100, "VI_2", 52, "10.9.9.10/32")});
        c.more.edit().sections = {file(), process()};
        c.instances[0].more.edit().sections = {tracks("track_file", {line("F", row.weight)}),
                                               tracks("track_process", {line("P", 7)})};
        if (row.allowed) c.sync_groups[0].more.edit().values = {{"sync_group_tracking_weight", true}};
        Bench bench = Bench::started(c);
        (void)bench.router.step(ProcessFact{"P", 0}, t0);
        (void)bench.router.step(FileFact{"F", 5}, t0 + 1ms);
        CHECK(bench.state() == row.state);
        CHECK(priority_of(bench) == row.priority);
        (void)bench.router.step(ProcessFact{"P", 1}, t0 + 1ms);
        CHECK(priority_of(bench) == row.priority + 7);
    }
}

TEST_CASE("an address owner has no trackers with a weight") {
    Bench bench = Bench::started(tracking({file()}, {tracks("track_file", {line("F", 1)})}, 255));
    CHECK(deeds(bench.router.step(FileFact{"F", -254}, t0 + 1ms)).empty());
    CHECK(bench.state() != State::Fault);
}

TEST_CASE("a new incarnation remembers the states of files and processes") {
    const auto c =
        tracking({file(0), process()}, {tracks("track_file", {line("F")}), tracks("track_process", {line("P", 9)})});
    Bench bench = Bench::started(c);
    (void)bench.router.step(FileFact{"F", 0}, t0 + 1ms);
    (void)bench.router.step(ProcessFact{"P", 2}, t0 + 1ms);
    const RouterSnapshot left = bench.router.snapshot();
    CHECK(left.trackers == std::vector<TrackerSnapshot>{{TrackerSnapshot::Kind::File, "F", 0, true},
                                                        {TrackerSnapshot::Kind::Process, "P", 2, true}});
    Bench next{c};
    (void)next.router.step(link(), t0 + 2s);
    (void)next.router.start(t0 + 2s, &left);
    CHECK(next.state() == State::Backup);
    CHECK(priority_of(next) == 109);
}

TEST_CASE("a reload keeps the state of an unchanged tracker") {
    auto c = tracking({file()}, {tracks("track_file", {line("F")})});
    Bench bench = Bench::started(c);
    (void)bench.router.step(FileFact{"F", 5}, t0 + 1ms);
    CHECK(brief(bench.router.reload(c, t0 + 2ms)).empty());
    CHECK(priority_of(bench) == 105);
    c.more.edit().sections[0].values[0].data = WordList{"/run/other"};
    (void)bench.router.reload(c, t0 + 3ms);
    CHECK(priority_of(bench) == 100);
}

TEST_CASE("a fault stays over a reload that gives the file another name, or the process another delay") {
    auto c = tracking({file(0), process()}, {tracks("track_file", {line("F")}), tracks("track_process", {line("P")})});
    Bench bench = Bench::started(c);
    (void)bench.router.step(FileFact{"F", 5}, t0 + 1ms);
    (void)bench.router.step(ProcessFact{"P", 0}, t0 + 2ms);
    REQUIRE(bench.state() == State::Fault);
    c.more.edit().sections = {file(0, false, "G"), process({{"delay", Micros{1'000'000}}})};
    c.instances[0].more.edit().sections = {tracks("track_file", {line("G")}), tracks("track_process", {line("P")})};
    CHECK(brief(bench.router.reload(c, t0 + 3ms)).empty());
    CHECK(bench.state() == State::Fault);
    (void)bench.router.step(FileFact{"G", 0}, t0 + 4ms);
    CHECK(bench.state() == State::Fault);
    c.more.edit().sections[1] = process({{"quorum", std::int64_t{0}}});  // which none is, too
    (void)bench.router.reload(c, t0 + 5ms);
    CHECK(bench.state() == State::Backup);
}

TEST_CASE("a change of the priority is reported with notify_priority_changes") {
    // effect: vrrp_instance: notify_priority_changes
    // effect: vrrp_sync_group: notify_priority_changes
    // effect: global_defs: vrrp_notify_priority_changes
    struct Row {
        std::optional<bool> global, group, instance;
        bool told;
    };
    const Row rows[] = {{{}, {}, {}, false},       {true, {}, {}, true},  {true, false, {}, false},
                        {true, false, true, true}, {{}, true, {}, true},  {{}, true, false, false},
                        {{}, {}, true, true},      {false, {}, {}, false}};
    for (const Row& row : rows) {
        config::Config c = with_group({instance(100), instance(100, "VI_2", 52, "10.9.9.10/32")});
        c.more.edit().sections = {file()};
        c.instances[0].more.edit().sections = {tracks("track_file", {line("F")})};
        if (row.global) c.global.more.edit().values = {{"vrrp_notify_priority_changes", *row.global}};
        c.sync_groups[0].more.edit().values = {{"sync_group_tracking_weight", true}};
        if (row.group) c.sync_groups[0].more.edit().values.push_back({"notify_priority_changes", *row.group});
        if (row.instance) c.instances[0].more.edit().values = {{"notify_priority_changes", *row.instance}};
        c.instances[0].smtp_alert = true;
        Bench bench = Bench::started(c);
        (void)bench.router.step(FileFact{"F", 0}, t0);
        Lines expected{"Track file F now holds 5", "(VI_1) Changing effective priority from 100 to 105"};
        if (row.told) expected.emplace_back("announce INSTANCE VI_1 BACKUP_PRIORITY 105");
        CHECK(brief(bench.router.step(FileFact{"F", 5}, t0 + 1ms)) == expected);
    }
}

TEST_CASE("a master's change of priority is reported as MASTER_PRIORITY") {
    auto c = tracking({file()}, {tracks("track_file", {line("F")})});
    c.global.more.edit().values = {{"vrrp_notify_priority_changes", true}};
    Bench bench = Bench::master(c);
    CHECK(brief(bench.router.step(FileFact{"F", -5}, bench.taken_at + 1ms)).back() ==
          "announce INSTANCE VI_1 MASTER_PRIORITY 95");
}

TEST_CASE("a reload reports a removed instance as FAULT, or as DELETED with notify_deleted") {
    // effect: vrrp_instance: notify_deleted
    for (const bool deleted : {false, true}) {
        config::Config c = with({instance(100), instance(100, "VI_2", 52, "10.9.9.10/32")});
        c.instances[1].smtp_alert = true;
        if (deleted) c.instances[1].more.edit().values = {{"notify_deleted", config::Command{}}};
        Bench bench = Bench::started(c);
        c.instances.pop_back();
        CHECK(brief(bench.router.reload(c, t0 + 1s)) ==
              Lines{deleted ? "announce INSTANCE VI_2 DELETED 100 mail: VRRP Deleted at reload"
                            : "announce INSTANCE VI_2 FAULT 100 mail: VRRP Instance is no longer owning VRRP VIPs"});
    }
}

namespace {

config::Config delayed(Micros down, Micros up) {
    config::Config c = with({instance(100)});
    c.more.edit().sections = {
        tracks("interface_up_down_delays",
               {{"", {}, {{"down_delay", down}, {"interface", WordList{"eth0"}}, {"up_delay", up}}, {}}})};
    return c;
}

}  // namespace

TEST_CASE("a link counts as down, and as up, when its delay is over") {
    // effect: (root): interface_up_down_delays
    // effect: interface_up_down_delays: <entry>
    Bench bench = Bench::started(delayed(500ms, 300ms));
    CHECK(brief(bench.router.step(link("eth0", false), t0 + 1s)).empty());
    CHECK(bench.due() == 1500ms);
    CHECK(brief(bench.tick(t0 + 1499ms)).empty());
    CHECK(brief(bench.tick(t0 + 1500ms)) ==
          Lines{"Netlink reports eth0 down", "(VI_1) entering FAULT state (interface eth0 down)",
                "warning: (VI_1) Entering FAULT STATE", "announce INSTANCE VI_1 FAULT 100"});
    CHECK(brief(bench.router.step(link(), t0 + 2s)).empty());
    CHECK(brief(bench.tick(t0 + 2300ms)) ==
          Lines{"Netlink reports eth0 up", "(VI_1) Entering BACKUP STATE", "announce INSTANCE VI_1 BACKUP 100"});
}

TEST_CASE("a link that flaps within its delay was never down") {
    Bench bench = Bench::master(delayed(500ms, 0ms));
    const Instant t = bench.taken_at;
    CHECK(bench.router.step(link("eth0", false), t + 10ms).empty());
    CHECK(bench.router.step(link(), t + 20ms).empty());
    CHECK(brief(bench.tick(t + 520ms)).empty());
    CHECK(bench.state() == State::Master);
}

TEST_CASE("a link that is deleted counts at once, whatever its delay") {
    Bench bench = Bench::started(delayed(1s, 1s));
    CHECK(brief(bench.router.step(link("eth0", false, {}, 0), t0 + 1s)).at(0) == "Interface eth0 deleted");
    CHECK(bench.state() == State::Fault);
}

TEST_CASE("delays end before a backup would take over") {
    // keepalived: (down_timer_adverts - 1) intervals less 1/256 interval.
    Bench bench = Bench::started(delayed(60s, 60s));
    (void)bench.router.step(link("eth0", false), t0 + 1ms);
    CHECK(bench.due() == 1ms + 2s - 3'906'250ns);
}

TEST_CASE("a VMAC has the delays of the interface below it, which end before a backup would take over, too") {
    auto c = delayed(60s, 300ms);
    c.instances[0].more.edit().values = {{"base interface", WordList{"eth0"}}};
    c.instances[0].interface = "vrrp.51";
    LinkDelays delays;
    delays.configure(c);
    const InterfaceFact up{.name = "vrrp.51", .index = 9, .up = true}, down{.name = "vrrp.51", .index = 9};
    CHECK(delays.pass(down, &up, t0).up);
    CHECK(delays.deadline() == t0 + 2s - 3'906'250ns);
}

TEST_CASE("no delay holds back that an interface is another one") {
    LinkDelays delays;
    delays.configure(delayed(60s, 60s));
    const InterfaceFact up{.name = "eth0", .index = 2, .up = true};
    CHECK(delays.pass({.name = "eth0", .index = 2}, &up, t0).up);
    CHECK_FALSE(delays.pass({.name = "eth0", .index = 2, .appearance = 1}, &up, t0).up);
}

TEST_CASE("a delay that a reload takes away ends at once") {
    Bench bench = Bench::started(delayed(1s, 1s));
    (void)bench.router.step(link("eth0", false), t0 + 1ms);
    (void)bench.router.reload(with({instance(100)}), t0 + 2ms);
    CHECK(brief(bench.tick(t0 + 3ms)).at(0) == "Netlink reports eth0 down");
}
