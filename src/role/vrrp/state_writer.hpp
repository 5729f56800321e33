// Writes the state block of the vrrp role.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "mainstay/base/time.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/report/status.hpp"
#include "mainstay/role/common/runtime.hpp"
#include "mainstay/vrrp/facts.hpp"
#include "mainstay/vrrp/router.hpp"
#include "role/common/instance_requests.hpp"

namespace mainstay::role {

// Since when instances and scripts have their states, for status. The pure router knows no calendar time.
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

class StateWriter {
public:
    void adopt(const report::VrrpStatus& previous);
    // Keeps what a vrrp_script that failed wrote to stderr: why shows it. Returns the fact of its end.
    [[nodiscard]] vrrp::ScriptDone script_ended(const vrrp::RunScript& run, const ipc::ScriptResult& result);
    // What was set of an instance over SNMP counts until the next reload.
    void set(const ipc::ControlRequest& wanted) { put(set_, set_value_of(wanted)); }
    // `rest`: everything but the router's state, the addresses and the generation.
    void write(Runtime& runtime, const vrrp::Router& router, report::VrrpStatus rest);

private:
    StateTimes since_;
    std::map<std::string, std::string> errors_;  // of the scripts whose last run failed
    std::vector<report::SetValue> set_;
    std::uint64_t generation_ = 0;  // of the configuration in which it was set
};

}  // namespace mainstay::role
