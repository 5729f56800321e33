// When the observer has nothing to do and says so.
#include "role/observer/rest.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "observer_bench.hpp"
#include "observer_examples.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace std::chrono_literals;

namespace {

struct RestingBench : ObserverBench {
    explicit RestingBench(const std::string& text = kInstance) {
        std::filesystem::create_directories(runtime.startup.spool_directory);
        runtime.may_rest = true;
        runtime.stands_at = std::chrono::steady_clock::now();
        REQUIRE(start(config_of(text)) == "");
        role->on(ipc::ApiSettings{}, {});
    }
    // This much later it rests.
    void rests_after(std::chrono::milliseconds time) {
        runtime.ahead += time;
        until([this] { return runtime.rested >= 0; });
    }
    // It has looked whether it may, and stays.
    bool stays_after(std::chrono::milliseconds time) {
        runtime.ahead += time;
        runtime.loop_.restart();
        runtime.loop_.run_for(1'300ms);
        return runtime.rested < 0;
    }
};

}  // namespace

TEST_CASE("the schedule counts from the last thing that was done") {
    RestSchedule rest;
    const Instant now{1h};
    rest.worked(now);
    CHECK_FALSE(rest.is_due(now + 29'999ms));
    CHECK(rest.is_due(now + 30s));
    rest.asked(now);
    rest.worked(now + 10s);  // the sooner one changes nothing
    CHECK_FALSE(rest.is_due(now + 299s));
    CHECK(rest.is_due(now + 300s));
}

TEST_CASE("virtual servers and D-Bus need an observer all the time") {
    CHECK_FALSE(needs_observer(config_of(kInstance)));
    CHECK(needs_observer(config_of(std::string{"global_defs {\nenable_dbus\n}\n"} + kInstance)));
    CHECK(needs_observer(config_of(kService)));
}

TEST_CASE("an observer with nothing to do rests, and its socket stays for the next one") {
    RestingBench b;
    CHECK(b.stays_after(0s));
    b.rests_after(30s);
    const UniqueFd socket{b.runtime.rested};
    b.role.reset();
    REQUIRE(::dup2(b.memory.kick.get(), ipc::inherited::kObserverKick) == ipc::inherited::kObserverKick);
    const std::string body = R"({"servers":"*"})";
    const auto client =
        b.asked("POST /api/v1/servers/drain HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);  // nobody is there, and it is not refused
    REQUIRE(::dup2(socket.get(), ipc::inherited::kApiSocket) == ipc::inherited::kApiSocket);
    b.runtime.startup.has_api_socket = true;
    REQUIRE(b.start(config_of(kInstance)) == "");
    b.runtime.loop_.restart();
    b.runtime.loop_.run_for(50ms);
    CHECK(b.runtime.questions.empty());  // whether it may is not known yet
    b.role->on(ipc::ApiSettings{.listen = {}, .operate = true}, {});
    b.until([&] { return b.runtime.questions.size() == 1; });
    b.stop();
    b.role.reset();
    CHECK_FALSE(std::filesystem::exists(b.runtime.startup.control_socket));
}

TEST_CASE("an observer that somebody asked a while ago stays for the next question") {
    RestingBench b;
    CHECK(b.get("/status").substr(0, 3) == "200");
    CHECK(b.stays_after(60s));
    b.rests_after(5min);
    ::close(b.runtime.rested);
}

TEST_CASE("an observer that serves a client, or listens for some, does not rest") {
    RestingBench b;
    SUBCASE("a stream of events") {
        const auto client = b.asked("GET /events HTTP/1.1\r\n\r\n");
        CHECK(b.stays_after(1h));
    }
    SUBCASE("an address of the API") {
        b.role->on(ipc::ApiSettings{.listen = {"127.0.0.1:1"}, .credentials = "/c"}, {});
        CHECK(b.stays_after(1h));
    }
    SUBCASE("a webhook") {
        b.role->on(
            ipc::WebhookSettings{
                .webhooks = {{.name = "w", .url = "http://127.0.0.1:9/", .ca_file = {}, .headers = {}, .problem = {}}}},
            {});
        CHECK(b.stays_after(1h));
    }
}

TEST_CASE("an event starts the time anew") {
    RestingBench b;
    b.runtime.ahead += 25s;
    b.vrrp_ring.append(transition("BACKUP"));
    b.wake();
    b.until([&] { return b.runtime.status().vrrp_acknowledged == 1; });
    CHECK(ipc::ReadMark::map(b.memory.vrrp_mark.get(), false)->number() == 1);
    CHECK(b.stays_after(10s));
    b.rests_after(20s);
    ::close(b.runtime.rested);
}

TEST_CASE("an observer that may not rest now serves on") {
    RestingBench b;
    b.runtime.may_rest = false;
    CHECK(b.stays_after(1h));
    CHECK(b.get("/status").substr(0, 3) == "200");
}

TEST_CASE("without a folder for the history the observer holds it, and does not rest") {
    ObserverBench b;
    b.runtime.startup.spool_directory = "/dev/null/spool";
    REQUIRE(b.start(config_of(kInstance)) == "");
    b.runtime.ahead += 1h;
    b.runtime.loop_.run_for(1'300ms);
    CHECK(b.runtime.rested == -1);
}

TEST_CASE("an observer whose mails wait for a server does not rest") {
    ObserverBench b;
    std::filesystem::create_directories(b.runtime.startup.spool_directory);
    REQUIRE(b.start(mailing()) == "");
    b.vrrp_ring.append(transition("MASTER"));
    b.wake();
    b.until([&] { return b.runtime.status().mails_queued == 1; });
    b.runtime.ahead += 1h;
    b.runtime.loop_.run_for(1'300ms);
    CHECK(b.runtime.rested == -1);
}
