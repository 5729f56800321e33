#include "mainstay/report/rate_history.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

using namespace mainstay;
using namespace mainstay::report;
using nlohmann::json;

namespace {

constexpr std::int64_t kBegin = 1'795'163'866;

// Virtual servers S0, S1 ... with these bytes per second, in; out is twice, connections a tenth.
LvsStatus serving(const std::vector<std::uint64_t>& in, std::size_t first = 0) {
    LvsStatus status;
    status.traffic.emplace();
    for (std::size_t i = 0; i < in.size(); ++i) {
        status.services.push_back({.name = fmt::format("S{}", first + i), .key = {}});
        ServiceTraffic traffic;
        traffic.stats.cps = in[i] / 10;
        traffic.stats.in_bps = in[i];
        traffic.stats.out_bps = 2 * in[i];
        status.traffic->push_back(std::move(traffic));
    }
    return status;
}

WallTime at_sample(std::int64_t sample) { return {(kBegin + sample * 10) * 1'000'000}; }

json shown(const RateHistory& history, std::string_view service = {}, std::int64_t after = 0) {
    const auto text = history.to_json(service, after);
    return text ? json::parse(*text) : json{};
}

}  // namespace

TEST_CASE("without a sample there are times for nothing") {
    CHECK(RateHistory{}.to_json("", 0) ==
          "{\"every_s\":10,\"service\":null,\"services\":[],\"at_unix_s\":[],\"connections_per_s\":[],"
          "\"in_bytes_per_s\":[],\"out_bytes_per_s\":[]}\n");
    CHECK_FALSE(RateHistory{}.to_json("S0", 0).has_value());
}

TEST_CASE("each virtual server has its rates, and all together their sum") {
    RateHistory history;
    history.add(serving({100, 30}), at_sample(0));
    history.add(LvsStatus{}, at_sample(1));  // the counters were not read
    history.add(serving({200, 0}), at_sample(2));

    CHECK(history.to_json("", 0) ==
          "{\"every_s\":10,\"service\":null,\"services\":[\"S0\",\"S1\"],\"at_unix_s\":[1795163866,1795163886],"
          "\"connections_per_s\":[13,20],\"in_bytes_per_s\":[130,200],\"out_bytes_per_s\":[260,400]}\n");
    CHECK(shown(history, "S1")["in_bytes_per_s"] == json{30, 0});
    CHECK(shown(history, "S1")["service"] == "S1");
    CHECK(shown(history, "", kBegin)["at_unix_s"] == json::array({kBegin + 20}));
    CHECK(shown(history, "S2").is_null());
}

TEST_CASE("a virtual server that comes later has no rates before, and one that is gone none afterwards") {
    RateHistory history;
    history.add(serving({10}), at_sample(0));
    history.add(serving({10, 20}), at_sample(1));
    history.add(serving({20}, 1), at_sample(2));

    CHECK(shown(history, "S0")["in_bytes_per_s"] == json{10, 10, nullptr});
    CHECK(shown(history, "S1")["in_bytes_per_s"] == json{nullptr, 20, 20});
    CHECK(shown(history)["in_bytes_per_s"] == json{10, 30, 20});
}

TEST_CASE("what is older than the memory reaches is forgotten") {
    RateHistory history;
    for (std::size_t i = 0; i < kRateSamples + 5; ++i)
        history.add(serving({i}), at_sample(static_cast<std::int64_t>(i)));

    const auto all = shown(history);
    REQUIRE(all["at_unix_s"].size() == kRateSamples);
    CHECK(all["at_unix_s"].front() == kBegin + 50);
    CHECK(all["in_bytes_per_s"].front() == 5);
    CHECK(all["in_bytes_per_s"].back() == kRateSamples + 4);
    CHECK(shown(history, "S0")["in_bytes_per_s"] == all["in_bytes_per_s"]);
}

TEST_CASE("of very many virtual servers the busiest have series, and give them up to much busier ones only") {
    RateHistory history;
    std::vector<std::uint64_t> rates(kRateSeriesMax + 2, 1000);
    rates[3] = 500;
    rates.back() = 900;
    history.add(serving(rates), at_sample(0));
    REQUIRE(shown(history)["services"].size() == kRateSeriesMax);
    CHECK(shown(history, "S3").is_null());
    CHECK(shown(history, fmt::format("S{}", kRateSeriesMax + 1)).is_null());
    CHECK(shown(history)["in_bytes_per_s"] == json::array({(kRateSeriesMax) * 1000 + 500 + 900}));

    rates[3] = 1900;  // the sum of what it had is below twice that of the least busy series
    history.add(serving(rates), at_sample(1));
    CHECK(shown(history, "S3").is_null());

    rates[3] = 100'000;
    history.add(serving(rates), at_sample(2));
    CHECK(shown(history)["services"].size() == kRateSeriesMax);
    CHECK(shown(history)["services"].front() == "S3");
    CHECK(shown(history, "S3")["in_bytes_per_s"] == json{nullptr, nullptr, 100'000});
}
