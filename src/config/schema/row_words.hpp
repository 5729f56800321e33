// Words and bounds that the rows of several files have.
#pragma once

#include <cstdint>
#include <string_view>

namespace mainstay::config {

inline constexpr std::string_view kAnywhere = "default|any|all";  // instead of a prefix
inline constexpr std::string_view kTableWords = "main|local|default";
inline constexpr std::string_view kScopeWords = "site|link|host|nowhere|global";
inline constexpr std::int64_t kMostRealm = 65535;
inline constexpr std::int64_t kMostCpu = 1023;  // CPU_SETSIZE - 1

}  // namespace mainstay::config
