// Services as a judge has them right after a start, for tests of the judge's parts.
#pragma once

#include <chrono>
#include <utility>
#include <vector>

#include "builders.hpp"
#include "lvs/services.hpp"
#include "mainstay/lvs/firewall_marks.hpp"

namespace mainstay::lvs::test {

using namespace std::chrono_literals;

inline ServiceState up_state(const config::VirtualServer& service) {
    ServiceState state;
    for (const auto& server : service.real_servers) {
        ServerState one{.weight = server.weight, .since = {}, .between = {}, .checkers = {}};
        for (std::size_t c = 0; c < server.checkers.size(); ++c) one.checkers.push_back(CheckerState{});
        state.servers.push_back(std::move(one));
    }
    return state;
}

// Every server is up, no check has run, and none waits.
inline Services services_of(std::vector<config::VirtualServer> configs) {
    Services services;
    FirewallMarks marks;
    Intents out;
    config::Config config;
    config.virtual_servers = std::move(configs);
    services.configure(std::move(config), marks, out);
    for (const auto& service : services.configs) services.states.push_back(up_state(service));
    services.index_checkers();
    return services;
}

inline Moment at_second(int second) { return {Instant{} + std::chrono::seconds{second}, {second * 1'000'000LL}}; }

}  // namespace mainstay::lvs::test
