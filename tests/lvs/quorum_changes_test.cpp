#include "lvs/quorum_changes.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "services_builder.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

Services with_sorry(bool alive, bool quorum_up) {
    auto web = service({server("10.0.0.11")});
    web.sorry_server = sorry("10.0.0.99");
    auto services = services_of({std::move(web)});
    services.state_at({0, 0}).alive = alive;
    services.states[0].quorum_up = quorum_up;
    services.states[0].sorry_in_use = !quorum_up;
    return services;
}

bool has_table(const Intents& intents) { return std::ranges::count(intents, Intent{TableChanged{0}}) != 0; }

}  // namespace

TEST_CASE("the sorry server enters with the loss of the quorum and leaves with its return") {
    auto services = with_sorry(false, true);
    Intents out;
    follow_quorum(services, 0, QuorumChange::Running, out);
    CHECK_FALSE(services.states[0].quorum_up);
    CHECK(services.states[0].sorry_in_use);
    CHECK(has_table(out));
    services.state_at({0, 0}).alive = true;
    out.clear();
    follow_quorum(services, 0, QuorumChange::Running, out);
    CHECK(services.states[0].quorum_up);
    CHECK_FALSE(services.states[0].sorry_in_use);
    CHECK(has_table(out));
}

TEST_CASE("a quorum that stays says nothing") {
    for (const bool up : {false, true}) {
        auto services = with_sorry(up, up);
        Intents out;
        follow_quorum(services, 0, QuorumChange::Running, out);
        CHECK(out.empty());
    }
}

TEST_CASE("at the start the table follows anyway, and a service that never had its quorum gets its sorry server") {
    auto services = with_sorry(false, false);
    services.states[0].sorry_in_use = false;
    Intents out;
    follow_quorum(services, 0, QuorumChange::Start, out);
    CHECK(services.states[0].sorry_in_use);
    CHECK_FALSE(has_table(out));
    CHECK_FALSE(out.empty());
}

TEST_CASE("a quorum is settled as it is followed, without a word") {
    for (const bool alive : {false, true})
        for (const bool up : {false, true}) {
            auto settled = with_sorry(alive, up), followed = with_sorry(alive, up);
            Intents out;
            settle_quorum(settled, 0);
            follow_quorum(followed, 0, QuorumChange::Start, out);
            CHECK(settled.states == followed.states);
        }
}
