#include "lvs/slow_start.hpp"

#include <doctest/doctest.h>

#include "services_builder.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

Services growing_services(std::uint32_t weight) {
    auto web = service({checked("10.0.0.11", weight)});
    web.more.edit().values = {{"slow_start", Micros{100'000'000}}};
    return services_of({std::move(web)});
}

}  // namespace

TEST_CASE("a weight grows in proportion to the time, in at most twenty steps, and never below 1") {
    using Step = std::optional<RampStep>;
    const Micros time{100'000'000};
    CHECK(ramp_at(100, time, 0s) == Step{RampStep{1, Micros{5'000'000}}});
    CHECK(ramp_at(100, time, 5s) == Step{RampStep{5, Micros{10'000'000}}});
    CHECK(ramp_at(100, time, 99s) == Step{RampStep{99, time}});
    CHECK(ramp_at(3, time, 0s) == Step{RampStep{1, Micros{66'666'667}}});
    CHECK(ramp_at(100, time, 100s) == Step{});
    CHECK(ramp_at(1, time, 0s) == Step{});
    CHECK(ramp_at(100, Micros{0}, 0s) == Step{});
}

TEST_CASE("a server that comes up takes its steps until it has its full weight") {
    auto services = growing_services(2);
    SlowStart slow_start;
    Intents out;
    slow_start.begin(services, {0, 0}, Instant{}, out);
    CHECK(out.size() == 1);  // a line for the log
    CHECK(services.state_at({0, 0}).between->growing_weight == 1);
    CHECK(slow_start.deadline() == Instant{} + 100s);
    out.clear();
    slow_start.on_deadline(services, Instant{} + 99s, out);
    CHECK(out.empty());
    slow_start.on_deadline(services, Instant{} + 100s, out);
    CHECK(out == Intents{TableChanged{0}});
    CHECK_FALSE(services.state_at({0, 0}).between->growing_weight);
    CHECK_FALSE(slow_start.deadline());
}

TEST_CASE("a weight of 1, and one that an operator set, does not grow") {
    auto light = growing_services(1), held = growing_services(9);
    held.state_at({0, 0}).hold = Hold::Weight;
    for (Services* services : {&light, &held}) {
        SlowStart slow_start;
        Intents out;
        slow_start.begin(*services, {0, 0}, Instant{}, out);
        CHECK(out.empty());
        CHECK_FALSE(slow_start.deadline());
    }
}

TEST_CASE("a growth goes on where the state says after the services were replaced") {
    auto services = growing_services(100);
    services.state_at({0, 0}).between.edit().grows_since = Instant{};
    SlowStart slow_start;
    slow_start.rearm(services, Instant{} + 20s);
    CHECK(services.state_at({0, 0}).between->growing_weight == 20);
    CHECK(slow_start.deadline() == Instant{} + 25s);
}
