// Regular expressions over a body that arrives in pieces, using PCRE2. Memory and time are bounded: a window keeps the
// bytes that a partial match may need, and the steps of a match are limited.
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

// A longer match is not found; RegexMatcher::window_was_hit() then returns true.
inline constexpr std::size_t kRegexWindowMax = 64 * 1024;
// Bodies are matched in pieces of at least this many bytes, so that few bytes have to be matched again.
inline constexpr std::size_t kRegexPiece = 16 * 1024;
// PCRE2's match limit for one attempt: a pattern with catastrophic backtracking would delay all other checks.
inline constexpr std::uint32_t kRegexStepsMax = 1'000'000;

struct RegexWords {
    std::string pattern;  // as in the file, with keepalived's escapes
    std::vector<std::string> options;
    bool must_not_match = false;
    std::uint64_t min_offset = 0;                // of the body: where matching begins
    std::optional<std::uint64_t> max_offset;     // where a match may begin at the latest
    std::size_t stack_start = 0, stack_max = 0;  // bytes, of PCRE2's JIT; 0: its default
};
// None: the URL has no regex.
[[nodiscard]] std::optional<RegexWords> regex_words_of(const config::HttpUrl& url);

// The error of Regex::compile() for a URL's pattern; empty: it is valid, or there is none.
[[nodiscard]] std::string regex_problem(const config::HttpUrl& url);

// Resolves keepalived's escapes (unescaped()), so that \\s becomes PCRE2's \s.
[[nodiscard]] std::string regex_unescaped(std::string_view text);

// A compiled pattern. Immutable; use it on one thread.
class Regex {
public:
    // An error has keepalived's text: "Invalid regex: 'sta(tus' at offset 7: missing closing parenthesis".
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
    // `is_cut`: more of the body would have followed, so that a match that needs its end is none.
    void end(bool is_cut = false);

    [[nodiscard]] bool matched() const { return matched_; }
    [[nodiscard]] bool holds() const { return problem_.empty() && matched_ != regex_->words().must_not_match; }
    [[nodiscard]] bool window_was_hit() const { return window_hit_; }
    // Why the match could not be decided: too many steps, invalid UTF-8. Empty: it was decided.
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
    std::size_t looked_ = 0;     // size of the window at the last attempt
    bool matched_ = false, over_ = false, window_hit_ = false;
    std::string problem_;
};

}  // namespace mainstay::probe
