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

std::uint64_t active_connections_of(const ServiceTraffic& counted) {
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
    for (const auto& one : services.all()) active += active_connections_of((*traffic)[one.position]);
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

ServerSeries::ServerSeries(const LvsStatus& lvs, const LabelledServices& services)
    : services_{services}, traffic_{traffic_of_all(lvs)} {
    for (const auto& service : services.all()) {
        std::set<std::string> seen;
        for (const auto& server : service.object->servers) {
            if (seen.insert(Labels{{"server", server.name}}.text()).second) continue;
            repeated_.insert(&server);
            left_out_ += 1 + server.checks.size();
        }
    }
}

void ServerSeries::begin() {
    to_ = 0;
    static_cast<void>(next());
}

bool ServerSeries::next() {
    from_ = to_;
    for (std::size_t servers = 0; to_ < services_.all().size() && servers < kServersAtOnce; ++to_)
        servers += services_.all()[to_].object->servers.size();
    return from_ != to_;
}

template <class F>
void ServerSeries::servers(MetricsWriter& out, std::string_view family, const F& f) const {
    this->family(out, family);
    for (const auto& service : at_hand()) {
        const auto& list = service.object->servers;
        const auto* counted = traffic_ != nullptr ? &(*traffic_)[service.position] : nullptr;
        for (std::size_t i = 0; i < list.size(); ++i)
            if (!repeated_.contains(&list[i]))
                f(service.labels.with("server", list[i].name), list[i], traffic_of(counted, i));
    }
}

template <class F>
void ServerSeries::checks(MetricsWriter& out, std::string_view family, const F& f) const {
    servers(out, family, [&f](const Labels& server, const ServerStatus& status, const ServerTraffic*) {
        for (std::size_t i = 0; i < status.checks.size(); ++i) {
            auto labels = server;
            labels.add("type", status.checks[i].type);
            labels.add("target", status.checks[i].target);
            labels.add("number", fmt::format_int{i}.c_str());
            f(labels, status.checks[i]);
        }
    });
}

template <std::uint64_t netlink::IpvsStats::* kValue>
void ServerSeries::counters(MetricsWriter& out, std::string_view family) const {
    servers(out, family, [&](const auto& labels, const auto&, const ServerTraffic* traffic) {
        if (traffic != nullptr) out.sample(labels, traffic->stats.*kValue);
    });
}

void ServerSeries::active_connections(MetricsWriter& out) const {
    if (traffic_ == nullptr) return;
    family(out, "mainstay_service_active_connections");
    for (const auto& one : at_hand()) out.sample(one.labels, active_connections_of((*traffic_)[one.position]));
}

void ServerSeries::current_connections(MetricsWriter& out) const {
    servers(out, "mainstay_server_current_connections",
            [&](const auto& labels, const auto&, const ServerTraffic* traffic) {
                if (traffic == nullptr) return;
                out.sample(labels.with("state", "active"), traffic->active);
                out.sample(labels.with("state", "inactive"), traffic->inactive);
                out.sample(labels.with("state", "persistent"), traffic->persistent);
            });
}

std::span<const ServerSeries::Put> ServerSeries::families() {
    using Stats = netlink::IpvsStats;
    static constexpr Put kAll[] = {
        [](const ServerSeries& s, MetricsWriter& out) { s.active_connections(out); },
        [](const ServerSeries& s, MetricsWriter& out) {
            s.servers(out, "mainstay_server_up",
                      [&](const auto& labels, const auto& server, auto*) { out.sample(labels, server.alive); });
        },
        [](const ServerSeries& s, MetricsWriter& out) {
            s.servers(out, "mainstay_server_in_table",
                      [&](const auto& labels, const auto& server, auto*) { out.sample(labels, server.in_table); });
        },
        [](const ServerSeries& s, MetricsWriter& out) {
            s.servers(out, "mainstay_server_weight", [&](const auto& labels, const auto& server, auto*) {
                out.sample(labels, server.in_table ? std::int64_t{server.weight_in_table} : server.weight);
            });
        },
        [](const ServerSeries& s, MetricsWriter& out) {
            s.servers(out, "mainstay_server_last_transition_timestamp_seconds",
                      [&](const auto& labels, const auto& server, auto*) { out.time(labels, server.since); });
        },
        [](const ServerSeries& s, MetricsWriter& out) {
            s.counters<&Stats::connections>(out, "mainstay_server_connections_total");
        },
        [](const ServerSeries& s, MetricsWriter& out) {
            s.counters<&Stats::in_packets>(out, "mainstay_server_in_packets_total");
        },
        [](const ServerSeries& s, MetricsWriter& out) {
            s.counters<&Stats::out_packets>(out, "mainstay_server_out_packets_total");
        },
        [](const ServerSeries& s, MetricsWriter& out) {
            s.counters<&Stats::in_bytes>(out, "mainstay_server_in_bytes_total");
        },
        [](const ServerSeries& s, MetricsWriter& out) {
            s.counters<&Stats::out_bytes>(out, "mainstay_server_out_bytes_total");
        },
        [](const ServerSeries& s, MetricsWriter& out) { s.current_connections(out); },
        [](const ServerSeries& s, MetricsWriter& out) {
            s.checks(out, "mainstay_check_up",
                     [&](const auto& labels, const auto& check) { out.sample(labels, check.up); });
        },
        [](const ServerSeries& s, MetricsWriter& out) {
            s.checks(out, "mainstay_check_failures_in_row", [&](const auto& labels, const auto& check) {
                out.sample(labels, std::uint64_t{check.failures_in_row});
            });
        },
        [](const ServerSeries& s, MetricsWriter& out) {
            s.checks(out, "mainstay_check_last_duration_seconds", [&](const auto& labels, const auto& check) {
                if (check.has_run) out.seconds(labels, check.last_duration);
            });
        },
        [](const ServerSeries& s, MetricsWriter& out) {
            s.checks(out, "mainstay_check_last_run_timestamp_seconds",
                     [&](const auto& labels, const auto& check) { out.time(labels, check.last_run); });
        }};
    return kAll;
}

}  // namespace mainstay::report
