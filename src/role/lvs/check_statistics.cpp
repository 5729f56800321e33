#include "check_statistics.hpp"

#include <algorithm>

namespace mainstay::role {

void count_check(std::vector<report::CheckTypeStatus>& types, std::string_view type, lvs::Outcome outcome,
                 Micros duration) {
    auto found = std::ranges::find(types, type, &report::CheckTypeStatus::type);
    if (found == types.end())
        found = types.insert(types.end(), {.type = std::string{type}, .durations = {}, .passed = 0});
    if (outcome == lvs::Outcome::NotRun) {
        ++found->not_run;
        return;
    }
    ++(outcome == lvs::Outcome::Passed ? found->passed : found->failed);
    found->durations.record(duration);
}

}  // namespace mainstay::role
