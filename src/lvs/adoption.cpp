#include "mainstay/lvs/adoption.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "mainstay/lvs/desired.hpp"
#include "mainstay/lvs/firewall_marks.hpp"
#include "mainstay/lvs/quorum.hpp"

#include "judge_text.hpp"

namespace mainstay::lvs {
namespace {

using Type = config::Checker::Type;

const netlink::IpvsDestination* find(const ServiceTable& table, const config::VirtualServer& service,
                                     const Endpoint& server, config::Forwarding forwarding) {
    const Endpoint endpoint = endpoint_at(table.service.key, service, server, forwarding);
    const auto found = std::ranges::find(table.destinations, endpoint, &netlink::IpvsDestination::endpoint);
    return found == table.destinations.end() ? nullptr : &*found;
}

// A server without inhibit_on_failure leaves the table when it fails: with weight 0 it is there, and drained.
bool is_alive(const config::RealServer& server, const netlink::IpvsDestination* found) {
    const bool idle = server.weight == 0;  // as configured: that tells nothing
    return found != nullptr && (found->weight > 0 || idle || !server.inhibit_on_failure);
}

bool decides_by_itself(const config::Checker& checker) {
    return checker.type == Type::File || checker.type == Type::Bfd;
}

bool asks_for_weight(const config::Checker& checker) {
    return (checker.type == Type::Misc && checker.misc_dynamic) || checker.type == Type::Agent;
}

// The checks count as run: the other program has reported what they found, and a first failure has its retries.
ServerMemory server_memory(const config::RealServer& server, const netlink::IpvsDestination* found, WallTime now) {
    ServerMemory memory{.endpoint = server.endpoint,
                        .alive = is_alive(server, found),
                        .since = now,
                        .checkers = {},
                        .kept = false,
                        .leave = {},
                        .grows_since = {}};
    // The weight is the sum of what all of them have asked for: with a file or a session it is not one check's alone.
    bool weighted = !memory.alive || std::ranges::any_of(server.checkers, decides_by_itself);
    for (const auto& checker : server.checkers) {
        if (decides_by_itself(checker)) continue;
        CheckerState state;
        state.up = memory.alive;
        state.has_run = true;
        if (!weighted && asks_for_weight(checker)) {
            state.dynamic_weight = AskedWeight{found->weight};
            weighted = true;
        }
        memory.checkers.push_back({checker.type, checker.target.to_string(), std::move(state)});
    }
    return memory;
}

bool weight_is_set_by_hand(const config::RealServer& server, const netlink::IpvsDestination* found) {
    return is_alive(server, found) && found->weight != static_cast<std::int64_t>(server.weight) &&
           std::ranges::none_of(server.checkers, decides_by_itself) &&
           std::ranges::none_of(server.checkers, asks_for_weight);
}

void adopt_service(const config::VirtualServer& service, const ServiceTable& kernel, WallTime now, Adoption& adoption) {
    ServiceMemory memory{.identity = identity_of(service),
                         .keys = {},
                         .quorum_up = false,
                         .sorry_in_use = false,
                         .servers = {},
                         .leaving = {}};
    std::int64_t weight = 0;
    for (const auto& server : service.real_servers) {
        const auto* found = find(kernel, service, server.endpoint, server.forwarding);
        memory.servers.push_back(server_memory(server, found, now));
        if (memory.servers.back().alive) weight += found->weight;
        if (weight_is_set_by_hand(server, found))
            adoption.weights_set_by_hand.push_back(fmt::format("{} of VS {} has weight {} there, and {} from now on",
                                                               text_of(service, server), config::service_name(service),
                                                               found->weight, server.weight));
    }
    if (service.sorry_server) {
        const auto& sorry = *service.sorry_server;
        const auto* found = find(kernel, service, sorry.endpoint, sorry.forwarding);
        memory.sorry_in_use = found != nullptr && found->weight > 0 && weight == 0;
    }
    memory.quorum_up = !memory.sorry_in_use && quorum_holds(quorum_of(service), weight, true);
    adoption.memory.push_back(std::move(memory));
}

}  // namespace

std::vector<std::vector<netlink::IpvsServiceKey>> keys_to_adopt(const config::Config& config) {
    FirewallMarks marks;
    marks.assign(config.global, config.virtual_servers);
    std::vector<std::vector<netlink::IpvsServiceKey>> all;
    for (const auto& service : config.virtual_servers) all.push_back(marks.keys_of(config.global, service));
    return all;
}

Adoption adopt(const config::Config& config, const Table& kernel, WallTime now) {
    std::map<netlink::IpvsServiceKey, const ServiceTable*> known;
    for (const auto& table : kernel) known.emplace(table.service.key, &table);
    Adoption adoption;
    const auto keys = keys_to_adopt(config);
    for (std::size_t s = 0; s < config.virtual_servers.size(); ++s)
        for (const auto& key : keys[s]) {
            const auto there = known.find(key);
            if (there == known.end()) continue;
            adopt_service(config.virtual_servers[s], *there->second, now, adoption);
            break;
        }
    return adoption;
}

}  // namespace mainstay::lvs
