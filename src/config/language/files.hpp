// Finds files by name and by pattern.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mainstay::config {

// True if the name contains * ? or [, which make it a pattern.
[[nodiscard]] bool has_wildcard(std::string_view pattern);
[[nodiscard]] bool has_braces(std::string_view pattern);

// Expands braces: a{b,c} is ab and ac. Empty if there are more than kMaxBraceAlternatives.
[[nodiscard]] std::vector<std::string> brace_alternatives(std::string_view pattern);

struct Matches {
    std::vector<std::string> paths;    // sorted within each alternative; folders end in /
    std::vector<std::string> missing;  // alternatives that nothing matches
    bool too_many = false;             // alternatives
};
// `folder`: the base of a relative pattern; empty: the working directory. `root`: what / is to an absolute one.
[[nodiscard]] Matches match_files(const std::string& folder, std::string_view pattern, const std::string& root = {});

[[nodiscard]] bool real_file(const std::string& path);  // the path exists
// The absolute path without symbolic links, if it can be determined; for comparisons and ${_PWD}.
[[nodiscard]] std::string real_path(const std::string& path);

}  // namespace mainstay::config
