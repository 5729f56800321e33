// Splits the text of a configuration into statements, as keepalived does.
//
// Newlines and unquoted braces end a statement; each brace is a statement of its own, so `{` may stand on the keyword's
// line, on the next one, or in a one-line block. # and ! begin a comment anywhere outside double quotes, even inside a
// word. The lexer streams: it holds one statement at a time, whatever the size of the text.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mainstay::config {

// A stretch of the snapshot text, in bytes. Turned into file, line and column only when a diagnostic is written.
struct Mark {
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    bool operator==(const Mark&) const = default;
};

struct Token {
    std::string_view text;  // without quotes, escapes resolved
    Mark mark;
    bool quoted = false;
};

struct Statement {
    enum class Kind : std::uint8_t { Words, Open, Close, End } kind = Kind::End;
    std::vector<Token> words;  // for Words: at least one
    std::string_view raw;      // for Words: the text from the first word on, with quotes and escapes, without comment
    Mark mark;                 // the whole statement, or the brace
    Mark slash_comment;        // length not 0: this statement was ended by a // comment
    bool broken = false;       // an unterminated quote: its last word must not be used
};

struct LexFinding {
    enum class Kind : std::uint8_t { UnterminatedQuote, NulByte, LineTooLong } kind{};
    Mark mark;
};

// keepalived: longer lines are an error and dropped (2.4.3 drops the first part and continues in the middle).
inline constexpr std::size_t kMaxLineBytes = 1023;
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";  // of UTF-8

class Lexer {
public:
    // A word beginning with // begins a comment unless it is an argument of the keyword, which only the parser of the
    // statements knows. `words` are the words before it, never empty.
    class Listener {
    public:
        virtual bool wants_argument(std::span<const Token> words) = 0;
        virtual void found(const LexFinding& finding) = 0;

    protected:
        ~Listener() = default;
    };

    // `text` and `listener` must outlive the lexer. Token texts point into `text`, or into the lexer if an escape was
    // resolved.
    Lexer(std::string_view text, Listener& listener);

    // False at the end. `statement` is reused to save allocations.
    bool next(Statement& statement);
    // The next statement is the one that begins at `offset`, as an earlier reading found it.
    void seek(std::uint32_t offset);

private:
    bool begin_line();
    void read_words(Statement& statement);
    bool read_quoted(Statement& statement);
    bool read_word(Statement& statement);
    void skip_line() { at_ = line_end_; }

    std::string_view text_;
    Listener& listener_;
    bool has_nul_;  // somewhere in the text; if not, lines need not be searched for NUL
    std::size_t at_ = 0;
    std::size_t line_end_ = 0;
    std::deque<std::string> resolved_;
};

// An invisible character at the start of `text` that is not white space to us (no-break or zero-width space, full-width
// space, byte order mark): its length in bytes and its name; 0 otherwise.
struct InvisibleCharacter {
    std::size_t bytes = 0;
    std::string_view name;
};
[[nodiscard]] InvisibleCharacter invisible_character(std::string_view text);

}  // namespace mainstay::config
