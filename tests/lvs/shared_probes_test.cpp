#include "lvs/shared_probes.hpp"

#include <doctest/doctest.h>

#include "services_builder.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

using Ids = std::vector<CheckerId>;

config::VirtualServer sharing(std::string_view address) {
    auto shared = service({checked("10.0.0.11")}, address);
    shared.more.edit().values = {{"share_probe", true}};
    return shared;
}

struct SharingServices {
    Services services = services_of(
        {sharing("10.0.0.1"), sharing("10.0.0.2"), sharing("10.0.0.3"), service({checked("10.0.0.11")}, "10.0.0.4")});
    SharedProbes shared;
    CheckSchedule schedule{[](Micros) { return Micros{0}; }};

    SharingServices() { shared.group(services); }
    CheckerState& state(std::size_t service) { return services.checker_state({{service, 0}, 0}); }
    void lead(std::size_t service) {
        state(service).running = true;
        shared.lead(services, state(service).id);
    }
};

}  // namespace

TEST_CASE("equal checkers follow the run of the first; one that does not share its probe follows nobody") {
    SharingServices f;
    f.state(1).due = Instant{} + 9s;
    f.lead(0);
    CHECK(f.state(1).running);
    CHECK(f.state(1).due == f.state(0).due);
    CHECK_FALSE(f.state(3).running);
    CHECK(f.shared.take_followers(1) == Ids{2, 3});
    CHECK(f.shared.take_followers(1).empty());  // once
}

TEST_CASE("a checker that runs, is disabled, suspended or at another URL does not follow") {
    SharingServices running, disabled, suspended, elsewhere;
    running.state(1).running = true;
    disabled.services.state_at({1, 0}).hold = Hold::Disabled;
    suspended.services.states[1].suspended = true;
    elsewhere.state(1).url = 1;
    for (SharingServices* one : {&running, &disabled, &suspended, &elsewhere}) {
        one->lead(0);
        CHECK(one->shared.take_followers(1) == Ids{3});
    }
}

TEST_CASE("followers of a run that was cancelled run by themselves at once") {
    SharingServices f;
    f.lead(0);
    f.shared.release(1, f.services, f.schedule, Instant{} + 2s);
    CHECK_FALSE(f.state(1).running);
    CHECK(f.schedule.take_due(f.services, Instant{} + 2s) == CheckerId{2});
    CHECK(f.schedule.take_due(f.services, Instant{} + 2s) == CheckerId{3});
}

TEST_CASE("a leader that a reload removed lets its followers go") {
    SharingServices f;
    f.lead(0);
    auto state = f.services.states[1];
    f.services = services_of({sharing("10.0.0.2")});
    f.services.states[0] = state;
    f.services.index_checkers();
    f.shared.group(f.services);
    f.shared.release_gone(f.services, f.schedule, Instant{} + 2s);
    CHECK(f.schedule.take_due(f.services, Instant{} + 2s) == CheckerId{2});
}
