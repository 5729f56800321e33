#include "shared_probes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "mainstay/lvs/settings.hpp"

namespace mainstay::lvs {
namespace {

// A hash key that is equal for equal probes; the remaining settings are compared afterwards.
std::string bucket_of(const config::Checker& checker) {
    return fmt::format("{} {} {} {}", keyword_of(checker.type), checker.target.to_string(),
                       checker.urls.empty() ? std::string{} : checker.urls->front().path,
                       checker.misc_path->argv.empty() ? std::string{} : checker.misc_path->argv.front());
}

// Puts one checker after the other into the group of its equals.
class Grouping {
public:
    explicit Grouping(const Services& services) : services_{services} {}

    void add(CheckerId id, const config::Checker& checker) {
        auto& bucket = buckets_[bucket_of(checker)];
        const auto same = std::ranges::find_if(bucket, [&](std::size_t group) {
            return same_probe(services_.checker_at(services_.checkers.at(groups[group].front())), checker);
        });
        const std::size_t group = same == bucket.end() ? groups.size() : *same;
        if (same == bucket.end()) {
            bucket.push_back(group);
            groups.emplace_back();
        }
        groups[group].push_back(id);
        group_of.emplace(id, group);
    }

    std::vector<std::vector<CheckerId>> groups;
    std::unordered_map<CheckerId, std::size_t> group_of;

private:
    const Services& services_;
    std::unordered_map<std::string, std::vector<std::size_t>> buckets_;
};

bool can_follow(const Services& services, const CheckerRef& ref, const CheckerState& leader) {
    const auto& state = services.checker_state(ref);
    return !state.running && services.state_at(ref).hold != Hold::Disabled && !services.states[ref.service].suspended &&
           state.url == leader.url;
}

}  // namespace

void SharedProbes::group(const Services& services) {
    Grouping grouping{services};
    for (std::size_t v = 0; v < services.size(); ++v) {
        for (std::size_t s = 0; s < services.states[v].servers.size(); ++s) {
            const auto& server = services.config_at({v, s});
            const auto& states = services.state_at({v, s}).checkers;
            for (std::size_t c = 0; c < states.size(); ++c)
                if (shares_probe(services.configs[v], server, server.checkers[c]))
                    grouping.add(states[c].id, server.checkers[c]);
        }
    }
    shared_ = std::move(grouping.groups);
    shares_ = std::move(grouping.group_of);
}

void SharedProbes::lead(Services& services, CheckerId leader) {
    const auto found = shares_.find(leader);
    if (found == shares_.end() || shared_[found->second].size() < 2) return;
    const auto& first = services.checker_state(services.checkers.at(leader));
    std::vector<CheckerId> followers;
    for (const CheckerId id : shared_[found->second]) {
        const CheckerRef ref = services.checkers.at(id);
        if (id == leader || !can_follow(services, ref, first)) continue;
        auto& state = services.checker_state(ref);
        state.waits = false;
        state.running = true;
        state.due = first.due;
        followers.push_back(id);
    }
    if (!followers.empty()) led_[leader] = std::move(followers);
}

std::vector<CheckerId> SharedProbes::take_followers(CheckerId leader) {
    auto led = led_.extract(leader);
    return led.empty() ? std::vector<CheckerId>{} : std::move(led.mapped());
}

void SharedProbes::release(CheckerId leader, Services& services, CheckSchedule& schedule, Instant now) {
    for (const CheckerId id : take_followers(leader)) {
        const auto found = services.checkers.find(id);
        if (!found || !services.checker_state(*found).running) continue;
        services.checker_state(*found).running = false;
        schedule.set(services, *found, now);
    }
}

bool SharedProbes::is_within(const Services& services) const {
    const auto exists = [&](CheckerId id) { return services.checkers.contains(id); };
    return std::ranges::all_of(shared_,
                               [&](const auto& group) { return !group.empty() && std::ranges::all_of(group, exists); });
}

void SharedProbes::release_gone(Services& services, CheckSchedule& schedule, Instant now) {
    std::vector<CheckerId> gone;
    for (const auto& [leader, followers] : led_) {
        if (!services.checkers.contains(leader)) gone.push_back(leader);
    }
    for (const CheckerId leader : gone) release(leader, services, schedule, now);
}

namespace {

// Keywords without a member that affect the evaluation of an answer, not the request.
constexpr std::array<std::string_view, 5> kOfTheAnswer{"rise", "fall", "share_probe", "fast_recovery",
                                                       "cert_expiry_warning"};

bool is_of_the_answer(const config::KeywordValue& value) {
    return std::ranges::find(kOfTheAnswer, value.keyword) != kOfTheAnswer.end();
}

// The values are sorted by keyword.
bool same_rest(const config::ExtraSettings& left, const config::ExtraSettings& right) {
    auto a = left.values.begin();
    auto b = right.values.begin();
    const auto skip = [](auto& at, const auto& end) {
        while (at != end && is_of_the_answer(*at)) ++at;
    };
    while (true) {
        skip(a, left.values.end());
        skip(b, right.values.end());
        if (a == left.values.end() || b == right.values.end()) break;
        if (*a != *b) return false;
        ++a, ++b;
    }
    return a == left.values.end() && b == right.values.end() && left.sections == right.sections;
}

}  // namespace

bool same_question(const config::Checker& left, const config::Checker& right) {
    return left.type == right.type && left.target == right.target && left.bind == right.bind &&
           left.bind_if == right.bind_if && left.misc_path == right.misc_path && left.urls == right.urls &&
           left.http_protocol == right.http_protocol && left.enable_sni == right.enable_sni &&
           left.sni_name == right.sni_name && same_rest(*left.more, *right.more);
}

bool same_probe(const config::Checker& left, const config::Checker& right) {
    return same_question(left, right) && left.delay_loop == right.delay_loop && left.retry == right.retry &&
           left.delay_before_retry == right.delay_before_retry && left.connect_timeout == right.connect_timeout &&
           left.misc_timeout == right.misc_timeout && left.misc_dynamic == right.misc_dynamic;
}

}  // namespace mainstay::lvs
