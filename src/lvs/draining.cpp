#include "draining.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "carry_over.hpp"
#include "judge_text.hpp"
#include "mainstay/lvs/facts.hpp"
#include "mainstay/lvs/settings.hpp"

namespace mainstay::lvs {
namespace {

constexpr Micros kCountEvery{1'000'000};

std::uint64_t connections_of(const config::VirtualServer& service, const ConnectionsCounted::Destination& one) {
    const bool has_states = service.fwmark == 0 &&
                            (service.protocol == config::Protocol::Tcp || service.protocol == config::Protocol::Sctp);
    return has_states ? one.active : one.active + one.inactive;
}

// In a group the servers take the port of each service, so only the address is compared.
bool is_of(const ConnectionsCounted::Destination& one, const config::VirtualServer& service, const Endpoint& server) {
    return service.group.empty() ? one.endpoint == server : one.endpoint.address == server.address;
}

DrainState drain_for(Micros time, Moment at) { return {at.now + time, {at.wall.unix_us + time.count()}, {}, false}; }

Intent begun_line(const std::string& name, const std::string& parent, Micros time) {
    return log_line(LogLevel::Info,
                    fmt::format("Draining service {} of VS {} for at most {}", name, parent, seconds_text(time)));
}

// Calls `look` for each server of the service that drains.
template <class Look>
void for_each_draining(Services& services, std::size_t service, Look&& look) {
    const auto& config = services.configs[service];
    auto& state = services.states[service];
    for (std::size_t s = 0; s < state.servers.size(); ++s) {
        auto& between = state.servers[s].between;
        if (between->leave && !between->leave->over) look(config.real_servers[s], *between.edit().leave);
    }
    for (auto& one : state.leaving)
        if (!one.leave.over) look(one.server, one.leave);
}

void end(const Services& services, std::size_t service, const config::RealServer& server, DrainState& drain,
         Intents& out) {
    drain.over = true;
    const std::string name = text_of(services.configs[service], server);
    const std::string parent = services.name(service);
    if (drain.connections == 0U)
        out.push_back(
            log_line(LogLevel::Info, fmt::format("Service {} of VS {} has no connection left", name, parent)));
    else
        out.push_back(log_line(
            LogLevel::Info, fmt::format("Drain timeout of service {} of VS {} expired{}", name, parent,
                                        drain.connections ? fmt::format(": {} connections remain", *drain.connections)
                                                          : std::string{})));
    out.push_back(log_line(LogLevel::Info, fmt::format("Removing service {} from VS {}", name, parent)));
    out.emplace_back(TableChanged{service});
}

bool is_draining(const ServiceState& state) {
    return !state.leaving.empty() || std::ranges::any_of(state.servers, [](const ServerState& server) {
        return server.between->leave && !server.between->leave->over;
    });
}

}  // namespace

std::uint64_t connections_to(const ConnectionsCounted& counted, const config::VirtualServer& service,
                             const Endpoint& server) {
    std::uint64_t connections = 0;
    for (const auto& one : counted.destinations)
        if (is_of(one, service, server)) connections += connections_of(service, one);
    return connections;
}

void Draining::begin(Services& services, const ServerRef& ref, Moment at, Intents& out) {
    auto& server = services.state_at(ref);
    const Micros time = drain_timeout_of(services.configs[ref.service], services.config_at(ref));
    server.between.change([](Between& between) { between.leave.reset(); });
    if (time.count() <= 0) return;
    server.between.edit().leave = drain_for(time, at);
    services_.insert(ref.service);
    look_at_ = at.now + kCountEvery;
    out.push_back(begun_line(services.name(ref), services.name(ref.service), time));
}

void Draining::take_removed(Services& services, std::size_t service, const config::VirtualServer& old_config,
                            const ServiceState& old_state, Moment at, Intents& out) {
    const auto& config = services.configs[service];
    const ServerIndex now{config};
    auto& leaving = services.states[service].leaving;
    for (const auto& one : old_state.leaving) {
        if (!now.find(one.server.endpoint)) leaving.push_back(one);
    }
    for (std::size_t s = 0; s < old_config.real_servers.size(); ++s) {
        const auto& server = old_config.real_servers[s];
        const auto& state = old_state.servers[s];
        if (now.find(server.endpoint) || !drains(old_config, server, old_state, state)) continue;
        const Micros time = drain_timeout_of(old_config, server);
        leaving.push_back(LeavingServer{server, state.between->leave.value_or(drain_for(time, at))});
        out.push_back(begun_line(text_of(config, server), services.name(service), time));
    }
}

void Draining::rearm(const Services& services, Instant now) {
    services_.clear();
    look_at_.reset();
    for (std::size_t v = 0; v < services.size(); ++v)
        if (is_draining(services.states[v])) services_.insert(v);
    if (!services_.empty()) look_at_ = now + kCountEvery;
}

void Draining::on_deadline(Services& services, Instant now, Intents& out) {
    if (!look_at_ || *look_at_ > now) return;
    look_at_.reset();
    Instant next = now + kCountEvery;
    for (const std::size_t service : std::vector(services_.begin(), services_.end()))
        look_at_service(services, service, now, next, out);
    if (!services_.empty()) look_at_ = next;
}

void Draining::look_at_service(Services& services, std::size_t service, Instant now, Instant& next, Intents& out) {
    for_each_draining(services, service, [&](const config::RealServer& server, DrainState& drain) {
        if (drain.until <= now)
            end(services, service, server, drain, out);
        else
            next = std::min(next, drain.until);
    });
    if (forget_left(services, service)) out.emplace_back(CountConnections{service});
}

void Draining::on_counted(Services& services, const ConnectionsCounted& fact, Intents& out) {
    if (!services_.contains(fact.service)) return;
    for_each_draining(services, fact.service, [&](const config::RealServer& server, DrainState& drain) {
        drain.connections = connections_to(fact, services.configs[fact.service], server.endpoint);
        if (drain.connections == 0U) end(services, fact.service, server, drain, out);
    });
    static_cast<void>(forget_left(services, fact.service));
    if (services_.empty()) look_at_.reset();
}

// Forgets the servers that have left the table. True: some are still draining.
bool Draining::forget_left(Services& services, std::size_t service) {
    auto& state = services.states[service];
    std::erase_if(state.leaving, [](const LeavingServer& one) { return one.leave.over; });
    const bool some = is_draining(state);
    if (!some) services_.erase(service);
    return some;
}

}  // namespace mainstay::lvs
