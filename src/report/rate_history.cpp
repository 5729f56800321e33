#include "mainstay/report/rate_history.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace mainstay::report {
namespace {

using json = nlohmann::ordered_json;

constexpr float kNoRate = std::numeric_limits<float>::quiet_NaN();
constexpr double kKept = 0.995;              // of a score from one sample to the next: half of it after 23 minutes
constexpr double kBytesOfConnection = 1000;  // a new connection counts as much as so many bytes
constexpr double kMuchBusier = 2;            // before a series is given to another virtual server

double busyness(const netlink::IpvsStats& stats) {
    return static_cast<double>(stats.in_bps) + static_cast<double>(stats.out_bps) +
           static_cast<double>(stats.cps) * kBytesOfConnection;
}

// Whole numbers, as the kernel has them: thousands of them are sent.
json number(float value) {
    if (std::isnan(value)) return nullptr;
    return static_cast<std::int64_t>(std::llround(static_cast<double>(value)));
}

}  // namespace

RateHistory::RateHistory() : times_(kRateSamples, 0) { total_.rates.resize(kRateSamples, {kNoRate, kNoRate, kNoRate}); }

void RateHistory::add(const LvsStatus& lvs, WallTime at) {
    if (!lvs.traffic) return;
    const std::size_t counted = std::min({lvs.services.size(), lvs.traffic->size(), kRateScoresMax});
    Scores next;
    for (std::size_t i = 0; i < counted; ++i) {
        const auto before = scores_.find(lvs.services[i].name);
        next[lvs.services[i].name] =
            (before == scores_.end() ? 0 : before->second * kKept) + busyness((*lvs.traffic)[i].stats);
    }
    scores_ = std::move(next);
    choose_series();
    times_[next_] = at.unix_us / 1'000'000;
    std::map<std::string_view, Rates*> rooms;
    for (Series& series : services_) {
        series.rates[next_] = {kNoRate, kNoRate, kNoRate};
        rooms.emplace(series.name, &series.rates[next_]);
    }
    Rates sum;
    for (std::size_t i = 0; i < std::min(lvs.services.size(), lvs.traffic->size()); ++i) {
        const auto& stats = (*lvs.traffic)[i].stats;
        const Rates rates{static_cast<float>(stats.cps), static_cast<float>(stats.in_bps),
                          static_cast<float>(stats.out_bps)};
        sum.connections += rates.connections;
        sum.in_bytes += rates.in_bytes;
        sum.out_bytes += rates.out_bytes;
        if (const auto room = rooms.find(lvs.services[i].name); room != rooms.end()) *room->second = rates;
    }
    total_.rates[next_] = sum;
    next_ = (next_ + 1) % kRateSamples;
    filled_ = std::min(filled_ + 1, kRateSamples);
}

// A virtual server that is gone keeps its series until a busier one needs the room.
void RateHistory::choose_series() {
    std::vector<std::pair<double, std::string_view>> others;
    for (const auto& [name, score] : scores_) others.emplace_back(score, name);
    for (Series& series : services_) {
        const auto found = scores_.find(series.name);
        series.score = found == scores_.end() ? series.score * kKept : found->second;
    }
    std::erase_if(others, [&](const auto& one) {
        return std::ranges::find(services_, one.second, &Series::name) != services_.end();
    });
    std::ranges::sort(others, [](const auto& a, const auto& b) {
        return a.first > b.first || (a.first == b.first && a.second < b.second);
    });
    for (const auto& [score, name] : others) {
        const bool is_room = services_.size() < kRateSeriesMax;
        if (!is_room && score <= std::ranges::min(services_, {}, &Series::score).score * kMuchBusier) break;
        give_series(std::string{name}, score);
    }
}

void RateHistory::give_series(const std::string& name, double score) {
    if (services_.size() == kRateSeriesMax) services_.erase(std::ranges::min_element(services_, {}, &Series::score));
    services_.push_back({.name = name, .score = score, .rates = {}});
    services_.back().rates.resize(kRateSamples, {kNoRate, kNoRate, kNoRate});
}

std::optional<std::string> RateHistory::to_json(std::string_view service, std::int64_t after_unix_s) const {
    const auto found = std::ranges::find(services_, service, &Series::name);
    if (!service.empty() && found == services_.end()) return std::nullopt;
    const auto& rates = service.empty() ? total_.rates : found->rates;
    std::vector<const Series*> order;
    for (const Series& one : services_) order.push_back(&one);
    std::ranges::stable_sort(order, std::ranges::greater{}, &Series::score);
    json out{{"every_s", kRateSampleEvery.count()},
             {"service", service.empty() ? json{} : json(std::string{service})},
             {"services", json::array()}};
    for (const Series* one : order) out["services"].push_back(one->name);
    json at = json::array(), connections = at, in_bytes = at, out_bytes = at;
    for (std::size_t i = 0; i < filled_; ++i) {
        const std::size_t place = (next_ + kRateSamples - filled_ + i) % kRateSamples;
        if (times_[place] <= after_unix_s) continue;
        at.push_back(times_[place]);
        connections.push_back(number(rates[place].connections));
        in_bytes.push_back(number(rates[place].in_bytes));
        out_bytes.push_back(number(rates[place].out_bytes));
    }
    out["at_unix_s"] = std::move(at);
    out["connections_per_s"] = std::move(connections);
    out["in_bytes_per_s"] = std::move(in_bytes);
    out["out_bytes_per_s"] = std::move(out_bytes);
    return out.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace mainstay::report
