// Writes the state block of the vrrp role.
#pragma once

#include "mainstay/report/status.hpp"
#include "mainstay/role/common/runtime.hpp"
#include "mainstay/vrrp/router.hpp"
#include "state_times.hpp"

namespace mainstay::role {

class StateWriter {
public:
    void adopt(const report::VrrpStatus& previous);
    // `rest`: everything but the router's state, the addresses and the generation.
    void write(Runtime& runtime, const vrrp::Router& router, report::VrrpStatus rest);

private:
    StateTimes since_;
};

}  // namespace mainstay::role
