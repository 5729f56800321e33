// The messages about a file whose braces do not fit: which brace, what keepalived makes of it, what was probably meant,
// and which virtual servers, real servers, instances and addresses do not run because of it.
#pragma once

#include "block_walk.hpp"
#include "config/schema/parse_context.hpp"

namespace mainstay::config {

// Reports the mistakes but unknown keywords, which the parser tells; the faults of `walked` come of them.
void report_mistakes(ParseContext& r, const WalkedFile& walked, const std::vector<BraceFault>& mistakes);
// The lines that cannot be read, and what the file names that does not run; added to the message about the mistake
// before it. After the parser, whose messages are among them.
void report_lost(ParseContext& r, const WalkedFile& walked, const std::vector<BraceFault>& mistakes);

}  // namespace mainstay::config
