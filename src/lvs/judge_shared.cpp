// share_probe: equal checks of several services run once, and all of them take the result. The check that is due first
// leads; the others follow it and are due with it from then on.
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "judge_text.hpp"
#include "mainstay/lvs/judge.hpp"
#include "questions.hpp"

namespace mainstay::lvs {
namespace {

// Equal for equal probes; what it leaves out is compared afterwards.
std::string bucket_of(const config::Checker& checker) {
    return fmt::format("{} {} {} {}", keyword_of(checker.type), checker.target.to_string(),
                       checker.urls.empty() ? std::string{} : checker.urls->front().path,
                       checker.misc_path->argv.empty() ? std::string{} : checker.misc_path->argv.front());
}

}  // namespace

void Judge::group_checkers() {
    std::vector<std::vector<CheckerId>> groups;
    std::unordered_map<CheckerId, std::size_t> group_of;
    std::unordered_map<std::string, std::vector<std::size_t>> buckets;
    for (std::size_t v = 0; v < states_.size(); ++v) {
        for (std::size_t s = 0; s < states_[v].servers.size(); ++s) {
            for (std::size_t c = 0; c < states_[v].servers[s].checkers.size(); ++c) {
                const CheckerId id = id_at({v, s, c});
                const auto& server = services_[v].real_servers[s];
                const auto& checker = server.checkers[c];
                if (!shares_probe(services_[v], server, checker)) continue;
                auto& bucket = buckets[bucket_of(checker)];
                const auto same = std::ranges::find_if(bucket, [&](std::size_t group) {
                    return same_probe(config_at(positions_.at(groups[group].front())), checker);
                });
                const std::size_t group = same == bucket.end() ? groups.size() : *same;
                if (same == bucket.end()) {
                    bucket.push_back(group);
                    groups.emplace_back();
                }
                groups[group].push_back(id);
                group_of.emplace(id, group);
            }
        }
    }
    shared_ = std::move(groups);
    shares_ = std::move(group_of);
}

void Judge::start_with(CheckerId leader) {
    const auto found = shares_.find(leader);
    if (found == shares_.end() || shared_[found->second].size() < 2) return;
    const auto& first = state_at(positions_.at(leader));
    std::vector<CheckerId> followers;
    for (const CheckerId id : shared_[found->second]) {
        if (id == leader) continue;
        const Position where = positions_.at(id);
        auto& state = state_at(where);
        const bool disabled = states_[where.service].servers[where.server].hold == Hold::Disabled;
        if (state.running || disabled || states_[where.service].suspended || state.url != first.url) continue;
        state.waits = false;
        state.running = true;
        state.due = first.due;
        followers.push_back(id);
    }
    if (!followers.empty()) led_[leader] = std::move(followers);
}

// The leading run was cancelled: the checks that wait for it run by themselves now.
void Judge::unlead(CheckerId leader, Instant now) {
    const auto led = led_.extract(leader);
    if (led.empty()) return;
    for (const CheckerId id : led.mapped()) {
        const auto found = positions_.find(id);
        if (!found || !state_at(*found).running) continue;
        state_at(*found).running = false;
        schedule(*found, now);
    }
}

void Judge::unlead_gone(Instant now) {
    std::vector<CheckerId> gone;
    for (const auto& [leader, followers] : led_) {
        if (!positions_.contains(leader)) gone.push_back(leader);
    }
    for (const CheckerId leader : gone) unlead(leader, now);
}

}  // namespace mainstay::lvs
