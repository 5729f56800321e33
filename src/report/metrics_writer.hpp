// Writes metric families: HELP, TYPE and UNIT lines, and samples with their labels, in either format.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "mainstay/base/histogram.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/report/metrics.hpp"

namespace mainstay::report {

// The text of a label's value: backslash, quotation mark and line feed are escaped; bytes that are not UTF-8 become
// U+FFFD.
[[nodiscard]] std::string escape_label(std::string_view value);

// `instance="VI_1",interface="eth0"`: what stands between the braces.
class Labels {
public:
    Labels() = default;
    Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) {
        for (const auto& [name, value] : pairs) add(name, value);
    }
    void add(std::string_view name, std::string_view value);
    [[nodiscard]] Labels with(std::string_view name, std::string_view value) const;
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    std::string text_;
};

// Seconds, as text without an exponent: "1795163876.5".
[[nodiscard]] std::string seconds_text(std::int64_t micros);

class MetricsWriter {
public:
    explicit MetricsWriter(bool openmetrics) : openmetrics_{openmetrics} {}

    // The samples that follow belong to the family of this name, which metric_families() must have.
    void family(std::string_view name);
    void sample(const Labels& labels, std::uint64_t value) { put({}, labels, fmt::format_int{value}.c_str()); }
    void sample(const Labels& labels, std::int64_t value) { put({}, labels, fmt::format_int{value}.c_str()); }
    void sample(const Labels& labels, bool value) { put({}, labels, value ? "1" : "0"); }
    void seconds(const Labels& labels, Micros value) { put({}, labels, seconds_text(value.count())); }
    // Nothing, if the time is not known.
    void time(const Labels& labels, WallTime at) {
        if (at.unix_us > 0) put({}, labels, seconds_text(at.unix_us));
    }
    template <const auto& kBounds>
    void histogram(const Labels& labels, const Histogram<kBounds>& h) {
        std::uint64_t count = 0;
        for (std::size_t i = 0; i < h.counts.size(); ++i) {
            count += h.counts[i];
            const std::string bound = i < kBounds.size() ? seconds_text(kBounds[i].count()) : "+Inf";
            put("_bucket", labels.with("le", bound), fmt::format_int{count}.c_str());
        }
        put("_sum", labels, seconds_text(static_cast<std::int64_t>(h.sum_us)));
        put("_count", labels, fmt::format_int{count}.c_str());
    }
    // What was written since the last time.
    [[nodiscard]] std::string take() { return std::exchange(out_, {}); }
    [[nodiscard]] std::string finish();  // the same, with the end of the text

private:
    void put(std::string_view suffix, const Labels& labels, std::string_view value);

    bool openmetrics_;
    std::string name_;
    std::string out_;
};

}  // namespace mainstay::report
