// The collector of diagnostics, and the names that a misspelt word may have meant.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mainstay/config/diagnostics/codes.hpp"
#include "mainstay/config/diagnostics/diagnostic.hpp"
#include "mainstay/config/language/lexer.hpp"
#include "mainstay/config/language/resolver.hpp"

namespace mainstay::config {

// keepalived reports without limit; mainstay stops at this many diagnostics, and reports that.
inline constexpr std::size_t kMaxDiagnostics = 1000;
inline constexpr std::size_t kMostLost = 20'000;  // reported objects that do not run because of a broken file
inline constexpr std::size_t kMostOthers = 3;     // further positions listed in a diagnostic

// Collects diagnostics with marks; positions are computed once, at the end. A mistake in a definition or in a repeated
// line occurs with each use: it is reported in one message with a count.
class Diagnoser {
public:
    explicit Diagnoser(const Snapshot& snapshot) : snapshot_{snapshot} {}

    Diagnostic& note(Code code, Mark mark, std::string message) {
        return add(Severity::Note, Rank::None, code, mark, std::move(message));
    }
    // Shown to the user without an effect on keepalived's exit code.
    Diagnostic& advise(Code code, Mark mark, std::string message) {
        return add(Severity::Warning, Rank::None, code, mark, std::move(message));
    }
    Diagnostic& warn(Code code, Mark mark, std::string message) {
        return add(Severity::Warning, Rank::Config, code, mark, std::move(message));
    }
    Diagnostic& error(Code code, Mark mark, std::string message) {
        return add(Severity::Error, Rank::Config, code, mark, std::move(message));
    }
    Diagnostic& fatal(Code code, Mark mark, std::string message) {
        return add(Severity::Fatal, Rank::Config, code, mark, std::move(message));
    }
    Diagnostic& add(Severity severity, Rank rank, Code code, Mark mark, std::string message);

    struct Entry {
        Diagnostic diagnostic;
        Mark mark;
        std::size_t repeats = 0;   // of the same slip, from the same definition or repeated line
        std::vector<Mark> others;  // places of the same slip that have no message of their own
        std::size_t more = 0;      // of them that are not kept
        bool dropped = false;      // replaced by another diagnostic
    };
    // A message follows that says more of what stands at this mark: takes the last one back if it is about that.
    void take_back_at(Mark mark) {
        if (!entries_.empty() && entries_.back().mark.offset == mark.offset) entries_.back().dropped = true;
    }
    // Adds another position of the same mistake.
    void also(std::size_t entry, Mark mark);
    std::vector<Entry>& entries() { return entries_; }
    // The number of diagnostics, and the entry of the last one; kNowhere if the list was full.
    static constexpr std::size_t kNowhere = SIZE_MAX;
    [[nodiscard]] std::size_t reported() const { return reported_; }
    [[nodiscard]] std::size_t last() const { return last_; }
    void append(Diagnoser&& later);
    [[nodiscard]] bool full() const { return entries_.size() >= kMaxDiagnostics; }
    [[nodiscard]] std::size_t dropped() const { return dropped_; }
    [[nodiscard]] Rank dropped_rank() const { return dropped_rank_; }
    [[nodiscard]] bool dropped_fatal() const { return dropped_fatal_; }

private:
    // The origin of the mistake in the file, and its kind.
    [[nodiscard]] std::string source_of(Code code, Mark mark, std::string_view message) const;

    const Snapshot& snapshot_;
    std::vector<Entry> entries_;
    std::unordered_map<std::string, std::size_t> sources_;
    std::size_t reported_ = 0, last_ = kNowhere;
    Diagnostic spare_;  // receives diagnostics that are not kept
    std::size_t dropped_ = 0;
    Rank dropped_rank_ = Rank::None;
    bool dropped_fatal_ = false;
};

// The name that is most similar to `word`; empty if none is similar enough.
[[nodiscard]] std::string_view nearest(std::string_view word, const std::vector<std::string_view>& names);

}  // namespace mainstay::config
