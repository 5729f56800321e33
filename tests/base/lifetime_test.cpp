#include "mainstay/base/lifetime.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <memory>

using namespace mainstay;

TEST_CASE("a guarded handler runs with its arguments as long as the lifetime lasts, and then does nothing") {
    auto lifetime = std::make_unique<Lifetime>();
    int sum = 0;
    const std::function<void(int)> add = lifetime->guard([&sum](int value) { sum += value; });
    add(2);
    add(3);
    CHECK(sum == 5);
    lifetime.reset();
    add(7);
    CHECK(sum == 5);
}

TEST_CASE("what waits on a timer does nothing if that was cancelled") {
    const Lifetime lifetime;
    int ran = 0;
    auto due = lifetime.when_due([&ran] { ++ran; });
    due(true);
    CHECK(ran == 0);
    due(false);
    CHECK(ran == 1);
}

TEST_CASE("after a new beginning only what is queued from then on runs") {
    Lifetime lifetime;
    int before = 0, after = 0;
    auto old_one = lifetime.guard([&before] { ++before; });
    lifetime.begin_anew();
    auto new_one = lifetime.guard([&after] { ++after; });
    old_one();
    new_one();
    CHECK(before == 0);
    CHECK(after == 1);
}
