// What the observer still does when it is stopped, and for how long.
#include <filesystem>

#include "hook_receiver.hpp"
#include "observer_bench.hpp"
#include "record_memory.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace std::chrono_literals;

namespace {

struct StoppingBench : ObserverBench {
    StoppingBench() { std::filesystem::create_directory(runtime.startup.spool_directory); }
    void start_with(const HookReceiver& receiver) {
        ipc::Webhook webhook;
        webhook.name = "pager";
        webhook.url = receiver.url();
        runtime.startup.webhooks = {{webhook}};
        REQUIRE(start({}) == "");
    }
    // The instance becomes master, of which the observer has not heard yet.
    void append_master() {
        vrrp_ring.append({.kind = Event::Kind::Instance,
                          .name = "VI_1",
                          .transition = Transition::Master,
                          .at = {1'795'163'866'000'000}});
    }
    [[nodiscard]] std::size_t records() const {
        std::size_t count = 0;
        for (const auto& entry : std::filesystem::directory_iterator{runtime.startup.spool_directory + "/history"})
            count += entry.path().filename().string().ends_with(".rec") ? 1 : 0;
        return count;
    }
};

}  // namespace

TEST_CASE("what happened last is sent to a webhook before the observer stops") {
    StoppingBench b;
    HookReceiver receiver{b.runtime.loop_};
    b.start_with(receiver);
    b.append_master();
    b.stop();
    REQUIRE(receiver.bodies.size() == 1);
    CHECK(receiver.bodies[0].find("VI_1") != std::string::npos);
}

TEST_CASE("a receiver that does not answer keeps the observer for three and a half seconds") {
    StoppingBench b;
    b.runtime.stands_at = Instant{1'000s};
    boost::asio::io_context nobody;  // takes the connection, and never reads
    const HookReceiver receiver{nobody};
    b.start_with(receiver);
    b.append_master();
    bool stopped = false;
    b.role->stop([&] { stopped = true; });
    const auto look = [&] {
        b.runtime.loop_.restart();
        b.runtime.loop_.run_for(120ms);  // more than two of its looks
        return stopped;
    };
    CHECK_FALSE(look());
    b.runtime.ahead = 3'499ms;
    CHECK_FALSE(look());
    b.runtime.ahead = 3'500ms;
    b.until([&] { return stopped; });
}

TEST_CASE("a record of what changed hands last is on disk when the observer stops") {
    StoppingBench b;
    REQUIRE(b.start({}) == "");
    b.role->on(ipc::RecordMemory{}, memory_of(record::Machine::Router, 1));
    b.append_master();
    b.stop();
    CHECK(b.records() == 1);
}
