#include "mainstay/report/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <string>

#include "mainstay/base/text.hpp"
#include "mainstay/report/problems.hpp"
#include "metrics_parts.hpp"

namespace mainstay::report {
namespace {

void put_processes(MetricsWriter& out, const Supervision& supervision) {
    out.family("mainstay_up");
    out.sample({}, std::ranges::all_of(supervision.processes, &ProcessStatus::ready));
    out.family("mainstay_start_time_seconds");
    out.time({}, supervision.since);
    Labelled<ProcessStatus> processes;
    for (const auto& process : supervision.processes) processes.add({{"process", process.role}}, process);
    put_each(out, "mainstay_process_up", processes, [](const auto& p) { return p.ready; });
    put_each(out, "mainstay_process_ends_total", processes, [](const auto& p) { return p.ends; });
    Labelled<LogLoss> losses;
    for (const auto& one : supervision.log_losses) losses.add({{"process", one.process}}, one);
    put_each(out, "mainstay_log_lines_lost_total", losses, [](const auto& l) { return l.lines; });
}

void put_reloads(MetricsWriter& out, const ReloadResults& reloads) {
    const Labels done{{"result", "done"}}, refused{{"result", "refused"}};
    out.family("mainstay_reloads_total");
    out.sample(done, reloads.done);
    out.sample(refused, reloads.refused);
    out.family("mainstay_reload_last_timestamp_seconds");
    out.time(done, reloads.last_done);
    out.time(refused, reloads.last_refused);
    out.family("mainstay_reload_last_successful");
    out.sample({}, reloads.is_last_done());
}

void put_mail(MetricsWriter& out, const DaemonStatus& status) {
    out.family("mainstay_mail_enabled");
    out.sample({}, status.mail_enabled);
    static constexpr struct {
        std::string_view family;
        std::uint64_t MailCounters::* value;
    } kNumbers[] = {{"mainstay_mail_queued", &MailCounters::queued},
                    {"mainstay_mail_in_memory", &MailCounters::unsaved},
                    {"mainstay_mail_sent_total", &MailCounters::sent},
                    {"mainstay_mail_failed_total", &MailCounters::failed},
                    {"mainstay_mail_retries_total", &MailCounters::retries},
                    {"mainstay_mail_digests_total", &MailCounters::digests},
                    {"mainstay_mail_dropped_total", &MailCounters::refused_by_spool}};
    for (const auto& number : kNumbers) {
        out.family(number.family);
        out.sample({}, status.mail.*number.value);
    }
}

void put_webhooks(MetricsWriter& out, const WebhooksStatus& webhooks) {
    Labelled<WebhookStatus> receivers;
    for (const auto& one : webhooks.receivers) receivers.add({{"webhook", one.name}}, one);
    put_each(out, "mainstay_webhook_queued", receivers, [](const auto& w) { return w.queued; });
    put_each(out, "mainstay_webhook_sent_total", receivers, [](const auto& w) { return w.sent; });
    put_each(out, "mainstay_webhook_failed_total", receivers, [](const auto& w) { return w.failed; });
    put_each(out, "mainstay_webhook_retries_total", receivers, [](const auto& w) { return w.retries; });
    put_each(out, "mainstay_webhook_dropped_total", receivers, [](const auto& w) { return w.dropped; });
    out.family("mainstay_webhook_files_in_memory");
    out.sample({}, webhooks.unsaved);
}

void put_problems(MetricsWriter& out, const DaemonStatus& status) {
    std::map<ProblemKind, std::uint64_t> counts;
    for (const auto& problem : problems(status)) ++counts[problem.kind];
    out.family("mainstay_problems");
    for (const auto& row : problem_rows())
        out.sample({{"kind", row.name}, {"severity", row.severity()}}, counts[row.kind]);
}

void put_daemon(MetricsWriter& out, const DaemonStatus& status) {
    out.family("mainstay_build_info");
    out.sample({{"version", status.version}}, true);
    if (status.supervision) put_processes(out, *status.supervision);
    out.family("mainstay_config_generation");
    out.sample({}, status.generation);
    if (status.supervision) put_reloads(out, status.supervision->reloads);
    put_problems(out, status);
    out.family("mainstay_events_lost_total");
    out.sample({}, status.events_lost);
    put_mail(out, status);
    if (status.webhooks) put_webhooks(out, *status.webhooks);
}

}  // namespace

Generator<std::string> metrics_pieces(std::shared_ptr<const DaemonStatus> shared, MetricsOptions options) {
    const auto& status = *shared;
    MetricsWriter out{options.openmetrics};
    const auto instances = labelled_instances(status);
    const auto services = labelled_services(status);
    std::uint64_t left_out = instances.left_out() + services.left_out();
    put_daemon(out, status);
    if (status.vrrp) put_vrrp(out, *status.vrrp, instances);
    if (status.bfd) put_bfd(out, *status.bfd);
    if (status.lvs) put_lvs(out, status, *status.lvs, services);
    if (status.lvs && options.servers) {
        ServerSeries servers{*status.lvs, services};
        left_out += servers.left_out();
        for (const auto put : ServerSeries::families()) {
            servers.begin();
            do {
                put(servers, out);
                co_yield out.take();
            } while (servers.next());
        }
    }
    out.family("mainstay_metrics_left_out");
    out.sample({}, left_out);
    put_compat(out, status, options);
    co_yield out.finish();
}

std::string metrics(const DaemonStatus& status, const MetricsOptions& options) {
    return joined(metrics_pieces({std::shared_ptr<void>{}, &status}, options));
}

// What a request for metrics asks for: the query of its target, and its Accept header (RFC 9110, section 12.5.1).

namespace {

constexpr std::string_view kPath = "/metrics";
constexpr std::string_view kOpenMetrics = "application/openmetrics-text";

// In thousandths, as the header has at most three decimals; a malformed one counts as 0.
int quality_of(std::string_view parameters) {
    while (!parameters.empty()) {
        const auto parameter = trimmed(take_until(parameters, ';'));
        if (!parameter.starts_with("q=")) continue;
        double quality = 0;
        const auto text = parameter.substr(2);
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), quality);
        const bool good = error == std::errc{} && end == text.data() + text.size() && quality >= 0 && quality <= 1;
        return good ? static_cast<int>(quality * 1000) : 0;
    }
    return 1000;
}

