#include "role/observer/history.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::role;

namespace {

Event event_at(std::int64_t unix_us, std::string name = "VI_1") { return {.name = std::move(name), .at = {unix_us}}; }

}  // namespace

TEST_CASE("the history numbers events by their time, and ascends when the clock does not") {
    int appended = 0;
    History history{[&] { ++appended; }};
    CHECK(history.first_id() == 0);
    CHECK(history.last_id() == 0);
    history.append("vrrp", {event_at(1000), event_at(1000), event_at(900)});
    history.append("lvs", {event_at(5000)});
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
    history.append("vrrp", {event_at(10, "a"), event_at(20, "b"), event_at(30, "c")});
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

TEST_CASE("nothing is appended: nobody is notified") {
    int appended = 0;
    History history{[&] { ++appended; }};
    history.append("vrrp", {});
    CHECK(appended == 0);
}

TEST_CASE("the history is bounded: the oldest go") {
    History history{[] {}};
    history.append("vrrp", std::vector<Event>(kHistoryEntriesMax, event_at(1)));
    CHECK(history.first_id() == 1);
    history.append("vrrp", {event_at(1)});
    CHECK(history.first_id() == 2);
    CHECK(history.after(0, 2 * kHistoryEntriesMax).size() == kHistoryEntriesMax);
}
