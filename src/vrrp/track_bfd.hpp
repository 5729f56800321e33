// The effect of BFD sessions on the instances that track them.
//
// The bfd role reports for each session whether it is up; a session without a report is down. The reports are kept in
// the snapshot, so that a new incarnation of the vrrp role does not treat its neighbours as dead until the next report.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/vrrp/facts.hpp"
#include "mainstay/vrrp/track.hpp"

namespace mainstay::vrrp {

struct TrackedBfd {
    std::string name;
    int weight = 0;  // 0: the instance is in FAULT while the session is down (reverse: up)
    bool reverse = false;
    bool operator==(const TrackedBfd&) const = default;
};

// The sessions that an instance tracks, itself and through its group (null: none). A tracker without a weight has its
// bfd_instance's. keepalived: a weighted tracker of its own is dropped from an address owner, and from a member of a
// group without sync_group_tracking_weight.
[[nodiscard]] std::vector<TrackedBfd> tracked_bfds(const config::Config& config, const config::Instance& instance,
                                                   const config::SyncGroup* group);

class BfdStates {
public:
    // Forgets the reports of sessions that are no longer configured.
    void configure(const config::Config& config);
    void adopt(const std::vector<BfdSnapshot>& previous);

    // True when an instance may be concerned; each one that tracks the session is named in the log.
    [[nodiscard]] bool update(const BfdFact& fact, const config::Config& config, Intents& out);
    // Adds the effect of the sessions to that of the other trackers of this instance.
    void judge(InstanceId id, Health& health) const;
    [[nodiscard]] std::vector<BfdSnapshot> snapshot() const;
    void list(InstanceId id, std::vector<TrackedObject>& all) const;  // what the instance tracks

private:
    template <class A>
    friend void fields(A& archive, BfdStates& board);  // router_state.cpp
    [[nodiscard]] bool up(const std::string& name) const;

    std::map<std::string, bool, std::less<>> states_;
    std::vector<std::vector<TrackedBfd>> tracked_;  // by InstanceId
};

}  // namespace mainstay::vrrp
