// Files by name and by pattern.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mainstay::config {

// True for * ? [, which make a pattern of a name.
[[nodiscard]] bool has_wildcard(std::string_view pattern);
[[nodiscard]] bool has_braces(std::string_view pattern);

// What stands in braces, written out: a{b,c} is ab and ac. Empty when there are more than kMaxBraceAlternatives.
[[nodiscard]] std::vector<std::string> brace_alternatives(std::string_view pattern);

struct Matches {
    std::vector<std::string> paths;    // sorted within each alternative; folders end in /
    std::vector<std::string> missing;  // alternatives that nothing matches
    bool too_many = false;             // alternatives
};
// `folder` is where a relative pattern begins; empty: the working directory.
[[nodiscard]] Matches match_files(const std::string& folder, std::string_view pattern);

[[nodiscard]] bool real_file(const std::string& path);  // something stands at this path
// Absolute, without links, when the file system lets us know it; for comparing and for ${_PWD}.
[[nodiscard]] std::string real_path(const std::string& path);

}  // namespace mainstay::config
