// The context of a step: the time, and the list that collects the intents.
#pragma once

#include "facts.hpp"

namespace mainstay::vrrp {

struct Step {
    Instant now;
    Intents& out;
    std::int64_t unix_us = 0;                   // calendar time in microseconds, only for authentication
    AdvertLateness* advert_lateness = nullptr;  // where a sent advert's lateness is counted; null: nowhere
};

}  // namespace mainstay::vrrp
