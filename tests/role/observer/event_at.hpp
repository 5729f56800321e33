// An instance that became MASTER.
#pragma once

#include <cstdint>

#include "mainstay/base/event.hpp"

namespace mainstay::role::test {

inline Event event_at(std::int64_t unix_us) {
    return {.kind = Event::Kind::Instance, .name = "VI_1", .transition = Transition::Master, .at = {unix_us}};
}

}  // namespace mainstay::role::test
