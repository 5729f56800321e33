// auth_hmac: checks its keys, and settings with which it cannot be combined.
#pragma once

#include "config/parse/parse_context.hpp"

namespace mainstay::config {

// Replaces the names of key files by their contents, because the roles may not read them. Removes the block if it
// cannot be used.
void settle_hmac(ParseContext& reading, InstanceDraft& draft);

}  // namespace mainstay::config
