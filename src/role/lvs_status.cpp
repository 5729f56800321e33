#include "lvs_status.hpp"

#include <algorithm>
#include <array>

namespace mainstay::role {
namespace {

std::string forwarding_word(config::Forwarding forwarding) {
    switch (forwarding) {
        case config::Forwarding::Nat:
            return "NAT";
        case config::Forwarding::Tunnel:
            return "TUN";
        case config::Forwarding::DirectRoute:
            return "DR";
    }
    return "?";
}

ipc::CheckStatus status_of(const config::Checker& config, const lvs::CheckerState& state) {
    ipc::CheckStatus out;
    out.type = lvs::keyword_of(config.type);
    out.target = config.target.to_string();
    out.up = state.up;
    out.has_run = state.has_run;
    out.failures_in_row = state.failures_in_row;
    out.last_result = state.acts ? state.last_result : "not run yet by this version: taken as up";
    out.last_run = state.last_run;
    out.last_duration = state.last_duration;
    out.weight = state.dynamic_weight;
    return out;
}

ipc::ServerStatus status_of(const config::VirtualServer& service, const config::RealServer& config,
                            const lvs::ServerState& state, const lvs::ServiceTable& table) {
    ipc::ServerStatus out;
    out.name = config::server_name(config.endpoint, service.fwmark != 0 ? config::Protocol::None : service.protocol);
    out.endpoint = config.endpoint;
    out.forwarding = forwarding_word(config.forwarding);
    out.weight = state.weight;
    out.alive = state.alive;
    const auto at = std::ranges::find(table.destinations, config.endpoint, &netlink::IpvsDestination::endpoint);
    out.in_table = at != table.destinations.end();
    out.since = state.since;
    for (std::size_t i = 0; i < config.checkers.size(); ++i) {
        out.checks.push_back(status_of(config.checkers[i], state.checkers[i]));
    }
    return out;
}

}  // namespace

ipc::LvsStatus status_of(const lvs::Judge& judge, const LvsTableKeeper::State& table, std::uint64_t generation) {
    ipc::LvsStatus out;
    out.generation = generation;
    out.ipvs_available = table.available;
    out.ipvs_problem = table.problem;
    out.operations = table.operations;
    out.operation_failures = table.failures;
    out.repairs = table.repairs;
    out.services.reserve(judge.services().size());
    for (std::size_t v = 0; v < judge.services().size(); ++v) {
        const auto& config = judge.services()[v];
        const auto& state = judge.states()[v];
        const auto wanted = judge.desired(v);
        auto& service = out.services.emplace_back();
        service.name = config::service_name(config);
        service.key = lvs::key_of(config);
        service.scheduler = config.scheduler;
        service.quorum_up = state.quorum_up;
        service.sorry_in_use = state.sorry_in_use;
        if (config.sorry_server) {
            service.sorry_server = config::server_name(config.sorry_server->endpoint, config.protocol);
        }
        for (std::size_t s = 0; s < config.real_servers.size(); ++s) {
            auto& server =
                service.servers.emplace_back(status_of(config, config.real_servers[s], state.servers[s], wanted));
            server.in_table = server.in_table && table.available;  // wanted there, but nothing can be put in
        }
    }
    return out;
}

lvs::Memory memory_of(const ipc::LvsStatus& status) {
    static constexpr std::array kTypes{config::Checker::Type::Tcp,  config::Checker::Type::Http,
                                       config::Checker::Type::Ssl,  config::Checker::Type::Smtp,
                                       config::Checker::Type::Dns,  config::Checker::Type::Udp,
                                       config::Checker::Type::Ping, config::Checker::Type::Misc,
                                       config::Checker::Type::File, config::Checker::Type::Bfd};
    lvs::Memory memory;
    for (const auto& service : status.services) {
        lvs::ServiceMemory one{
            .key = service.key, .quorum_up = service.quorum_up, .sorry_in_use = service.sorry_in_use, .servers = {}};
        for (const auto& server : service.servers) {
            lvs::ServerMemory remembered{
                .endpoint = server.endpoint, .alive = server.alive, .since = server.since, .checkers = {}};
            for (const auto& check : server.checks) {
                const auto type = std::ranges::find(kTypes, check.type, lvs::keyword_of);
                if (type == kTypes.end()) continue;
                lvs::CheckerState state;
                state.up = check.up;
                state.has_run = check.has_run;
                state.failures_in_row = check.failures_in_row;
                state.last_result = check.last_result;
                state.last_run = check.last_run;
                state.last_duration = check.last_duration;
                state.dynamic_weight = check.weight;
                remembered.checkers.push_back({*type, check.target, std::move(state)});
            }
            one.servers.push_back(std::move(remembered));
        }
        memory.push_back(std::move(one));
    }
    return memory;
}

}  // namespace mainstay::role
