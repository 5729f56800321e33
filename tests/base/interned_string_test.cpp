#include "mainstay/base/interned_string.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

using namespace mainstay;

TEST_CASE("a shared text takes one pointer and reads as what it was made of, empty by default") {
    const InternedString none, text{"connection refused"};

    CHECK(sizeof text == sizeof(void*));
    CHECK(none == "");
    CHECK(text == "connection refused");
    CHECK(text.text() == "connection refused");
    CHECK_FALSE(text == none);
    CHECK(InternedString{""} == none);
    CHECK(InternedString{"connection refused"} == text);
}

TEST_CASE("a shared text outlives the one that it was copied from") {
    InternedString copy;
    {
        const InternedString first{"a text that is longer than a small string"};
        copy = first;
    }
    InternedString moved = std::move(copy);
    const InternedString again = moved;
    moved = InternedString{"another"};

    CHECK(again == "a text that is longer than a small string");
    CHECK(moved == "another");
    moved = moved;
    CHECK(moved == "another");
}

TEST_CASE("a pool gives the same text to all who ask for equal ones, of the last few") {
    TextPool pool;
    const InternedString first = pool.of("timed out"), second = pool.of("timed out");
    CHECK(first.view().data() == second.view().data());

    for (std::size_t i = 0; i < TextPool::kTextsMax; ++i) static_cast<void>(pool.of("text " + std::to_string(i)));
    const InternedString later = pool.of("timed out");
    CHECK(later == first);
    CHECK(later.view().data() != first.view().data());
    CHECK(pool.of("text 15").view().data() == pool.of("text 15").view().data());
}
