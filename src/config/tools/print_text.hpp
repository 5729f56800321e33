// The lines of the canonical form while they are made, and the text of one statement.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mainstay/config/language/lexer.hpp"
#include "mainstay/config/schema/schema.hpp"

namespace mainstay::config {

inline constexpr std::size_t kIndent = 4;  // of each block

[[nodiscard]] std::string_view without_end(std::string_view text);  // blanks at the end gone
[[nodiscard]] std::string as_hash_comment(std::string_view slash_comment);

// Lines that the resolver changes before they are cut into statements. A definition may go on over several lines.
enum class SpecialLine : std::uint8_t { None, Definition, Verbatim };
[[nodiscard]] SpecialLine special_line(std::string_view line);

// `row` is null for what no row knows and for the entries of a list.
[[nodiscard]] std::string statement_text(const Statement& statement, const KeywordSpec* row, Block block);

class PrintedText {
public:
    // A line by itself, after which comes end_of_line().
    void line(std::string_view text, std::size_t depth) { add(text, depth); }
    // A line that a comment behind it may join as long as the source line goes on.
    void statement(std::string_view text, std::size_t depth);
    // Joins the statement just printed.
    void open_brace(std::size_t depth);
    // Its source line was another one: what follows the brace there joins the statement too.
    void line_of_brace() { line_goes_on_ = true; }
    void slash_comment(std::string_view text, std::size_t depth);
    // What lies between two statements: comments, blank lines, lines that cannot be read.
    void gap(std::string_view between, std::size_t depth);
    void end_of_line() { line_goes_on_ = false; }
    [[nodiscard]] std::string take();

private:
    void comment(std::string_view text, std::size_t depth);
    void unreadable(std::string_view text);
    void add(std::string_view text, std::size_t depth);

    std::vector<std::string> lines_;
    bool line_goes_on_ = false;  // the source line of the last statement has not ended
    bool blank_wanted_ = false;
};

}  // namespace mainstay::config
