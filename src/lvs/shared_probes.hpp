// share_probe: equal checks of several services run once, and all of them take the result. The check that is due first
// leads; the others follow it and are due with it from then on.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "check_schedule.hpp"
#include "services.hpp"

namespace mainstay::lvs {

class SharedProbes {
public:
    // Finds the equal checkers among all of them, after the services' checkers have been indexed.
    void group(const Services& services);
    // The run of this checker begins: equal ones that could run now follow it.
    void lead(Services& services, CheckerId leader);
    // Those that follow the run of this checker, which has ended.
    [[nodiscard]] std::vector<CheckerId> take_followers(CheckerId leader);
    // The leading run was cancelled: the checks that wait for it run by themselves now.
    void release(CheckerId leader, Services& services, CheckSchedule& schedule, Instant now);
    // The same for leaders that a reload removed.
    void release_gone(Services& services, CheckSchedule& schedule, Instant now);

private:
    std::vector<std::vector<CheckerId>> shared_;                 // checkers that one probe can answer for
    std::unordered_map<CheckerId, std::size_t> shares_;          // index into shared_
    std::unordered_map<CheckerId, std::vector<CheckerId>> led_;  // who waits for the result of another's run
};

}  // namespace mainstay::lvs
