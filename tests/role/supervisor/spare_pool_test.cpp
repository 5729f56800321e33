#include "role/supervisor/spares.hpp"

#include "supervisor_parts.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

struct PlayedSpares {
    Roles roles;  // for its loop and its log
    Generation running;
    UniqueFd line;  // the spare's end
    Child* started = nullptr;
    bool can_start = true, allowed = true;
    std::vector<Kind> ready;
    std::vector<std::string> lost;
    int quiet = 0;
    SparePool pool{roles.loop,
                   roles.log,
                   {.start = [this](Child& spare) { return start(spare); },
                    .is_allowed = [this](Child&, const Result<ipc::Received>&) { return allowed; },
                    .ready = [this](Kind kind) { ready.push_back(kind); },
                    .lost = [this](Kind, const std::string& why) { lost.push_back(why); },
                    .quiet = [this] { ++quiet; }}};

    PlayedSpares() {
        running.number = 3;
        for (const Kind kind : kRoleKinds) running.part(kind).needed = true;
    }
    Result<void> start(Child& spare) {
        if (!can_start) return fail(Errc::State, "no memory");
        auto channel = ipc::make_channel();
        REQUIRE(channel.has_value());
        spare.adopt(kNobody, std::move(channel->first), [](const Result<ipc::Received>&) {}, roles.log);
        line = std::move(channel->second);
        started = &spare;
        return {};
    }
    void answer(std::uint64_t generation, std::string refused = {}) {
        pool.on_message(*started, ipc::Received{ipc::Prepared{generation, std::move(refused)}, {}});
    }
    bool end() { return pool.ended({.pid = kNobody, .signalled = true, .status = 9}); }
};

}  // namespace

TEST_CASE("a spare is ready once it has loaded the configuration that runs") {
    PlayedSpares f;
    f.pool.start(Kind::Vrrp, f.running);
    CHECK(next_message<ipc::Prepare>(f.line.get())->generation == 3);
    CHECK(f.pool.has(Kind::Vrrp));
    f.answer(3);
    CHECK(f.ready == std::vector{Kind::Vrrp});
    CHECK(f.pool.find_ready(Kind::Vrrp, f.running) == f.started);
    CHECK(f.pool.find_ready(Kind::Lvs, f.running) == nullptr);
}

TEST_CASE("a spare that has another configuration is dropped when it is needed") {
    PlayedSpares f;
    f.pool.start(Kind::Vrrp, f.running);
    f.answer(2);
    CHECK(f.pool.find_ready(Kind::Vrrp, f.running) == nullptr);
    CHECK(f.started->kill_sent);
}

TEST_CASE("after a reload a spare loads the new configuration, and is not ready until then") {
    PlayedSpares f;
    f.pool.start(Kind::Vrrp, f.running);
    f.answer(3);
    static_cast<void>(next_message<ipc::Prepare>(f.line.get()));
    f.running.number = 4;
    f.pool.prepare(f.running);
    CHECK(next_message<ipc::Prepare>(f.line.get())->generation == 4);
    CHECK_FALSE(f.started->prepared);
    f.answer(4);
    CHECK(f.pool.find_ready(Kind::Vrrp, f.running) == f.started);
}

TEST_CASE("a spare that loads the same configuration anew is not ready until it has") {
    PlayedSpares f;
    f.pool.start(Kind::Vrrp, f.running);
    f.answer(3);
    f.pool.prepare(f.running);
    CHECK(f.pool.find_ready(Kind::Vrrp, f.running) == nullptr);
}

TEST_CASE("the spare of a role that is not needed any more is dropped") {
    PlayedSpares f;
    f.pool.start(Kind::Vrrp, f.running);
    f.running.part(Kind::Vrrp).needed = false;
    f.pool.prepare(f.running);
    CHECK(f.started->kill_sent);
}

TEST_CASE("one that refuses its configuration, ends or cannot be started is lost") {
    PlayedSpares refused, ended, unable;
    refused.pool.start(Kind::Vrrp, refused.running);
    refused.answer(3, "no memory");
    CHECK(refused.lost == std::vector<std::string>{"no memory"});
    CHECK(refused.started->kill_sent);
    ended.pool.start(Kind::Vrrp, ended.running);
    CHECK(ended.end());
    CHECK_FALSE(ended.end());
    CHECK(ended.lost == std::vector<std::string>{"signal 9"});
    CHECK_FALSE(ended.pool.has(Kind::Vrrp));
    unable.can_start = false;
    unable.pool.start(Kind::Vrrp, unable.running);
    CHECK(unable.lost == std::vector<std::string>{"no memory"});
}

TEST_CASE("spares that end after the stop are not reported") {
    PlayedSpares f;
    f.pool.start(Kind::Vrrp, f.running);
    f.pool.stop();
    CHECK(f.started->kill_sent);
    CHECK(f.end());
    CHECK(f.lost.empty());
}

TEST_CASE("missing spares are started after a quiet moment") {
    PlayedSpares f;
    f.pool.fill_soon();
    f.pool.fill_soon();
    f.roles.until([&] { return f.quiet != 0; });
    CHECK(f.quiet == 1);
}

TEST_CASE("what a spare may not send does not count, and a heartbeat is no readiness") {
    PlayedSpares f;
    f.pool.start(Kind::Vrrp, f.running);
    f.allowed = false;
    f.answer(3);
    CHECK(f.ready.empty());
    f.allowed = true;
    f.pool.on_message(*f.started, ipc::Received{ipc::Heartbeat{}, {}});
    CHECK(f.ready.empty());
    CHECK(f.lost.empty());
    CHECK_FALSE(f.started->prepared);
}

TEST_CASE("a spare that is on its way out is not ready, and none of another role is dropped") {
    PlayedSpares f;
    f.pool.start(Kind::Vrrp, f.running);
    f.answer(3);
    f.pool.drop(Kind::Lvs);
    CHECK_FALSE(f.started->kill_sent);
    f.started->kill_sent = true;
    CHECK(f.pool.find_ready(Kind::Vrrp, f.running) == nullptr);
    CHECK_FALSE(f.pool.ended({.pid = 77}));
    CHECK(f.end());
    CHECK(f.lost == std::vector<std::string>{"signal 9"});
    CHECK(f.roles.log.texts.empty());  // on purpose
}

TEST_CASE("the first spare that dies is replaced after a moment, and its death is logged") {
    PlayedSpares f;
    f.pool.start(Kind::Vrrp, f.running);
    f.started->born = kernel::monotonic_now();
    CHECK(f.end());
    CHECK(f.roles.log.texts == std::vector<std::string>{"the spare VRRP process died"});
    f.roles.until([&] { return f.quiet == 1; });
    f.pool.start(Kind::Vrrp, f.running);
    f.started->born = kernel::monotonic_now();
    CHECK(f.end());
    f.roles.loop.restart();
    f.roles.loop.run_for(kSpareAfter + std::chrono::milliseconds{100});
    CHECK(f.quiet == 1);  // it died at once again
}

TEST_CASE("all spares are dropped together, and shown one by one") {
    PlayedSpares f;
    f.pool.start(Kind::Lvs, f.running);
    int seen = 0, alive = 0;
    f.pool.for_each([&](const Child& spare) { ++seen, alive += spare.alive() ? 1 : 0; });
    CHECK(seen == 5);
    CHECK(alive == 1);
    f.pool.drop_all();
    CHECK(f.started->kill_sent);
}
