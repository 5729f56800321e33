#pragma once

#include "config/schema/parse_context.hpp"

namespace mainstay::config {

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

}  // namespace mainstay::config
