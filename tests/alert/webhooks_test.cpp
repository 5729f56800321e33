// Events that are queued, sent, retried and given up.
#include <filesystem>
#include <fstream>

#include "webhooks_fixture.hpp"

namespace mainstay::alert {

TEST_CASE("events are on disk when they are taken, and go one after the other") {
    Bench b;
    b.take({Bench::event("A", 1), Bench::event("B", 2)});
    CHECK(b.files() == 1);  // one file for what came together
    b.pump(t0);
    CHECK(b.receivers.ids() == Ids{Bench::id(1)});
    b.pump(t0);
    CHECK(b.receivers.ids().size() == 1);
    CHECK(b.receivers.kept == Ids{"a"});  // the connection, while the queue is not empty
    b.answer(204, t0);
    CHECK(b.receivers.kept == Ids{"a"});
    b.answer(200, t0);
    CHECK(b.receivers.kept.empty());

    CHECK(b.receivers.ids() == Ids{Bench::id(1), Bench::id(2)});
    CHECK(b.files() == 0);
    CHECK(b.status().sent == 2);
    CHECK(b.status().queued == 0);
    CHECK(b.log.lines == std::vector<std::string>{"debug Webhook a: event vrrp.1.1795163866000001 delivered",
                                                  "debug Webhook a: event vrrp.2.1795163866000002 delivered"});
}

TEST_CASE("a deferred event is passed by other objects' events, never by a later one of its own object") {
    Bench b;
    b.take({Bench::event("A", 1), Bench::event("A", 2), Bench::event("B", 3)});
    b.pump(t0);
    b.answer(500, t0);
    CHECK(b.receivers.ids() == Ids{Bench::id(1), Bench::id(3)});
    b.answer(200, t0);
    b.pump(t0 + 4s);
    CHECK(b.receivers.ids().size() == 2);
    b.pump(t0 + 5s);
    b.answer(500, t0 + 5s);
    b.pump(t0 + 14s);
    CHECK(b.receivers.ids() == Ids{Bench::id(1), Bench::id(3), Bench::id(1)});
    b.deliver_all(t0 + 15s);

    CHECK(b.receivers.ids() == Ids{Bench::id(1), Bench::id(3), Bench::id(1), Bench::id(1), Bench::id(2)});
    CHECK(b.status().retries == 2);
    CHECK(b.status().problem.empty());
    CHECK(b.files() == 0);
    CHECK(
        b.log.lines[0] ==
        "warning Webhook a: delivery of event vrrp.1.1795163866000001 failed (HTTP status 500); 3 events queued, next "
        "attempt in 5 s");
}

TEST_CASE("a receiver that does not answer is left alone, and everything is sent in its order afterwards") {
    Bench b;
    b.take({Bench::event("A", 1), Bench::event("B", 2)});
    b.pump(t0);
    b.answer(0, t0, "Connection refused");
    CHECK(b.status().problem == "Connection refused");
    b.pump(t0 + 4s);
    CHECK(b.receivers.sent.size() == 1);
    b.pump(t0 + 5s);
    b.answer(503, t0 + 5s);
    b.pump(t0 + 14s);
    CHECK(b.receivers.sent.size() == 2);
    b.deliver_all(t0 + 15s);

    CHECK(b.receivers.ids() == Ids{Bench::id(1), Bench::id(1), Bench::id(1), Bench::id(2)});
    CHECK(b.receivers.sent[0].body == b.receivers.sent[2].body);
}

TEST_CASE("of five objects at a time the fault is the receiver's, and one object's request never stops the others") {
    Bench b;
    std::vector<Event> events;
    for (std::uint64_t i = 1; i <= 7; ++i) events.push_back(Bench::event("I" + std::to_string(i), i));
    b.take(events);
    b.pump(t0);
    for (int i = 0; i < 5; ++i) b.answer(500, t0);
    CHECK(b.receivers.sent.size() == 5);  // the sixth waits
    b.pump(t0 + 5s);
    CHECK(b.receivers.ids().back() == Bench::id(5));  // the newest in front: objects are independent
    b.answer(200, t0 + 5s);
    b.deliver_all(t0 + 5s);
    CHECK(b.status().queued == 0);

    b.take({Bench::event("bad", 8), Bench::event("good", 9)});
    b.pump(t0 + 6s);
    for (int i = 0; i < 9; ++i) {  // alone, however often
        b.answer(b.receivers.ids().back() == Bench::id(8) ? 500 : 200, t0 + 6s);
        if (b.receivers.done.empty()) break;
    }
    CHECK(b.receivers.ids().back() == Bench::id(9));
    CHECK(b.status().queued == 1);
}

TEST_CASE("what is rejected for good is kept aside, and the next of its object follows") {
    Bench b;
    b.take({Bench::event("A", 1), Bench::event("A", 2)});
    b.pump(t0);
    b.answer(422, t0);
    CHECK(b.status().failed == 1);
    CHECK(b.status().problem == "event vrrp.1.1795163866000001 rejected (HTTP status 422)");
    CHECK(b.folder.files("webhooks/failed") == Ids{"a.vrrp.1.1795163866000001.posts"});
    CHECK(b.folder.read("webhooks/failed/a.vrrp.1.1795163866000001.posts").find("\"reason\": \"HTTP status 422\"") !=
          std::string::npos);
    b.answer(200, t0);

    CHECK(b.receivers.ids() == Ids{Bench::id(1), Bench::id(2)});
    CHECK(b.status().problem.empty());
}

TEST_CASE("what is rejected or too old and has no room in the failed folder is said to be lost") {
    Bench b;
    Webhook brief = b.webhook("a");
    brief.keep = 60s;
    b.configure({brief});
    b.take({Bench::event("A", 1)});
    std::filesystem::remove_all(b.folder.path("webhooks/failed"));
    b.folder.write("webhooks/failed", "no folder");
    b.pump(t0);
    b.answer(422, t0);
    const std::string lost = "lost, because the failed folder does not take it (";
    CHECK(b.log.lines.back().starts_with("error Webhook a: event vrrp.1.1795163866000001 rejected (HTTP status 422); " +
                                         lost));
    b.take({Bench::event("A", 2)});
    b.pump(t0 + 61s);
    CHECK(b.log.lines.back().starts_with("error Webhook a: 1 events were not delivered within 60 s; " + lost));
}

TEST_CASE("a new process sends what was not delivered, in its order and under the same ids") {
    Bench b;
    b.take({Bench::event("A", 1), Bench::event("A", 2), Bench::event("A", 3)});
    b.take({Bench::event("A", 4)}, t0 + 1s);
    b.pump(t0);
    b.answer(200, t0);            // 1
    b.hooks->settle(b.wall(t0));  // noted
    b.answer(200, t0);            // 2: not noted any more
    b.receivers.sent.clear();
    b.restart();
    // The events that were not acknowledged come again: what waits already is not queued twice.
    b.take({Bench::event("A", 4)}, t0 + 2s);
    CHECK(b.status().queued == 3);
    b.deliver_all(t0 + 2s);

    CHECK(b.receivers.ids() == Ids{Bench::id(2), Bench::id(3), Bench::id(4)});
    CHECK(b.files() == 0);
}

TEST_CASE("an alert that began before a restart is resolved after it") {
    Bench b{HookBody::Alertmanager};
    b.take({Bench::event("A", 1, Transition::Fault)});
    b.deliver_all(t0);
    CHECK(b.folder.files("webhooks") == Ids{"firing.json"});
    b.restart();
    b.take({Bench::event("A", 2, Transition::Backup), Bench::event("A", 3, Transition::Backup)});
    b.deliver_all(t0);

    REQUIRE(b.receivers.ids() == Ids{Bench::id(1), Bench::id(2)});
    CHECK(b.receivers.sent[1].body.find(
              R"("startsAt":"2026-11-20T08:37:46.000001Z","endsAt":"2026-11-20T08:37:46.000002Z")") !=
          std::string::npos);
}

TEST_CASE("an alert that began before a restart is resolved under the name that the router had then") {
    Bench b{HookBody::Alertmanager};
    b.take({Bench::event("A", 1, Transition::Fault)});
    b.deliver_all(t0);
    b.restart();
    b.hooks->configure({b.webhook("a")}, {"lb1", "renamed"});
    b.take({Bench::event("A", 2, Transition::Backup)});
    b.deliver_all(t0);
    REQUIRE(b.receivers.sent.size() == 2);
    CHECK(b.receivers.sent[1].body.find(R"("router_id":"R")") != std::string::npos);
    CHECK(b.receivers.sent[1].body.find("renamed") == std::string::npos);
}

TEST_CASE("an alert that is over is resolved at receivers of alerts only") {
    Bench b{HookBody::Alertmanager};
    Webhook events = b.webhook("events");
    events.body = HookBody::CloudEvents;
    b.configure({b.webhook("a"), events});
    b.take({Bench::event("A", 1, Transition::Fault)});
    CHECK(b.hooks->firing());
    b.hooks->close_alerts([](const FiringAlert&) { return std::optional{Transition::Deleted}; }, b.wall(t0 + 1s));
    CHECK_FALSE(b.hooks->firing());
    b.deliver_all(t0);

    CHECK(b.status().sent == 2);
    CHECK(b.hooks->status()[1].queued == 1);
}

TEST_CASE("a damaged list of firing alerts is reported, and replaced") {
    Bench b{HookBody::Alertmanager};
    b.folder.write("webhooks/firing.json", "{");
    b.restart();
    CHECK(b.log.lines.at(0) == "error webhook spool: firing.json: not JSON; alerts that were firing are not resolved");
    b.take({Bench::event("A", 1, Transition::Fault)});
    CHECK(decode_firing(b.folder.read("webhooks/firing.json")).value().size() == 1);
}

TEST_CASE("each webhook has its own queue, body and objects") {
    Bench b;
    Webhook alerts = b.webhook("alerts"), groups = b.webhook("groups");
    alerts.body = HookBody::Alertmanager;
    groups.kinds = 1U << static_cast<unsigned>(Event::Kind::Group);
    b.configure({b.webhook("a"), alerts, groups});
    b.take({Bench::event("A", 1, Transition::Backup), Bench::event("A", 2, Transition::Master)});
    b.pump(t0);
    CHECK(b.receivers.sent.size() == 2);
    b.receivers.answer("a", 0, "no route");
    b.receivers.answer("alerts", 200);
    b.pump(t0);

    const auto status = b.hooks->status();
    CHECK(status[0].queued == 2);
    CHECK(status[1].sent == 1);  // BACKUP is no alert
    CHECK(status[1].queued == 0);
    CHECK(status[2].queued == 0);
}

TEST_CASE("a webhook with a problem queues, and sends when it is repaired") {
    Bench b;
    Webhook broken = b.webhook("a");
    broken.problem = "no headers";
    b.configure({broken});
    b.take({Bench::event("A", 1)});
    b.pump(t0);
    CHECK(b.receivers.sent.empty());
    CHECK(b.status().problem == "no headers");
    CHECK(b.status().queued == 1);
    b.configure({b.webhook("a")});
    CHECK(b.status().problem.empty());
    b.deliver_all(t0);
    CHECK(b.receivers.ids() == Ids{Bench::id(1)});
}

TEST_CASE("a reload that changes one webhook says nothing about another one's trouble") {
    Bench b;
    b.take({Bench::event("A", 1)});
    b.pump(t0);
    b.answer(503, t0);
    CHECK(b.status().problem == "HTTP status 503");
    b.configure({b.webhook("a"), b.webhook("b")});
    CHECK(b.status().problem == "HTTP status 503");
    Webhook moved = b.webhook("a");
    moved.url = "https://elsewhere/";
    b.configure({moved, b.webhook("b")});
    CHECK(b.status().problem.empty());
}

TEST_CASE("what waits for a webhook outlives its URL, and after a while its name") {
    Bench b;
    b.take({Bench::event("A", 1)});
    b.configure({});
    b.hooks->settle(b.wall(t0));
    CHECK(b.files() == 1);
    Webhook moved = b.webhook("a");
    moved.url = "https://elsewhere/";
    b.configure({moved});
    CHECK(b.status().queued == 1);
    b.configure({b.webhook("b")});
    b.hooks->settle(b.wall(t0 + kKeepFor + 1s));
    CHECK(b.files() == 0);
    CHECK(b.folder.files("webhooks/failed").size() == 1);
}

TEST_CASE("an event is given up after its time, not before") {
    Bench b;
    Webhook brief = b.webhook("a");
    brief.keep = 60s;
    b.configure({brief});
    b.take({Bench::event("A", 1), Bench::event("B", 2)});
    b.pump(t0);
    b.answer(0, t0, "refused");
    b.pump(t0 + 59s);
    CHECK(b.status().failed == 0);
    b.answer(0, t0 + 61s, "refused");

    CHECK(b.status().failed == 2);
    CHECK(b.status().queued == 0);
    CHECK(b.files() == 0);
    CHECK(b.folder.files("webhooks/failed").size() == 1);
    CHECK(b.log.lines.back().starts_with(
        "error Webhook a: 2 events were not delivered within 60 s; moved to the spool's failed folder: a."));
}

TEST_CASE("a clock that is set forward makes no waiting event old") {
    Bench b;
    constexpr std::int64_t kYears = 200'000'000'000'000;
    const auto pump_later = [&](Instant now) { b.hooks->pump(now, {b.wall(now).unix_us + kYears}); };
    b.take({Bench::event("A", 1)});
    b.pump(t0);
    b.answer(0, t0, "refused");
    pump_later(t0 + 2s);
    CHECK(b.status().failed == 0);
    CHECK(b.status().queued == 1);
    pump_later(t0 + kKeepFor + 2s);
    CHECK(b.status().failed == 1);
}

TEST_CASE("ten thousand events in a minute cost few files and arrive in order") {
    Bench b;
    for (std::uint64_t batch = 0; batch < 40; ++batch) {
        std::vector<Event> events;
        for (std::uint64_t i = 1; i <= 250; ++i)
            events.push_back(Bench::event("I" + std::to_string(i % 100), batch * 250 + i));
        b.take(events);
    }
    CHECK(b.files() == 40);
    CHECK(b.status().queued == 10'000);
    b.pump(t0);
    b.answer(0, t0, "away");
    b.restart();
    CHECK(b.status().queued == 10'000);
    b.receivers.sent.clear();
    b.deliver_all(t0 + 3600s);

    REQUIRE(b.receivers.sent.size() == 10'000);
    for (std::uint64_t i = 1; i <= 10'000; ++i) REQUIRE(b.receivers.sent[i - 1].id == Bench::id(i));
    CHECK(b.files() == 0);
}

TEST_CASE("what the spool has no room for is dropped, counted and said") {
    Bench b{HookBody::CloudEvents, {.mails_max = 1}};
    b.take({Bench::event("A", 1)});
    b.take({Bench::event("A", 2), Bench::event("A", 3)});

    CHECK(b.status().dropped == 2);
    CHECK(b.status().queued == 1);
    CHECK(b.log.lines.at(0).starts_with(
        "error Webhook a: 2 events are dropped, the first is vrrp.2.1795163866000002: the webhook spool "));
    CHECK(b.log.lines.at(0).find(" is full: 1 event files, ") != std::string::npos);
}

TEST_CASE("while the disk cannot be written events go out from memory, and to the disk as soon as it can") {
    Bench b{HookBody::Alertmanager};
    const std::string blocked = b.folder.path("later");
    std::ofstream{blocked} << "a file in the folder's place";
    b.hooks.emplace(PostSpool::in_memory(blocked, Error{Errc::Io, "read-only"}, kPostSpoolLimits), b.receivers, b.log,
                    nullptr);
    b.configure({b.webhook("a")});
    b.take({Bench::event("A", 1), Bench::event("B", 2)});
    b.hooks->settle(b.wall(t0));
    CHECK(b.hooks->unsaved() == 1);
    b.pump(t0);
    b.answer(200, t0);
    std::filesystem::remove(blocked);
    b.hooks->settle(b.wall(t0));
    CHECK(b.hooks->unsaved() == 0);
    CHECK(b.hooks->disk_problem().empty());
    CHECK(b.folder.files("later").size() == 2);  // the events and firing.json
    b.deliver_all(t0);

    CHECK(b.receivers.ids() == Ids{Bench::id(1), Bench::id(2)});
    CHECK(b.folder.files("later") == Ids{"firing.json"});
}

TEST_CASE("a file that is no file of events is put aside") {
    const PostBatch good{.id = "a.1",
                         .webhook = "a",
                         .sequence = 1,
                         .posts = {{.id = "vrrp.1.2", .object = "o", .content_type = "t/j", .body = "{}", .at = {2}}},
                         .reason = {}};
    const std::string text = encode_posts(good);
    REQUIRE(decode_posts(text) == good);
    const auto with = [&](const std::string& from, const std::string& to) {
        std::string changed = text;
        changed.replace(changed.find(from), from.size(), to);
        return decode_posts(changed);
    };
    CHECK(with("\"format\": 1", "\"format\": 2").error().code() == Errc::Unsupported);
    CHECK(with("a.1", "../1").error().text() == "an id that cannot be a file name");
    CHECK_FALSE(with("vrrp.1.2", "x\\\" y").has_value());
    CHECK_FALSE(with("t/j", "t\\r\\nX: y").has_value());
    CHECK_FALSE(with("\"posts\"", "\"post\"").has_value());
    for (std::size_t end = 0; end + 2 < text.size(); ++end)
        REQUIRE_FALSE(decode_posts(text.substr(0, end)).has_value());
}

TEST_CASE("a number that no time can be is no file of firing alerts") {
    const auto with = [](const std::string& since, const std::string& kind) {
        return decode_firing(R"({"format":1,"firing":{"MainstayFault":{"since_us":)" + since + R"(,"kind":)" + kind +
                             R"(,"name":"VI_1","parent":""}}})");
    };
    CHECK(with("9223372036854775807", "1").has_value());
    for (const std::string since : {"9223372036854775808", "17951677777777777777777777777773866000000", "0.5", "true"})
        CHECK_FALSE(with(since, "1").has_value());
    CHECK(with("1e3", "1").error().text() ==
          "[json.exception.type_error.302] a whole number in range is wanted: 1000.0");
    CHECK_FALSE(with("1", "4294967297").has_value());
}

}  // namespace mainstay::alert
