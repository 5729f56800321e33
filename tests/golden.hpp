// Whole texts that tests compare with: the files of the golden folder beside a test.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace mainstay::test {

inline std::string golden(const char* name) {
    std::ifstream file{std::string{GOLDEN_FOLDER "/"} + name};
    REQUIRE(file.is_open());
    return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace mainstay::test
