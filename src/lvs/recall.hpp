// A new incarnation of the process goes on where a crashed one stopped.
#pragma once

#include <cstddef>

#include "mainstay/lvs/memory.hpp"
#include "services.hpp"

namespace mainstay::lvs {

// Brings what is remembered into the states of services and servers that are configured still.
void recall(Services& services, const Memory& memory, Moment at);

}  // namespace mainstay::lvs