bool wants_openmetrics(std::string_view accept) {
    int open = 0, text = 0;
    while (!accept.empty()) {
        auto range = take_until(accept, ',');
        const auto type = trimmed(take_until(range, ';'));
        if (type == kOpenMetrics) open = std::max(open, quality_of(range));
        if (type == "text/plain" || type == "text/*") text = std::max(text, quality_of(range));
    }
    return open > 0 && open >= text;
}

std::unexpected<Error> unknown(std::string_view what, std::string_view value, std::string_view known) {
    return std::unexpected{Error{Errc::Invalid, fmt::format("unknown {} \"{}\"; known: {}", what, value, known)}};
}

Result<void> add_compat(MetricsOptions& options, std::string_view list) {
    static constexpr struct {
        std::string_view name;
        bool MetricsOptions::* set;
    } kSets[] = {{"mehdy", &MetricsOptions::mehdy},
                 {"mehdy-state", &MetricsOptions::mehdy_state},
                 {"mehdy-2020", &MetricsOptions::mehdy_2020},
                 {"gen2brain", &MetricsOptions::gen2brain},
                 {"node_exporter", &MetricsOptions::node_exporter}};
    while (!list.empty()) {
        const auto name = take_until(list, ',');
        const auto* const found = std::ranges::find(kSets, name, [](const auto& one) { return one.name; });
        if (found == std::end(kSets))
            return unknown("compat", name, "mehdy, mehdy-state, mehdy-2020, gen2brain, node_exporter");
        options.*found->set = true;
    }
    options.mehdy = options.mehdy || options.mehdy_state;
    return {};
}

Result<void> add(MetricsOptions& options, std::string_view name, std::string_view value) {
    if (name == "scope") {
        if (value != "services" && value != "servers") return unknown("scope", value, "services, servers");
        options.servers = value == "servers";
    } else if (name == "format") {
        if (value != "text" && value != "openmetrics") return unknown("format", value, "text, openmetrics");
        options.openmetrics = value == "openmetrics";
    } else if (name == "compat") {
        return add_compat(options, value);
    } else {
        return unknown("parameter", name, "scope, compat, format");
    }
    return {};
}

}  // namespace

bool is_metrics(std::string_view target) { return target.substr(0, target.find('?')) == kPath; }

Result<MetricsOptions> metrics_options(std::string_view target, std::string_view accept) {
    MetricsOptions options;
    options.openmetrics = wants_openmetrics(accept);
    (void)take_until(target, '?');
    while (!target.empty()) {
        auto value = take_until(target, '&');
        const auto name = take_until(value, '=');
        if (name.empty()) continue;
        if (const auto added = add(options, name, value); !added) return error_of(added);
    }
    if (options.mehdy && options.mehdy_2020) options.openmetrics = false;
    return options;
}

std::string content_type(const MetricsOptions& options) {
    return options.openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                               : "text/plain; version=0.0.4; charset=utf-8";
}

}  // namespace mainstay::report
