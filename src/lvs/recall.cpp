#include "recall.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "judge_text.hpp"

namespace mainstay::lvs {
namespace {

// Converts calendar times of an earlier incarnation to instants of this one.
class Clock {
public:
    explicit Clock(Moment at) : at_{at} {}
    [[nodiscard]] Instant operator()(WallTime wall) const { return at_.now + Micros{wall.unix_us - at_.wall.unix_us}; }

private:
    Moment at_;
};

void recall_checkers(const config::RealServer& config, const ServerMemory& memory, ServerState& server) {
    // MISC_CHECKs of a server all have the same target: each matches the next remembered one.
    std::vector<bool> taken(memory.checkers.size(), false);
    for (std::size_t c = 0; c < server.checkers.size(); ++c) {
        const auto& wanted = config.checkers[c];
        const auto same = std::ranges::find_if(memory.checkers, [&](const CheckerMemory& one) {
            return !taken[static_cast<std::size_t>(&one - memory.checkers.data())] && one.type == wanted.type &&
                   one.target == wanted.target.to_string();
        });
        if (same == memory.checkers.end()) continue;
        taken[static_cast<std::size_t>(same - memory.checkers.begin())] = true;
        auto& state = server.checkers[c];
        const Instant due = state.due;
        state = same->state;
        state.due = due;
        state.running = false;
        if (wanted.type == config::Checker::Type::Misc && !wanted.misc_dynamic) state.dynamic_weight.reset();
    }
}

void recall_server(const config::RealServer& config, const ServerMemory& memory, Clock clock, ServerState& server) {
    recall_checkers(config, memory, server);
    server.kept = memory.kept && !all_up(server) && server.hold != Hold::Disabled;
    server.alive = may_live(server);
    server.weight = effective_weight(config, server);
    if (server.alive == memory.alive) server.since = memory.since;
    if (server.alive && memory.grows_since) server.between.edit().grows_since = clock(*memory.grows_since);
    if (memory.leave) {
        auto& leave = server.between.edit().leave = memory.leave;
        leave->until = clock(leave->until_wall);
    }
}

void recall_service(const config::VirtualServer& config, const ServiceMemory& memory, Clock clock,
                    ServiceState& state) {
    state.quorum_up = memory.quorum_up;
    state.sorry_in_use = memory.sorry_in_use && config.sorry_server.has_value();
    for (std::size_t s = 0; s < state.servers.size(); ++s) {
        const auto& server = config.real_servers[s];
        const auto found = std::ranges::find(memory.servers, server.endpoint, &ServerMemory::endpoint);
        if (found != memory.servers.end()) recall_server(server, *found, clock, state.servers[s]);
    }
    for (auto one : memory.leaving) {
        const auto& now = config.real_servers;
        if (std::ranges::find(now, one.server.endpoint, &config::RealServer::endpoint) != now.end()) continue;
        one.leave.until = clock(one.leave.until_wall);
        state.leaving.push_back(std::move(one));
    }
}

}  // namespace

void recall(Services& services, const Memory& memory, Moment at) {
    std::map<ServiceIdentity, const ServiceMemory*> known;
    for (const auto& service : memory) known.emplace(service.identity, &service);
    for (std::size_t i = 0; i < services.size(); ++i) {
        const auto found = known.find(identity_of(services.configs[i]));
        if (found != known.end()) recall_service(services.configs[i], *found->second, Clock{at}, services.states[i]);
    }
}

}  // namespace mainstay::lvs
