#include "role/observer/history.hpp"

#include <doctest/doctest.h>

#include <utility>

using namespace mainstay;
using namespace mainstay::role;

namespace {

Event named_event(std::int64_t unix_us, std::string name = "VI_1") {
    return {.name = std::move(name), .at = {unix_us}};
}

}  // namespace

TEST_CASE("the history numbers events by their time, and ascends when the clock does not") {
    int appended = 0;
    History history{[&] { ++appended; }};
    CHECK(history.first_id() == 0);
    CHECK(history.last_id() == 0);
    history.append("vrrp", {named_event(1000), named_event(1000), named_event(900)});
    history.append("lvs", {named_event(5000)});
    CHECK(appended == 2);
    CHECK(history.first_id() == 1000);
    CHECK(history.last_id() == 5000);
    const auto all = history.after(0, 10);
    REQUIRE(all.size() == 4);
    CHECK(all[1].id == 1001);
    CHECK(all[2].id == 1002);
    CHECK(all[2].source == "vrrp");
    CHECK(all[3].source == "lvs");
}

TEST_CASE("the history is read on behind an id, so many at a time") {
    History history{[] {}};
    history.append("vrrp", {named_event(10, "a"), named_event(20, "b"), named_event(30, "c")});
    const auto two = history.after(10, 2);
    REQUIRE(two.size() == 2);
    CHECK(two[0].event.name == "b");
    CHECK(two[1].event.name == "c");
    CHECK(history.after(15, 1)[0].event.name == "b");
    CHECK(history.after(30, 9).empty());
    CHECK(history.after(99, 9).empty());
    CHECK(history.newest(2)[0].event.name == "b");
    CHECK(history.newest(9).size() == 3);
}

TEST_CASE("a second MASTER that is heard each second is in the history once a minute") {
    const auto rival = [](std::int64_t at_s, std::string name) {
        Event event = named_event(at_s * 1'000'000, std::move(name));
        event.transition = Transition::LowerPriorityHeard;
        return event;
    };
    History history{[] {}};
    for (std::int64_t at_s = 100; at_s < 220; ++at_s) history.append("vrrp", {rival(at_s, "VI_1")});
    history.append("vrrp", {rival(220, "VI_2")});
    CHECK(history.newest(9).size() == 3);
    Event backup = named_event(221'000'000);
    backup.transition = Transition::Backup;
    history.append("vrrp", {backup, rival(222, "VI_1"), rival(223, "VI_1")});
    CHECK(history.newest(9).size() == 5);
}

TEST_CASE("nothing is appended: nobody is notified") {
    int appended = 0;
    History history{[&] { ++appended; }};
    history.append("vrrp", {});
    CHECK(appended == 0);
}

TEST_CASE("the history is bounded: the oldest go") {
    History history{[] {}};
    history.append("vrrp", std::vector<Event>(kHistoryEntriesMax, named_event(1)));
    CHECK(history.first_id() == 1);
    history.append("vrrp", {named_event(1)});
    CHECK(history.first_id() == 2);
    CHECK(history.after(0, 2 * kHistoryEntriesMax).size() == kHistoryEntriesMax);
}

TEST_CASE("what a former run left fills the history up to its bound: the oldest of it goes") {
    const auto former = [](std::size_t count) {
        std::vector<report::HistoryEntry> entries;
        for (std::size_t i = 1; i <= count; ++i)
            entries.push_back(
                {.id = i, .source = "vrrp", .event = named_event(static_cast<std::int64_t>(i), "before")});
        return entries;
    };
    const auto restored = [&](std::size_t count) {
        History history{[] {}};
        history.append("vrrp", {named_event(900'000, "now"), named_event(900'001, "now")});
        history.restore(former(count));
        return history.after(0, 2 * kHistoryEntriesMax);
    };
    const auto all = restored(kHistoryEntriesMax);
    REQUIRE(all.size() == kHistoryEntriesMax);
    CHECK(all.front().id == 3);
    CHECK(all.back().event.name == "now");
    CHECK(restored(kHistoryEntriesMax - 2).front().id == 1);
    CHECK(restored(kHistoryEntriesMax - 2).size() == kHistoryEntriesMax);
    CHECK(restored(2 * kHistoryEntriesMax).size() == kHistoryEntriesMax);
}

TEST_CASE("what is in the history already is not restored once more") {
    History history{[] {}};
    history.append("vrrp", {named_event(900'000, "now")});
    history.restore({{.id = 899'999, .source = "vrrp", .event = named_event(899'999, "before")},
                     {.id = 900'000, .source = "vrrp", .event = named_event(900'000, "now")}});
    const auto all = history.after(0, 10);
    REQUIRE(all.size() == 2);
    CHECK(all[0].event.name == "before");
    CHECK(all[1].event.name == "now");
}
