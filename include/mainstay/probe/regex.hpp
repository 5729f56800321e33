// Regular expressions over a body that arrives in pieces, by PCRE2. Memory is bounded: what a match may reach back to
// is kept in a window, and the steps of a match are counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::probe {

// A match that is longer than this is not found; Matcher::window_was_hit() then says so.
inline constexpr std::size_t kRegexWindowMax = 64 * 1024;
// Bodies are looked at in pieces of at least so many bytes: what has to be looked at again stays a small share.
inline constexpr std::size_t kRegexPiece = 16 * 1024;
// What one attempt to match may cost; a pattern that goes through all combinations would hold up all other checks.
inline constexpr std::uint32_t kRegexStepsMax = 1'000'000;

struct RegexWords {
    std::string pattern;  // as in the file: keepalived's escapes are processed here
    std::vector<std::string> options;
    bool must_not_match = false;
    std::uint64_t min_offset = 0;                // of the body: where matching begins
    std::optional<std::uint64_t> max_offset;     // where a match may begin at the latest
    std::size_t stack_start = 0, stack_max = 0;  // bytes, of PCRE2's JIT; 0: its default
};
// None: the url has no regex.
[[nodiscard]] std::optional<RegexWords> regex_words_of(const config::HttpUrl& url);

// What is wrong with a url's pattern, as Regex::compile says it; empty: nothing, or it has none.
[[nodiscard]] std::string regex_problem(const config::HttpUrl& url);

// keepalived's escapes: \n and its like, \xHH and octal numbers; any other character behind a \ stands for itself, so
// that \\s is what PCRE2 sees as \s.
[[nodiscard]] std::string regex_unescaped(std::string_view text);

// A compiled pattern. Not changed after; used on one thread.
class Regex {
public:
    // keepalived's words for what is wrong: "Invalid regex: 'sta(tus' at offset 7: missing closing parenthesis".
    [[nodiscard]] static Result<std::shared_ptr<const Regex>> compile(const RegexWords& words);
    ~Regex();
    Regex(const Regex&) = delete;
    Regex& operator=(const Regex&) = delete;

    struct Parts;
    [[nodiscard]] const Parts& parts() const { return *parts_; }
    [[nodiscard]] const RegexWords& words() const { return words_; }

private:
    explicit Regex(RegexWords words);
    std::unique_ptr<Parts> parts_;
    RegexWords words_;
};

// One body against one pattern.
class RegexMatcher {
public:
    explicit RegexMatcher(std::shared_ptr<const Regex> regex);
    ~RegexMatcher();
    RegexMatcher(const RegexMatcher&) = delete;
    RegexMatcher& operator=(const RegexMatcher&) = delete;

    void feed(std::string_view piece);
    void end();  // of the body

    [[nodiscard]] bool matched() const { return matched_; }
    [[nodiscard]] bool holds() const { return problem_.empty() && matched_ != regex_->words().must_not_match; }
    [[nodiscard]] bool window_was_hit() const { return window_hit_; }
    // Why it could not be told whether it matches: too many steps, no UTF-8. Empty: it could.
    [[nodiscard]] const std::string& problem() const { return problem_; }

private:
    struct Data;
    void look(bool at_end);
    void keep_from(std::size_t position);
    [[nodiscard]] bool too_late(std::size_t position) const;

    std::shared_ptr<const Regex> regex_;
    std::unique_ptr<Data> data_;
    std::string window_;
    std::uint64_t skipped_ = 0;  // bytes of the body before the window
    std::size_t from_ = 0;       // where in the window a match may begin
    std::size_t looked_ = 0;     // how much of the window was there at the last look
    bool matched_ = false, over_ = false, window_hit_ = false;
    std::string problem_;
};

}  // namespace mainstay::probe
