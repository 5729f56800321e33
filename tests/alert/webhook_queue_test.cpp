// What operators see of the events for webhooks, and do with them.
#include "webhooks_fixture.hpp"

namespace mainstay::alert {

TEST_CASE("operators see what waits, with tries, the last answer and the next try") {
    Bench b;
    b.take({Bench::event("A", 1), Bench::event("B", 2)});
    b.pump(t0);
    auto queue = b.hooks->queue(t0);
    REQUIRE(queue.size() == 2);
    CHECK(queue[0].id == "a/" + Bench::id(1));
    CHECK(queue[0].state == QueuedPost::State::Sending);
    CHECK(queue[1].state == QueuedPost::State::Waiting);
    CHECK(queue[1].next_try == 0s);
    b.answer(0, t0, "connection refused");
    queue = b.hooks->queue(t0 + 1s);
    REQUIRE(queue.size() == 2);
    CHECK(queue[0].tries == 1);
    CHECK(queue[0].answer == "connection refused");
    CHECK(queue[0].next_try == 4s);
    CHECK(queue[0].at.unix_us == kWall0 + 1);
    auto broken = b.webhook("a");
    broken.problem = "its headers cannot be read";
    b.configure({broken});
    CHECK(b.hooks->queue(t0)[0].answer == "its headers cannot be read");
    CHECK_FALSE(b.hooks->queue(t0)[0].next_try);
}

TEST_CASE("an event that an operator retries is sent at once, in the order of its object") {
    Bench b;
    b.take({Bench::event("A", 1), Bench::event("A", 2)});
    b.pump(t0);
    b.answer(0, t0, "timed out");
    b.pump(t0 + 1s);
    CHECK(b.receivers.ids().size() == 1);
    CHECK(b.hooks->retry({.ids = {"a/" + Bench::id(9)}, .all = false, .by = "uid 0"}, {kWall0}).error().text() ==
          "no event that waits or has failed has the id a/" + Bench::id(9));
    CHECK(b.hooks->retry({.ids = {"a/" + Bench::id(2)}, .all = false, .by = "uid 0"}, {kWall0}).value() ==
          Ids{"a/" + Bench::id(2) + ": is tried now"});
    CHECK(b.log.lines.back() == "notice webhook retry by uid 0: a/" + Bench::id(2) + ": is tried now");
    b.pump(t0 + 1s);
    CHECK(b.receivers.ids() == Ids{Bench::id(1), Bench::id(1)});
    CHECK(b.hooks->retry({.ids = {"a/" + Bench::id(1)}, .all = false, .by = {}}, {kWall0}).value() ==
          Ids{"a/" + Bench::id(1) + ": it is being delivered already"});
}

TEST_CASE("an event that an operator drops is gone, also from the disk, and is not counted as lost") {
    Bench b;
    b.take({Bench::event("A", 1), Bench::event("B", 2), Bench::event("C", 3)});
    b.pump(t0);
    CHECK(b.hooks->drop({.ids = {}, .all = true, .by = "ana"}).value() ==
          Ids{"a/" + Bench::id(1) + ": is being delivered now, so it was not dropped",
              "a/" + Bench::id(2) + ": dropped", "a/" + Bench::id(3) + ": dropped"});
    CHECK(b.status().dropped == 0);
    CHECK(b.status().queued == 1);
    b.hooks->settle(Bench::wall(t0));
    b.restart();
    b.deliver_all(t0);
    CHECK(b.receivers.ids() == Ids{Bench::id(1), Bench::id(1)});
    CHECK(b.files() == 0);
    CHECK(b.hooks->drop({.ids = {}, .all = true, .by = {}}).value().empty());
}

TEST_CASE("an event that failed is shown with the reason, and sent again behind the others when an operator wants it") {
    Bench b;
    b.take({Bench::event("A", 1), Bench::event("B", 2)});
    b.pump(t0);
    b.answer(400, t0);
    b.answer(400, t0);
    auto queue = b.hooks->queue(t0);
    REQUIRE(queue.size() == 2);
    CHECK(queue[0].state == QueuedPost::State::Failed);
    CHECK(queue[0].id == "a/" + Bench::id(1));
    CHECK(queue[0].webhook == "a");
    CHECK(queue[0].object == "instance A");
    CHECK(queue[0].answer == "HTTP status 400");
    CHECK_FALSE(queue[0].next_try);

    b.take({Bench::event("A", 3)});
    CHECK(b.hooks->retry({.ids = {"a/" + Bench::id(1)}, .all = false, .by = "ana"}, Bench::wall(t0 + 1s)).value() ==
          Ids{"a/" + Bench::id(1) + ": is tried again"});
    queue = b.hooks->queue(t0 + 1s);
    REQUIRE(queue.size() == 3);
    CHECK(queue[0].id == "a/" + Bench::id(3));
    CHECK(queue[1].id == "a/" + Bench::id(1));
    CHECK(queue[1].at.unix_us == kWall0 + 1'000'000);  // as if it had happened now, or it would be too old at once
    CHECK(queue[2].id == "a/" + Bench::id(2));
    b.restart();  // it is on disk
    b.deliver_all(t0 + 1s);
    CHECK(b.receivers.ids() == Ids{Bench::id(1), Bench::id(2), Bench::id(3), Bench::id(1)});
    CHECK(b.hooks->queue(t0 + 1s).size() == 1);

    b.configure({b.webhook("other")});
    CHECK(b.hooks->retry({.ids = {}, .all = true, .by = {}}, Bench::wall(t0)).value() ==
          Ids{"a/" + Bench::id(2) + ": cannot be tried again: no webhook a is configured"});
    CHECK(b.hooks->drop({.ids = {}, .all = true, .by = {}}).value() == Ids{"a/" + Bench::id(2) + ": dropped"});
    CHECK(b.hooks->queue(t0).empty());
    CHECK(b.folder.files("webhooks/failed").empty());
}

TEST_CASE("after a drop of everything the next event is tried at once, since nothing shows a problem any more") {
    Bench b;
    b.take({Bench::event("A", 1)});
    b.pump(t0);
    b.answer(503, t0);
    CHECK(b.hooks->drop({.ids = {}, .all = true, .by = {}}).value().size() == 1);
    CHECK(b.status().problem.empty());
    b.take({Bench::event("A", 2)});
    b.deliver_all(t0 + 1s);
    CHECK(b.status().sent == 1);
}

TEST_CASE("of the events of one file that failed each is sent or dropped by itself") {
    Bench b;
    b.take({Bench::event("A", 1), Bench::event("B", 2), Bench::event("C", 3)});
    const Instant late = t0 + kKeepFor + 1s;
    b.pump(late);
    CHECK(b.folder.files("webhooks/failed").size() == 1);
    REQUIRE(b.hooks->queue(late).size() == 3);
    CHECK(b.hooks->queue(late)[1].answer == "not delivered in time");

    CHECK(b.hooks->retry({.ids = {"a/" + Bench::id(2)}, .all = false, .by = {}}, Bench::wall(late)).value() ==
          Ids{"a/" + Bench::id(2) + ": is tried again"});
    CHECK(b.hooks->drop({.ids = {"a/" + Bench::id(1)}, .all = false, .by = {}}).value() ==
          Ids{"a/" + Bench::id(1) + ": dropped"});
    b.deliver_all(late);
    CHECK(b.receivers.ids() == Ids{Bench::id(2)});
    REQUIRE(b.hooks->queue(late).size() == 1);
    CHECK(b.hooks->queue(late)[0].id == "a/" + Bench::id(3));
    CHECK(b.hooks->queue(late)[0].answer == "not delivered in time");
}

TEST_CASE("a failed file that cannot be read is shown by its name, and can be dropped") {
    Bench b;
    b.folder.write("webhooks/failed/x.posts", "{");
    REQUIRE(b.hooks->queue(t0).size() == 1);
    CHECK(b.hooks->queue(t0)[0].id == "x");
    CHECK(b.hooks->queue(t0)[0].answer == "not JSON");
    CHECK(b.hooks->retry({.ids = {"x"}, .all = false, .by = {}}, {kWall0}).value() ==
          Ids{"x: cannot be tried again: not JSON"});
    CHECK(b.hooks->drop({.ids = {"x"}, .all = false, .by = {}}).value() == Ids{"x: dropped"});
    CHECK(b.folder.files("webhooks/failed").empty());
}

TEST_CASE("an event whose object is deferred shows when it is due, and an operator's retry does not wait for that") {
    Bench b;
    b.take({Bench::event("A", 1), Bench::event("B", 2)});
    b.pump(t0);
    b.answer(500, t0);
    b.answer(200, t0);
    const auto queue = b.hooks->queue(t0 + 1s);
    REQUIRE(queue.size() == 1);
    CHECK(queue[0].tries == 1);
    CHECK(queue[0].next_try == 4s);
    b.pump(t0 + 1s);
    CHECK(b.receivers.ids().size() == 2);
    CHECK(b.hooks->retry({.ids = {}, .all = true, .by = {}}, {kWall0}).value() ==
          Ids{"a/" + Bench::id(1) + ": is tried now"});
    b.pump(t0 + 1s);
    CHECK(b.receivers.ids() == Ids{Bench::id(1), Bench::id(2), Bench::id(1)});

    auto broken = b.webhook("a");
    broken.problem = "its headers cannot be read";
    b.answer(500, t0 + 1s);
    b.configure({broken});
    CHECK(b.hooks->retry({.ids = {}, .all = true, .by = {}}, {kWall0}).value() ==
          Ids{"a/" + Bench::id(1) + ": nothing is sent to this webhook: its headers cannot be read"});
}

TEST_CASE("later events of an object wait no longer for one that an operator dropped, unless another one is deferred") {
    Bench b;
    b.take({Bench::event("A", 1)});
    b.pump(t0);
    b.answer(500, t0);
    CHECK(b.hooks->drop({.ids = {}, .all = true, .by = {}}).value().size() == 1);
    b.take({Bench::event("A", 2), Bench::event("A", 3)});
    b.pump(t0 + 1s);
    CHECK(b.receivers.ids() == Ids{Bench::id(1), Bench::id(2)});
    b.answer(500, t0 + 1s);
    CHECK(b.hooks->drop({.ids = {"a/" + Bench::id(2)}, .all = false, .by = {}}).value().size() == 1);
    b.pump(t0 + 2s);
    CHECK(b.receivers.ids().size() == 2);
    b.pump(t0 + 6s);
    CHECK(b.receivers.ids() == Ids{Bench::id(1), Bench::id(2), Bench::id(3)});
}

TEST_CASE("an event that failed and came again waits once") {
    Bench b;
    b.take({Bench::event("A", 1)});
    b.pump(t0);
    b.answer(400, t0);
    b.take({Bench::event("A", 1)});  // it was not acknowledged
    CHECK(b.hooks->queue(t0).size() == 2);
    CHECK(b.hooks->retry({.ids = {"a/" + Bench::id(1)}, .all = false, .by = {}}, {kWall0}).value() ==
          Ids{"a/" + Bench::id(1) + ": is tried now", "a/" + Bench::id(1) + ": is tried again"});
    CHECK(b.hooks->queue(t0).size() == 1);
    b.deliver_all(t0);
    CHECK(b.receivers.ids() == Ids{Bench::id(1), Bench::id(1)});
}

TEST_CASE("of what waits and of what failed operators see a thousand events each") {
    Bench b;
    std::vector<Event> events;
    for (std::uint64_t n = 1; n <= kQueueShownMax + 1; ++n) events.push_back(Bench::event("A", n));
    b.take(events);
    CHECK(b.hooks->queue(t0).size() == kQueueShownMax);
    const Instant late = t0 + kKeepFor + 1s;
    b.pump(late);
    const auto failed = b.hooks->queue(late);
    REQUIRE(failed.size() == kQueueShownMax);
    CHECK(failed.back().id == "a/" + Bench::id(kQueueShownMax));
    for (std::size_t n = 0; n <= kQueueShownMax; ++n)
        b.folder.write("webhooks/failed/" + std::to_string(n) + ".posts", "{");
    b.take({Bench::event("A", 5000)}, late);
    const auto both = b.hooks->queue(late);
    REQUIRE(both.size() == kQueueShownMax + 1);
    CHECK(both.front().id == "a/" + Bench::id(5000));
    CHECK(both.back().answer == "not JSON");
}

}  // namespace mainstay::alert
