// The first stage: from the top file to one snapshot text.
//
// Here includes are put in place; $ definitions and @ conditional lines belong to this stage too (resolver.cpp says
// where). Everything behind it sees one text without them, and a map from its lines back to the files.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/config/lexer.hpp"
#include "mainstay/config/load.hpp"

namespace mainstay::config {

inline constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;       // of one file
inline constexpr std::size_t kMaxSnapshotBytes = std::size_t{128} << 20;  // of all together
inline constexpr std::size_t kMaxIncludeDepth = 32;
inline constexpr std::size_t kMaxFiles = 10'000;

struct ResolverFinding {
    enum class Kind : std::uint8_t { IncludeMissing, IncludeRefused, Definition, Conditional } kind{};
    std::uint32_t file = 0, line = 0;
    std::string text;  // the pattern, the file, or the word
    std::string why;
};

struct Snapshot {
    std::string text;
    std::vector<SourceFile> files;
    std::vector<ResolverFinding> findings;

    // Snapshot text from `offset` on is `file` from `line` on, until the next entry. Sorted by offset.
    struct Span {
        std::uint32_t offset = 0, file = 0, line = 1;
    };
    std::vector<Span> map;

    // File, line and column (in characters) of a place in the text; index_lines() must have been called since the
    // text last changed.
    void index_lines();
    [[nodiscard]] Place place(Mark mark) const;

private:
    std::vector<std::uint32_t> line_starts_;
};

// Reads one file: regular, not executable, at most kMaxFileBytes.
[[nodiscard]] Result<std::string> read_file(const std::string& path);

// `top.path` says where relative includes are looked up. With `follow` false, include lines are left alone.
[[nodiscard]] Snapshot resolve(SourceFile top, bool follow);

}  // namespace mainstay::config
