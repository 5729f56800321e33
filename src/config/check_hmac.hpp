// auth_hmac: its keys, and what it does not go together with.
#pragma once

#include "reading.hpp"

namespace mainstay::config {

// Puts what key files hold in the place of their names: the roles may not read them. Takes the block away when it
// cannot be used.
void settle_hmac(Reading& reading, InstanceDraft& draft);

}  // namespace mainstay::config
