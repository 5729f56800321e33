#include "print_text.hpp"

#include <algorithm>
#include <utility>

#include "config/language/expand.hpp"
#include "mainstay/base/text.hpp"

namespace mainstay::config {
namespace {

// Whether the last brace of `line` belongs to a ${NAME}.
bool reference_brace(std::string_view line, std::size_t brace) {
    const std::size_t open = line.rfind("${");
    return open != std::string_view::npos && line.find('}', open) == brace &&
           line.substr(0, open).find_first_of("{}") == std::string_view::npos;
}

// How many digits behind the point the parser takes; -1: not a number at all.
int decimals_of(const Args& args) {
    if (args.any_base) return -1;  // 010 is 8
    switch (args.takes) {
        case Takes::Integer:
        case Takes::WholeSeconds:
            return 0;
        case Takes::Millis:
            return 3;
        case Takes::Seconds:
            return 6;
        default:
            return -1;
    }
}

// "1.50" is 1.5, "007" is 7. What is not a plain number stays: it is reported as it was written.
std::string plain_number(std::string_view word, int decimals) {
    const std::size_t point = word.find('.');
    std::string_view whole = word.substr(0, point);
    std::string_view part = point == std::string_view::npos ? std::string_view{} : word.substr(point + 1);
    const bool digits = !whole.empty() && std::ranges::all_of(whole, is_digit) && std::ranges::all_of(part, is_digit);
    const bool point_without_part = point != std::string_view::npos && part.empty();
    if (!digits || point_without_part || std::cmp_greater(part.size(), decimals)) return std::string{word};
    while (whole.size() > 1 && whole.front() == '0') whole.remove_prefix(1);
    while (!part.empty() && part.back() == '0') part.remove_suffix(1);
    return std::string{whole} + (part.empty() ? "" : "." + std::string{part});
}

// The name to write for a deprecated keyword: its successor, where that is a keyword of the same block that takes the
// same words, and something follows from it.
std::string_view current_name(const KeywordSpec& row, Block block) {
    if (row.deprecated.empty() || row.deprecated.find(' ') != std::string_view::npos) return row.name;
    const KeywordSpec* successor = find_row(block, row.deprecated);
    if (successor == nullptr || successor->args.takes != row.args.takes || successor->set == nullptr ||
        row.set == nullptr || !is_acted_on(*successor))
        return row.name;
    return successor->name;
}

}  // namespace

std::string_view without_end(std::string_view text) {
    const std::size_t last = text.find_last_not_of(kBlankCharacters);
    return last == std::string_view::npos ? std::string_view{} : text.substr(0, last + 1);
}

std::string as_hash_comment(std::string_view slash_comment) {
    const std::string_view rest = without_end(slash_comment.substr(2));
    return rest.empty() || rest.front() == ' ' ? "#" + std::string{rest} : "# " + std::string{trimmed(rest)};
}

SpecialLine special_line(std::string_view line) {
    line = trimmed(line);
    if (defined_name(line)) return SpecialLine::Definition;
    if (line.starts_with('@') || line.starts_with('~')) return SpecialLine::Verbatim;
    line = line.substr(0, comment_start(line));
    if (line.find("~SEQ") != std::string_view::npos || line.find("~LST") != std::string_view::npos)
        return SpecialLine::Verbatim;
    // A reference may stand for a comment sign, and then for the whole line: it is not cut into several.
    if (line.find('$') == std::string_view::npos) return SpecialLine::None;
    const std::size_t brace = line.find_last_of("{}");
    const bool one_statement = brace == std::string_view::npos || reference_brace(line, brace);
    return line.starts_with('$') || !one_statement ? SpecialLine::Verbatim : SpecialLine::None;
}

std::string statement_text(const Statement& s, const KeywordSpec* row, Block block) {
    const auto written = [&](const Token& token) {
        return s.raw.substr(token.mark.offset - s.mark.offset, token.mark.length);
    };
    const std::string keyword{row != nullptr && !s.words[0].quoted ? current_name(*row, block) : written(s.words[0])};
    // Commands are read from the raw text, where every blank may count.
    if (row != nullptr && row->args.takes == Takes::Command)
        return keyword + (s.words.size() > 1 ? " " : "") + std::string{trimmed(s.raw.substr(s.words[0].mark.length))};
    std::string text = keyword;
    for (std::size_t i = 1; i < s.words.size(); ++i) {
        const int decimals = i == 1 && row != nullptr && !s.words[i].quoted ? decimals_of(row->args) : -1;
        text += ' ';
        text += decimals >= 0 ? plain_number(written(s.words[i]), decimals) : std::string{written(s.words[i])};
    }
    return text.size() <= kMaxLineBytes ? text : std::string{s.raw};
}

// A line that the indentation would make too long to be read gets none.
void PrintedText::add(std::string_view text, std::size_t depth) {
    std::size_t indent = depth * kIndent + text.size() <= kMaxLineBytes ? depth * kIndent : 0;
    // Part of a word where it stood; at the start of the file it would cease to be.
    if (lines_.empty() && text.starts_with(kByteOrderMark)) indent = 1;
    if (blank_wanted_ && !lines_.empty() && !text.starts_with('}') && !lines_.back().ends_with('{'))
        lines_.emplace_back();
    blank_wanted_ = false;
    lines_.push_back(std::string(indent, ' ') + std::string{text});
}

void PrintedText::statement(std::string_view text, std::size_t depth) {
    add(text, depth);
    line_goes_on_ = true;
}

void PrintedText::open_brace(std::size_t depth) {
    if (lines_.back().size() + 2 > kMaxLineBytes)
        add("{", depth);
    else
        lines_.back() += " {";
}

void PrintedText::slash_comment(std::string_view text, std::size_t depth) { comment(as_hash_comment(text), depth); }

void PrintedText::comment(std::string_view text, std::size_t depth) {
    if (!std::exchange(line_goes_on_, true))
        add(text, depth);
    else if (lines_.back().size() + 2 + text.size() <= kMaxLineBytes)
        lines_.back() += "  " + std::string{text};
    else
        lines_.insert(lines_.end() - 1, std::string{text});
}

// A quote that is not closed, a line too long, a NUL: kept to the byte, so that it is reported again.
void PrintedText::unreadable(std::string_view text) {
    if (std::exchange(line_goes_on_, true))
        lines_.back() +=
            " " + std::string{text.substr(std::min(text.find_first_not_of(kBlankCharacters), text.size()))};
    else
        add(text, 0);
}

void PrintedText::gap(std::string_view between, std::size_t depth) {
    std::size_t blank_lines = 0;
    while (!between.empty()) {
        const std::size_t end = between.find('\n');
        const std::string_view piece = between.substr(0, end);
        const std::string_view text = trimmed(piece);
        if (text.empty()) {
            if (!line_goes_on_ && end != std::string_view::npos) ++blank_lines;
        } else {
            blank_wanted_ = blank_wanted_ || blank_lines > 0;
            blank_lines = 0;
            if (text.starts_with('#') || text.starts_with('!'))
                comment(text, depth);
            else
                unreadable(piece);
        }
        if (end == std::string_view::npos) break;
        line_goes_on_ = false;
        between.remove_prefix(end + 1);
    }
    blank_wanted_ = blank_wanted_ || blank_lines > 0;
}

std::string PrintedText::take() {
    std::string text;
    for (const std::string& line : lines_) {
        text += line;
        text += '\n';
    }
    return text;
}

}  // namespace mainstay::config
