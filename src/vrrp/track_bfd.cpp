#include "track_bfd.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "mainstay/config/keyword_values.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/vrrp/trackers.hpp"

namespace mainstay::vrrp {

namespace keyword = config::keyword;

namespace {

using config::KeywordValues;
using config::Section;

constexpr std::int64_t kMostWeight = 253;

struct Weight {
    int value = 0;
    bool reverse = false;
};

std::optional<int> weight_in(const KeywordValues& values) {
    const auto weight = config::value_of(values, keyword::weight);
    if (!weight) return std::nullopt;
    return static_cast<int>(std::clamp(*weight, -kMostWeight, kMostWeight));  // keepalived takes +/-254 for +/-253
}

// The weight of the bfd_instance, for trackers without their own.
Weight default_weight(const config::Config& config, std::string_view name) {
    const auto* bfd = config::find_section(config.more->sections, keyword::bfd_instance, name);
    if (bfd == nullptr) return {};
    return {weight_in(bfd->values).value_or(0), config::has_word(bfd->values, keyword::weight, "reverse")};
}

// keepalived: a line's own reverse or noreverse counts, else that of the bfd_instance (2.2.7).
void collect(const config::Config& config, const config::ExtraSettings& more, bool weights,
             std::vector<TrackedBfd>& all) {
    for (const Section& block : more.sections) {
        if (block.keyword != keyword::track_bfd) continue;
        for (const Section& line : block.sections) {
            const std::string* name = find_word(line.values, keyword::name);
            if (name == nullptr) continue;
            const Weight usual = default_weight(config, *name);
            TrackedBfd tracked{*name, weight_in(line.values).value_or(usual.value),
                               config::reverse_of(line.values).value_or(usual.reverse)};
            const bool twice = std::ranges::find(all, tracked.name, &TrackedBfd::name) != all.end();
            if (!twice && (weights || tracked.weight == 0)) all.push_back(std::move(tracked));
        }
    }
}

}  // namespace

std::vector<TrackedBfd> tracked_bfds(const config::Config& config, const config::Instance& instance,
                                     const config::SyncGroup* group) {
    const bool group_allows = group == nullptr || members_may_have_weights(*group);
    std::vector<TrackedBfd> all, of_group;
    collect(config, *instance.more, group_allows && instance.priority != config::kOwnerPriority, all);
    if (group != nullptr) collect(config, *group->more, true, of_group);
    all.insert(all.end(), of_group.begin(), of_group.end());
    return all;
}

void BfdStates::configure(const config::Config& config) {
    tracked_.clear();
    for (const config::Instance& instance : config.instances) {
        const auto group = std::ranges::find(config.sync_groups, instance.sync_group, &config::SyncGroup::name);
        tracked_.push_back(tracked_bfds(config, instance, group == config.sync_groups.end() ? nullptr : &*group));
    }
    std::erase_if(states_, [&](const auto& entry) {
        return config::find_section(config.more->sections, keyword::bfd_instance, entry.first) == nullptr;
    });
}

void BfdStates::adopt(const std::vector<BfdSnapshot>& previous) {
    for (const BfdSnapshot& session : previous) states_.insert_or_assign(session.name, session.up);
}

bool BfdStates::up(const std::string& name) const {
    const auto known = states_.find(name);
    return known != states_.end() && known->second;
}

bool BfdStates::update(const BfdFact& fact, const config::Config& config, Intents& out) {
    const bool before = up(fact.name);
    states_.insert_or_assign(fact.name, fact.up);
    if (before == fact.up) return false;
    bool concerned = false;
    for (InstanceId id = 0; id < tracked_.size(); ++id) {
        if (std::ranges::find(tracked_[id], fact.name, &TrackedBfd::name) == tracked_[id].end()) continue;
        concerned = true;
        out.push_back(
            WriteLog{{LogLevel::Info, fmt::format("VRRP_Instance({}) Tracked BFD instance {} is {}",
                                                  config.instances[id].name, fact.name, fact.up ? "UP" : "DOWN")},
                     id});
    }
    return concerned;
}

void BfdStates::judge(InstanceId id, Health& health) const {
    if (id >= tracked_.size()) return;
    for (const TrackedBfd& track : tracked_[id]) {
        const bool is_up = up(track.name);
        if (track.weight != 0) {
            health.contribute("track_bfd", track.name, is_up, contribution(track.weight, track.reverse, is_up));
            continue;
        }
        if (is_up != track.reverse) continue;
        health.wait_no_more();
        health.fault(Fault::What::Bfd, track.name, is_up ? "up" : "down");
    }
}

std::vector<BfdSnapshot> BfdStates::snapshot() const {
    std::vector<BfdSnapshot> all;
    for (const auto& [name, up] : states_) all.push_back({name, up});
    return all;
}

}  // namespace mainstay::vrrp
