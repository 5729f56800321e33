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
    left_out_ = false;
    marks.assign(global, configs);
    std::set<netlink::IpvsServiceKey> taken;
    std::size_t kept = 0;
    for (auto& service : configs) {
        auto keys = marks.keys_of(global, service);
        const std::size_t all = keys.size();
        std::erase_if(keys, [&](const netlink::IpvsServiceKey& key) { return !taken.insert(key).second; });
        left_out_ = left_out_ || keys.size() != all;
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

Services::Replaced Services::exchange(std::size_t service, config::VirtualServer config, ServiceState state) {
    return {std::exchange(configs[service], std::move(config)), std::exchange(states[service], std::move(state))};
}

std::vector<Services::Replaced> Services::change(std::vector<config::ServiceChange> changes, const Fresh& fresh) {
    for (const auto& one : changes) {
        server_count += one.after.real_servers.size();
        server_count -= one.before.real_servers.size();
    }
    if (moves(changes)) return rebuild(std::move(changes), fresh);
    std::vector<Replaced> former;
    former.reserve(changes.size());
    for (auto& one : changes) {
        ServiceState state = fresh(one.after);
        former.push_back(exchange(one.at, std::move(one.after), std::move(state)));
    }
    return former;
}

// All in their new places, the groups' keys as well.
std::vector<Services::Replaced> Services::rebuild(std::vector<config::ServiceChange> changes, const Fresh& fresh) {
    using Kind = config::ServiceChange::Kind;
    std::vector<Replaced> former;
    auto old_configs = std::exchange(configs, {});
    auto old_states = std::exchange(states, {});
    auto old_keys = std::exchange(group_keys_, {});
    configs.reserve(old_configs.size() + changes.size());
    states.reserve(configs.capacity());
    std::size_t next = 0;  // of the old ones
    const auto keep_keys = [&] {
        if (auto keys = old_keys.extract(next); !keys.empty())
            group_keys_.emplace(configs.size(), std::move(keys.mapped()));
    };
    const auto keep = [&] {
        keep_keys();
        configs.push_back(std::move(old_configs[next]));
        states.push_back(std::move(old_states[next]));
        ++next;
    };
    for (auto& one : changes) {
        while (one.kind == Kind::Removed ? next < one.at : configs.size() < one.at) keep();
        if (one.kind != Kind::Added) {
            former.push_back({std::move(old_configs[next]), std::move(old_states[next])});
            if (one.kind == Kind::Changed) keep_keys();
            ++next;
        }
        if (one.kind == Kind::Removed) continue;
        states.push_back(fresh(one.after));
        configs.push_back(std::move(one.after));
    }
    while (next < old_configs.size()) keep();
    return former;
}

bool moves(const std::vector<config::ServiceChange>& changes) {
    return !std::ranges::all_of(changes,
                                [](const auto& one) { return one.kind == config::ServiceChange::Kind::Changed; });
}

std::optional<std::vector<std::size_t>> running_indexes(const std::vector<config::ServiceChange>& changes,
                                                        std::size_t running) {
    using Kind = config::ServiceChange::Kind;
    std::vector<std::size_t> indexes;
    std::size_t was = 0, is = 0;  // those that come next
    for (const auto& one : changes) {
        const bool removed = one.kind == Kind::Removed, added = one.kind == Kind::Added;
        std::size_t& counted = removed ? was : is;
        if (one.at < counted || one.at - counted > running - was) return std::nullopt;
        const std::size_t same = one.at - counted;
        was += same, is += same;
        if (!added && was == running) return std::nullopt;
        indexes.push_back(was);
        was += added ? 0 : 1;
        is += removed ? 0 : 1;
    }
    return indexes;
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
