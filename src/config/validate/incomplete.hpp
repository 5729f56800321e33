// Blocks that lack what they cannot do without.
#pragma once

#include "config/parse/parse_context.hpp"

namespace mainstay::config {

// Of the block that ends here; `opened` is its keyword. Other blocks are checked where their structs are.
void check_complete(ParseContext& reading, Block block, Mark opened, const KeywordValues& values);

}  // namespace mainstay::config
