// When adverts leave that were due together.
#include <doctest/doctest.h>

#include <map>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::vrrp;
using namespace mainstay::vrrp::test;

namespace {

// The times of each instance's adverts until `end`.
std::map<InstanceId, std::vector<Instant>> adverts_until(Router& router, Instant end) {
    std::map<InstanceId, std::vector<Instant>> sent;
    while (router.deadline() && *router.deadline() <= end) {
        const Instant now = *router.deadline();
        for (const Intent& intent : router.step(DeadlineReached{}, now))
            if (const auto* advert = std::get_if<SendAdvert>(&intent)) sent[advert->instance].push_back(now);
    }
    return sent;
}

config::Config many(int count, Micros interval) {
    std::vector<config::Instance> instances;
    for (int n = 1; n <= count; ++n) {
        const std::string name = "VI_" + std::to_string(n), address = "10.9.9." + std::to_string(n) + "/32";
        instances.push_back(instance(100, name.c_str(), static_cast<std::uint8_t>(n), address.c_str()));
        instances.back().version = 3;
        instances.back().advert_int = interval;
    }
    return with(std::move(instances));
}

std::map<InstanceId, std::vector<Instant>> adverts_of(int count, Micros interval, Nanos time) {
    Bench bench{many(count, interval)};
    (void)bench.router.step(link(), t0);
    (void)bench.router.start(t0);
    return adverts_until(bench.router, t0 + time);
}

}  // namespace

TEST_CASE("adverts of many instances that were due together leave in turns from then on") {
    const auto sent = adverts_of(40, 1s, 10s);
    REQUIRE(sent.size() == 40);
    const Instant first = sent.at(0).at(0);
    for (const auto& [id, times] : sent) {
        CAPTURE(id);
        REQUIRE(times.size() >= 5);
        CHECK(times[0] == first);  // all of them take over at once
        CHECK(times[1] == first + 1s - (id < 16 ? 0us : id < 32 ? 800us : 1600us));
        for (std::size_t n = 2; n < times.size(); ++n) CHECK(times[n] - times[n - 1] == 1s);
    }
}

TEST_CASE("sixteen adverts stay together, and none is earlier by more than a quarter of its interval") {
    for (const auto& [id, times] : adverts_of(16, 1s, 10s)) CHECK(times[1] - times[0] == 1s);

    for (const auto& [id, times] : adverts_of(255, 10ms, 200ms)) {
        CAPTURE(id);
        CHECK(times[1] - times[0] <= 10ms);
        CHECK(times[1] - times[0] > 7500us);
        for (std::size_t n = 2; n < times.size(); ++n) CHECK(times[n] - times[n - 1] == 10ms);
    }
}

TEST_CASE("after a pause of the process everybody keeps the turn that it had") {
    Bench bench{many(40, 1s)};
    (void)bench.router.step(link(), t0);
    (void)bench.router.start(t0);
    const auto before = adverts_until(bench.router, t0 + 10s);
    (void)bench.router.step(DeadlineReached{}, t0 + 12s);
    for (const auto& [id, times] : adverts_until(bench.router, t0 + 15s)) {
        CAPTURE(id);
        CHECK((times.front() - before.at(id).back()) % 1s == 0s);
    }
}
