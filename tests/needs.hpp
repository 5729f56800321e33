// What a test needs of whoever runs it. Without it the test is skipped, and tests/main.cpp prints which one and why.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

namespace mainstay::test {

struct NeedsRoot {
    // Of a test, or of all in a suite.
    template <class Test>
    void fill(Test& test) const {
        if (::geteuid() == 0) return;
        test.m_skip = true;
        test.m_description = "needs root";
    }
};

// TEST_CASE("a name" * kNeedsRoot), TEST_SUITE_BEGIN("a name" * kNeedsRoot)
inline constexpr NeedsRoot kNeedsRoot;

}  // namespace mainstay::test
