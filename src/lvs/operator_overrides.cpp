#include "operator_overrides.hpp"

#include <algorithm>
#include <set>

#include "judge_text.hpp"

namespace mainstay::lvs {

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
