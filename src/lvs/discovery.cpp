#include "mainstay/lvs/discovery.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace mainstay::lvs {
namespace {

constexpr std::size_t kPercent = 100;

// One may always go, unless none may: the only address of a name moves, and a tenth of five servers is none.
std::size_t most_removed(std::uint32_t percent, std::size_t servers) {
    return percent == 0 ? 0 : std::max<std::size_t>(1, percent * servers / kPercent);
}

auto place_of(const KnownServer& server) { return std::tie(server.address, server.port); }

KnownServers sorted(KnownServers servers) {
    std::ranges::sort(servers, [](const auto& a, const auto& b) { return place_of(a) < place_of(b); });
    return servers;
}

}  // namespace

std::size_t removed_servers(const KnownServers& before, const KnownServers& after) {
    std::size_t removed = 0;
    auto at = after.begin();
    for (const KnownServer& server : before) {
        while (at != after.end() && place_of(*at) < place_of(server)) ++at;
        if (at == after.end() || place_of(*at) != place_of(server)) ++removed;
    }
    return removed;
}

HoldReason DiscoveredSet::judge(const KnownServers& servers) const {
    if (servers.empty()) return HoldReason::Empty;
    if (servers_.empty()) return HoldReason::None;
    if (servers.size() < rules_.min_servers) return HoldReason::TooFew;
    if (removed_servers(servers_, servers) > most_removed(rules_.max_removal, servers_.size()))
        return HoldReason::TooManyRemoved;
    return HoldReason::None;
}

void DiscoveredSet::recall(KnownServers servers, std::optional<WallTime> last_good) {
    if (has_answer_) return;
    put_in_force(sorted(std::move(servers)));
    last_good_ = last_good;
}

void DiscoveredSet::answer(KnownServers servers, Instant now, WallTime wall) {
    if (std::exchange(failing_, false) && held_) held_->since = now;
    take(sorted(std::move(servers)), now, wall);
}

void DiscoveredSet::take(KnownServers servers, Instant now, WallTime wall) {
    if (in_force_ && servers == servers_) {
        waiting_.reset();
        held_.reset();
        has_answer_ = true;
        last_good_ = wall;
        return;
    }
    const HoldReason reason = judge(servers);
    if (reason != HoldReason::None) {
        if (held_ && held_->servers == servers) {
            held_->reason = reason;
            return;
        }
        held_ = Held{std::move(servers), reason, now, wall};
        ++holds_;
        return;
    }
    held_.reset();
    const Instant due = waiting_ ? waiting_->due : has_answer_ ? now + rules_.debounce : now;
    waiting_ = Waiting{std::move(servers), due, wall};
    last_good_ = wall;
}

void DiscoveredSet::set_rules(const config::DiscoveryRules& rules, Instant now) {
    if (rules == rules_) return;
    rules_ = rules;
    if (waiting_) waiting_->due = std::min(waiting_->due, now + rules_.debounce);
    if (waiting_ && judge(waiting_->servers) != HoldReason::None) {
        Waiting waiting = *std::exchange(waiting_, {});
        if (!held_) take(std::move(waiting.servers), now, waiting.wall);
    }
    if (!held_) return;
    if (const HoldReason reason = judge(held_->servers); reason != HoldReason::None) {
        held_->reason = reason;
    } else if (!failing_) {
        Held held = *std::exchange(held_, {});
        take(std::move(held.servers), now, held.since_wall);
    }
}

void DiscoveredSet::put_in_force(KnownServers servers) {
    servers_ = std::move(servers);
    in_force_ = true;
}

bool DiscoveredSet::step(Instant now) {
    if (waiting_ && waiting_->due <= now) {
        put_in_force(std::exchange(waiting_, {})->servers);
        has_answer_ = true;
        if (held_) held_->reason = judge(held_->servers);
        if (held_ && held_->reason == HoldReason::None) {  // next to the new servers it is none too small any more
            Held held = *std::exchange(held_, {});
            take(std::move(held.servers), now, held.since_wall);
        }
        return true;
    }
    const auto until = held_until();
    if (!until || *until > now) return false;
    waiting_.reset();
    last_good_ = held_->since_wall;
    put_in_force(std::exchange(held_, {})->servers);
    has_answer_ = true;
    return true;
}

std::optional<Instant> DiscoveredSet::held_until() const {
    if (!held_ || failing_) return std::nullopt;
    const Micros limit = held_->reason == HoldReason::TooManyRemoved ? rules_.hold_time : rules_.hold_empty;
    if (limit == Micros{0}) return std::nullopt;
    return held_->since + limit;
}

std::optional<Instant> DiscoveredSet::deadline() const {
    const auto until = held_until();
    if (!waiting_) return until;
    return until ? std::min(*until, waiting_->due) : waiting_->due;
}

std::optional<WallTime> DiscoveredSet::held_since() const {
    return held_ ? std::optional{held_->since_wall} : std::nullopt;
}

}  // namespace mainstay::lvs
