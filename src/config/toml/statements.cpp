#include "statements.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/schema/parse_context.hpp"
#include "words.hpp"

namespace mainstay::config {

Diagnostic& TomlStatements::find(Severity severity, Code code, TomlPlace place, std::string message) {
    if (snapshot_.findings.size() >= kMaxDiagnostics && severity != Severity::Fatal) return spare_ = {};
    Diagnostic d;
    d.severity = severity;
    d.code = static_cast<std::uint16_t>(code);
    d.place = {.file = 0, .line = place.line, .column = place.column, .length = place.length};
    d.message = std::move(message);
    snapshot_.findings.push_back(std::move(d));
    return snapshot_.findings.back();
}

void TomlStatements::put(std::string_view text, TomlPlace place) {
    if (overflow_) return;
    if (snapshot_.made.size() + text.size() >= kMaxSnapshotBytes) {
        overflow_ = true;
        find(Severity::Fatal, Code::ExpansionLimit, place,
             fmt::format("the configuration is longer than {} bytes", kMaxSnapshotBytes))
            .effect = "this configuration cannot run";
        return;
    }
    snapshot_.map.push_back({.offset = static_cast<std::uint32_t>(snapshot_.made.size()),
                             .file = 0,
                             .line = place.line,
                             .column = place.column,
                             .length = std::max(place.length, 1U)});
    snapshot_.made += text;
}

void TomlStatements::statement(std::string_view keyword, TomlPlace key, std::span<const TomlWord> words,
                               std::string_view end) {
    comments_before(key.line);
    put(written_word(fits_word(keyword) ? keyword : "?", false), key);
    for (const TomlWord& word : words) {
        put(" ", word.place);
        put(word.text, word.place);
    }
    if (!end.empty()) {
        put(" ", key);
        put(end, key);
    }
    end_line(key.line, words.empty() ? key.line : words.back().place.line);
}

void TomlStatements::entry(std::span<const TomlWord> words) {
    comments_before(words[0].place.line);
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i != 0) put(" ", words[i].place);
        put(words[i].text, words[i].place);
    }
    end_line(words[0].place.line, words.back().place.line);
}

void TomlStatements::close(TomlPlace key) { put("}\n", key); }

void TomlStatements::blank_line() {
    if (!snapshot_.made.empty()) put("\n", {});
}

void TomlStatements::comments_before(std::uint32_t line) {
    while (next_comment_ < comments_.size() && comments_[next_comment_].line < line)
        comment(comments_[next_comment_++]);
}

// A line of the language holds so much; a longer comment is cut.
void TomlStatements::comment(const TomlComment& comment) {
    put(comment.text.substr(0, kMaxLineBytes / 2), {.line = comment.line});
    put("\n", {.line = comment.line});
}

// The statement stands on these lines of the document; so may a comment behind it.
void TomlStatements::end_line(std::uint32_t first, std::uint32_t last) {
    const TomlComment* behind = next_comment_ < comments_.size() ? &comments_[next_comment_] : nullptr;
    if (behind != nullptr && !behind->alone && (behind->line == first || behind->line == last)) {
        ++next_comment_;
        put("  ", {.line = behind->line});
        return comment(*behind);
    }
    put("\n", {.line = last});
}

Snapshot TomlStatements::take() {
    comments_before(UINT32_MAX);
    if (overflow_) {
        snapshot_.made.clear();
        snapshot_.map.clear();
    }
    if (snapshot_.map.empty()) snapshot_.map.push_back({});
    return std::move(snapshot_);
}

}  // namespace mainstay::config
