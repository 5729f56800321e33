// One mistake, one message: what comes of a mistake is not told beside it, but counted in its message.
#pragma once

#include "block_walk.hpp"
#include "config/schema/parse_context.hpp"

namespace mainstay::config {

// Some message is about a line that was not read, and there are others, so that one may come of the other.
[[nodiscard]] bool may_have_consequences(ParseContext& r);

// Drops the messages that the file without the mistakes (`intended`) does not bring, and counts them at the mistake
// before each. After all checks.
void fold_consequences(ParseContext& r, ParseContext& intended, const std::vector<BraceFault>& mistakes);

// The same of what names a block that was refused whole, or is named in it alone.
void fold_into_refused_blocks(ParseContext& r);

}  // namespace mainstay::config
