#include "persistence_expiry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "judge_text.hpp"
#include "mainstay/lvs/table.hpp"

namespace mainstay::lvs {
namespace {

constexpr std::size_t kOthersNamedMax = 8;

}  // namespace

std::optional<std::string> remark_on_persistence(const config::VirtualServer& service, const ServerCommand& command) {
    const bool drains = command.verb == ServerCommand::Verb::Drain ||
                        (command.verb == ServerCommand::Verb::Weight && command.weight == 0);
    const std::string name = config::service_name(service);
    const auto timeout = service.persistence_timeout.count();
    if (command.expire_persistence && !persists(service))
        return fmt::format("VS {} has no persistence_timeout: there is nothing to expire", name);
    if (!drains || !persists(service)) return std::nullopt;
    if (command.expire_persistence)
        return fmt::format(
            "VS {} has persistence_timeout {}: the next connection of each client of the server goes to another one; "
            "existing connections continue",
            name, timeout);
    return fmt::format(
        "VS {} has persistence_timeout {}: clients of the server stay on it as long as they keep connecting, unless it "
        "is drained with --expire-persistence, which sets "
        "net.ipv4.vs.expire_quiescent_template=1 (for all services of the host)",
        name, timeout);
}

namespace {

// Servers of a service with persistence that are in the table with weight 0, and were not drained to end it.
std::vector<ServerRef> affected_servers(const Services& services, const OperatorOverrides& overrides,
                                        std::size_t number) {
    std::vector<ServerRef> affected;
    const auto& service = services.configs[number];
    const Table table = persists(service) ? services.desired(number) : Table{};
    if (table.empty()) return affected;
    const auto& [key, destinations] = std::tie(table.front().service.key, table.front().destinations);
    for (std::size_t s = 0; s < service.real_servers.size(); ++s) {
        const auto& server = service.real_servers[s];
        const auto at = std::ranges::find(destinations, endpoint_at(key, service, server.endpoint, server.forwarding),
                                          &netlink::IpvsDestination::endpoint);
        if (at == destinations.end() || at->weight != 0) continue;
        if (const auto held = overrides.of(services, {number, s}); held && held->expires_persistence) continue;
        affected.push_back({number, s});
    }
    return affected;
}

}  // namespace

std::optional<std::string> remark_on_expiry(const Services& services, const OperatorOverrides& overrides) {
    if (!overrides.expires_persistence(services)) return std::nullopt;
    std::string others;
    std::size_t count = 0;
    for (std::size_t v = 0; v < services.size(); ++v)
        for (const auto& ref : affected_servers(services, overrides, v))
            if (++count <= kOthersNamedMax)
                others += fmt::format("{} {} of VS {}", count == 1 ? ":" : ",", services.name(ref), services.name(v));
    if (count > kOthersNamedMax) others += fmt::format(" and {} more", count - kOthersNamedMax);
    return "net.ipv4.vs.expire_quiescent_template is 1 until these servers are enabled: it ends persistence for each "
           "server with weight 0 of all services of the host" +
           (count == 0 ? std::string{} : "; also affected now" + others);
}

}  // namespace mainstay::lvs
