// Gradual changes: the weight of a server that returns grows (slow_start), a server that is removed may keep its
// connections for a while (drain_timeout), and checks do not remove the last servers (min_alive).
#include <fmt/format.h>

#include <algorithm>

#include "judge_text.hpp"
#include "mainstay/lvs/judge.hpp"

namespace mainstay::lvs {
namespace {

constexpr std::int64_t kGrowthSteps = 20;  // writes to the table until the full weight, at most
constexpr Micros kCountEvery{1'000'000};   // connections of servers on their way out

std::string seconds_text(Micros time) { return fmt::format("{:g} s", std::chrono::duration<double>(time).count()); }

// For TCP and SCTP only active connections count, which excludes TIME_WAIT; of other protocols the kernel counts none
// as active.
std::uint64_t connections_of(const config::VirtualServer& service, const ConnectionsCounted::Destination& one) {
    const bool has_states = service.fwmark == 0 &&
                            (service.protocol == config::Protocol::Tcp || service.protocol == config::Protocol::Sctp);
    return has_states ? one.active : one.active + one.inactive;
}

// In a group the servers take the port of each service, so only the address is compared.
bool is_of(const ConnectionsCounted::Destination& one, const config::VirtualServer& service, const Endpoint& server) {
    return service.group.empty() ? one.endpoint == server : one.endpoint.address == server.address;
}

// Whether the server fails an alpha check, which it must pass before it is added for the first time.
bool is_out_at_start(const config::RealServer& server, const ServerState& state) {
    for (std::size_t c = 0; c < state.checkers.size(); ++c) {
        const auto& checker = server.checkers[c];
        if (!state.checkers[c].up && checker.alpha && checker.type != config::Checker::Type::File) return true;
    }
    return false;
}

}  // namespace

void Judge::begin_growth(const Position& where, Instant now, Intents& out) {
    auto& server = states_[where.service].servers[where.server];
    const auto& service = services_[where.service];
    const Micros time = slow_start_of(service, service.real_servers[where.server]);
    server.between.change(grow_no_more);
    if (time.count() <= 0 || server.hold != Hold::None || server.weight <= 1) return;
    server.between.edit().grows_since = now;
    out.push_back(say(LogLevel::Info, fmt::format("Slow start of service {} of VS {}: its weight grows to {} in {}",
                                                  server_text(where.service, where.server), service_text(where.service),
                                                  server.weight, seconds_text(time))));
    grow_one({where.service, where.server}, now);
}

// Computes the current weight and the time of its next step. True: the weight has changed.
bool Judge::grow_one(ServerRef ref, Instant now) {
    auto& server = states_[ref.first].servers[ref.second];
    if (!server.between->grows_since) return false;
    const auto& service = services_[ref.first];
    const Micros time = slow_start_of(service, service.real_servers[ref.second]);
    const std::int64_t full = clamp_weight(server.weight);
    const Instant since = *server.between->grows_since;
    const auto before = server.between->growing_weight;
    const double share =
        time.count() <= 0 ? 1.0 : std::chrono::duration<double>(now - since) / std::chrono::duration<double>(time);
    if (!server.alive || full <= 1 || share >= 1.0) {
        server.between.change(grow_no_more);
        return before.has_value();
    }
    constexpr double kHair = 1e-9;  // what rounding takes away
    const auto whole = static_cast<double>(full);
    const auto current = std::max<std::int64_t>(1, static_cast<std::int64_t>(whole * share + kHair));
    const std::int64_t step = std::max<std::int64_t>(1, full / kGrowthSteps);
    const std::int64_t next = std::min(full, (current / step + 1) * step);
    const std::chrono::duration<double> wait =
        std::chrono::duration<double>(time) * (static_cast<double>(next) / whole);
    growing_.emplace(since + std::chrono::ceil<Micros>(wait), ref);
    server.between.edit().growing_weight = current;
    return before != current;
}

void Judge::grow(Moment at, Intents& out) {
    while (!growing_.empty() && growing_.begin()->first <= at.now) {
        const ServerRef ref = growing_.begin()->second;
        growing_.erase(growing_.begin());
        if (grow_one(ref, at.now)) out.emplace_back(TableChanged{ref.first});
    }
}

void Judge::begin_leave(const Position& where, Moment at, Intents& out) {
    auto& server = states_[where.service].servers[where.server];
    const auto& service = services_[where.service];
    const Micros time = drain_timeout_of(service, service.real_servers[where.server]);
    server.between.change([](Between& between) { between.leave.reset(); });
    if (time.count() <= 0) return;
    server.between.edit().leave = DrainState{at.now + time, {at.wall.unix_us + time.count()}, {}, false};
    leaving_.insert(where.service);
    look_at_leaving_at_ = at.now + kCountEvery;
    out.push_back(say(LogLevel::Info, fmt::format("Draining service {} of VS {} for at most {}",
                                                  server_text(where.service, where.server), service_text(where.service),
                                                  seconds_text(time))));
}

// Servers that the new configuration no longer has, and those removed by earlier reloads.
void Judge::leave_after_reload(std::size_t service, const config::VirtualServer& old_config,
                               const ServiceState& old_state, Moment at, Intents& out) {
    const auto& config = services_[service];
    const auto is_configured = [&config](const Endpoint& endpoint) {
        return std::ranges::find(config.real_servers, endpoint, &config::RealServer::endpoint) !=
               config.real_servers.end();
    };
    auto& leaving = states_[service].leaving;
    for (const auto& one : old_state.leaving) {
        if (!is_configured(one.server.endpoint)) leaving.push_back(one);
    }
    for (std::size_t s = 0; s < old_config.real_servers.size(); ++s) {
        const auto& server = old_config.real_servers[s];
        const auto& state = old_state.servers[s];
        if (is_configured(server.endpoint) || !drains(old_config, server, old_state, state)) continue;
        const Micros time = drain_timeout_of(old_config, server);
        leaving.push_back(LeavingServer{server, state.between->leave.value_or(DrainState{
                                                    at.now + time, {at.wall.unix_us + time.count()}, {}, false})});
        out.push_back(
            say(LogLevel::Info, fmt::format("Draining service {} of VS {} for at most {}", text_of(config, server),
                                            service_text(service), seconds_text(time))));
    }
}

void Judge::arm_gradual(Instant now) {
    growing_.clear();
    leaving_.clear();
    look_at_leaving_at_.reset();
    for (std::size_t v = 0; v < states_.size(); ++v) {
        bool leaves = !states_[v].leaving.empty();
        for (std::size_t s = 0; s < states_[v].servers.size(); ++s) {
            const auto& between = *states_[v].servers[s].between;
            leaves = leaves || (between.leave && !between.leave->over);
            if (between.grows_since) grow_one({v, s}, now);
        }
        if (leaves) leaving_.insert(v);
    }
    if (!leaving_.empty()) look_at_leaving_at_ = now + kCountEvery;
}

void Judge::look_at_leaving(Moment at, Intents& out) {
    if (!look_at_leaving_at_ || *look_at_leaving_at_ > at.now) return;
    look_at_leaving_at_.reset();
    Instant next = at.now + kCountEvery;
    for (const std::size_t service : std::vector(leaving_.begin(), leaving_.end())) {
        auto& state = states_[service];
        const auto look = [&](const std::string& name, DrainState& leave) {
            if (leave.over) return;
            if (leave.until <= at.now)
                end_leave(service, name, leave, out);
            else
                next = std::min(next, leave.until);
        };
        for (std::size_t s = 0; s < state.servers.size(); ++s) {
            auto& between = state.servers[s].between;
            if (between->leave) look(server_text(service, s), *between.edit().leave);
        }
        for (auto& one : state.leaving) look(text_of(services_[service], one.server), one.leave);
        if (forget_left(service)) out.emplace_back(CountConnections{service});
    }
    if (!leaving_.empty()) look_at_leaving_at_ = next;
}

void Judge::on_counted(const ConnectionsCounted& fact, Intents& out) {
    if (!leaving_.contains(fact.service)) return;
    auto& state = states_[fact.service];
    const auto& service = services_[fact.service];
    const auto count = [&](const Endpoint& endpoint, const std::string& name, DrainState& leave) {
        if (leave.over) return;
        std::uint64_t connections = 0;
        for (const auto& one : fact.destinations) {
            if (is_of(one, service, endpoint)) connections += connections_of(service, one);
        }
        leave.connections = connections;
        if (connections == 0) end_leave(fact.service, name, leave, out);
    };
    for (std::size_t s = 0; s < state.servers.size(); ++s) {
        auto& between = state.servers[s].between;
        if (between->leave)
            count(service.real_servers[s].endpoint, server_text(fact.service, s), *between.edit().leave);
    }
    for (auto& one : state.leaving) count(one.server.endpoint, text_of(service, one.server), one.leave);
    static_cast<void>(forget_left(fact.service));
    if (leaving_.empty()) look_at_leaving_at_.reset();
}

void Judge::end_leave(std::size_t service, const std::string& name, DrainState& leave, Intents& out) const {
    leave.over = true;
    const std::string parent = service_text(service);
    if (leave.connections == 0U)
        out.push_back(say(LogLevel::Info, fmt::format("Service {} of VS {} has no connection left", name, parent)));
    else
        out.push_back(say(LogLevel::Info,
                          fmt::format("Drain timeout of service {} of VS {} expired{}", name, parent,
                                      leave.connections ? fmt::format(": {} connections remain", *leave.connections)
                                                        : std::string{})));
    out.push_back(say(LogLevel::Info, fmt::format("Removing service {} from VS {}", name, parent)));
    out.emplace_back(TableChanged{service});
}

// Forgets the servers that have left the table. True: some are still draining.
bool Judge::forget_left(std::size_t service) {
    auto& state = states_[service];
    std::erase_if(state.leaving, [](const LeavingServer& one) { return one.leave.over; });
    const bool some = !state.leaving.empty() || std::ranges::any_of(state.servers, [](const ServerState& server) {
        return server.between->leave && !server.between->leave->over;
    });
    if (!some) leaving_.erase(service);
    return some;
}

// Whether a server that fails its checks stays in the table because too few others are up.
bool Judge::is_kept(const Position& where, Intents& out) {
    const auto& service = services_[where.service];
    auto& state = states_[where.service];
    auto& server = state.servers[where.server];
    const std::size_t least = min_alive_of(service);
    // A server that takes no new connections does not count for min_alive.
    if (least == 0 || server.hold == Hold::Drained) return false;
    std::size_t others = 0;
    for (const auto& one : state.servers) others += &one != &server && serves(one) ? 1 : 0;
    if (others >= least) return false;
    if (!std::exchange(server.kept, true)) say_kept(where, others, out);
    return true;
}

void Judge::say_kept(const Position& where, std::size_t others, Intents& out) const {
    out.push_back(
        say(LogLevel::Warning,
            fmt::format("Keeping service {} in VS {} though its checks fail: min_alive is {} and {} others are left",
                        server_text(where.service, where.server), service_text(where.service),
                        min_alive_of(services_[where.service]), others)));
}

// Other servers returned, or min_alive was lowered: servers that only min_alive kept are removed now.
void Judge::release_kept(std::size_t service, Moment at, Intents& out) {
    auto& state = states_[service];
    std::size_t serving = 0;
    bool some = false;
    for (const auto& one : state.servers) {
        serving += serves(one) ? 1 : 0;
        some = some || one.kept;
    }
    if (!some) return;
    const std::size_t least = min_alive_of(services_[service]);
    for (std::size_t s = 0; s < state.servers.size(); ++s) {
        auto& server = state.servers[s];
        if (!server.kept || (serves(server) && serving <= least)) continue;
        serving -= serves(server) ? 1 : 0;
        server.kept = false;
        if (!server.alive) continue;
        set_alive({service, s, 0}, false, at, out);
        Event event = server_event(services_[service], services_[service].real_servers[s], false,
                                   "Its checks fail, and min_alive no longer requires it");
        out.emplace_back(Announce{std::move(event)});
    }
}

// A reload raised min_alive above the number of servers that are up: removed servers return, the last ones first, as a
// start would keep them. A server that was never up (alpha) stays out, as at a start. An unchanged service is left
// alone.
void Judge::keep_again(std::size_t service, const config::VirtualServer& before, Moment at, Intents& out) {
    const auto& servers = services_[service].real_servers;
    auto& state = states_[service];
    const std::size_t least = min_alive_of(services_[service]);
    if (least == 0 || services_[service] == before) return;
    auto serving = static_cast<std::size_t>(std::ranges::count_if(state.servers, serves));
    for (std::size_t s = state.servers.size(); s-- > 0 && serving < least;) {
        auto& server = state.servers[s];
        if (server.alive || server.hold == Hold::Disabled || server.hold == Hold::Drained) continue;
        if (is_out_at_start(servers[s], server)) continue;
        server.kept = true;
        say_kept({service, s, 0}, serving++, out);
        set_alive({service, s, 0}, true, at, out);
        out.emplace_back(
            Announce{server_event(services_[service], servers[s], true, "Its checks fail, but min_alive requires it")});
    }
}

}  // namespace mainstay::lvs
