// Since when instances and scripts have their states, for status. The pure router knows no calendar time.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "mainstay/base/time.hpp"
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::role {

class StateTimes {
public:
    // Resumes from the state of an earlier incarnation.
    void adopt(const vrrp::RouterSnapshot& previous) {
        for (const auto& one : previous.instances) instances_[one.name] = {one.state, one.since};
        for (const auto& one : previous.scripts) scripts_[one.name] = {result_of(one), one.since};
    }
    // Fills in `since`; `now` for a state that is seen for the first time.
    void fill_in(vrrp::InstanceSnapshot& one, WallTime now) { one.since = since(instances_[one.name], one.state, now); }
    void fill_in(vrrp::ScriptSnapshot& one, WallTime now) {
        one.since = since(scripts_[one.name], result_of(one), now);
    }

private:
    enum class Result : std::uint8_t { Unknown, Up, Down };
    static Result result_of(const vrrp::ScriptSnapshot& one) {
        return !one.known ? Result::Unknown : one.up ? Result::Up : Result::Down;
    }
    template <class State>
    static WallTime since(std::pair<State, WallTime>& last, State state, WallTime now) {
        if (last.second.unix_us == 0 || last.first != state) last = {state, now};
        return last.second;
    }
    std::map<std::string, std::pair<vrrp::State, WallTime>> instances_;
    std::map<std::string, std::pair<Result, WallTime>> scripts_;
};

}  // namespace mainstay::role
