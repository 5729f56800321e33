// The include lines, and which problems each of their forms treats as errors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mainstay::config {

enum class IncludeCheck : std::uint8_t {
    Read = 1,           // every match can be read
    Match = 2,          // a name without wildcards exists
    WildcardMatch = 4,  // a pattern with wildcards matches something
    BraceMatch = 8,     // every alternative in braces matches something
};

struct IncludeChecks {
    std::uint8_t bits = 0;
    [[nodiscard]] bool has(IncludeCheck check) const { return (bits & static_cast<std::uint8_t>(check)) != 0; }
    void set(std::uint8_t which, bool on) { bits = static_cast<std::uint8_t>(on ? bits | which : bits & ~which); }
};
inline constexpr IncludeChecks kAllIncludeChecks{15};

struct Include {
    std::string keyword, pattern;
    bool checked = false;  // its form has its own checks; a plain include uses those of include_check
    IncludeChecks checks;
};

// nullopt if `line` (without comment) is not an include line, or has no file name.
[[nodiscard]] std::optional<Include> read_include(std::string_view line);
// "include_check ..." in global_defs: the checks in force after it; nullopt when `line` is something else.
[[nodiscard]] std::optional<IncludeChecks> read_include_check(std::string_view line, IncludeChecks before);

}  // namespace mainstay::config
