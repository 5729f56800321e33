// Counts how health checks of each type end and how long they take.
#pragma once

#include <string_view>
#include <vector>

#include "mainstay/lvs/facts.hpp"
#include "mainstay/report/check_times.hpp"

namespace mainstay::role {

// `types` gets an entry for each type of check that has run. A check that could not be run has no duration.
void count_check(std::vector<report::CheckTypeStatus>& types, std::string_view type, lvs::Outcome outcome,
                 Micros duration);

}  // namespace mainstay::role
