// KEEPALIVED-MIB, section check: virtual and real servers with their settings, states and traffic, and their groups.
#include <algorithm>
#include <array>
#include <optional>

#include "checker_parts.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "report/document_queries.hpp"
#include "report/lvs_settings.hpp"

namespace mainstay::report {

namespace keyword = config::keyword;

namespace {

using namespace snmp;
using config::value_of;

int scheduler_number(std::string_view name) {
    constexpr std::array<std::string_view, 14> kNames{"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh",
                                                      "sh", "sed", "nq", "fo",  "ovf",  "mh",    "twos"};
    constexpr int kUnknown = 99;
    const auto found = std::ranges::find(kNames, name);
    return found != kNames.end() ? static_cast<int>(found - kNames.begin()) + 1 : kUnknown;
}

int forwarding_number(config::Forwarding forwarding) {
    return forwarding == config::Forwarding::Nat ? 1 : forwarding == config::Forwarding::DirectRoute ? 2 : 3;
}
config::Forwarding forwarding_of(const config::VirtualServer& service) {
    return service.real_servers.empty() ? config::Forwarding::Nat : service.real_servers.front().forwarding;
}

// Three columns starting at `first`: the type, and as far as it has them the port and the checksum.
void add_tunnel(SnmpTable& row, std::uint32_t first, config::Forwarding forwarding, const config::Tunnel& tunnel) {
    using Type = config::Tunnel::Type;
    if (forwarding != config::Forwarding::Tunnel) return;
    row.put(first, integer(static_cast<int>(tunnel.type) + 1));
    if (tunnel.type == Type::Gue) row.put(first + 1, gauge(tunnel.port));
    if (tunnel.type != Type::Ipip) row.put(first + 2, integer(static_cast<int>(tunnel.checksum) + 1));
}

void put_name(SnmpTable& row, std::uint32_t column, const CompactOptional<config::ExtraSettings>& more,
              const config::Keyword<config::WordList>& keyword) {
    if (const auto name = config::first_word(more->values, keyword); !name.empty()) row.put(column, text(name));
}

void add_flags(SnmpTable& row, const config::VirtualServer& service) {
    const auto flag = [&](std::uint32_t bit) { return yes_no((service.scheduler_flags & bit) != 0); };
    row.put(37, flag(config::kOnePacket));
    row.put(52, yes_no(config::flag(service.more->values, keyword::hashed)));
    row.put(53, flag(config::kHashFallback));
    row.put(54, flag(config::kHashPort));
    row.put(55, flag(config::kFlag3));
    row.put(62, flag(config::kHashFallback));
    row.put(63, flag(config::kHashPort));
}

struct CheckColumns {
    std::uint32_t retry, delay, warmup, delay_us, warmup_us, loop_us, connect_us;
};
void add_check_settings(SnmpTable& row, const CheckSettings& settings, const CheckColumns& columns) {
    row.put(columns.retry, gauge(settings.retry));
    row.put(columns.delay, gauge(whole_seconds(settings.delay)));
    row.put(columns.warmup, gauge(whole_seconds(settings.warmup)));
    row.put(columns.delay_us, gauge(microseconds(settings.delay)));
    row.put(columns.warmup_us, gauge(microseconds(settings.warmup)));
    row.put(columns.loop_us, gauge(microseconds(settings.loop)));
    row.put(columns.connect_us, gauge(microseconds(settings.connect)));
}

// Nine columns starting at `first`; at `wide` 64-bit versions of three of them; then ten columns that are always 0 in
// keepalived.
void add_stats(SnmpTable& row, const netlink::IpvsStats& stats, std::uint32_t first, std::uint32_t wide) {
    row.put(first, counter(stats.in_packets));
    row.put(first + 1, counter(stats.out_packets));
    row.put(first + 2, counter64(stats.in_bytes));
    row.put(first + 3, counter64(stats.out_bytes));
    std::uint32_t column = first + 4;
    for (const auto rate : {stats.cps, stats.in_pps, stats.out_pps, stats.in_bps, stats.out_bps})
        row.put(column++, gauge(rate));
    column = wide;
    for (const auto count : {stats.connections, stats.in_packets, stats.out_packets})
        row.put(column++, counter64(count));
    constexpr std::uint32_t kAlwaysZero = 10;
    for (std::uint32_t i = 0; i < kAlwaysZero; ++i) row.put(column++, gauge(0));
}

void add_service_traffic(SnmpTable& row, const ServiceTraffic* traffic) {
    if (traffic == nullptr) return;
    row.put(27, gauge(traffic->stats.connections));
    add_stats(row, traffic->stats, 28, 38);
}

void add_server_traffic(SnmpTable& row, const ServerTraffic* traffic) {
    if (traffic == nullptr) return;
    row.put(14, gauge(traffic->stats.connections));
    row.put(15, gauge(traffic->active));
    row.put(16, gauge(traffic->inactive));
    row.put(17, gauge(traffic->persistent));
    add_stats(row, traffic->stats, 18, 27);
}

void add_service(SnmpView& view, std::uint32_t number, const config::VirtualServer& service,
                 const ServiceStatus* status, const ServiceTraffic* traffic) {
    SnmpTable row{view, kServices, {number}};
    const bool v4 = service.family != Family::V6;
    add_identity(service, [&](std::uint32_t column, SnmpValue value) { row.put(column, std::move(value)); });
    row.put(5, address_type(v4));
    if (const int protocol = protocol_number(service); protocol != 0 && service.fwmark == 0)
        row.put(8, integer(protocol));
    row.put(9, integer(scheduler_number(service.scheduler)));
    row.put(10, integer(forwarding_number(forwarding_of(service))));
    row.put(11, yes_no(true));
    row.put(13, yes_no(service.persistent));
    if (service.persistent) row.put(14, gauge(static_cast<std::uint64_t>(service.persistence_timeout.count())));
    if (v4)
        row.put(15, snmp::address(IpAddress::v4(service.persistence_netmask)));
    else
        row.put(51, gauge(service.persistence_netmask));
    row.put(16, gauge(whole_seconds(service.delay_loop)));
    row.put(17, yes_no(config::flag(service.more->values, keyword::ha_suspend)));
    row.put(18, yes_no(service.alpha));
    row.put(19, yes_no(service.omega));
    row.put(20, gauge(service.real_servers.size()));
    row.put(21, gauge(status != nullptr ? count_alive(*status) : 0));
    const auto quorum = quorum_in_use(service, status);
    row.put(22, gauge(static_cast<std::uint64_t>(quorum.quorum)));
    row.put(23, yes_no(status != nullptr && status->quorum_up));
    if (!service.quorum_up.empty()) row.put(24, text(quoted_command(service.quorum_up)));
    if (!service.quorum_down.empty()) row.put(25, text(quoted_command(service.quorum_down)));
    row.put(26, gauge(static_cast<std::uint64_t>(quorum.hysteresis)));
    add_service_traffic(row, traffic);
    add_flags(row, service);
    row.put(56, integer(service.inhibit_on_failure ? 2 : 1));
    row.put(60, integer(value_of(service.more->values, keyword::weight).value_or(1)));
    row.put(61, yes_no(service.smtp_alert));
    add_check_settings(row, settings_of(service), {57, 58, 59, 65, 66, 64, 67});
    if (!service.real_servers.empty()) add_tunnel(row, 68, forwarding_of(service), service.real_servers.front().tunnel);
    put_name(row, 12, service.more, keyword::virtualhost);
    put_name(row, 71, service.more, keyword::snmp_name);
}

void add_sorry_server(SnmpView& view, const Oid& index, const config::VirtualServer& service,
                      const ServerTraffic* traffic) {
    SnmpTable row{view, kServers, index};
    const auto& sorry = *service.sorry_server;
    row.put(2, integer(2));
    row.put(3, address_type(sorry.endpoint.address.is_v4()));
    row.put(4, snmp::address(sorry.endpoint.address));
    row.put(5, gauge(sorry.endpoint.port));
    add_server_traffic(row, traffic);
    row.put(40, integer(forwarding_number(sorry.forwarding)));
    add_tunnel(row, 52, sorry.forwarding, sorry.tunnel);
    for (const std::uint32_t column : {42U, 47U}) row.put(column, yes_no(false));
    for (const std::uint32_t column : {43U, 44U, 45U, 46U, 48U, 49U, 50U, 51U}) row.put(column, gauge(0));
}

void add_server(SnmpView& view, const Oid& index, const config::VirtualServer& service,
                const config::RealServer& server, const ServerStatus* status, const ServerTraffic* traffic) {
    SnmpTable row{view, kServers, index};
    const auto settings = settings_of(service, server);
    row.put(2, integer(1));
    row.put(3, address_type(server.endpoint.address.is_v4()));
    row.put(4, snmp::address(server.endpoint.address));
    row.put(5, gauge(server.endpoint.port));
    row.put(6, yes_no(status != nullptr && status->alive));
    row.put(7, integer(status != nullptr ? status->weight : static_cast<std::int64_t>(server.weight)));
    if (server.upper_threshold != 0) row.put(8, gauge(server.upper_threshold));
    if (server.lower_threshold != 0) row.put(9, gauge(server.lower_threshold));
    row.put(10, integer(server.inhibit_on_failure ? 2 : 1));
    if (!server.notify_up.empty()) row.put(11, text(quoted_command(server.notify_up)));
    if (!server.notify_down.empty()) row.put(12, text(quoted_command(server.notify_down)));
    const auto failed = status != nullptr ? std::ranges::count(status->checks, false, &CheckStatus::up) : 0;
    row.put(13, gauge(static_cast<std::uint64_t>(failed)));
    add_server_traffic(row, traffic);
    row.put(40, integer(forwarding_number(server.forwarding)));
    row.put(42, yes_no(settings.alpha));
    row.put(46, gauge(whole_seconds(settings.loop)));
    row.put(47, yes_no(server.smtp_alert));
    add_check_settings(row, settings, {43, 44, 45, 48, 49, 50, 51});
    add_tunnel(row, 52, server.forwarding, server.tunnel);
    put_name(row, 41, server.more, keyword::virtualhost);
    put_name(row, 55, server.more, keyword::snmp_name);
}

void add_group_member(SnmpTable row, const config::GroupEntry& entry) {
    constexpr int kMark = 1, kAddress = 2, kRange = 3;
    if (entry.fwmark != 0) {
        row.put(2, integer(kMark));
        row.put(3, gauge(entry.fwmark));
        return;
    }
    row.put(4, address_type(entry.first.is_v4()));
    if (entry.first == entry.last) {
        row.put(2, integer(kAddress));
        row.put(5, snmp::address(entry.first));
    } else {
        row.put(2, integer(kRange));
        row.put(6, snmp::address(entry.first));
        row.put(7, snmp::address(entry.last));
    }
    row.put(8, gauge(entry.port));
}

// Those that no service names, too. keepalived: a group without an entry is none, and marks come first.
void add_groups_of_services(SnmpView& view, const config::Config& config) {
    std::uint32_t group = 0;
    for (const auto& block : config.more->sections) {
        if (block.keyword != keyword::virtual_server_group || block.names.empty()) continue;
        auto entries = config::group_entries(block);
        if (entries.empty()) continue;
        SnmpTable{view, kCheck + Oid{1, 1}, {++group}}.put(2, text(block.names.front()));
        std::ranges::stable_partition(entries, [](const config::GroupEntry& entry) { return entry.fwmark != 0; });
        std::uint32_t member = 0;
        for (const auto& entry : entries)
            add_group_member(SnmpTable{view, kCheck + Oid{2, 1}, {group, ++member}}, entry);
    }
}

void add_sync_daemon(SnmpView& view, const config::Config& config) {
    const auto daemon = config::sync_daemon(config);
    view[kCheck + Oid{6, 1, 0}] = yes_no(daemon.has_value());
    if (!daemon) return;
    view[kCheck + Oid{6, 2, 0}] = text(daemon->interface);
    view[kCheck + Oid{6, 3, 0}] = text(daemon->instance);
    view[kCheck + Oid{6, 4, 0}] = integer(daemon->id);
    view[kCheck + Oid{6, 5, 0}] = integer(daemon->maxlen);
    view[kCheck + Oid{6, 6, 0}] = integer(daemon->port);
    view[kCheck + Oid{6, 7, 0}] = integer(daemon->ttl);
    if (!daemon->group) return;
    view[kCheck + Oid{6, 8, 0}] = address_type(daemon->group->is_v4());
    view[kCheck + Oid{6, 9, 0}] = snmp::address(*daemon->group);
}

void add_timeouts(SnmpView& view, const config::Config& config) {
    const auto* line = config::find_section(config.global.more->sections, keyword::lvs_timeouts);
    if (line == nullptr) return;
    std::uint32_t scalar = 0;
    for (const auto& keyword : {keyword::tcp, keyword::tcpfin, keyword::udp}) {
        ++scalar;
        if (const auto time = value_of(line->values, keyword))
            view[kCheck + Oid{7, scalar, 0}] = integer(time->count() / 1'000'000);
    }
}

}  // namespace

void add_checker_mib(SnmpView& view, const SnmpFacts& facts) {
    add_groups_of_services(view, facts.config);
    std::uint32_t number = 0;
    for (const auto& configured : facts.config.virtual_servers) {
        const auto* status = status_of(facts.lvs, configured, number);
        std::optional<config::VirtualServer> with_named;
        if (names_servers(configured)) with_named = in_force(configured, status);
        const auto& service = with_named ? *with_named : configured;
        const auto* traffic = status != nullptr
                                  ? traffic_of(facts.lvs, static_cast<std::size_t>(status - facts.lvs.services.data()))
                                  : nullptr;
        add_service(view, ++number, service, status, traffic);
        std::uint32_t row = 0;
        if (service.sorry_server)
            add_sorry_server(view, {number, ++row}, service, traffic != nullptr ? &traffic->sorry_server : nullptr);
        for (std::size_t i = 0; i < service.real_servers.size(); ++i)
            add_server(view, {number, ++row}, service, service.real_servers[i],
                       status_of(status, service.real_servers[i], i), traffic_of(traffic, i));
    }
    add_sync_daemon(view, facts.config);
    add_timeouts(view, facts.config);
}

}  // namespace mainstay::report
