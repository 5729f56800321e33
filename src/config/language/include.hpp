// The include lines, and which problems each of their forms treats as errors.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "expand.hpp"
#include "files.hpp"
#include "mainstay/config/diagnostics/codes.hpp"
#include "mainstay/config/language/resolver.hpp"

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

// Opens the files of an include line, and reports their problems.

inline constexpr std::size_t kMaxFindings = 1000;

// The diagnostics of the resolver. Beyond the limit only fatal ones are kept.
class Findings {
public:
    explicit Findings(Snapshot& snapshot) : snapshot_{snapshot} {}
    Diagnostic& add(Severity severity, Rank rank, Code code, const Source& at, std::string message);

private:
    Snapshot& snapshot_;
    Diagnostic spare_;
};

class Includer {
public:
    Includer(Snapshot& snapshot, Findings& findings, const std::string& root)
        : snapshot_{snapshot}, findings_{findings}, root_{root} {}

    std::uint32_t add(SourceFile file);  // its index in the snapshot
    // The files of `wanted`, in their order; `at` is its position in the file `from`.
    [[nodiscard]] std::vector<std::uint32_t> open(const Include& wanted, const Source& at, std::uint32_t from);

private:
    void report_missing(const Include& wanted, const Matches& matches, const Source& at);
    [[nodiscard]] bool open_one(const Include& wanted, const std::string& path, const Source& at, std::uint32_t from);
    Diagnostic& problem(const Include& wanted, IncludeCheck check, const Source& at, const std::string& why);
    [[nodiscard]] std::vector<std::uint32_t> chain(std::uint32_t from) const;

    Snapshot& snapshot_;
    Findings& findings_;
    const std::string& root_;              // of absolute paths
    std::vector<std::string> real_paths_;  // of snapshot_.files
    std::set<std::tuple<std::string, std::uint32_t, std::string>> reported_;
    std::size_t total_ = 0;  // bytes
    Diagnostic spare_;
};

}  // namespace mainstay::config
