// Blocks to drafts, by the rows of the schema, and the messages about what cannot be read.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "block_walk.hpp"
#include "config/schema/parse_context.hpp"
#include "config/schema/value_store.hpp"

namespace mainstay::config {

// False if a brace is missing or unexpected; what was read then counts for nothing.
[[nodiscard]] bool parse(ParseContext& reading, std::string_view text);
// What keepalived's processes make of such a text; `mistakes` are those that are told.
void parse(ParseContext& reading, std::string_view text, const WalkedFile& walked,
           const std::vector<BraceFault>& mistakes);

// ---- brace_faults.cpp
// The messages about a file whose braces do not fit: which brace, what keepalived makes of it, what was probably meant,
// and which virtual servers, real servers, instances and addresses do not run because of it.

// Reports the mistakes but unknown keywords, which the parser tells; the faults of `walked` come of them.
void report_mistakes(ParseContext& r, const WalkedFile& walked, const std::vector<BraceFault>& mistakes);
// The lines that cannot be read, and what the file names that does not run; added to the message about the mistake
// before it. After the parser, whose messages are among them.
void report_lost(ParseContext& r, const WalkedFile& walked, const std::vector<BraceFault>& mistakes);

// ---- common_mistakes.cpp

// For a statement with an unknown keyword: true if it is a known mistake, which was then reported.
[[nodiscard]] bool report_slip(Diagnoser& diag, Block block, const Statement& statement);
// A // comment where keepalived reads words: in a list of mail addresses it would silently treat them as recipients.
void report_slash_comment(Diagnoser& diag, Mark mark, bool in_mail_list);
// Whether a word is missing that keepalived misses, too.
[[nodiscard]] bool lacks_word(const KeywordSpec& row, const Statement& statement);
// A word that is missing, with keepalived's outcome.
Diagnostic& missing_word(Diagnoser& diag, const KeywordSpec& row, Mark mark, std::string message);
void report_missing_word(ParseContext& r, const KeywordSpec& row, const Statement& statement);
// A block without its {: `mark` is that of its keyword's line, `line` the line.
void report_missing_brace(Diagnoser& diag, const KeywordSpec& row, std::string_view line, Mark mark);
// The keyword `misplaced` of the block `outer` (null: of none), at `mark` in the block `row`.
void report_misplaced(Diagnoser& diag, const KeywordSpec& misplaced, Mark mark, const KeywordSpec& row,
                      const KeywordSpec* outer);
// Reports a deprecated keyword, or one without an effect, once each.
void report_old_or_inert(ParseContext& r, const KeywordSpec& row, Mark mark);
void report_finding(Diagnoser& diag, const LexFinding& finding);

// ---- consequences.cpp
// One mistake, one message: what comes of a mistake is not told beside it, but counted in its message.

// Some message is about a line that was not read, and there are others, so that one may come of the other.
[[nodiscard]] bool may_have_consequences(ParseContext& r);

// Drops the messages that the file without the mistakes (`intended`) does not bring, and counts them at the mistake
// before each. After all checks.
void fold_consequences(ParseContext& r, ParseContext& intended, const std::vector<BraceFault>& mistakes);

// The same of what names a block that was refused whole, or is named in it alone.
void fold_into_refused_blocks(ParseContext& r);

// ---- line_grammar.cpp

// Parses the words from `first` on by the `in_line` rows of `words`, and stores them in `out`. Invalid words are
// reported for `owner`, the keyword or the block, and left out. False if the line cannot be used: a position is invalid
// or missing, or any word of a strict line is invalid.
[[nodiscard]] bool read_line(ParseContext& reading, const KeywordSpec& owner, const Statement& statement,
                             std::size_t first, Block words, Section& out);

// ---- intended.cpp
// What the author of a file with wrong braces most likely meant.
//
// keepalived's reading of such a file (block_walk.hpp) says what it does, and not what is wrong with it: one } that is
// missing makes keywords unknown, trackers undefined and addresses invalid, many lines below. Here the file is read as
// people read it, by its indentation and by where each keyword belongs. That gives the place of each mistake, and
// statements whose braces fit: a message that these do not bring comes of the mistake.
struct Intended {
    WalkedFile file;                   // its `items` alone
    std::vector<BraceFault> mistakes;  // in the order of their places
    bool known = false;                // false: there are kMaxDiagnostics of them or more, and nothing is here
};

// `text` is that of a snapshot.
[[nodiscard]] Intended read_as_intended(std::string_view text);

// ---- unknown.cpp: lines with an unknown keyword

// A block with this keyword; None if there is none.
[[nodiscard]] Block home_of(std::string_view word);
// The keyword of `block` that the line may mean: `real server` is real_server. Empty when none is near.
[[nodiscard]] std::string_view nearest_to(const Statement& statement, Block block);

class Unknowns {
public:
    explicit Unknowns(ParseContext& r) : r_{r} {}

    // A line was met, of whatever kind: those that are reported as one follow each other directly.
    void next_line() { ++line_; }

    // A mistake with a separate message. `meant` is the probably intended keyword, if any.
    struct Slip {
        bool reported = false;
        std::string_view meant;
    };
    [[nodiscard]] Slip slip(const Statement& statement, Block block);

    // Reports the line; `owner` is the row of its block, null outside of all. Gives the keyword of the block that it
    // may mean, empty when none is near.
    std::string_view report(const Statement& statement, Block block, const KeywordSpec* owner, bool opens);

private:
    [[nodiscard]] bool follows() const { return last_line_ + 1 == line_ && last_ < r_.diag.entries().size(); }
    [[nodiscard]] std::uint32_t file_of(const Statement& statement) const;
    bool goes_on(const Statement& statement, bool opens);
    std::string_view backslash(const Statement& statement, Block block);

    ParseContext& r_;
    std::size_t line_ = 0;
    std::size_t last_line_ = 0, last_ = Diagnoser::kNowhere;  // the last one that those below it may be added to
    std::uint32_t last_file_ = 0;
    bool continued_ = false;                             // it ended in a backslash
    std::map<std::string_view, std::size_t> invisible_;  // the diagnostic, by the name of the character
};

// ---- names.cpp
// Names to which system files assign numbers: routing tables, route protocols, scopes, TOS values, interface groups
// (iproute2's files) and IP protocols (/etc/protocols).
class NumberNames {
public:
    static constexpr std::size_t kMostBytes = 1U << 20;  // of one file; the rest is ignored

    // Empty `usr`: the distributions' folders of iproute2's own files. Entries in `etc` take precedence.
    NumberNames(std::string usr, std::string etc) : usr_{std::move(usr)}, etc_{std::move(etc)} {}

    // The number of the word after this keyword; none if no file has it.
    [[nodiscard]] std::optional<std::int64_t> find(std::string_view keyword, const std::string& name);

private:
    using Table = std::map<std::string, std::int64_t, std::less<>>;
    [[nodiscard]] const Table& table(std::string_view file);

    std::string usr_, etc_;
    std::map<std::string, Table, std::less<>> tables_;  // by file, read when first asked for
};

// Replaces names in the routes, rules and addresses of `config` by numbers. A line with an unknown name is reported and
// left out; in an address only the word is left out.
void resolve_names(ParseContext& r, Config& config);

}  // namespace mainstay::config
