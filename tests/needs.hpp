// What a test needs of whoever runs it, and of the machine. Without it the test is skipped, and tests/main.cpp prints
// which one and why.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

namespace mainstay::test {

struct Needs {
    const char* what;
    bool (*met)();

    // Of a test, or of all in a suite.
    template <class Test>
    void fill(Test& test) const {
        if (met()) return;
        test.m_skip = true;
        test.m_description = what;
    }
};

// TEST_CASE("a name" * kNeedsRoot), TEST_SUITE_BEGIN("a name" * kNeedsRoot)
inline constexpr Needs kNeedsRoot{"needs root", [] { return ::geteuid() == 0; }};

}  // namespace mainstay::test
