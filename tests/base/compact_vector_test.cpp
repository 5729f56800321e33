#include "mainstay/base/compact.hpp"

#include <doctest/doctest.h>

#include <string>

using mainstay::CompactVector;

TEST_CASE("an empty list takes a pointer, and reads as an empty vector") {
    CompactVector<std::string> few;
    CHECK(sizeof(few) == sizeof(void*));
    CHECK(few.empty());
    CHECK(few.begin() == few.end());
    CHECK((*few).empty());
    CHECK(few == std::vector<std::string>{});
    few.reserve(0);
    CHECK_THROWS_AS((void)few.at(0), std::out_of_range);
}

TEST_CASE("it is filled, changed and emptied as a vector") {
    CompactVector<std::string> few{"a"};
    few.push_back("b");
    few.emplace_back(2, 'c');
    for (std::string& text : few) text.push_back('!');
    CHECK(*few == std::vector<std::string>{"a!", "b!", "cc!"});
    CHECK(few.front() == "a!");
    CHECK(few.back() == few[2]);
    CHECK(few.at(1) == "b!");
    few.erase_if([](const std::string& text) { return text == "b!"; });
    CHECK(*few == std::vector<std::string>{"a!", "cc!"});
    few.erase_if([](const std::string&) { return true; });
    CHECK(few.empty());
    few = {"e", "f"};
    CHECK(few.size() == 2);
    few.clear();
    CHECK(few.empty());
    few = std::vector<std::string>{"d"};
    CHECK(few.size() == 1);
}

TEST_CASE("a copy is its own, and a list that was moved from is empty") {
    CompactVector<std::string> few{"a", "b"};
    CompactVector<std::string> copy = few;
    CHECK(copy == few);
    copy[0] = std::string{"x"};
    CHECK(few[0] == "a");
    few = few;  // NOLINT: that it stays what it is
    CHECK(few.size() == 2);
    const CompactVector<std::string> moved = std::move(few);
    CHECK(moved.size() == 2);
    CHECK(few.empty());  // NOLINT: that is the promise
    copy = CompactVector<std::string>{};
    CHECK(copy.empty());
}
