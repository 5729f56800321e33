// The routes of the API; docs/openapi.json describes each of them, and a test compares the two.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exchange.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/report/document.hpp"
#include "mainstay/role/common/runtime.hpp"
#include "operator_routes.hpp"
#include "role/observer/history.hpp"
#include "role/observer/page_assets.hpp"

namespace mainstay::role::http {

using AskDaemon = std::function<void(ipc::OperatorQuestion, std::function<void(OperatorReply)>)>;

// The roles that the running configuration has work for.
struct NeededRoles {
    bool vrrp = false, lvs = false;
};
[[nodiscard]] inline NeededRoles roles_needed_by(const config::Config* running) {
    if (running == nullptr) return {};
    return {.vrrp = !running->instances.empty(), .lvs = !running->virtual_servers.empty()};
}

// What the routes show and do. Everything outlives the server.
struct ApiSources {
    std::function<std::shared_ptr<const report::DaemonStatus>()> status;
    std::function<NeededRoles()> needs;
    const History& history;
    AskDaemon ask;
    QueueCommands* mail = nullptr;
    std::function<std::optional<PageAsset>(std::string_view path)> page_asset;
    std::function<void()> traffic_wanted;  // somebody looks at traffic: the kernel's counters are read for a while
    std::function<int()> utc_offset_s;     // of the times in explanations
    // The rates of a virtual server, or of all (""), after this time; none: there is no such series.
    std::function<std::optional<std::string>(std::string_view service, std::int64_t after_unix_s)> rates;
    std::function<void(Done)> ask_peer;  // for the state of the other director
    std::function<LogLevels()> log_levels{};
    QueueCommands* webhooks = nullptr;
};
// Asks the daemon, and gives the client its answer.
void ask(const ApiSources& sources, ipc::OperatorQuestion question, Done done);
[[nodiscard]] std::vector<Route> api_routes(const ApiSources& sources);

}  // namespace mainstay::role::http
