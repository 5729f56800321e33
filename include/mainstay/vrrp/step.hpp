// What a part of the machine needs to cause something: the time, and where its intents go.
#pragma once

#include "facts.hpp"

namespace mainstay::vrrp {

struct Step {
    Instant now;
    Intents& out;
    std::int64_t unix_us = 0;  // the calendar clock, for authentication alone
};

}  // namespace mainstay::vrrp
