// What a fuzz target holds its subject to, in every build.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace mainstay::fuzz {

inline void require(bool holds, std::source_location place = std::source_location::current()) {
    if (holds) return;
    std::fprintf(stderr, "%s:%u: does not hold\n", place.file_name(), static_cast<unsigned>(place.line()));
    std::abort();
}

}  // namespace mainstay::fuzz
