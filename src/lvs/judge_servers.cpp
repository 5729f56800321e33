// The state of a server: up or down, its weight, and min_alive.
#include <fmt/format.h>

#include <algorithm>

#include "judge_impl.hpp"
#include "judge_text.hpp"

namespace mainstay::lvs {
namespace {

// Whether the server fails an alpha check, which it must pass before it is added for the first time.
bool is_out_at_start(const config::RealServer& server, const ServerState& state) {
    for (std::size_t c = 0; c < state.checkers.size(); ++c) {
        const auto& checker = server.checkers[c];
        if (!state.checkers[c].up && checker.alpha && checker.type != config::Checker::Type::File) return true;
    }
    return false;
}

}  // namespace

bool Judge::Impl::reweigh(const ServerRef& ref, Instant now, Intents& out) {
    auto& server = services_.state_at(ref);
    const std::int64_t weight = effective_weight(services_.config_at(ref), server);
    if (weight == server.weight) return false;
    out.push_back(log_line(LogLevel::Info, fmt::format("Changing weight from {} to {} for {} service {} of VS {}",
                                                       server.weight, weight, server.alive ? "active" : "inactive",
                                                       services_.name(ref), services_.name(ref.service))));
    server.weight = weight;
    if (server.between->grows_since) slow_start_.follow(services_, ref, now);
    if (server.alive) out.emplace_back(TableChanged{ref.service});
    return true;
}

void Judge::Impl::set_alive(const ServerRef& ref, bool alive, Moment at, Intents& out) {
    auto& server = services_.state_at(ref);
    server.alive = alive;
    server.since = at.wall;
    budget_.changed(alive, at.now);
    const auto& service = services_.configs[ref.service];
    const bool stays = inhibits(service, services_.config_at(ref));
    const std::string name = services_.name(ref);
    const std::string parent = services_.name(ref.service);
    std::string line;
    if (stays)
        line = fmt::format("{} service {} of VS {}", alive ? "Enabling" : "Disabling", name, parent);
    else
        line = alive ? fmt::format("Adding service {} to VS {}", name, parent)
                     : fmt::format("Removing service {} from VS {}", name, parent);
    out.push_back(log_line(LogLevel::Info, std::move(line)));
    if (alive)
        slow_start_.begin(services_, ref, at.now, out);
    else
        server.between.change([](Between& between) { grow_no_more(between), between.leave.reset(); });
    out.emplace_back(TableChanged{ref.service});
}

// Whether a server that fails its checks stays in the table because too few others are up.
bool Judge::Impl::is_kept(const ServerRef& ref, Intents& out) {
    const auto& service = services_.configs[ref.service];
    auto& state = services_.states[ref.service];
    auto& server = state.servers[ref.server];
    const std::size_t least = min_alive_of(service);
    // A server that takes no new connections does not count for min_alive.
    if (least == 0 || server.hold == Hold::Drained) return false;
    std::size_t others = 0;
    for (const auto& one : state.servers) others += &one != &server && serves(one) ? 1 : 0;
    if (others >= least) return false;
    if (!std::exchange(server.kept, true)) log_kept(ref, others, out);
    return true;
}

void Judge::Impl::log_kept(const ServerRef& ref, std::size_t others, Intents& out) const {
    out.push_back(log_line(
        LogLevel::Warning,
        fmt::format("Keeping service {} in VS {} though its checks fail: min_alive is {} and {} others are left",
                    services_.name(ref), services_.name(ref.service), min_alive_of(services_.configs[ref.service]),
                    others)));
}

// Other servers returned, or min_alive was lowered: servers that only min_alive kept are removed now.
void Judge::Impl::release_kept(std::size_t service, Moment at, Intents& out) {
    auto& state = services_.states[service];
    std::size_t serving = 0;
    bool some = false;
    for (const auto& one : state.servers) {
        serving += serves(one) ? 1 : 0;
        some = some || one.kept;
    }
    if (!some) return;
    const std::size_t least = min_alive_of(services_.configs[service]);
    for (std::size_t s = 0; s < state.servers.size(); ++s) {
        auto& server = state.servers[s];
        if (!server.kept || (serves(server) && serving <= least)) continue;
        serving -= serves(server) ? 1 : 0;
        server.kept = false;
        if (!server.alive) continue;
        set_alive({service, s}, false, at, out);
        Event event = server_event(services_.configs[service], services_.configs[service].real_servers[s], false,
                                   "Its checks fail, and min_alive no longer requires it");
        out.emplace_back(Announce{std::move(event)});
    }
}

// A reload raised min_alive above the number of servers that are up: removed servers return, the last ones first, as a
// start would keep them. A server that was never up (alpha) stays out, as at a start. An unchanged service is left
// alone.
void Judge::Impl::keep_again(std::size_t service, const config::VirtualServer& before, Moment at, Intents& out) {
    const auto& servers = services_.configs[service].real_servers;
    auto& state = services_.states[service];
    const std::size_t least = min_alive_of(services_.configs[service]);
    if (least == 0 || services_.configs[service] == before) return;
    auto serving = static_cast<std::size_t>(std::ranges::count_if(state.servers, serves));
    for (std::size_t s = state.servers.size(); s-- > 0 && serving < least;) {
        auto& server = state.servers[s];
        if (server.alive || server.hold == Hold::Disabled || server.hold == Hold::Drained) continue;
        if (is_out_at_start(servers[s], server)) continue;
        server.kept = true;
        log_kept({service, s}, serving++, out);
        set_alive({service, s}, true, at, out);
        out.emplace_back(Announce{
            server_event(services_.configs[service], servers[s], true, "Its checks fail, but min_alive requires it")});
    }
}

}  // namespace mainstay::lvs
