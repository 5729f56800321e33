#include "mainstay/lvs/desired.hpp"

#include <algorithm>
#include <limits>

#include "judge_text.hpp"
#include "mainstay/config/keywords.hpp"

namespace mainstay::lvs {
namespace {

constexpr std::uint32_t kIpv6PrefixMax = 128;
constexpr std::int32_t kSorryWeight = 1;

std::string engine_of(const config::VirtualServer& service) {
    return first_word(service.more->values, config::keyword::persistence_engine);
}

// The granularity has the family of the service; an entry of the other family, in a group, distinguishes single
// clients.
std::uint32_t netmask_of(const config::VirtualServer& service, Family family) {
    const bool v6 = family == Family::V6;
    const std::uint32_t single = v6 ? kIpv6PrefixMax : std::numeric_limits<std::uint32_t>::max();
    const bool fits = service.group.empty() || service.family == family;
    if (!service.persistent || !fits) return single;
    // A service without a granularity keeps the model's IPv4 default, which is no prefix length.
    return v6 ? std::min(service.persistence_netmask, kIpv6PrefixMax) : service.persistence_netmask;
}

netlink::IpvsService wanted_service(const config::VirtualServer& service, const netlink::IpvsServiceKey& key) {
    netlink::IpvsService wanted;
    wanted.key = key;
    wanted.scheduler = service.scheduler;
    wanted.flags = service.scheduler_flags & ~(netlink::kIpvsHashed | netlink::kIpvsPersistent);
    wanted.netmask = netmask_of(service, key.family);
    if (service.persistent) {
        wanted.flags |= netlink::kIpvsPersistent;
        wanted.timeout_s = static_cast<std::uint32_t>(
            std::clamp<std::int64_t>(service.persistence_timeout.count(), 0, std::numeric_limits<std::int32_t>::max()));
        wanted.engine = engine_of(service);
    }
    return wanted;
}

netlink::IpvsTunnel wanted_tunnel(config::Forwarding forwarding, const config::Tunnel& tunnel) {
    if (forwarding != config::Forwarding::Tunnel) return {};
    return {.type = static_cast<std::uint8_t>(tunnel.type),
            .port = tunnel.port,
            .flags = static_cast<std::uint16_t>(tunnel.checksum)};
}

netlink::IpvsDestination wanted_server(const config::RealServer& server, std::int32_t weight) {
    netlink::IpvsDestination wanted;
    wanted.endpoint = server.endpoint;
    wanted.forwarding = static_cast<std::uint32_t>(server.forwarding);
    wanted.weight = weight;
    wanted.upper_threshold = server.upper_threshold;
    wanted.lower_threshold = server.lower_threshold;
    wanted.tunnel = wanted_tunnel(server.forwarding, server.tunnel);
    return wanted;
}

void put_sorry_server(const config::SorryServer& sorry, bool in_use, bool inhibited,
                      std::vector<netlink::IpvsDestination>& destinations) {
    netlink::IpvsDestination wanted;
    wanted.endpoint = sorry.endpoint;
    wanted.forwarding = static_cast<std::uint32_t>(sorry.forwarding);
    wanted.weight = in_use ? kSorryWeight : 0;
    wanted.tunnel = wanted_tunnel(sorry.forwarding, sorry.tunnel);
    // The sorry server may be one of the real servers: both share the entry, and the one that takes traffic decides its
    // weight.
    const auto shared = std::ranges::find(destinations, sorry.endpoint, &netlink::IpvsDestination::endpoint);
    if (shared != destinations.end()) {
        if (in_use) *shared = wanted;
    } else if (in_use || inhibited) {
        destinations.push_back(wanted);
    }
}

}  // namespace

std::int32_t clamp_weight(std::int64_t weight) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(weight, 0, std::numeric_limits<std::int32_t>::max()));
}

