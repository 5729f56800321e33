#include "mainstay/lvs/desired.hpp"

#include <algorithm>
#include <limits>

namespace mainstay::lvs {
namespace {

constexpr std::uint32_t kIpv6PrefixMax = 128;
constexpr std::int32_t kSorryWeight = 1;

netlink::IpvsService wanted_service(const config::VirtualServer& service) {
    netlink::IpvsService wanted;
    wanted.key = key_of(service);
    wanted.scheduler = service.scheduler;
    wanted.flags = service.scheduler_flags & ~(netlink::kIpvsHashed | netlink::kIpvsPersistent);
    const bool v6 = wanted.key.family == Family::V6;
    wanted.netmask = v6 ? kIpv6PrefixMax : std::numeric_limits<std::uint32_t>::max();
    if (service.persistent) {
        wanted.flags |= netlink::kIpvsPersistent;
        wanted.timeout_s = static_cast<std::uint32_t>(
            std::clamp<std::int64_t>(service.persistence_timeout.count(), 0, std::numeric_limits<std::int32_t>::max()));
        // A service without a granularity keeps the model's IPv4 default, which is no prefix length.
        wanted.netmask = v6 ? std::min(service.persistence_netmask, kIpv6PrefixMax) : service.persistence_netmask;
    }
    return wanted;
}

netlink::IpvsDestination wanted_server(const config::RealServer& server, std::int32_t weight) {
    netlink::IpvsDestination wanted;
    wanted.endpoint = server.endpoint;
    wanted.forwarding = static_cast<std::uint32_t>(server.forwarding);
    wanted.weight = weight;
    wanted.upper_threshold = server.upper_threshold;
    wanted.lower_threshold = server.lower_threshold;
    return wanted;
}

// keepalived: inhibit on the service counts for all of its servers.
bool inhibits(const config::VirtualServer& service, const config::RealServer& server) {
    return service.inhibit_on_failure || server.inhibit_on_failure;
}

void put_sorry_server(const config::SorryServer& sorry, bool in_use, bool inhibited,
                      std::vector<netlink::IpvsDestination>& destinations) {
    netlink::IpvsDestination wanted;
    wanted.endpoint = sorry.endpoint;
    wanted.forwarding = static_cast<std::uint32_t>(sorry.forwarding);
    wanted.weight = in_use ? kSorryWeight : 0;
    // It may be one of the real servers: they share the entry, and whoever is to take traffic decides its weight.
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

ServiceTable desired(const config::VirtualServer& service, const ServiceVerdict& verdict) {
    ServiceTable table{wanted_service(service), {}};
    const std::size_t count = std::min(service.real_servers.size(), verdict.servers.size());
    table.destinations.reserve(count + 1);
    for (std::size_t i = 0; i < count; ++i) {
        const auto& server = service.real_servers[i];
        const auto& found = verdict.servers[i];
        const bool serving = found.alive && !verdict.sorry_in_use;
        if (found.place == ServerVerdict::Place::Out) continue;
        if (found.place == ServerVerdict::Place::Drained) {
            table.destinations.push_back(wanted_server(server, 0));
        } else if (serving) {
            table.destinations.push_back(wanted_server(server, clamp_weight(found.weight_now.value_or(found.weight))));
        } else if (inhibits(service, server)) {
            table.destinations.push_back(wanted_server(server, 0));
        }
    }
    for (const auto& server : verdict.leaving) table.destinations.push_back(wanted_server(server, 0));
    if (service.sorry_server) {
        put_sorry_server(*service.sorry_server, verdict.sorry_in_use, service.sorry_server->inhibit,
                         table.destinations);
    }
    return table;
}

Table desired(std::span<const config::VirtualServer> services, std::span<const ServiceVerdict> verdicts) {
    Table table;
    const std::size_t count = std::min(services.size(), verdicts.size());
    table.reserve(count);
    for (std::size_t i = 0; i < count; ++i) table.push_back(desired(services[i], verdicts[i]));
    return table;
}

}  // namespace mainstay::lvs
