#pragma once

#include "parse_context.hpp"

namespace mainstay::config {

// A statement whose first word no row of its block knows: true when it is a slip that we can name, and did.
[[nodiscard]] bool report_slip(Diagnoser& diag, Block block, const Statement& statement);
// A // comment where keepalived reads words. It would mail to those of a list of addresses, and says nothing.
void report_slash_comment(Diagnoser& diag, Mark mark, bool in_mail_list);
void report_missing_word(ParseContext& r, const KeywordSpec& row, const Statement& statement);
// A block without its {. `contents_follow`: the lines below it are read all the same.
void report_missing_brace(Diagnoser& diag, const KeywordSpec& row, const Statement& statement, bool contents_follow);
// A keyword that has a new name, or from which nothing follows yet; once each.
void report_old_or_inert(ParseContext& r, const KeywordSpec& row, Mark mark);
void report_finding(Diagnoser& diag, const LexFinding& finding);

}  // namespace mainstay::config
