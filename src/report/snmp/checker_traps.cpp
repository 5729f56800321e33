// The traps of KEEPALIVED-MIB's section check: of events, and of a stop, when every service goes.
#include <algorithm>
#include <optional>

#include "checker_parts.hpp"
#include "report/document_queries.hpp"
#include "report/lvs_settings.hpp"

namespace mainstay::report {

namespace {

using namespace snmp;

constexpr int kQuorumUp = 1, kQuorumDown = 2, kQuorumStopping = 3;

// The objects that both traps name of a service, without the index of their row.
void add_service_objects(SnmpTrap& trap, const config::VirtualServer& service) {
    const auto put = [&](std::uint32_t column, SnmpValue value) {
        trap.objects.emplace_back(kServices + Oid{column}, std::move(value));
    };
    add_identity(service, put);
    put(8, integer(protocol_number(service)));
}

void add_counts(SnmpTrap& trap, const SnmpFacts& facts, const config::VirtualServer& service, std::size_t alive) {
    trap.objects.emplace_back(kServices + Oid{21}, gauge(alive));
    trap.objects.emplace_back(kServices + Oid{20}, gauge(service.real_servers.size()));
    trap.objects.emplace_back(kKeepalivedMib + Oid{1, 2, 0}, text(facts.router_id));
}

SnmpTrap server_trap(const SnmpFacts& facts, const config::VirtualServer& service, const config::RealServer& server,
                     bool up, std::size_t alive) {
    SnmpTrap trap{kCheck + Oid{5, 0, 1},
                  {{kServers + Oid{3}, address_type(server.endpoint.address.is_v4())},
                   {kServers + Oid{4}, snmp::address(server.endpoint.address)},
                   {kServers + Oid{5}, gauge(server.endpoint.port)},
                   {kServers + Oid{6}, yes_no(up)}}};
    add_service_objects(trap, service);
    add_counts(trap, facts, service, alive);
    return trap;
}

SnmpTrap quorum_trap(const SnmpFacts& facts, const config::VirtualServer& service, int state,
                     const ServiceStatus& status, std::size_t alive) {
    SnmpTrap trap{kCheck + Oid{5, 0, 2}, {}};
    add_service_objects(trap, service);
    trap.objects.emplace_back(kServices + Oid{23}, integer(state));
    trap.objects.emplace_back(kServices + Oid{22},
                              gauge(static_cast<std::uint64_t>(quorum_in_use(service, &status).quorum)));
    add_counts(trap, facts, service, alive);
    return trap;
}

const config::VirtualServer* service_of(std::span<const config::VirtualServer> services, const std::string& name) {
    const auto found = std::ranges::find_if(
        services, [&](const config::VirtualServer& service) { return config::service_name(service) == name; });
    return found != services.end() ? &*found : nullptr;
}

const config::RealServer* server_of(const config::VirtualServer& service, const std::string& name) {
    const auto protocol = service.fwmark != 0 ? config::Protocol::None : service.protocol;
    const auto found = std::ranges::find_if(service.real_servers, [&](const config::RealServer& server) {
        return config::server_name(server.endpoint, protocol) == name;
    });
    return found != service.real_servers.end() ? &*found : nullptr;
}

// None: no such service, or no such server in it.
std::optional<SnmpTrap> trap_of(const SnmpFacts& facts, std::span<const config::VirtualServer> services,
                                const Event& event) {
    const bool server = event.kind == Event::Kind::RealServer, up = event.transition == Transition::Up;
    const auto* configured = service_of(services, server ? event.parent : event.name);
    if (configured == nullptr) return std::nullopt;
    // The event may arrive before the state block that contains its result, and after the one without the service.
    const auto* now = status_of(facts.lvs, *configured, static_cast<std::size_t>(configured - services.data()));
    const auto service = in_force(*configured, now);
    auto status = now != nullptr ? *now : ServiceStatus{};
    if (!server) return quorum_trap(facts, service, up ? kQuorumUp : kQuorumDown, status, count_alive(status));
    const auto* one = server_of(service, event.name);
    if (one == nullptr) return std::nullopt;
    for (auto& other : status.servers)
        if (other.name == event.name) other.alive = up;
    return server_trap(facts, service, *one, up, count_alive(status));
}

}  // namespace

std::vector<SnmpTrap> snmp_checker_traps(const SnmpParts& parts, const SnmpFacts& facts, const Event& event) {
    const bool about_services = event.kind == Event::Kind::RealServer || event.kind == Event::Kind::VirtualServer;
    if (!parts.traps || !parts.checker || !about_services) return {};
    // What is only mailed is no change of a state; those of a stop are snmp_stop_traps().
    if (!event.notify || event.cause == Cause::Stop) return {};
    for (const auto services : {std::span<const config::VirtualServer>{facts.config.virtual_servers}, facts.former})
        if (auto trap = trap_of(facts, services, event)) return {std::move(*trap)};
    return {};
}

std::vector<SnmpTrap> snmp_stop_traps(const SnmpParts& parts, const SnmpFacts& facts) {
    std::vector<SnmpTrap> traps;
    if (!parts.traps || !parts.checker || !facts.lvs.stopped) return traps;
    // keepalived: with lvs_flush_on_stop, and of a service whose sorry server stands in, the servers' part is left out.
    const bool flushes = facts.config.global.lvs_flush_on_stop != config::Global::FlushOnStop::No;
    for (std::size_t v = 0; v < facts.config.virtual_servers.size(); ++v) {
        const auto* now = status_of(facts.lvs, facts.config.virtual_servers[v], v);
        if (now == nullptr) continue;
        const auto service = in_force(facts.config.virtual_servers[v], now);
        auto alive = count_alive(*now);
        const bool names_servers = !flushes && !now->sorry_in_use;
        for (std::size_t s = 0; s < service.real_servers.size() && names_servers; ++s) {
            const auto* server = status_of(now, service.real_servers[s], s);
            if (server == nullptr || !server->alive) continue;
            if (alive > 0) --alive;
            traps.push_back(server_trap(facts, service, service.real_servers[s], false, alive));
        }
        traps.push_back(quorum_trap(facts, service, kQuorumStopping, *now, alive));
    }
    return traps;
}

}  // namespace mainstay::report
