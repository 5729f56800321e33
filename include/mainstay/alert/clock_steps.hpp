// How long something has waited since a time of the calendar, when the calendar's clock is set meanwhile: a host that
// starts with a wrong clock and corrects it has waited for minutes, not for years.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "mainstay/base/time.hpp"

namespace mainstay::alert {

class ClockSteps {
public:
    // Often, with the time of both clocks.
    void look(Instant now, WallTime wall) {
        if (const auto last = std::exchange(last_, {{now, wall}})) {
            const std::int64_t passed = std::chrono::duration_cast<Micros>(now - last->first).count();
            const WallTime expected{last->second.unix_us + passed};
            const Micros ahead{wall.unix_us - expected.unix_us};
            if (ahead > kStep && steps_.size() < kStepsMax) steps_.push_back({expected, ahead});
        }
    }
    // Steps back make nothing older.
    [[nodiscard]] Micros age(WallTime at, WallTime wall) const {
        Micros age{wall.unix_us - at.unix_us};
        for (const auto& step : steps_)
            if (at.unix_us <= step.before.unix_us) age -= step.ahead;
        return age;
    }

private:
    static constexpr Micros kStep{60'000'000};
    static constexpr std::size_t kStepsMax = 100;
    struct Step {
        WallTime before;
        Micros ahead;
    };
    std::vector<Step> steps_;
    std::optional<std::pair<Instant, WallTime>> last_;
};

}  // namespace mainstay::alert