namespace {

template <class Take>
void for_each_server(const config::VirtualServer& service, const ServiceVerdict& verdict, Take take) {
    const std::size_t count = std::min(service.real_servers.size(), verdict.servers.size());
    for (std::size_t i = 0; i < count; ++i) take(service.real_servers[i], verdict.servers[i]);
}

// Always there, with the share of the real server that it may be, too.
void put_agreed_sorry_server(const config::SorryServer& sorry, bool in_use,
                             std::vector<netlink::IpvsDestination>& destinations) {
    const auto is_it = [&sorry](const netlink::IpvsDestination& one) { return one.endpoint == sorry.endpoint; };
    const auto shared = std::ranges::find_if(destinations, is_it);
    const auto share = std::max<std::uint32_t>(shared == destinations.end() ? 0 : shared->last_weight, kSorryWeight);
    put_sorry_server(sorry, in_use, true, destinations);
    auto& put = *std::ranges::find_if(destinations, is_it);
    put.last_weight = share;
    if (in_use) put.weight = static_cast<std::int32_t>(share);
}

// Of an active_active service. Every server of the configuration is always there, and its share of the slots is the
// configured weight: what one director has seen of its servers decides only which of them take traffic. Servers that
// are no longer configured are not wanted: the plan keeps them until the table may be repaired.
std::vector<netlink::IpvsDestination> agreed_destinations(const config::VirtualServer& service,
                                                          const ServiceVerdict& verdict) {
    std::vector<netlink::IpvsDestination> destinations;
    destinations.reserve(service.real_servers.size() + 1);
    for_each_server(service, verdict, [&](const config::RealServer& server, const ServerVerdict& found) {
        const bool serving =
            found.alive && found.weight > 0 && found.place == ServerVerdict::Place::AsChecked && !verdict.sorry_in_use;
        const auto weight = clamp_weight(server.weight);
        destinations.push_back(wanted_server(server, serving ? weight : 0));
        destinations.back().last_weight = static_cast<std::uint32_t>(weight);
    });
    if (service.sorry_server) put_agreed_sorry_server(*service.sorry_server, verdict.sorry_in_use, destinations);
    return destinations;
}

void put_in_canonical_order(std::vector<netlink::IpvsDestination>& destinations) {
    std::ranges::stable_sort(destinations, {}, &netlink::IpvsDestination::endpoint);
    const auto [from, to] = std::ranges::unique(destinations, {}, &netlink::IpvsDestination::endpoint);
    destinations.erase(from, to);
}

// The destinations as the servers are configured, before a key of a group gives them its port.
std::vector<netlink::IpvsDestination> wanted_destinations(const config::VirtualServer& service,
                                                          const ServiceVerdict& verdict) {
    std::vector<netlink::IpvsDestination> destinations;
    destinations.reserve(service.real_servers.size() + 1);
    for_each_server(service, verdict, [&](const config::RealServer& server, const ServerVerdict& found) {
        const bool serving = found.alive && !verdict.sorry_in_use;
        if (found.place == ServerVerdict::Place::Out) return;
        if (found.place == ServerVerdict::Place::Drained) {
            destinations.push_back(wanted_server(server, 0));
        } else if (serving) {
            destinations.push_back(wanted_server(server, clamp_weight(found.weight_now.value_or(found.weight))));
        } else if (server.inhibit_on_failure) {
            destinations.push_back(wanted_server(server, 0));
        }
    });
    for (const auto& server : verdict.leaving) destinations.push_back(wanted_server(server, 0));
    if (service.sorry_server)
        put_sorry_server(*service.sorry_server, verdict.sorry_in_use, service.sorry_server->inhibit, destinations);
    return destinations;
}

}  // namespace

Table desired(const config::VirtualServer& service, std::span<const netlink::IpvsServiceKey> keys,
              const ServiceVerdict& verdict) {
    Table table;
    table.reserve(keys.size());
    const auto destinations = service.active_active ? agreed_destinations(service, verdict)  //
                                                    : wanted_destinations(service, verdict);
    for (const auto& key : keys) {
        auto& entry =
            table.emplace_back(ServiceTable{wanted_service(service, key), destinations, service.active_active});
        for (auto& destination : entry.destinations)
            destination.endpoint = endpoint_at(key, service, destination.endpoint,
                                               static_cast<config::Forwarding>(destination.forwarding));
        if (service.active_active) put_in_canonical_order(entry.destinations);
    }
    return table;
}

}  // namespace mainstay::lvs
