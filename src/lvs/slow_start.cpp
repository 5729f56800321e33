#include "slow_start.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "judge_text.hpp"
#include "mainstay/lvs/settings.hpp"

namespace mainstay::lvs {
namespace {

constexpr std::int64_t kGrowthSteps = 20;  // writes to the table until the full weight, at most

}  // namespace

std::optional<RampStep> ramp_at(std::int64_t full, Micros time, Nanos since_up) {
    using Fraction = std::chrono::duration<double>;
    const double share = time.count() <= 0 ? 1.0 : Fraction(since_up) / Fraction(time);
    if (full <= 1 || share >= 1.0) return std::nullopt;
    constexpr double kHair = 1e-9;  // compensates rounding errors
    const auto whole = static_cast<double>(full);
    const auto current = std::max<std::int64_t>(1, static_cast<std::int64_t>(whole * share + kHair));
    const std::int64_t step = std::max<std::int64_t>(1, full / kGrowthSteps);
    const std::int64_t next = std::min(full, (current / step + 1) * step);
    return RampStep{current, std::chrono::ceil<Micros>(Fraction(time) * (static_cast<double>(next) / whole))};
}

void SlowStart::begin(Services& services, const ServerRef& ref, Instant now, Intents& out) {
    auto& server = services.state_at(ref);
    const Micros time = slow_start_of(services.configs[ref.service], services.config_at(ref));
    server.between.change(grow_no_more);
    if (time.count() <= 0 || server.hold != Hold::None || server.weight <= 1) return;
    server.between.edit().grows_since = now;
    out.push_back(
        log_line(LogLevel::Info,
                 fmt::format("Slow start of service {} of VS {}: its weight grows to {} in {}", services.name(ref),
                             services.name(ref.service), server.weight, seconds_text(time))));
    follow(services, ref, now);
}

bool SlowStart::follow(Services& services, const ServerRef& ref, Instant now) {
    auto& server = services.state_at(ref);
    if (!server.between->grows_since) return false;
    const Instant since = *server.between->grows_since;
    const auto before = server.between->growing_weight;
    const Micros time = slow_start_of(services.configs[ref.service], services.config_at(ref));
    const auto step = server.alive ? ramp_at(clamp_weight(server.weight), time, now - since) : std::nullopt;
    if (!step) {
        server.between.change(grow_no_more);
        return before.has_value();
    }
    steps_.emplace(since + step->next, ref);
    server.between.edit().growing_weight = step->weight;
    return before != step->weight;
}

void SlowStart::on_deadline(Services& services, Instant now, Intents& out) {
    while (!steps_.empty() && steps_.begin()->first <= now) {
        const ServerRef ref = steps_.begin()->second;
        steps_.erase(steps_.begin());
        if (follow(services, ref, now)) out.emplace_back(TableChanged{ref.service});
    }
}

void SlowStart::rearm(Services& services, Instant now) {
    steps_.clear();
    for (std::size_t v = 0; v < services.size(); ++v)
        for (std::size_t s = 0; s < services.states[v].servers.size(); ++s) follow(services, {v, s}, now);
}

bool SlowStart::is_within(const Services& services) const {
    return std::ranges::all_of(steps_, [&](const auto& step) {
        const ServerRef& ref = step.second;
        return ref.service < services.size() && ref.server < services.states[ref.service].servers.size();
    });
}

std::optional<Instant> SlowStart::deadline() const {
    return steps_.empty() ? std::nullopt : std::optional{steps_.begin()->first};
}

}  // namespace mainstay::lvs
