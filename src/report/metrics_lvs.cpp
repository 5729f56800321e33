// The LVS part of the metrics: sums for each service, and with scope=servers series for each server and check.
#include <algorithm>
#include <array>
#include <string>

#include "document_queries.hpp"
#include "metrics_parts.hpp"

namespace mainstay::report {
namespace {

constexpr std::array<std::string_view, 4> kServerStates{"up", "down", "drained", "disabled"};  // of ServerState

void put_server_states(MetricsWriter& out, const LvsStatus& lvs, const LabelledServices& services) {
    const auto holds = overrides_of(lvs);
    out.family("mainstay_lvs_servers");
    for (const auto& one : services.all()) {
        std::array<std::uint64_t, kServerStates.size()> counts{};
        for (const auto& server : one.object->servers)
            ++counts[static_cast<std::size_t>(server_state(*one.object, server, holds))];
        for (std::size_t state = 0; state < counts.size(); ++state)
            if (counts[state] != 0 || state == 0)
                out.sample(one.labels.with("state", kServerStates[state]), counts[state]);
    }
}

struct StatsFamily {
    std::string_view name;
    std::uint64_t netlink::IpvsStats::* value;
};

std::uint64_t active_connections(const ServiceTraffic& counted) {
    std::uint64_t active = counted.sorry_server.active;
    for (const auto& server : counted.servers) active += server.active;
    return active;
}

// Series for each service: with thousands of them these lines are most of the text, which is to stay below 1 MB.
void put_service_traffic(MetricsWriter& out, const LvsStatus& lvs, const LabelledServices& services) {
    static constexpr StatsFamily kCounters[] = {{"mainstay_ipvs_connections_total", &netlink::IpvsStats::connections},
                                                {"mainstay_ipvs_in_bytes_total", &netlink::IpvsStats::in_bytes},
                                                {"mainstay_ipvs_out_bytes_total", &netlink::IpvsStats::out_bytes}};
    const auto* traffic = traffic_of_all(lvs);
    if (traffic == nullptr) return;
    for (const auto& counter : kCounters) {
        out.family(counter.name);
        for (const auto& one : services.all()) out.sample(one.labels, (*traffic)[one.position].stats.*counter.value);
    }
    std::uint64_t active = 0;
    for (const auto& one : services.all()) active += active_connections((*traffic)[one.position]);
    out.family("mainstay_ipvs_active_connections");
    out.sample({}, active);
}

void put_checks(MetricsWriter& out, const DaemonStatus& status, const LvsStatus& lvs) {
    Labelled<CheckTypeStatus> types;
    for (const auto& type : lvs.check_types) types.add({{"type", type.type}}, type);
    out.family("mainstay_check_duration_seconds");
    for (const auto& one : types.all()) out.histogram(one.labels, one.object->durations);
    out.family("mainstay_check_results_total");
    for (const auto& one : types.all()) {
        out.sample(one.labels.with("result", "passed"), one.object->passed);
        out.sample(one.labels.with("result", "failed"), one.object->failed);
        out.sample(one.labels.with("result", "not_run"), one.object->not_run);
    }
    out.family("mainstay_check_oldest_unfinished_seconds");
    const auto age =
        lvs.oldest_check ? std::chrono::duration_cast<Micros>(status.clock - *lvs.oldest_check) : Micros{0};
    out.seconds({}, std::max(age, Micros{0}));
    out.family("mainstay_log_lines_left_out_total");
    out.sample({}, lvs.lines_left_out);
}

void put_table(MetricsWriter& out, const LvsStatus& lvs) {
    out.family("mainstay_ipvs_available");
    out.sample({}, lvs.ipvs_available);
    out.family("mainstay_ipvs_operations_total");
    out.sample({}, lvs.operations);
    out.family("mainstay_ipvs_operation_failures_total");
    out.sample({}, lvs.operation_failures);
    out.family("mainstay_ipvs_repairs_total");
    out.sample({}, lvs.repairs);
}

// Nothing where nothing is configured to be announced.
void put_announced(MetricsWriter& out, const LvsStatus& lvs) {
    if (lvs.announced.empty()) return;
    out.family("mainstay_announced");
    for (const auto& one : lvs.announced)
        out.sample({{"address", one.address.to_string()}, {"interface", one.interface}}, one.state == "announced");
    out.family("mainstay_announced_draining");
    for (const auto& one : lvs.announced)
        out.sample({{"address", one.address.to_string()}, {"interface", one.drain_interface}}, one.state == "draining");
}

// Nothing without an active_active service.
void put_mh_tables(MetricsWriter& out, const LabelledServices& services) {
    const auto has_table = [](const auto& one) { return one.object->mh_table.has_value(); };
    if (std::ranges::none_of(services.all(), has_table)) return;
    out.family("mainstay_mh_table_info");
    for (const auto& one : services.all())
        if (has_table(one)) out.sample(one.labels.with("digest", digest_text(one.object->mh_table->digest)), true);
    out.family("mainstay_mh_table_as_wanted");
    for (const auto& one : services.all())
        if (const auto& table = one.object->mh_table) out.sample(one.labels, table->digest == table->wanted_digest);
}

// Nothing where no virtual server has a source.
void put_discovered(MetricsWriter& out, const DaemonStatus& status, const LvsStatus& lvs) {
    if (lvs.discovered.empty()) return;
    Labelled<DiscoveredStatus> sources;
    for (const auto& one : lvs.discovered) sources.add({{"source", one.source}}, one);
    put_each(out, "mainstay_discovery_servers", sources, [](const auto& s) { return s.servers; });
    out.family("mainstay_discovery_age_seconds");
    for (const auto& one : sources.all())
        if (const auto& good = one.object->last_good)
            out.seconds(one.labels, Micros{std::max<std::int64_t>(status.now.unix_us - good->unix_us, 0)});
    put_each(out, "mainstay_discovery_held", sources, [](const auto& s) { return !s.held.empty(); });
    put_each(out, "mainstay_discovery_failing", sources, [](const auto& s) { return !s.problem.empty(); });
    put_each(out, "mainstay_discovery_holds_total", sources, [](const auto& s) { return s.holds; });
    put_each(out, "mainstay_discovery_errors_total", sources, [](const auto& s) { return s.errors; });
}

// ---- scope=servers -------------------------------------------------------------------------------------------------

struct Server {
    const ServerStatus* status;
    const ServerTraffic* traffic;  // null: not known
};

void put_server_traffic(MetricsWriter& out, const Labelled<Server>& servers) {
    static constexpr StatsFamily kCounters[] = {{"mainstay_server_connections_total", &netlink::IpvsStats::connections},
                                                {"mainstay_server_in_packets_total", &netlink::IpvsStats::in_packets},
                                                {"mainstay_server_out_packets_total", &netlink::IpvsStats::out_packets},
                                                {"mainstay_server_in_bytes_total", &netlink::IpvsStats::in_bytes},
                                                {"mainstay_server_out_bytes_total", &netlink::IpvsStats::out_bytes}};
    for (const auto& counter : kCounters) {
        out.family(counter.name);
        for (const auto& one : servers.all())
            if (one.object->traffic != nullptr) out.sample(one.labels, one.object->traffic->stats.*counter.value);
    }
    out.family("mainstay_server_current_connections");
    for (const auto& one : servers.all()) {
        if (one.object->traffic == nullptr) continue;
        out.sample(one.labels.with("state", "active"), one.object->traffic->active);
        out.sample(one.labels.with("state", "inactive"), one.object->traffic->inactive);
        out.sample(one.labels.with("state", "persistent"), one.object->traffic->persistent);
    }
}

void put_server_checks(MetricsWriter& out, const Labelled<CheckStatus>& checks) {
    put_each(out, "mainstay_check_up", checks, [](const auto& c) { return c.up; });
    put_each(out, "mainstay_check_failures_in_row", checks,
             [](const auto& c) { return std::uint64_t{c.failures_in_row}; });
    out.family("mainstay_check_last_duration_seconds");
    for (const auto& one : checks.all())
        if (one.object->has_run) out.seconds(one.labels, one.object->last_duration);
    put_times(out, "mainstay_check_last_run_timestamp_seconds", checks, &CheckStatus::last_run);
}

}  // namespace

LabelledServices labelled_services(const DaemonStatus& status) {
    LabelledServices list;
    if (!status.lvs) return list;
    const auto& all = status.lvs->services;
    for (std::size_t i = 0; i < all.size(); ++i) list.add({{"service", all[i].name}}, all[i], i);
    return list;
}

void put_lvs(MetricsWriter& out, const DaemonStatus& status, const LvsStatus& lvs, const LabelledServices& services) {
    put_table(out, lvs);
    const auto up = static_cast<std::uint64_t>(std::ranges::count_if(lvs.services, &ServiceStatus::quorum_up));
    out.family("mainstay_lvs_services");
    out.sample({{"quorum", "up"}}, up);
    out.sample({{"quorum", "down"}}, lvs.services.size() - up);
    out.family("mainstay_lvs_overrides");
    out.sample({}, std::uint64_t{lvs.overrides.size()});
    put_announced(out, lvs);
    put_mh_tables(out, services);
    put_discovered(out, status, lvs);
    put_each(out, "mainstay_lvs_quorum_up", services, [](const auto& s) { return s.quorum_up; });
    out.family("mainstay_lvs_sorry_server_in_use");
    for (const auto& one : services.all())
        if (!one.object->sorry_server.empty()) out.sample(one.labels, one.object->sorry_in_use);
    put_server_states(out, lvs, services);
    put_service_traffic(out, lvs, services);
    put_checks(out, status, lvs);
}

std::uint64_t put_servers(MetricsWriter& out, const LvsStatus& lvs, const LabelledServices& services) {
    const auto* traffic = traffic_of_all(lvs);
    std::vector<Server> all;
    std::size_t count = 0;
    for (const auto& service : services.all()) count += service.object->servers.size();
    all.reserve(count);  // Labelled points to the elements
    Labelled<Server> servers;
    Labelled<CheckStatus> checks;
    for (const auto& service : services.all()) {
        const auto& list = service.object->servers;
        const auto* counted = traffic != nullptr ? &(*traffic)[service.position] : nullptr;
        for (std::size_t s = 0; s < list.size(); ++s) {
            const auto labels = service.labels.with("server", list[s].name);
            servers.add(labels, all.emplace_back(&list[s], traffic_of(counted, s)));
            for (std::size_t c = 0; c < list[s].checks.size(); ++c) {
                const auto& check = list[s].checks[c];
                checks.add(
                    labels.with("type", check.type).with("target", check.target).with("number", std::to_string(c)),
                    check);
            }
        }
    }
    if (traffic != nullptr) {
        out.family("mainstay_service_active_connections");
        for (const auto& one : services.all()) out.sample(one.labels, active_connections((*traffic)[one.position]));
    }
    put_each(out, "mainstay_server_up", servers, [](const auto& s) { return s.status->alive; });
    put_each(out, "mainstay_server_in_table", servers, [](const auto& s) { return s.status->in_table; });
    put_each(out, "mainstay_server_weight", servers, [](const auto& s) {
        return s.status->in_table ? std::int64_t{s.status->weight_in_table} : s.status->weight;
    });
    out.family("mainstay_server_last_transition_timestamp_seconds");
    for (const auto& one : servers.all()) out.time(one.labels, one.object->status->since);
    put_server_traffic(out, servers);
    put_server_checks(out, checks);
    return servers.left_out() + checks.left_out();
}

}  // namespace mainstay::report
