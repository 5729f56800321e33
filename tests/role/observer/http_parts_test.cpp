// Parts of the API at their bounds: who guesses, whose secret is right, and what a stream of events begins with.
#include <doctest/doctest.h>

#include "../../kept_log.hpp"
#include "mainstay/role/common/credential_hash.hpp"
#include "role/observer/http/authenticator.hpp"
#include "role/observer/http/event_feed.hpp"
#include "role/observer/http/exchange.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::http;
using namespace std::chrono_literals;
using mainstay::test::KeptLog;

namespace {

std::string line(const std::string& name, const std::string& role, const Result<std::string>& hash,
                 const std::string& more = "") {
    return name + " " + role + " " + hash.value() + more + "\n";
}

struct Door {
    KeptLog log;
    report::ApiCounters counters;
    Instant now{1'000s};
    WallTime wall{};
    Authenticator authenticator{log, counters, {.now = [this] { return now; }, .wall = [this] { return wall; }}};

    bool set(const std::string& file) { return authenticator.set(wire::credentials_file(file).credentials); }
    // "200 NAME RIGHTS", or the status of the refusal.
    std::string try_with(const std::string& authorization, const char* source = "192.0.2.7") {
        Request request;
        request.authorization = authorization;
        const auto got = authenticator.identify(request, IpAddress::parse(source).value());
        if (const auto* refused = std::get_if<Answer>(&got)) return std::to_string(refused->status);
        const auto& caller = std::get<Caller>(got);
        return "200 " + caller.name + (caller.rights == Rights::Operate ? " operate" : " read");
    }
};

const std::string kOld = "Basic YW5hOm9sZA==", kNew = "Basic YW5hOm5ldw==";  // ana:old, ana:new

Event bare_event(std::int64_t unix_us) { return {.name = "VI_1", .at = {unix_us}}; }

}  // namespace

TEST_CASE("a password that was right is not right any more when the file has another one") {
    Door door;
    door.authenticator.require_credentials(true);
    const auto before = line("ana", "read", hash_of_password("old")),
               after = line("ana", "read", hash_of_password("new"));
    CHECK(door.set(before));
    CHECK(door.try_with(kOld) == "200 ana from 192.0.2.7 read");
    CHECK_FALSE(door.set(before));  // the same again
    CHECK(door.try_with(kOld) == "200 ana from 192.0.2.7 read");
    CHECK(door.set(after));
    CHECK(door.try_with(kOld) == "401");
    CHECK(door.try_with(kNew) == "200 ana from 192.0.2.7 read");
    CHECK(door.counters.logins_failed == 1);
    CHECK(door.log.texts.at(0) == "wrong credentials for the API from 192.0.2.7 (1 so far)");
}

TEST_CASE("credentials end with the second that they name") {
    Door door;
    door.authenticator.require_credentials(true);
    door.authenticator.let_operate(true);
    REQUIRE(door.set(line("bot", "operate", hash_of_token("t"), " until=1970-01-01")));
    door.wall = {86'399'999'999};
    CHECK(door.try_with("Bearer t") == "200 bot from 192.0.2.7 operate");
    door.wall = {86'400'000'000};
    CHECK(door.try_with("Bearer t") == "401");
}

TEST_CASE("a source is known by the wait that it has left, to the moment") {
    LoginGuard guard;
    const Instant begin{1'000s};
    for (int n = 0; n < 3; ++n) guard.failed("a", begin);
    CHECK(guard.wait_of("a", begin) == 1s);
    CHECK(guard.wait_of("a", begin + 1s - 1ns) == 1s);
    CHECK(guard.wait_of("a", begin + 1s) == 0s);
    CHECK(guard.wait_of("b", begin) == 0s);
    guard.failed("a", begin + 10min);  // just within the time for which failures are remembered
    CHECK(guard.wait_of("a", begin + 10min) == 2s);
    guard.failed("a", begin + 20min + 1ns);
    CHECK(guard.wait_of("a", begin + 20min + 1ns) == 0s);
}

TEST_CASE("of 1024 sources none is forgotten, of more the one that failed longest ago, or those of long ago") {
    LoginGuard guard;
    const Instant begin{1'000s};
    const auto name = [](int n) { return std::to_string(n); };
    for (int n = 0; n < 1024; ++n)
        for (int times = 0; times < 3; ++times) guard.failed(name(n), begin + n * 1ms);
    CHECK(guard.sources() == 1024);
    guard.failed("one more", begin + 1100ms);
    CHECK(guard.sources() == 1024);
    CHECK(guard.wait_of(name(0), begin) == 0s);
    CHECK(guard.wait_of(name(1), begin) > 0s);
    guard.failed("long after", begin + 1h);
    CHECK(guard.sources() == 1);
}

TEST_CASE("1024 sources that fail in turn wait all of them, none escapes by being the one that failed longest ago") {
    LoginGuard guard;
    Instant now{1'000s};
    for (int times = 0; times < 3; ++times)
        for (int n = 0; n < 1024; ++n) guard.failed(std::to_string(n), now += 1ms);
    CHECK(guard.sources() == 1024);
    CHECK(guard.wait_of("1023", now) == 1s);
    CHECK(guard.wait_of("100", now) == 1s);
}

TEST_CASE("each wrong secret doubles the wait, up to a minute, and the right one ends it") {
    LoginGuard guard;
    const Instant begin{1'000s};
    std::vector<std::int64_t> waits;
    for (int n = 0; n < 10; ++n) {
        guard.failed("a", begin);
        waits.push_back(guard.wait_of("a", begin).count());
    }
    CHECK(waits == std::vector<std::int64_t>{0, 0, 1, 2, 4, 8, 16, 32, 60, 60});
    for (int n = 0; n < 100; ++n) guard.failed("a", begin);
    CHECK(guard.wait_of("a", begin) == 60s);
    guard.succeeded("a");
    CHECK(guard.wait_of("a", begin) == 0s);
    CHECK(guard.sources() == 0);
}

TEST_CASE("a source is remembered for ten minutes to the moment, and only as many are forgotten as make room") {
    const Instant begin{1'000s};
    const auto all_at_once = [begin](LoginGuard& guard) {
        for (int n = 0; n < 1024; ++n) guard.failed(std::to_string(n), begin);
    };
    LoginGuard just, after, mixed;
    all_at_once(just);
    just.failed("one more", begin + 10min);
    CHECK(just.sources() == 1024);
    all_at_once(after);
    after.failed("one more", begin + 10min + 1ns);
    CHECK(after.sources() == 1);
    all_at_once(mixed);
    for (int n = 1; n < 1024; ++n) mixed.failed(std::to_string(n), begin + 1ns);
    mixed.failed("one more", begin + 10min + 1ns);
    CHECK(mixed.sources() == 1024);
}

TEST_CASE("an IPv6 client is known by its network of 64 bits, an IPv4 one by its address") {
    CHECK(source_name(IpAddress::parse("192.0.2.7").value()) == "192.0.2.7");
    CHECK(source_name(IpAddress::parse("2001:db8:1:2:ffff::9").value()) == "2001:db8:1:2::/64");
}

TEST_CASE("passwords are counted by the second that began with the first of them") {
    LoginGuard guard;
    const Instant begin{1'000s};
    for (unsigned n = 0; n < 5; ++n) CHECK(guard.may_compare(begin));
    CHECK_FALSE(guard.may_compare(begin + 1s - 1ns));
    for (unsigned n = 0; n < 5; ++n) CHECK(guard.may_compare(begin + 1s));
    CHECK_FALSE(guard.may_compare(begin + 1s));
}

TEST_CASE("events behind the oldest that is held may be lost, those behind a newer one are not") {
    History history{[] {}};
    CHECK(may_have_lost(history, 7));
    CHECK_FALSE(may_have_lost(history, 0));
    history.append("vrrp", {bare_event(100), bare_event(200)});
    CHECK(may_have_lost(history, 99));
    CHECK_FALSE(may_have_lost(history, 100));
    CHECK_FALSE(may_have_lost(history, 150));
    CHECK_FALSE(may_have_lost(history, 200));
}

TEST_CASE(
    "a stream whose last event is not held any more begins with that and then the oldest, and goes on once each") {
    History history{[] {}};
    EventFeed early{history, 7};
    CHECK(early.next() == "event: lost\ndata: {\"after\":7,\"first\":0}\n\n");
    CHECK(early.next().empty());
    history.append("vrrp", {bare_event(100), bare_event(200)});
    EventFeed late{history, 50};
    const auto text = late.next();
    CHECK(text.starts_with("event: lost\ndata: {\"after\":50,\"first\":100}\n\nid: 100\ndata: "));
    CHECK(text.find("\n\nid: 200\ndata: ") != std::string::npos);
    CHECK(late.next().empty());
    history.append("vrrp", {bare_event(300)});
    CHECK(late.next().starts_with("id: 300\n"));
    CHECK(late.next().empty());
    EventFeed there{history, 200};
    CHECK(there.next().starts_with("id: 300\n"));
    EventFeed all{history, 0};
    CHECK(all.next().starts_with("id: 100\n"));
}

TEST_CASE("a stream gives a hundred events at once, and then the rest") {
    History history{[] {}};
    std::vector<Event> events;
    for (int n = 1; n <= 101; ++n) events.push_back(bare_event(n));
    history.append("vrrp", events);
    EventFeed feed{history, 0};
    const auto first = feed.next();
    CHECK(first.find("id: 100\n") != std::string::npos);
    CHECK(first.find("id: 101\n") == std::string::npos);
    CHECK(feed.next().starts_with("id: 101\n"));
}
