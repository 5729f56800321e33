#include "mainstay/config/language/lexer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "expand.hpp"

namespace mainstay::config {
namespace {

constexpr bool is_brace(char c) { return c == '{' || c == '}'; }

// A lookup table of a class of characters, because a text may have megabytes.
template <class Kind>
constexpr auto table_of(Kind kind) {
    std::array<bool, 256> table{};
    for (std::size_t i = 0; i < table.size(); ++i) table[i] = kind(static_cast<char>(i));
    return table;
}
constexpr auto kBlank = table_of(is_blank);
// Characters that neither end a word nor have a special meaning in it: nearly all characters of a configuration.
constexpr auto kOrdinary = table_of(
    [](char c) { return !is_blank(c) && !is_comment(c) && !is_brace(c) && c != '"' && c != '\\' && c != '$'; });

// From `at` on, the first place before `end` whose character is not in the table; `end` when there is none.
std::size_t skip(const std::array<bool, 256>& table, std::string_view text, std::size_t at, std::size_t end) {
    while (at < end && table[static_cast<unsigned char>(text[at])]) ++at;
    return at;
}

Mark mark_of(std::size_t from, std::size_t to) {
    return {static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to - from)};
}

// The end of "${NAME}" at `at`, or `at` if it is not a reference. Its braces do not end a statement.
std::size_t reference_end(std::string_view line, std::size_t at) {
    if (line.substr(at, 2) != "${") return at;
    const std::size_t close = line.find_first_of("{} \t", at + 2);
    return close != std::string_view::npos && line[close] == '}' ? close + 1 : at;
}

}  // namespace

InvisibleCharacter invisible_character(std::string_view text) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kKnown{{
        {"\xC2\xA0", "no-break space"},
        {"\xE2\x80\x8B", "zero-width space"},
        {"\xE3\x80\x80", "full-width space"},
        {kByteOrderMark, "byte order mark"},
        {"\xE2\x80\x83", "em space"},
    }};
    for (const auto& [bytes, name] : kKnown)
        if (text.starts_with(bytes)) return {bytes.size(), name};
    return {};
}

Lexer::Lexer(std::string_view text, Listener& listener)
    : text_{text}, listener_{listener}, has_nul_{text.find('\0') != std::string_view::npos} {
    begin_line();
}

// Sets line_end_ for the line at at_, skipping unusable lines. False at the end of the text.
bool Lexer::begin_line() {
    while (at_ < text_.size()) {
        const std::size_t newline = text_.find('\n', at_);
        line_end_ = newline == std::string_view::npos ? text_.size() : newline;
        const std::string_view line = text_.substr(at_, line_end_ - at_);
        if (line.size() > kMaxLineBytes) {
            listener_.found({LexFinding::Kind::LineTooLong, mark_of(at_, at_ + 1)});
        } else if (const std::size_t nul = has_nul_ ? line.find('\0') : std::string_view::npos;
                   nul != std::string_view::npos) {
            listener_.found({LexFinding::Kind::NulByte, mark_of(at_ + nul, at_ + nul + 1)});
        } else {
            return true;
        }
        at_ = line_end_ + 1;
    }
    at_ = line_end_ = text_.size();
    return false;
}

bool Lexer::next(Statement& statement) {
    statement.words.clear();
    statement.raw = {};
    statement.slash_comment = {};
    statement.broken = false;
    while (true) {
        at_ = skip(kBlank, text_, at_, line_end_);
        if (at_ < line_end_ && !is_comment(text_[at_])) {
            if (!is_brace(text_[at_])) {
                read_words(statement);
                return true;
            }
            statement.kind = text_[at_] == '{' ? Statement::Kind::Open : Statement::Kind::Close;
            statement.mark = mark_of(at_, at_ + 1);
            ++at_;
            return true;
        }
        at_ = line_end_ + 1;
        if (at_ > text_.size() || !begin_line()) break;
    }
    at_ = line_end_ = text_.size();
    statement.kind = Statement::Kind::End;
    statement.mark = mark_of(text_.size(), text_.size());
    return false;
}

void Lexer::seek(std::uint32_t offset) {
    at_ = offset;
    line_end_ = std::min(text_.find('\n', at_), text_.size());
}

void Lexer::read_words(Statement& statement) {
    statement.kind = Statement::Kind::Words;
    const std::size_t from = at_;
    std::size_t to = at_;
    while (read_word(statement)) {
        to = at_;
        at_ = skip(kBlank, text_, at_, line_end_);
    }
    statement.raw = text_.substr(from, to - from);
    statement.mark = mark_of(from, to);
}

// Reads the quoted word at at_. False: its quote does not end on this line.
bool Lexer::read_quoted(Statement& statement) {
    const std::size_t close = text_.substr(0, line_end_).find('"', at_ + 1);
    if (close == std::string_view::npos) {
        listener_.found({LexFinding::Kind::UnterminatedQuote, mark_of(at_, line_end_)});
        statement.broken = true;
        skip_line();
        return false;
    }
    statement.words.push_back({text_.substr(at_ + 1, close - at_ - 1), mark_of(at_, close + 1), true});
    at_ = close + 1;
    return true;
}

// Reads the word at at_. False when the statement ends here.
bool Lexer::read_word(Statement& statement) {
    if (at_ >= line_end_) return false;
    const std::size_t from = at_;
    // The usual case: the word has only ordinary characters and ends at a blank or at the end of the line.
    const std::size_t end = skip(kOrdinary, text_, from, line_end_);
    const bool slashes = end >= from + 2 && text_[from] == '/' && text_[from + 1] == '/';
    if (end != from && !slashes && (end == line_end_ || is_blank(text_[end]))) {
        statement.words.push_back({text_.substr(from, end - from), mark_of(from, end), false});
        at_ = end;
        return true;
    }
    if (is_brace(text_[at_])) return false;
    if (is_comment(text_[at_])) {
        skip_line();
        return false;
    }
    if (text_[at_] == '"') return read_quoted(statement);
    if (text_[at_] == '/' && at_ + 1 < line_end_ && text_[at_ + 1] == '/' &&
        (statement.words.empty() || !listener_.wants_argument(statement.words))) {
        statement.slash_comment = mark_of(at_, line_end_);
        skip_line();
        return false;
    }
    bool escaped = false;
    while (at_ < line_end_) {
        at_ = skip(kOrdinary, text_, at_, line_end_);
        if (at_ == line_end_) break;
        const char c = text_[at_];
        if (is_blank(c) || is_comment(c) || is_brace(c) || c == '"') {
            break;
        } else if (c == '\\' && at_ + 1 < line_end_ && is_comment(text_[at_ + 1])) {
            escaped = true;
            at_ += 2;
        } else if (const std::size_t behind = reference_end(text_.substr(0, line_end_), at_); behind != at_) {
            at_ = behind;
        } else {
            ++at_;
        }
    }
    std::string_view word = text_.substr(from, at_ - from);
    if (escaped) {
        std::string plain;
        for (std::size_t i = 0; i < word.size(); ++i) {
            if (word[i] == '\\' && i + 1 < word.size() && is_comment(word[i + 1])) ++i;
            plain += word[i];
        }
        word = resolved_.emplace_back(std::move(plain));
    }
    statement.words.push_back({word, mark_of(from, at_), false});
    return true;
}

}  // namespace mainstay::config
