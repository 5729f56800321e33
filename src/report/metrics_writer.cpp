#include "metrics_writer.hpp"

#include <algorithm>

#include "mainstay/base/text.hpp"

namespace mainstay::report {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

std::string_view word_of(const MetricFamily& family, bool openmetrics) {
    using enum MetricFamily::Type;
    switch (family.type) {
        case Gauge:
            return "gauge";
        case Histogram:
            return "histogram";
        case Info:
            return openmetrics ? "info" : "gauge";
        case Counter:
            break;
    }
    // An OpenMetrics counter ends in _total; the names of some exporters do not.
    return openmetrics && !family.name.ends_with("_total") ? "unknown" : "counter";
}

// OpenMetrics names a family without the suffix of its samples.
std::string_view family_name(const MetricFamily& family, bool openmetrics) {
    using enum MetricFamily::Type;
    std::string_view name = family.name;
    if (openmetrics && family.type == Counter && name.ends_with("_total")) name.remove_suffix(6);
    if (openmetrics && family.type == Info) name.remove_suffix(5);  // _info
    return name;
}

std::string_view unit_of(std::string_view name) {
    for (const std::string_view unit : {"seconds", "bytes"})
        if (name.size() > unit.size() && name.ends_with(unit) && name[name.size() - unit.size() - 1] == '_')
            return unit;
    return {};
}

}  // namespace

std::string escape_label(std::string_view value) {
    std::string out;
    out.reserve(value.size());
    while (!value.empty()) {
        const std::size_t length = utf8_length(value);
        if (length == 0)
            out += kReplacement;
        else if (value[0] == '\n')
            out += "\\n";
        else if (value[0] == '\\' || value[0] == '"')
            (out += '\\') += value[0];
        else
            out += value.substr(0, length);
        value.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return out;
}

// With a series for each server there are hundreds of thousands of them in one answer.
void Labels::add(std::string_view name, std::string_view value) {
    const bool plain = std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~' && c != '\\' && c != '"'; });
    if (!text_.empty()) text_ += ',';
    (text_ += name) += "=\"";
    plain ? text_ += value : text_ += escape_label(value);
    text_ += '"';
}

Labels Labels::with(std::string_view name, std::string_view value) const {
    Labels more;
    more.text_.reserve(text_.size() + name.size() + value.size() + 4);  // a comma, an equals sign, two quotes
    more.text_ += text_;
    more.add(name, value);
    return more;
}

std::string seconds_text(std::int64_t micros) {
    constexpr std::int64_t kSecond = 1'000'000;
    const std::uint64_t size = micros < 0 ? 0 - static_cast<std::uint64_t>(micros) : static_cast<std::uint64_t>(micros);
    std::string text = fmt::format("{}{}", micros < 0 ? "-" : "", size / kSecond);
    if (size % kSecond == 0) return text;
    text += fmt::format(".{:06}", size % kSecond);
    while (text.back() == '0') text.pop_back();
    return text;
}

void MetricsWriter::family(std::string_view name) {
    const auto all = metric_families();
    const auto found = std::ranges::find(all, name, &MetricFamily::name);
    // One without a row is a mistake of ours; a test compares the families of an answer with the rows.
    const MetricFamily family = found != all.end() ? *found : MetricFamily{.name = name};
    name_ = name;
    const auto shown = family_name(family, openmetrics_);
    fmt::format_to(std::back_inserter(out_), "# HELP {} {}\n# TYPE {} {}\n", shown, family.help, shown,
                   word_of(family, openmetrics_));
    if (const auto unit = unit_of(shown); openmetrics_ && !unit.empty())
        fmt::format_to(std::back_inserter(out_), "# UNIT {} {}\n", shown, unit);
}

void MetricsWriter::put(std::string_view suffix, const Labels& labels, std::string_view value) {
    out_ += name_;
    out_ += suffix;
    if (!labels.text().empty()) ((out_ += '{') += labels.text()) += '}';
    ((out_ += ' ') += value) += '\n';
}

std::string MetricsWriter::finish() {
    if (openmetrics_) out_ += "# EOF\n";
    return std::move(out_);
}

}  // namespace mainstay::report
