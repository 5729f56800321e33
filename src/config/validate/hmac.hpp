// auth_hmac: its keys, and what it does not go together with.
#pragma once

#include "config/parse/parse_context.hpp"

namespace mainstay::config {

// Puts what key files hold in the place of their names: the roles may not read them. Takes the block away when it
// cannot be used.
void settle_hmac(ParseContext& reading, InstanceDraft& draft);

}  // namespace mainstay::config
