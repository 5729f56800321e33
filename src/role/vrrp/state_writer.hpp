// Writes the state block of the vrrp role.
#pragma once

#include <map>
#include <string>

#include "mainstay/ipc/message.hpp"
#include "mainstay/report/status.hpp"
#include "mainstay/role/common/runtime.hpp"
#include "mainstay/vrrp/router.hpp"
#include "state_times.hpp"

namespace mainstay::role {

class StateWriter {
public:
    void adopt(const report::VrrpStatus& previous);
    // Keeps what a vrrp_script that failed wrote to stderr: why shows it. Returns the fact of its end.
    [[nodiscard]] vrrp::ScriptDone script_ended(const std::string& name, const ipc::ScriptResult& result);
    // `rest`: everything but the router's state, the addresses and the generation.
    void write(Runtime& runtime, const vrrp::Router& router, report::VrrpStatus rest);

private:
    StateTimes since_;
    std::map<std::string, std::string> errors_;  // of the scripts whose last run failed
};

}  // namespace mainstay::role
