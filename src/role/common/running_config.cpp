#include "running_config.hpp"

#include <utility>

namespace mainstay::role {

RunningConfig to_run(config::Config& config, bool has_many_servers) {
    RunningConfig next{{}, alert::ServiceScripts{config}};
    auto services = std::exchange(config.virtual_servers, {});
    next.config = config;
    config.virtual_servers = std::move(services);
    if (!has_many_servers) next.config.virtual_servers = config.virtual_servers;
    return next;
}

std::vector<alert::NotifyCall> calls_of(const RunningConfig& running, const Event& event) {
    auto calls = running.scripts.calls(event);
    return calls.empty() ? alert::notify_calls(running.config, event) : calls;
}

}  // namespace mainstay::role
