// The state document as metrics: Prometheus text format 0.0.4 or OpenMetrics 1.0. docs/metrics.md has every metric.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "document.hpp"
#include "mainstay/base/error.hpp"

namespace mainstay::report {

// Names of other exporters, in addition to mainstay's own, so that existing dashboards and alert rules work.
enum class MetricSet : std::uint8_t {
    Own,
    Servers,       // own ones too: a series for each real server and check, with scope=servers
    Mehdy,         // mehdy/keepalived-exporter
    Mehdy2020,     // its first names, which its published dashboard still uses
    Gen2brain,     // gen2brain/keepalived_exporter
    NodeExporter,  // the IPVS collector of node_exporter
};

struct MetricsOptions {
    bool servers = false;  // scope=servers; else sums for each service
    bool mehdy = false, mehdy_2020 = false, gen2brain = false, node_exporter = false;
    bool mehdy_state = false;  // mehdy's counters get the label `state` of its old releases; it includes `mehdy`
    bool openmetrics = false;
    bool operator==(const MetricsOptions&) const = default;
};

// What `target`, the path and query of a request, and the Accept header ask for:
// /metrics?scope=services|servers&compat=mehdy,gen2brain&format=text|openmetrics. An error: an unknown parameter or
// value, which it names. The sets mehdy and mehdy-2020 together are text only, because in OpenMetrics some of their
// names collide.
[[nodiscard]] Result<MetricsOptions> metrics_options(std::string_view target, std::string_view accept);
[[nodiscard]] bool is_metrics(std::string_view target);  // the path is /metrics
[[nodiscard]] std::string content_type(const MetricsOptions& options);

// In pieces: with a series for each of tens of thousands of servers they have as many megabytes.
[[nodiscard]] Generator<std::string> metrics_pieces(std::shared_ptr<const DaemonStatus> status, MetricsOptions options);
[[nodiscard]] std::string metrics(const DaemonStatus& status, const MetricsOptions& options);

struct MetricFamily {
    enum class Type : std::uint8_t { Gauge, Counter, Histogram, Info };
    std::string_view name;  // of its series; a histogram's without _bucket, _sum and _count
    Type type = Type::Gauge;
    MetricSet set = MetricSet::Own;
    std::string_view labels;  // "instance, interface"
    std::string_view per;     // how many series there are: "instance x 4"
    std::string_view help;
};
// All that metrics can hold, in its order.
[[nodiscard]] std::span<const MetricFamily> metric_families();
// The tables of docs/metrics.md.
[[nodiscard]] std::string metrics_reference();

}  // namespace mainstay::report
