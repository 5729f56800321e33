// Blocks to drafts, by the rows of the schema.
#pragma once

#include <string_view>
#include <vector>

#include "config/schema/parse_context.hpp"

namespace mainstay::config {

// False if a brace is missing or unexpected; what was read then counts for nothing.
[[nodiscard]] bool parse(ParseContext& reading, std::string_view text);
// What keepalived's processes make of such a text; `mistakes` are those that are told.
void parse(ParseContext& reading, std::string_view text, const WalkedFile& walked,
           const std::vector<BraceFault>& mistakes);

}  // namespace mainstay::config
