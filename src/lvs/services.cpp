#include "services.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "judge_text.hpp"
#include "mainstay/lvs/firewall_marks.hpp"
#include "mainstay/lvs/judge.hpp"

namespace mainstay::lvs {

void Services::configure(config::Config config, FirewallMarks& marks, Intents& out) {
    global = std::move(config.global);
    configs = std::move(config.virtual_servers);
    group_keys_.clear();
    server_count = 0;
    marks.assign(global, configs);
    std::set<netlink::IpvsServiceKey> taken;
    std::size_t kept = 0;
    for (auto& service : configs) {
        auto keys = marks.keys_of(global, service);
        const std::size_t all = keys.size();
        std::erase_if(keys, [&](const netlink::IpvsServiceKey& key) { return !taken.insert(key).second; });
        if (keys.empty()) {
            out.push_back(log_line(LogLevel::Warning,
                                   fmt::format("Virtual server {} is defined twice: the second definition is ignored",
                                               config::service_name(service))));
            continue;
        }
        if (keys.size() != all) {
            out.push_back(
                log_line(LogLevel::Warning, fmt::format("Virtual server {}: {} of its {} addresses and marks "
                                                        "belong to earlier virtual servers and are left out",
                                                        config::service_name(service), all - keys.size(), all)));
        }
        server_count += service.real_servers.size();
        if (!service.group.empty()) group_keys_.emplace(kept, std::move(keys));
        if (auto& place = configs[kept++]; &place != &service) place = std::move(service);
    }
    configs.resize(kept);
}

Services::Replaced Services::replace(std::size_t service, config::VirtualServer config, ServiceState state) {
    server_count += config.real_servers.size();
    server_count -= configs[service].real_servers.size();
    return {std::exchange(configs[service], std::move(config)), std::exchange(states[service], std::move(state))};
}

void Services::index_checkers() {
    checkers.clear();
    std::size_t count = 0;
    for (const auto& service : states)
        for (const auto& server : service.servers) count += server.checkers.size();
    checkers.reserve(count);
    for (std::size_t v = 0; v < states.size(); ++v) {
        for (std::size_t s = 0; s < states[v].servers.size(); ++s) {
            auto& all = states[v].servers[s].checkers;
            for (std::size_t c = 0; c < all.size(); ++c) {
                if (all[c].id == 0) all[c].id = next_id_++;
                checkers.add(all[c].id, {{v, s}, c});
            }
        }
    }
    checkers.sort();
}

std::string Services::name(std::size_t service) const { return config::service_name(configs[service]); }

std::string Services::name(const ServerRef& ref) const { return text_of(configs[ref.service], config_at(ref)); }

bool Services::names_servers() const { return server_count <= kServersNamedInLogMax; }

std::vector<netlink::IpvsServiceKey> Services::keys(std::size_t service) const {
    const auto found = group_keys_.find(service);
    return found == group_keys_.end() ? std::vector{key_of(configs[service])} : found->second;
}

ServiceVerdict Services::verdict(std::size_t service) const {
    using Stands = ServerVerdict::Place;
    ServiceVerdict verdict{.sorry_in_use = states[service].sorry_in_use, .servers = {}, .leaving = {}};
    verdict.servers.reserve(states[service].servers.size());
    for (const auto& server : states[service].servers) {
        ServerVerdict one{.alive = server.alive, .weight = server.weight, .place = Stands::AsChecked, .weight_now = {}};
        const auto& leave = server.between->leave;
        const bool leaves = leave && !leave->over;
        if (server.hold == Hold::Disabled) one.place = leaves ? Stands::Drained : Stands::Out;
        if (server.hold == Hold::Drained && server.alive)
            one.place = leave && leave->over ? Stands::Out : Stands::Drained;
        one.weight_now = server.between->growing_weight;
        verdict.servers.push_back(one);
    }
    for (const auto& one : states[service].leaving) verdict.leaving.push_back(one.server);
    return verdict;
}

Table Services::desired(std::size_t service) const {
    return lvs::desired(configs[service], keys(service), verdict(service));
}

}  // namespace mainstay::lvs
