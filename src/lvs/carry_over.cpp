#include "carry_over.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "judge_text.hpp"
#include "shared_probes.hpp"

namespace mainstay::lvs {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);
constexpr std::size_t kFew = 16;

// For each new checker the old one whose state it takes over, or kNone. Identical checkers are matched first.
std::vector<std::size_t> match_checkers(const std::vector<config::Checker>& now,
                                        const std::vector<config::Checker>& before) {
    std::vector<std::size_t> match(now.size(), kNone);
    std::vector<bool> taken(before.size(), false);
    const auto pass = [&](auto&& equal) {
        for (std::size_t i = 0; i < now.size(); ++i) {
            for (std::size_t j = 0; match[i] == kNone && j < before.size(); ++j) {
                if (taken[j] || !equal(now[i], before[j])) continue;
                match[i] = j;
                taken[j] = true;
            }
        }
    };
    pass([](const config::Checker& left, const config::Checker& right) { return left == right; });
    pass(same_question);
    return match;
}

void carry_checker(const config::Checker& now, const config::Checker& before, const CheckerState& old,
                   CheckerState& out, Instant at) {
    const auto known = std::exchange(out, old);
    if (now.type == config::Checker::Type::Misc && !now.misc_dynamic) out.dynamic_weight.reset();
    if (now.type == config::Checker::Type::File && known.has_run) out.dynamic_weight = known.dynamic_weight;
    if (now != before && !old.running) out.due = std::min(old.due, at + now.delay_loop);
}

// A new check leaves a server up that is up. For a server that is down it starts as an alpha check, without retries. A
// file whose number is known says itself whether it passes.
void add_checker(const config::Checker& config, bool server_alive, CheckerState& out) {
    const bool passes = config.type == config::Checker::Type::File ? out.up : !config.alpha;
    out.up = server_alive || passes;
    out.first_run_retries = server_alive && !config.alpha;
}

}  // namespace

std::optional<std::size_t> find_server(const config::VirtualServer& service, const Endpoint& endpoint) {
    const auto found = std::ranges::find(service.real_servers, endpoint, &config::RealServer::endpoint);
    if (found == service.real_servers.end()) return std::nullopt;
    return static_cast<std::size_t>(found - service.real_servers.begin());
}

ServerIndex::ServerIndex(const config::VirtualServer& service) : service_{service} {
    const auto& servers = service.real_servers;
    if (servers.size() <= kFew) return;
    order_.resize(servers.size());
    std::iota(order_.begin(), order_.end(), 0U);
    std::ranges::stable_sort(order_, {}, [&servers](std::size_t s) { return servers[s].endpoint; });
}

std::optional<std::size_t> ServerIndex::find(const Endpoint& endpoint) const {
    if (order_.empty()) return find_server(service_, endpoint);
    const auto& servers = service_.real_servers;
    const auto found =
        std::ranges::lower_bound(order_, endpoint, {}, [&servers](std::size_t s) { return servers[s].endpoint; });
    if (found == order_.end() || servers[*found].endpoint != endpoint) return std::nullopt;
    return *found;
}

void carry_server(const config::RealServer& before, const ServerState& old, const config::RealServer& config,
                  ServerState& server, Instant now) {
    const auto match = match_checkers(config.checkers, before.checkers);
    for (std::size_t c = 0; c < config.checkers.size(); ++c) {
        if (const std::size_t was = match[c]; was != kNone)
            carry_checker(config.checkers[c], before.checkers[was], old.checkers[was], server.checkers[c], now);
        else
            add_checker(config.checkers[c], old.alive, server.checkers[c]);
    }
    server.kept = old.kept && !all_up(server);
    server.between.change([&old, held = server.between->held_weight](Between& between) {
        between = *old.between;
        between.held_weight = held;
    });
    server.alive = old.alive;
    server.since = old.since;
    server.weight = effective_weight(config, server);
}

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
