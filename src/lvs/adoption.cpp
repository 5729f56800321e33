#include "mainstay/lvs/adoption.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "mainstay/lvs/desired.hpp"
#include "mainstay/lvs/quorum.hpp"

namespace mainstay::lvs {
namespace {

using Type = config::Checker::Type;

const netlink::IpvsDestination* find(const ServiceTable& table, const config::VirtualServer& service,
                                     const Endpoint& server, config::Forwarding forwarding) {
    const Endpoint endpoint = endpoint_at(table.service.key, service, server, forwarding);
    const auto found = std::ranges::find(table.destinations, endpoint, &netlink::IpvsDestination::endpoint);
    return found == table.destinations.end() ? nullptr : &*found;
}

ServerMemory server_memory(const config::RealServer& server, bool alive, WallTime now) {
    ServerMemory memory{.endpoint = server.endpoint,
                        .alive = alive,
                        .since = now,
                        .checkers = {},
                        .kept = false,
                        .leave = {},
                        .grows_since = {}};
    for (const auto& checker : server.checkers) {
        if (checker.type == Type::File || checker.type == Type::Bfd) continue;
        CheckerState state;
        state.up = alive;
        memory.checkers.push_back({checker.type, checker.target.to_string(), std::move(state)});
    }
    return memory;
}

ServiceMemory service_memory(const config::VirtualServer& service, const ServiceTable& kernel, WallTime now) {
    ServiceMemory memory{.identity = identity_of(service),
                         .keys = {},
                         .quorum_up = false,
                         .sorry_in_use = false,
                         .servers = {},
                         .leaving = {}};
    std::int64_t weight = 0;
    for (const auto& server : service.real_servers) {
        const auto* found = find(kernel, service, server.endpoint, server.forwarding);
        const bool idle = server.weight == 0;  // as configured: that tells nothing
        const bool alive = found != nullptr && (found->weight > 0 || idle);
        if (alive) weight += found->weight;
        memory.servers.push_back(server_memory(server, alive, now));
    }
    if (service.sorry_server) {
        const auto& sorry = *service.sorry_server;
        const auto* found = find(kernel, service, sorry.endpoint, sorry.forwarding);
        memory.sorry_in_use = found != nullptr && found->weight > 0 && weight == 0;
    }
    memory.quorum_up = !memory.sorry_in_use && quorum_holds(quorum_of(service), weight, true);
    return memory;
}

}  // namespace

Memory adopted_memory(std::span<const config::VirtualServer> services, const Table& kernel, WallTime now) {
    std::map<netlink::IpvsServiceKey, const ServiceTable*> known;
    for (const auto& table : kernel) known.emplace(table.service.key, &table);
    Memory memory;
    for (const auto& service : services)
        for (const auto& key : keys_of(service)) {
            const auto found = known.find(key);
            if (found == known.end()) continue;
            memory.push_back(service_memory(service, *found->second, now));
            break;
        }
    return memory;
}

}  // namespace mainstay::lvs
