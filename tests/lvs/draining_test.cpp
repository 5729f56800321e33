#include "lvs/draining.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "services_builder.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

config::VirtualServer draining_service(std::vector<config::RealServer> servers) {
    auto web = service(std::move(servers));
    web.more.edit().values = {{"drain_timeout", Micros{10'000'000}}};
    return web;
}

bool changes_table(const Intents& intents) { return std::ranges::count(intents, Intent{TableChanged{0}}) == 1; }

struct DrainingServer {
    Services services = services_of({draining_service({server("10.0.0.11"), server("10.0.0.12")})});
    Draining draining;
    Intents out;

    DrainingServer() {
        draining.begin(services, {0, 0}, at_second(0), out);
        out.clear();
    }
    const std::optional<DrainState>& drain() { return services.state_at({0, 0}).between->leave; }
};

}  // namespace

TEST_CASE("the connections of a server that drains are counted each second until the time is over") {
    DrainingServer f;
    CHECK(f.draining.deadline() == Instant{} + 1s);
    f.draining.on_deadline(f.services, Instant{} + 1s, f.out);
    CHECK(f.out == Intents{CountConnections{0}});
    CHECK(f.draining.deadline() == Instant{} + 2s);
    f.out.clear();
    f.draining.on_deadline(f.services, Instant{} + 10s, f.out);
    CHECK(f.drain()->over);
    CHECK(changes_table(f.out));
    CHECK_FALSE(f.draining.deadline());
}

TEST_CASE("a server has drained once it has no active connection; those that time out do not count") {
    DrainingServer f;
    f.draining.on_counted(f.services, {0, {{at("10.0.0.11", 80), 3, 0}, {at("10.0.0.12", 80), 0, 0}}}, f.out);
    CHECK(f.out.empty());
    CHECK(f.drain()->connections == 3U);
    f.draining.on_counted(f.services, {0, {{at("10.0.0.11", 80), 0, 7}, {at("10.0.0.12", 80), 5, 0}}}, f.out);
    CHECK(f.drain()->over);
    CHECK(changes_table(f.out));
    CHECK_FALSE(f.draining.deadline());
}

TEST_CASE("without a drain_timeout nothing drains") {
    auto services = services_of({service({server("10.0.0.11")})});
    Draining draining;
    Intents out;
    draining.begin(services, {0, 0}, at_second(0), out);
    CHECK(out.empty());
    CHECK_FALSE(draining.deadline());
}

TEST_CASE("a server that a reload removed drains as long as its old configuration says") {
    auto services = services_of({draining_service({server("10.0.0.12")})});
    const auto before = draining_service({server("10.0.0.11"), server("10.0.0.12")});
    Draining draining;
    Intents out;
    Draining::take_removed(services, 0, before, up_state(before), at_second(0), out);
    REQUIRE(services.states[0].leaving.size() == 1);
    CHECK(services.states[0].leaving[0].server.endpoint == at("10.0.0.11", 80));
    CHECK(services.states[0].leaving[0].leave.until == Instant{} + 10s);
    draining.rearm(services, Instant{});
    out.clear();
    draining.on_deadline(services, Instant{} + 10s, out);
    CHECK(changes_table(out));
    CHECK(services.states[0].leaving.empty());
}
