// What a test needs of whoever runs it, and of the machine. Without it the test is skipped, and tests/main.cpp prints
// which one and why.
#pragma once

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

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

// Of a test with a thousand connections. A login has 1,024 descriptors, and may have more when it asks.
inline constexpr Needs kNeedsDescriptors{"needs 4,096 file descriptors", [] {
                                             rlimit limit{};
                                             ::getrlimit(RLIMIT_NOFILE, &limit);
                                             limit.rlim_cur =
                                                 std::max(limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, 4'096));
                                             return limit.rlim_cur >= 4'096 && ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
                                         }};

}  // namespace mainstay::test
