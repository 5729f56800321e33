// The running configuration, as a role's process keeps it for the notify scripts of events. In the lvs process it lacks
// the services, which the role itself has.
#pragma once

#include <vector>

#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/event.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::role {

struct RunningConfig {
    config::Config config;
    alert::ServiceScripts scripts;
};

// `config` is for the role itself afterwards; a second copy of thousands of services is avoided where there are many.
[[nodiscard]] RunningConfig to_run(config::Config& config, bool has_many_servers);
[[nodiscard]] std::vector<alert::NotifyCall> calls_of(const RunningConfig& running, const Event& event);

}  // namespace mainstay::role
