// Waiting for what nobody tells of, in a command that has nothing else to do.
#pragma once

#include <chrono>
#include <thread>

namespace mainstay::cli {

// Looks until the condition is true, and once more at the end. Returns whether it is.
template <class Condition>
[[nodiscard]] bool comes_true(std::chrono::milliseconds within, std::chrono::milliseconds every, Condition condition) {
    for (auto left = within; left.count() > 0; left -= every) {
        if (condition()) return true;
        std::this_thread::sleep_for(every);
    }
    return condition();
}

}  // namespace mainstay::cli
