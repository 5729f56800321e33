// How long health checks take and how they end, for each type of check.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "mainstay/base/histogram.hpp"

namespace mainstay::report {

// The order and the values are part of the state block: a change would mix old counts with new buckets.
inline constexpr std::array kCheckDurationBounds{
    Micros{1'000},     Micros{2'500},     Micros{5'000},     Micros{10'000},  Micros{25'000},
    Micros{50'000},    Micros{100'000},   Micros{250'000},   Micros{500'000}, Micros{1'000'000},
    Micros{2'500'000}, Micros{5'000'000}, Micros{10'000'000}};
using CheckDurations = Histogram<kCheckDurationBounds>;

struct CheckTypeStatus {
    std::string type;          // "TCP_CHECK"
    CheckDurations durations;  // of all runs, failed ones included
    std::uint64_t passed = 0, failed = 0, not_run = 0;
    bool operator==(const CheckTypeStatus&) const = default;
};

}  // namespace mainstay::report
