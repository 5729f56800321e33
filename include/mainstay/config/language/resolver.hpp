// The first stage: from the top file to one snapshot text.
//
// Includes are inserted, @id lines are kept or dropped, $ definitions are expanded and ~SEQ and ~LST lines are
// repeated. Later stages see one text without them, and a map from each stretch of that text to the operator's files:
// for expanded text to the place of its use.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lexer.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/config/load.hpp"

namespace mainstay::config {

// Fuzz targets have lower limits for expansion: a few bytes reach them, and with sanitizers that would take a minute
// each time.
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
inline constexpr std::size_t kFuzzShare = 100;
#else
inline constexpr std::size_t kFuzzShare = 1;
#endif

inline constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;  // of one file
inline constexpr std::size_t kMaxSnapshotBytes =
    (std::size_t{128} << 20) / kFuzzShare;  // of all files together, and of the resulting text
inline constexpr std::size_t kMaxIncludeDepth = 32;
inline constexpr std::size_t kMaxFiles = 10'000;
inline constexpr std::size_t kMaxBraceAlternatives = 1'000;               // of one include pattern
inline constexpr std::size_t kMaxSubstitutionsPerLine = 400;              // more: a definition that refers to itself
inline constexpr std::size_t kMaxSubstitutions = 4'000'000 / kFuzzShare;  // in total
inline constexpr std::size_t kMaxExpandedLines =
    2'000'000 / kFuzzShare;                            // made by definitions of several lines, ~SEQ, ~LST
inline constexpr std::size_t kMaxExpansionDepth = 64;  // definitions and repetitions within each other

struct Snapshot {
    std::vector<SourceFile> files;
    bool as_written = false;  // a single file without anything to resolve: its text is not copied
    std::string made;         // otherwise the text
    [[nodiscard]] std::string_view text() const { return as_written ? files.front().text : made; }
    std::vector<Diagnostic> findings;  // complete, with their places

    // The origin of the snapshot text from `offset` on, until the next entry. Sorted by offset.
    struct Span {
        std::uint32_t offset = 0, file = 0, line = 1, column = 1;
        std::uint32_t length = 0;      // 0: copied as it stands; else expanded from this many characters
        std::uint32_t definition = 0;  // expanded from definitions[definition - 1]; 0: a built-in one
    };
    std::vector<Span> map;

    struct Definition {
        std::string name;
        std::uint32_t file = 0, line = 1;
    };
    std::vector<Definition> definitions;

    // A reference that was not expanded.
    struct Unexpanded {
        Mark mark;
        std::string name;
        bool braced = false, quoted = false;
        bool several_lines = false;  // defined with several lines, which may be used only at the end of a line
    };
    std::vector<Unexpanded> unexpanded;
    std::vector<std::string> names;  // defined at the end, sorted

    // File, line and column (in characters) of a place in the text; index_lines() must have been called since the
    // text last changed.
    void index_lines();
    [[nodiscard]] Place place(Mark mark) const;
    // File and line alone, without an index. For single marks.
    [[nodiscard]] std::pair<std::uint32_t, std::uint32_t> line_of(Mark mark) const;
    // Where the marked text begins; null when there is no text.
    [[nodiscard]] const Span* span_of(Mark mark) const;
    // The definition that the marked text, or part of it, was expanded from; null when it was not.
    [[nodiscard]] const Definition* definition_at(Mark mark) const;

private:
    struct Spot {
        std::uint32_t file, line, column, length;
    };
    [[nodiscard]] std::size_t span_at(std::uint32_t offset) const;
    [[nodiscard]] Spot spot(std::uint32_t offset) const;

    std::vector<std::uint32_t> line_starts_;
};

// Reads one file: regular, not executable, at most kMaxFileBytes. Never blocks on a FIFO.
[[nodiscard]] Result<std::string> read_file(const std::string& path);

// `tops` are read one after the other; relative includes are looked up in the folders of their paths. With `follow`
// false, include lines are left unchanged.
[[nodiscard]] Snapshot resolve(std::vector<SourceFile> tops, const Environment& environment, bool follow);

}  // namespace mainstay::config
