// Two files, and what the reload from one to the other is said to do.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "mainstay/config/load.hpp"
#include "mainstay/role/reader/reload_diff.hpp"

namespace mainstay::role::test {

// What peers with the file of before refuse.
inline const std::string kRefused =
    "         worse: until its peers have the same, each refuses the other's packets, and both are MASTER: change them "
    "at "
    "the same time\n";

inline config::Config config_of(const std::string& text) {
    auto loaded = config::load_text("x.conf", text, {});
    REQUIRE(loaded.can_run());
    return std::move(loaded.config);
}

inline std::string text_of(const std::string& before, const std::string& after) {
    return as_text(diff_reload(config_of(before), config_of(after)));
}

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

}  // namespace mainstay::role::test
