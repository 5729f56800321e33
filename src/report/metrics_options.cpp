// What a request for metrics asks for: the query of its target, and its Accept header (RFC 9110, section 12.5.1).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "mainstay/report/metrics.hpp"

namespace mainstay::report {
namespace {

constexpr std::string_view kPath = "/metrics";
constexpr std::string_view kOpenMetrics = "application/openmetrics-text";

// Removes what is before `separator` from `rest`, and returns it; all of it, if there is no separator.
std::string_view take_until(std::string_view& rest, char separator) {
    const auto end = rest.find(separator);
    const auto part = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    return part;
}

std::string_view trimmed(std::string_view text) {
    const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

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
    take_until(target, '?');
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
