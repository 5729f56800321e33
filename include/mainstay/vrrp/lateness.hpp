// How late adverts leave: from the moment when one was due to the step that sent it. Summed over all instances of the
// process, because it says whether the host keeps up with its intervals; Counters has the late adverts of each.
#pragma once

#include <array>

#include "mainstay/base/histogram.hpp"

namespace mainstay::vrrp {

// The order and the values are part of the state block: a change would mix old counts with new buckets.
inline constexpr std::array kAdvertLatenessBounds{
    Micros{100},    Micros{250},    Micros{500},     Micros{1'000},   Micros{2'500},   Micros{5'000},    Micros{10'000},
    Micros{25'000}, Micros{50'000}, Micros{100'000}, Micros{250'000}, Micros{500'000}, Micros{1'000'000}};
using AdvertLateness = Histogram<kAdvertLatenessBounds>;

}  // namespace mainstay::vrrp
