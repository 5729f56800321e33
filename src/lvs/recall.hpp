// Restores the state of a crashed incarnation.
#pragma once

#include <cstddef>

#include "mainstay/lvs/memory.hpp"
#include "services.hpp"

namespace mainstay::lvs {

// Restores the states of services and servers that are still configured.
void recall(Services& services, const Memory& memory, Moment at);

}  // namespace mainstay::lvs
