// Lines that record the origin of their bytes, and the expansion of $ definitions in them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::config {

struct Source {
    std::uint32_t file = 0, line = 1, column = 1;
    std::uint32_t length = 0;      // 0: copied as it stands; else expanded from this many characters
    std::uint32_t definition = 0;  // as in Snapshot::Span
};

// A line without its newline.
struct Line {
    struct Run {
        std::size_t at = 0;
        Source source;
    };
    std::string text;
    std::vector<Run> runs;  // sorted; the first one begins at 0

    [[nodiscard]] Source source_at(std::size_t at) const;
    void drop_front(std::size_t bytes);
    void cut(std::size_t at);  // leaves the first `at` bytes
    // Replaces `length` bytes from `at` on; the new ones come from `source`.
    void replace(std::size_t at, std::size_t length, std::string_view with, const Source& source);
};

[[nodiscard]] std::size_t characters(std::string_view bytes);  // UTF-8 code points
[[nodiscard]] std::string_view trimmed(std::string_view text);
inline constexpr std::string_view kBlankCharacters = " \t\r\v\f";
[[nodiscard]] std::vector<std::string_view> words_of(std::string_view text);  // what stands between them
[[nodiscard]] constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }
[[nodiscard]] constexpr bool is_comment(char c) { return c == '#' || c == '!'; }

// The position of the comment in `line`; the length of the line if it has none.
[[nodiscard]] std::size_t comment_start(std::string_view line);
// Outside of double quotes, \# and \! become # and !.
[[nodiscard]] std::string without_escapes(std::string_view text);

// The length of the name at the start of `text`; 0 if there is none.
[[nodiscard]] std::size_t name_length(std::string_view text);
// "$NAME=" at the start of `text`: the name.
[[nodiscard]] std::optional<std::string_view> defined_name(std::string_view text);

// A ${NAME}, ${NAME words} or $NAME at the start of a text.
struct Reference {
    std::string_view name;
    std::string_view words;  // after the name, within the braces
    std::size_t length = 0;
    bool braced = false;
    bool other = false;  // ${NAME:-x} and similar shell syntax
};
[[nodiscard]] std::optional<Reference> reference_at(std::string_view text);

class Definitions {
public:
    struct Entry {
        std::uint32_t index = 0;         // in Snapshot::definitions, plus 1
        std::vector<std::string> lines;  // without escapes; never empty
        bool several_lines = false;
    };
    void set(const std::string& name, Entry entry) { entries_.insert_or_assign(name, std::move(entry)); }
    [[nodiscard]] const Entry* find(std::string_view name) const;
    [[nodiscard]] std::vector<std::string_view> names() const;

private:
    std::unordered_map<std::string, Entry> entries_;
};

struct Unexpanded {
    std::size_t at = 0, length = 0;  // in the line
    std::string name;
    bool braced = false, quoted = false, several_lines = false;
};

struct Expansion {
    bool too_many = false;  // substitutions: `name` is the one that was refused
    std::string name;
    std::size_t substitutions = 0;
    bool at_start = false;  // the line's first byte came from a definition
    // The lines that follow, if the line ended in a definition of several lines.
    const Definitions::Entry* rest = nullptr;
    std::size_t rest_from = 0;  // index of its first line that is not yet used
    Source use;
    std::vector<Unexpanded> unexpanded;
};

// The value of a standard definition (_PWD, _ENV ...); nullopt if `reference` is not one.
using Standard = std::function<std::optional<std::string>(const Reference& reference)>;

// Expands references in place, repeatedly, at most `budget` times. keepalived: expanded text is parsed together with
// what follows it in the line, so `$A` with $A=$B is only expanded further where `$B` would be; and a # or ! in
// expanded text begins a comment.
[[nodiscard]] Expansion expand(Line& line, const Definitions& definitions, const Standard& standard,
                               std::size_t budget);

// ~SEQ, ~SEQx and ~LST at the start of a line.
struct Repetition {
    std::vector<std::string> names;
    // ~SEQ: first, and then by `step` until past `last`.
    std::int64_t first = 0, step = 1, last = 0;
    bool hexadecimal = false;
    std::vector<std::vector<std::string>> tuples;  // ~LST; each as long as `names`
    std::size_t length = 0;                        // up to and with the closing parenthesis

    [[nodiscard]] std::uint64_t count() const;
    [[nodiscard]] std::vector<std::string> values(std::uint64_t round) const;  // one per name
};

// The position of the parameters of a repetition at the start of `text`; nullopt if there is none.
struct RepetitionHead {
    bool list = false, hexadecimal = false;
    std::size_t from = 0, to = 0;  // between the parentheses; to == npos: there is no closing one
};
[[nodiscard]] std::optional<RepetitionHead> repetition_head(std::string_view text);
// `parameters` have been expanded already (for ~SEQ). The error describes what is invalid.
[[nodiscard]] Result<Repetition> read_repetition(const RepetitionHead& head, std::string_view parameters);

}  // namespace mainstay::config
