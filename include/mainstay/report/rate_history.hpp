// The traffic of the last hours, for the page's graphs: one sample every kRateSampleEvery of the sum over all virtual
// servers and of the busiest ones. Memory is fixed: (kRateSeriesMax + 1) * kRateSamples * 12 bytes, below 1 MB. It is
// lost when the observer restarts. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/time.hpp"
#include "status.hpp"

namespace mainstay::report {

inline constexpr Seconds kRateSampleEvery{10};
inline constexpr std::size_t kRateSamples = 2160;    // six hours
inline constexpr std::size_t kRateSeriesMax = 32;    // of virtual servers
inline constexpr std::size_t kRateScoresMax = 8192;  // virtual servers that are considered for a series

class RateHistory {
public:
    RateHistory();

    // One sample. Without traffic in `lvs` nothing is added. The rates are those of the kernel, which smooths them.
    void add(const LvsStatus& lvs, WallTime at);

    // {"every_s":10,"service":null,"services":["NAME",...],"at_unix_s":[...],"connections_per_s":[...],
    // "in_bytes_per_s":[...],"out_bytes_per_s":[...]}, oldest first, only samples after `after_unix_s`; null where
    // there was none. `service` empty: the sum. None: there is no series of this virtual server.
    [[nodiscard]] std::optional<std::string> to_json(std::string_view service, std::int64_t after_unix_s) const;

private:
    struct Rates {
        float connections = 0, in_bytes = 0, out_bytes = 0;  // per second; NaN: no sample
    };
    struct Series {
        std::string name;
        double score = 0;  // how busy it was, most of all in the last half hour
        std::vector<Rates> rates;
    };
    using Scores = std::map<std::string, double, std::less<>>;
    void choose_series();
    void give_series(const std::string& name, double score);

    std::vector<std::int64_t> times_;  // Unix seconds; a ring, as each series
    std::size_t next_ = 0, filled_ = 0;
    Series total_;
    std::vector<Series> services_;  // at most kRateSeriesMax
    Scores scores_;                 // of the virtual servers of the last sample
};

}  // namespace mainstay::report
