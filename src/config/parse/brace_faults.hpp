// The messages about a file whose braces do not fit: which brace, what keepalived makes of it, what was probably meant,
// and which virtual servers, real servers, instances and addresses do not run because of it.
#pragma once

#include "block_walk.hpp"
#include "parse_context.hpp"

namespace mainstay::config {

// Reports the faults but unknown keywords, which the parser tells.
void report_faults(ParseContext& r, const WalkedFile& walked);
// The lines that cannot be read, and what the file names that does not run; added to the message about the fault before
// it. After the parser, whose messages are among them.
void report_lost(ParseContext& r, const WalkedFile& walked);

}  // namespace mainstay::config
