#include "mainstay/base/compact.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace mainstay;

namespace {

struct Limits {
    int low = 3, high = 9;
    bool operator==(const Limits&) const = default;
};

}  // namespace

TEST_CASE("a rare member that nobody set reads as the default and takes one pointer") {
    const CompactOptional<Limits> unset;

    CHECK(unset->low == 3);
    CHECK(*unset == Limits{});
    CHECK(sizeof unset == sizeof(void*));
}

TEST_CASE("a rare member keeps what it is given, and its copies are its own") {
    CompactOptional<Limits> one = Limits{.low = 4};
    const CompactOptional<Limits> two = one;
    one.edit().high = 10;

    CHECK(*one == Limits{4, 10});
    CHECK(*two == Limits{4, 9});

    one = two;
    CHECK(one->high == 9);
    one.reset();
    CHECK(one->low == 3);
}

TEST_CASE("rare members are equal when they read the same, whether or not they hold a value") {
    CompactOptional<Limits> touched;
    touched.edit().low = 3;

    CHECK(touched == CompactOptional<Limits>{});
    CHECK(touched == Limits{});
    CHECK_FALSE(touched == Limits{.low = 4});
    CHECK_FALSE(CompactOptional<std::string>{"a"} == CompactOptional<std::string>{});
}

TEST_CASE("a change of a rare member that leaves the default takes no memory") {
    CompactOptional<Limits> one;
    one.change([](Limits& limits) { limits.low = 5; });
    CHECK(one->low == 5);

    one.change([](Limits& limits) { limits.low = 3; });
    CHECK(*one == Limits{});
    CHECK(&*one == &*CompactOptional<Limits>{});  // what all read that hold nothing
}
