#include "diagnoser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "mainstay/base/text.hpp"
#include "mainstay/config/language/resolver.hpp"

namespace mainstay::config {
namespace {

constexpr std::string_view kReset = "\x1b[0m";
constexpr std::size_t kMaxShownLine = 200;  // characters of a source line

std::string_view name_of(Severity severity) {
    switch (severity) {
        case Severity::Note:
            return "note";
        case Severity::Warning:
            return "warning";
        case Severity::Error:
            return "error";
        case Severity::Fatal:
            return "fatal";
    }
    return "error";
}

std::string_view colour_of(Severity severity) {
    switch (severity) {
        case Severity::Note:
            return "\x1b[36m";
        case Severity::Warning:
            return "\x1b[35m";
        default:
            return "\x1b[1;31m";
    }
}

std::string where(const Diagnostic& diagnostic, const Loaded& loaded) {
    const auto& place = diagnostic.place;
    if (place.file >= loaded.files.size()) return {};
    const std::string& path = loaded.files[place.file].path;
    if (place.line == 0) return fmt::format("{}: ", path);
    return fmt::format("{}:{}:{}: ", path, place.line, place.column);
}

// For a place in an included file: the include lines that lead to it, innermost first.
std::string chain_of(const Diagnostic& diagnostic, const Loaded& loaded) {
    std::string chain;
    if (diagnostic.place.file >= loaded.files.size()) return chain;
    for (const SourceFile* file = &loaded.files[diagnostic.place.file]; file->included_by < loaded.files.size();) {
        const std::uint32_t line = file->included_at;
        file = &loaded.files[file->included_by];
        chain += fmt::format("{}{}:{}", chain.empty() ? "" : ", ", file->path, line);
    }
    return chain.empty() ? chain : fmt::format("  included at: {}\n", chain);
}

std::string_view line_of(std::string_view text, std::uint32_t number) {
    std::size_t at = 0;
    for (std::uint32_t i = 1; i < number; ++i) {
        at = text.find('\n', at);
        if (at == std::string_view::npos) return {};
        ++at;
    }
    std::string_view line = text.substr(at, text.find('\n', at) - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

// From `at` on: a quoted value as a whole, another one up to a blank.
void hide(std::string& shown, std::size_t at, bool all) {
    const char quote = at < shown.size() && (shown[at] == '"' || shown[at] == '\'') ? shown[at] : '\0';
    if (quote != '\0') ++at;
    for (; at < shown.size(); ++at) {
        const bool blank = shown[at] == ' ' || shown[at] == '\t';
        if (!all && (quote != '\0' ? shown[at] == quote : blank)) return;
        if (!blank && shown[at] != '"' && shown[at] != '\'') shown[at] = '*';
    }
}

// Passwords and keys are not shown, not even to operators who can read the file, because diagnostics end up in tickets;
// nor are addresses and headers of webhooks, which may have one. Some of these keywords are common words, so they are
// recognised only at the start of a line or a block; of TOML a = follows.
std::string without_password(std::string_view line) {
    constexpr std::string_view kBlanks = " \t";
    std::string shown{line};
    for (const std::string_view keyword : {"auth_pass", "password", "key", "headers", "url"}) {
        std::size_t at = shown.find(keyword);
        if (at == std::string::npos) continue;
        const std::size_t before = at == 0 ? std::string::npos : shown.find_last_not_of(kBlanks, at - 1);
        const bool begins = before == std::string::npos || shown[before] == '{' || shown[before] == ',';
        const std::size_t behind = at + keyword.size();
        at = shown.find_first_not_of(kBlanks, behind);
        if (at == std::string::npos || (keyword != "auth_pass" && !begins)) continue;
        const bool toml = shown[at] == '=';
        if (!toml && (at == behind || keyword == "headers" || keyword == "url")) continue;
        if (toml) at = std::min(shown.find_first_not_of(kBlanks, at + 1), shown.size());
        // A key follows a number.
        hide(shown, at, keyword == "key" || keyword == "headers");
    }
    return shown;
}

// The line and a caret below it. Control characters are shown as '?', tabs are kept in both lines so that they match.
std::string excerpt(const Diagnostic& diagnostic, const Loaded& loaded, bool colour) {
    const Place& place = diagnostic.place;
    if (place.file >= loaded.files.size() || place.line == 0) return {};
    const std::string line = without_password(line_of(loaded.files[place.file].text, place.line));
    std::string shown, below;
    std::uint32_t character = 0;
    std::uint32_t carets = 0;
    for (std::size_t i = 0; i < line.size() && character <= kMaxShownLine; ++i) {
        const auto byte = static_cast<unsigned char>(line[i]);
        const bool first = (byte & 0xC0) != 0x80;
        if (first) ++character;
        shown += (byte < 0x20 && byte != '\t') || byte == 0x7f ? '?' : line[i];
        if (!first) continue;
        if (character < place.column) {
            // Wide characters take two columns on a terminal: everything from U+1100 on that is common here is wide.
            below += byte == '\t' ? "\t" : byte >= 0xE3 ? "  " : " ";
        } else if (character < place.column + place.length) {
            below += carets++ == 0 ? "^" : byte >= 0xE3 ? "~~" : "~";
        }
    }
    if (carets == 0) below += '^';
    return fmt::format("{:>5} | {}\n      | {}{}{}\n", place.line, shown, colour ? colour_of(diagnostic.severity) : "",
                       below, colour ? kReset : "");
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    constexpr std::size_t kMostLetters = 40;
    if (a.size() > kMostLetters || b.size() > kMostLetters) return kMostLetters;
    std::vector<std::size_t> before(b.size() + 1), row(b.size() + 1), last(b.size() + 1);
    std::iota(row.begin(), row.end(), 0U);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        before.swap(last);
        last.swap(row);
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
            // two transposed letters count as one mistake
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
    }
    return row.back();
}

std::string lower(std::string_view text) {
    std::string out{text};
    std::ranges::transform(out, out.begin(), [](char c) { return mainstay::lower(c); });
    return out;
}

}  // namespace

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& names) {
    const std::string wanted = lower(word);
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(word.size() / 3, 1) + 1;
    for (const std::string_view name : names) {
        // each letter that one has more is a mistake by itself
        if (std::max(name.size(), word.size()) - std::min(name.size(), word.size()) >= best_distance) continue;
        const std::size_t distance = edit_distance(wanted, lower(name));
        if (distance < best_distance) {
            best_distance = distance;
            best = name;
        }
    }
    return best;
}

void Diagnoser::also(std::size_t entry, Mark mark) {
    Entry& e = entries_[entry];
    if (e.others.size() < kMostOthers)
        e.others.push_back(mark);
    else
        ++e.more;
}

namespace {

// An address or a number, also hexadecimal: the parts that differ between repetitions.
bool counts_up(std::string_view word) {
    return word.find_first_of("0123456789:") != std::string_view::npos &&
           word.find_first_not_of("0123456789abcdefABCDEF:./") == std::string_view::npos;
}

// The word with a # for each number in it.
void append_shape(std::string& key, std::string_view word) {
    if (counts_up(word)) {
        key += '#';
        return;
    }
    for (const char c : word) {
        if (c < '0' || c > '9')
            key += c;
        else if (!key.ends_with('#'))
            key += '#';
    }
}

}  // namespace

// Numbers count up in a repetition, and each use of a definition may be in another instance.
std::string Diagnoser::source_of(Code code, Mark mark, std::string_view message) const {
    const Snapshot::Span* span = snapshot_.span_of(mark);
    if (span == nullptr) return {};
    std::string key = span->definition != 0 ? fmt::format("${}", span->definition)
                                            : fmt::format("{}:{}:{}", span->file, span->line, span->column);
    if (span->length == 0) key += fmt::format("+{}", mark.offset - span->offset);
    key += fmt::format(" {} ", static_cast<unsigned>(code));
    if (const auto end = message.find(") "); message.starts_with('(') && end != std::string_view::npos)
        message.remove_prefix(end + 2);
    for (std::size_t at = 0; at < message.size();) {
        const std::size_t end = std::min(message.find(' ', at), message.size());
        append_shape(key, message.substr(at, end - at));
        key += ' ';
        at = end + 1;
    }
    return key;
}

Diagnostic& Diagnoser::add(Severity severity, Rank rank, Code code, Mark mark, std::string message) {
    ++reported_;
    last_ = kNowhere;
    if (full()) {
        ++dropped_;
        dropped_rank_ = std::max(dropped_rank_, rank);
        dropped_fatal_ = dropped_fatal_ || severity == Severity::Fatal;
        spare_ = {};
        return spare_;
    }
    std::string source = source_of(code, mark, message);
    if (const auto before = sources_.find(source); before != sources_.end()) {
        ++entries_[before->second].repeats;
        last_ = before->second;
        spare_ = {};
        return spare_;
    }
    last_ = entries_.size();
    if (!source.empty()) sources_.emplace(std::move(source), last_);
    Diagnostic& d = entries_.emplace_back(Entry{{}, mark}).diagnostic;
    d.severity = severity;
    d.rank = rank;
    d.code = static_cast<std::uint16_t>(code);
    d.message = std::move(message);
    return d;
}

void Diagnoser::append(Diagnoser&& later) {
    for (Entry& entry : later.entries_) {
        const Diagnostic& d = entry.diagnostic;
        add(d.severity, d.rank, static_cast<Code>(d.code), entry.mark, d.message) = d;
        if (last_ != kNowhere) entries_[last_].repeats += entry.repeats;
    }
    dropped_ += later.dropped_;
    dropped_rank_ = std::max(dropped_rank_, later.dropped_rank_);
    dropped_fatal_ = dropped_fatal_ || later.dropped_fatal_;
}

std::string render(const Diagnostic& diagnostic, const Loaded& loaded, bool colour) {
    std::string out =
        fmt::format("{}{}{}{} MS{:04}: {}\n", where(diagnostic, loaded), colour ? colour_of(diagnostic.severity) : "",
                    name_of(diagnostic.severity), colour ? kReset : "", diagnostic.code, diagnostic.message);
    out += excerpt(diagnostic, loaded, colour);
    out += chain_of(diagnostic, loaded);
    if (!diagnostic.expected.empty()) out += fmt::format("  expected: {}\n", diagnostic.expected);
    if (!diagnostic.effect.empty()) out += fmt::format("  effect: {}\n", diagnostic.effect);
    if (!diagnostic.fix.empty()) out += fmt::format("  fix: {}\n", diagnostic.fix);
    return out;
}

std::string render_line(const Diagnostic& diagnostic, const Loaded& loaded) {
    std::string out = fmt::format("{}{} MS{:04}: {}", where(diagnostic, loaded), name_of(diagnostic.severity),
                                  diagnostic.code, diagnostic.message);
    if (!diagnostic.effect.empty()) out += fmt::format("; {}", diagnostic.effect);
    if (!diagnostic.fix.empty()) out += fmt::format(" ({})", diagnostic.fix);
    return out;
}

bool Loaded::can_run() const {
    return std::ranges::none_of(
        diagnostics, [](const Diagnostic& d) { return d.severity == Severity::Fatal || d.rank == Rank::MissingWord; });
}

int Loaded::exit_code() const {
    Rank highest = Rank::None;
    for (const Diagnostic& d : diagnostics) highest = std::max(highest, d.rank);
    switch (highest) {
        case Rank::None:
        case Rank::Untested:
            return 0;
        case Rank::CannotRun:
            return 4;
        case Rank::Config:
        case Rank::MissingInterface:
            return 5;
        case Rank::VrrpSecurity:
        case Rank::Security:
            return 6;
        case Rank::MissingWord:
            return 2;
    }
    return 5;
}

}  // namespace mainstay::config
