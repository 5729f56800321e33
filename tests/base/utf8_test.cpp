#include "mainstay/base/text.hpp"

#include <doctest/doctest.h>

using namespace mainstay;

TEST_CASE("a character has the length that its first byte says") {
    CHECK(utf8_length("a") == 1);
    CHECK(utf8_length({"\0b", 2}) == 1);
    CHECK(utf8_length("\xC3\xA9t") == 2);
    CHECK(utf8_length("\xE2\x82\xAC") == 3);
    CHECK(utf8_length("\xED\x9F\xBF\xED") == 3);
    CHECK(utf8_length("\xF0\x9F\x98\x80") == 4);
    CHECK(utf8_length("\xF4\x8F\xBF\xBF") == 4);
}

TEST_CASE("what is no character has the length 0") {
    CHECK(utf8_length("") == 0);
    CHECK(utf8_length("\x80") == 0);
    CHECK(utf8_length("\xC1\xBF") == 0);
    CHECK(utf8_length("\xC3") == 0);
    CHECK(utf8_length("\xC3t") == 0);
    CHECK(utf8_length("\xE2\x82") == 0);
    CHECK(utf8_length("\xE0\x9F\xBF") == 0);  // overlong
    CHECK(utf8_length("\xED\xA0\x80") == 0);  // a surrogate
    CHECK(utf8_length("\xF0\x8F\xBF\xBF") == 0);
    CHECK(utf8_length("\xF4\x90\x80\x80") == 0);  // beyond U+10FFFF
    CHECK(utf8_length("\xF5\x80\x80\x80") == 0);
}
