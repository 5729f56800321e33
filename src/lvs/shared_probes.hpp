// share_probe: equal checks of several services run once, and the result applies to all of them. The check that is due
// first is the leader; the others are its followers and are due together with it from then on.
#pragma once

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "check_schedule.hpp"
#include "mainstay/config/model.hpp"
#include "services.hpp"

namespace mainstay::lvs {

class SharedProbes {
public:
    // Finds the equal checkers among all of them, after the services' checkers have been indexed.
    void group(const Services& services);
    // The run of this checker begins: equal checkers that could run now become its followers.
    void lead(Services& services, CheckerId leader);
    // Removes and returns the followers of this checker, whose run has ended.
    [[nodiscard]] std::vector<CheckerId> take_followers(CheckerId leader);
    // The leading run was cancelled: the checks that wait for it run by themselves now.
    void release(CheckerId leader, Services& services, CheckSchedule& schedule, Instant now);
    // The same for leaders that a reload removed.
    void release_gone(Services& services, CheckSchedule& schedule, Instant now);
    // Whether all its checkers exist, which a state that was read back may not hold.
    [[nodiscard]] bool is_within(const Services& services) const;

private:
    template <class A>
    friend void fields(A& archive, SharedProbes& probes);  // judge_state.cpp

    std::vector<std::vector<CheckerId>> shared_;                 // checkers that one probe can answer for
    std::unordered_map<CheckerId, std::size_t> shares_;          // index into shared_
    std::unordered_map<CheckerId, std::vector<CheckerId>> led_;  // the followers of each running leader
};

// Compares checks: whether they send the same request, and whether one probe can serve both.

// Both send the same request to the same target: a verdict stays valid even if the timing changed.
[[nodiscard]] bool same_question(const config::Checker& left, const config::Checker& right);
// One probe can serve both: the same request with the same interval and timeout.
[[nodiscard]] bool same_probe(const config::Checker& left, const config::Checker& right);

}  // namespace mainstay::lvs
