// A sync group: its members are all MASTER or none of them is.
//
// The group has no timers and receives no packets. After every fact the router calls settle(), which makes its members
// agree. Its state is computed from theirs, so the two cannot differ.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/vrrp/instance.hpp"

namespace mainstay::vrrp {

class Group {
public:
    Group(config::SyncGroup config, std::vector<InstanceId> members, bool no_email_faults);

    // Makes the members agree, then reports a change of the group's state.
    void settle(Step step, std::span<Instance> instances);
    void stop(Step step);
    // Takes over the state and last mail of an earlier incarnation or configuration, so that they are not reported
    // again.
    void adopt(const GroupSnapshot& previous);

    [[nodiscard]] const config::SyncGroup& config() const { return config_; }
    [[nodiscard]] std::span<const InstanceId> members() const { return members_; }
    [[nodiscard]] GroupSnapshot snapshot() const { return {config_.name, state_, last_mailed_}; }

    // The health of a member including that of its group: it has a fault as soon as another member has one.
    [[nodiscard]] static Health combine(const Health& own, const std::string& group,
                                        std::span<const Health* const> others);

private:
    template <class A>
    friend void fields(A& archive, Group& group);  // router_state.cpp
    [[nodiscard]] State members_state(std::span<const Instance> instances) const;
    void log_syncing(Step step, const char* state) const;
    // Why the state changed, by the member that did not follow another one.
    [[nodiscard]] Cause cause_of(std::span<const Instance> instances) const;
    void announce(Step step, Transition transition, Cause cause);

    config::SyncGroup config_;
    std::vector<InstanceId> members_;
    bool no_email_faults_;
    State state_ = State::Init;
    std::string last_mailed_;
};

}  // namespace mainstay::vrrp
