#include "document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "config/language/expand.hpp"
#include "mainstay/config/toml/toml.hpp"

namespace mainstay::config {
namespace {

// Runs over a document once. toml++ 3.3 bounds the nesting of values but neither the parts of a dotted key nor the
// number of values, it drops comments, and its behaviour is undefined where it asks of U+00A0 to U+0499, U+2C5E to
// U+3057 or U+FE26 to U+FEFF whether they are blanks: outside strings, and around a backslash in them. As far as the
// document is well formed, this sees the same strings as toml++.
class Scanner {
public:
    Scanner(std::string_view text, std::vector<TomlComment>& comments) : text_{text}, comments_{comments} {}

    std::optional<TomlProblem> run() {
        if (text_.starts_with("\xEF\xBB\xBF")) at_ = line_start_ = 3;  // a byte order mark is none of the text
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '\n') {
                next_line();
                dots_ = 0;
                alone_ = true;
                continue;
            }
            if (c == '#') {
                comment();
                continue;
            }
            if (c == '[' && alone_ && open_ == 0) {
                if (auto problem = header()) return problem;
            }
            if (beyond_ascii(c))
                return problem(
                    "a non-ASCII character is outside quotes and comments: put text in quotes, and use spaces and tabs "
                    "as blanks");
            if (c != ' ' && c != '\t' && c != '\r') alone_ = false;
            if (c == '"' || c == '\'') {
                if (auto problem = string(c)) return problem;
                continue;
            }
            if (auto problem = mark(c)) return problem;
            ++at_;
        }
        return std::nullopt;
    }

private:
    std::optional<TomlProblem> mark(char c) {
        if (c == '.' && ++dots_ >= kMaxTomlKeyParts)
            return problem(fmt::format("the key has more than {} parts", kMaxTomlKeyParts));
        const bool value = c == '=' || c == ',' || c == '[' || c == '{';
        if (value || c == ']' || c == '}') dots_ = 0;
        if (c == '[') ++open_;
        if (c == ']' && open_ > 0) --open_;
        if (value && ++values_ > kMaxTomlValues)
            return problem(fmt::format("the document has more than {} values", kMaxTomlValues));
        return std::nullopt;
    }

    // toml++ 3.3 asserts that a table's name begins as one: it does not look.
    [[nodiscard]] std::optional<TomlProblem> header() {
        std::size_t at = at_ + (text_.substr(at_, 2) == "[[" ? 2 : 1);
        while (at < text_.size() && (text_[at] == ' ' || text_[at] == '\t')) ++at;
        const char c = at < text_.size() ? text_[at] : '\n';
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (letter || c == '_' || c == '-' || c == '"' || c == '\'') return std::nullopt;
        at_ = at;
        return problem("a table's name consists of letters, digits, - and _, or is quoted");
    }

    void comment() {
        const std::size_t end = std::min(text_.find('\n', at_), text_.size());
        std::string_view text = text_.substr(at_, end - at_);
        if (text.ends_with('\r')) text.remove_suffix(1);
        comments_.push_back({line_, alone_, text});
        at_ = end;
    }

    std::optional<TomlProblem> string(char quote) {
        const bool several_lines = text_.substr(at_, 3) == std::string(3, quote);
        at_ += several_lines ? 3 : 1;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '\\' && quote == '"') {
                if (auto problem = escape(several_lines)) return problem;
            } else if (c == '\n') {
                if (!several_lines) return std::nullopt;
                next_line();
            } else if (c == quote && !several_lines) {
                ++at_;
                return std::nullopt;
            } else if (c == quote && text_.substr(at_, 3) == std::string(3, quote)) {
                at_ += 3;
                // A string of several lines may end in one or two quotes of its own.
                for (int more = 0; more < 2 && at_ < text_.size() && text_[at_] == quote; ++more) ++at_;
                return std::nullopt;
            } else {
                ++at_;
            }
        }
        return std::nullopt;
    }

    // Stands at a backslash. One at a line's end takes away all blanks and line breaks up to the next character.
    std::optional<TomlProblem> escape(bool several_lines) {
        ++at_;
        const auto skip = [this](std::string_view blanks) {
            while (at_ < text_.size() && blanks.contains(text_[at_])) text_[at_] == '\n' ? next_line() : void(++at_);
        };
        const bool blank = at_ < text_.size() && std::string_view{" \t\r\n"}.contains(text_[at_]);
        if (several_lines && blank) {
            skip(" \t");
            const bool ends_line = at_ < text_.size() && (text_[at_] == '\r' || text_[at_] == '\n');
            if (!ends_line) return problem("a backslash before blanks must end its line");
            skip(" \t\r\n");
            if (at_ < text_.size() && beyond_ascii(text_[at_]))
                return problem(
                    "after a backslash at the end of a line the text cannot continue with a non-ASCII character: put "
                    "it before the backslash");
            return std::nullopt;
        }
        if (at_ >= text_.size() || text_[at_] == '\n') return std::nullopt;
        if (beyond_ascii(text_[at_]))
            return problem("a backslash precedes a character that needs none: write \\\\ for a backslash");
        ++at_;
        return std::nullopt;
    }

    void next_line() {
        ++at_;
        ++line_;
        line_start_ = at_;
    }

    [[nodiscard]] static bool beyond_ascii(char c) { return static_cast<unsigned char>(c) > 0x7F; }

    [[nodiscard]] TomlProblem problem(std::string message) const {
        const std::size_t before = characters(text_.substr(line_start_, at_ - line_start_));
        return {{line_, static_cast<std::uint32_t>(before) + 1, 1}, std::move(message)};
    }

    std::string_view text_;
    std::vector<TomlComment>& comments_;
    std::size_t at_ = 0, line_start_ = 0, dots_ = 0, values_ = 0;
    std::size_t open_ = 0;  // [ without their ]
    std::uint32_t line_ = 1;
    bool alone_ = true;
};

}  // namespace

TomlPlace place_of(const toml::source_region& source) {
    const bool one_line = source.begin.line == source.end.line && source.end.column > source.begin.column;
    return {source.begin.line, source.begin.column, one_line ? source.end.column - source.begin.column : 1};
}

std::variant<TomlDocument, TomlProblem> parse_toml(std::string_view text) {
    // toml++ 3.3 takes a NUL for the end of the text in some places only, and asserts in others.
    if (const std::size_t at = text.find('\0'); at != std::string_view::npos) {
        const std::string_view before = text.substr(0, at);
        const auto line = static_cast<std::uint32_t>(std::ranges::count(before, '\n')) + 1;
        const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
        return TomlProblem{{line, static_cast<std::uint32_t>(at - start + 1), 1}, "it contains a NUL byte"};
    }
    TomlDocument document;
    if (auto problem = Scanner{text, document.comments}.run()) return *std::move(problem);
    try {
        document.root = toml::parse(text);
    } catch (const toml::parse_error& error) {
        return TomlProblem{place_of(error.source()), std::string{error.description()}};
    } catch (const std::logic_error&) {
        return TomlProblem{{1, 1, 1}, "the document is damaged; the place is unknown"};
    }
    return document;
}

}  // namespace mainstay::config
