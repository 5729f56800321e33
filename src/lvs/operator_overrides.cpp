#include "operator_overrides.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "judge_text.hpp"

namespace mainstay::lvs {

OperatorOverrides::OperatorOverrides(Overrides known, Moment at) : known_{std::move(known)} {
    for (const auto& [key, held] : known_) {
        if (!held.until) continue;
        // The calendar may have been set meanwhile: no override lasts longer than one can be made to last.
        const auto latest = at.wall.unix_us + Micros{kOverrideTimeMax}.count();
        const auto until = std::clamp(held.until->unix_us, at.wall.unix_us, latest);
        const Micros left{until - at.wall.unix_us};
        plan_end(key, at.now + left);
    }
}

void OperatorOverrides::plan_end(const OverrideKey& key, Instant at) {
    ends_[key] = at;
    if (!next_end_ || at < *next_end_) next_end_ = at;
}

void OperatorOverrides::set(const OverrideKey& key, Override override, Instant now) {
    ends_.erase(key);
    if (override.until) plan_end(key, now + Micros{override.until->unix_us - override.since.unix_us});
    known_[key] = std::move(override);
}

void OperatorOverrides::reset(const OverrideKey& key) {
    ends_.erase(key);
    known_.erase(key);
}

Overrides OperatorOverrides::take_ended(Instant now) {
    Overrides ended;
    if (!next_end_ || now < *next_end_) return ended;
    next_end_.reset();
    for (auto one = ends_.begin(); one != ends_.end();) {
        if (one->second > now) {
            next_end_ = next_end_ ? std::min(*next_end_, one->second) : one->second;
            ++one;
            continue;
        }
        if (auto held = known_.extract(one->first)) ended.insert(std::move(held));
        one = ends_.erase(one);
    }
    return ended;
}

void OperatorOverrides::apply(const config::VirtualServer& config, ServiceState& state) const {
    if (known_.empty()) return;
    const auto& servers = config.real_servers;
    const std::string name = config::service_name(config);
    for (std::size_t s = 0; s < servers.size(); ++s) {
        const auto found = known_.find({name, servers[s].endpoint});
        if (found == known_.end()) continue;
        auto& server = state.servers[s];
        server.hold = found->second.hold;
        if (found->second.weight != 0) server.between.edit().held_weight = found->second.weight;
        server.alive = may_live(server);
        server.weight = effective_weight(servers[s], server);
    }
}

void OperatorOverrides::follow(const std::vector<config::VirtualServer>& before, const Services& now) {
    if (known_.empty()) return;
    std::map<ServiceIdentity, std::string> names;
    std::set<std::string> taken;
    for (std::size_t v = 0; v < now.size(); ++v)
        if (!now.configs[v].group.empty()) names.emplace(identity_of(now.configs[v]), *taken.insert(now.name(v)).first);
    std::map<std::string, std::string> renamed;  // empty: its overrides go
    for (const auto& service : before) {
        if (service.group.empty()) continue;
        const std::string name = config::service_name(service);
        const auto found = names.find(identity_of(service));
        if (found != names.end() ? found->second != name : taken.contains(name))
            renamed.emplace(name, found != names.end() ? found->second : std::string{});
    }
    const auto rename = [&](auto& list) {
        for (auto& [key, value] : std::exchange(list, {})) {
            const auto found = renamed.find(key.service);
            if (found == renamed.end())
                list.emplace(key, value);
            else if (!found->second.empty())
                list.insert_or_assign(OverrideKey{found->second, key.server}, value);
        }
    };
    if (renamed.empty()) return;
    rename(known_);
    rename(ends_);
}

std::optional<Override> OperatorOverrides::of(const Services& services, const ServerRef& ref) const {
    if (services.state_at(ref).hold == Hold::None) return std::nullopt;
    const auto found = known_.find({services.name(ref.service), services.config_at(ref).endpoint});
    return found == known_.end() ? std::nullopt : std::optional{found->second};
}

std::vector<OverrideKey> OperatorOverrides::strangers(const Services& services, const ServerPattern& pattern) const {
    std::vector<OverrideKey> found;
    if (known_.empty()) return found;
    std::set<OverrideKey> configured;
    for (std::size_t v = 0; v < services.size(); ++v)
        for (const auto& server : services.configs[v].real_servers)
            configured.insert({services.name(v), server.endpoint});
    for (const auto& [key, held] : known_)
        if (!configured.contains(key) && matches(pattern, key)) found.push_back(key);
    return found;
}

bool OperatorOverrides::expires_persistence(const Services& services) const {
    const auto asked = [](const auto& entry) { return entry.second.expires_persistence; };
    if (std::ranges::none_of(known_, asked)) return false;
    for (std::size_t v = 0; v < services.size(); ++v) {
        if (!persists(services.configs[v])) continue;
        for (std::size_t s = 0; s < services.configs[v].real_servers.size(); ++s)
            if (const auto held = of(services, {v, s}); held && held->expires_persistence) return true;
    }
    return false;
}

bool OperatorOverrides::has_room_for(const OverrideKey& key) const {
    return known_.size() < kOverridesMax || known_.contains(key);
}

}  // namespace mainstay::lvs
