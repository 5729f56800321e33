#include "mainstay/role/reader/reload_diff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "mainstay/config/keywords.hpp"
#include "mainstay/config/tools/differences.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "mainstay/lvs/desired.hpp"
#include "mainstay/lvs/firewall_marks.hpp"
#include "mainstay/lvs/plan.hpp"
#include "mainstay/lvs/settings.hpp"
#include "reload_details.hpp"

namespace mainstay::role {
namespace {

using Action = ReloadChange::Action;
using Places = config::KeywordPlaces;

auto in_service(Places* places, const config::VirtualServer& service, const config::RealServer* server = nullptr) {
    return [places, &service, server](const config::Difference& one) {
        return places == nullptr ? std::string{} : places->of(one, service, server);
    };
}

template <class T>
void named(const std::vector<T>& running, const std::vector<T>& next, const std::string& kind, ReloadDiff& diff,
           Places* places) {
    const std::string block = kind == "script" ? "vrrp_script " : "vrrp_sync_group ";
    for (const auto& after : next) {
        const auto before = std::ranges::find(running, after.name, &T::name);
        if (before == running.end())
            diff.changes.push_back({Action::Add, kind, after.name, {}});
        else if (!(*before == after)) {
            Details details;
            describe(details, config::differences(*before, after), in_block(places, block + after.name));
            diff.changes.push_back({Action::Change, kind, after.name, std::move(details)});
        }
    }
    for (const auto& before : running)
        if (std::ranges::find(next, before.name, &T::name) == next.end())
            diff.changes.push_back({Action::Remove, kind, before.name, {}});
}

// ---- IPVS ----------------------------------------------------------------------------------------------------------

using Services = std::map<netlink::IpvsServiceKey, const config::VirtualServer*>;

Services by_key(const config::Config& config, const lvs::FirewallMarks& marks) {
    Services services;
    for (const auto& service : config.virtual_servers)
        for (const auto& key : marks.keys_of(config.global, service)) services.emplace(key, &service);
    return services;
}

// The IPVS table while every server is up. What sources answer is not known here.
lvs::Table table_of(const config::Config& config, const lvs::FirewallMarks& marks) {
    lvs::Table table;
    for (const auto& service : config.virtual_servers) {
        lvs::ServiceVerdict verdict;
        for (const auto& server : service.real_servers)
            verdict.servers.push_back({.alive = true,
                                       .weight = server.weight,
                                       .place = config::is_template(server) ? lvs::ServerVerdict::Place::Out
                                                                            : lvs::ServerVerdict::Place::AsChecked});
        std::ranges::move(lvs::desired(service, marks.keys_of(config.global, service), verdict),
                          std::back_inserter(table));
    }
    return table;
}

const config::RealServer* find_server(const config::VirtualServer& service, const netlink::IpvsServiceKey& key,
                                      const Endpoint& endpoint) {
    const auto found = std::ranges::find_if(service.real_servers, [&](const config::RealServer& server) {
        return lvs::endpoint_at(key, service, server.endpoint, server.forwarding) == endpoint;
    });
    return found == service.real_servers.end() ? nullptr : &*found;
}

// What the IPVS table holds of a service or a server: its change is one of the table.
bool is_in_table(const config::Difference& one) {
    static constexpr std::string_view kInTable =
        " lb_algo ops flag-1 flag-2 flag-3 sh-fallback sh-port mh-fallback mh-port persistence_timeout "
        "persistence_granularity persistence_engine weight lb_kind lvs_method uthreshold lthreshold ";
    return kInTable.contains(" " + one.keyword + " ");
}

config::Differences only(config::Differences all, bool in_table) {
    std::erase_if(all, [&](const config::Difference& one) { return is_in_table(one) != in_table; });
    return all;
}

// The servers of a service get their method from lb_kind, unless one of them has another.
std::string_view forwarding_keyword(const config::VirtualServer& service) {
    const auto& servers = service.real_servers;
    return std::ranges::all_of(servers, [&](const auto& one) { return one.forwarding == servers.front().forwarding; })
               ? "lb_kind"
               : "lvs_method";
}

Details service_details(const config::VirtualServer& before, const config::VirtualServer& after, Places* places) {
    Details details;
    describe(details, only(config::differences(before, after), true), in_service(places, after));
    return details;
}

Details server_details(const config::RealServer& before, const config::RealServer& after,
                       const config::VirtualServer& service, Places* places) {
    Details details;
    describe(details, only(config::differences(before, after, forwarding_keyword(service)), true),
             in_service(places, service, &after));
    return details;
}

// Those who come back to the server from the same port or address: UDP, what a mark takes, persistence. With a
// drain_timeout it leaves the table when they have gone.
bool leaves_clients_behind(const config::VirtualServer& service, const config::RealServer* server) {
    if (server == nullptr || lvs::drain_timeout_of(service, *server).count() > 0) return false;
    return service.persistent || service.fwmark != 0 || service.protocol == config::Protocol::Udp;
}

void add_operation(const netlink::IpvsOperation& operation, const Services& before, const Services& after,
                   Orphans orphans, ReloadDiff& diff, Places* places) {
    using Kind = netlink::IpvsOperation::Kind;
    const auto& key = operation.service.key;
    const auto& endpoint = operation.destination.endpoint;
    const bool server = operation.kind == Kind::AddDestination || operation.kind == Kind::SetDestination ||
                        operation.kind == Kind::DeleteDestination;
    ReloadChange change{Action::Change, server ? "server" : "service", netlink::describe(key), {}};
    if (server) change.name += " -> " + endpoint.to_string();
    switch (operation.kind) {
        case Kind::AddService:
        case Kind::AddDestination:
            change.action = Action::Add;
            break;
        case Kind::DeleteService:
            change.action = Action::Remove;
            change.details.emplace_back("its connections are dropped and its servers are removed");
            break;
        case Kind::DeleteDestination:
            change.action = Action::Remove;
            if (orphans == Orphans::Dropped &&
                leaves_clients_behind(*before.at(key), find_server(*before.at(key), key, endpoint)))
                change.details.push_back(
                    fmt::format("unless it is drained, what its open connections and UDP clients send is dropped until "
                                "their entries expire (expire_nodest_conn is 0); before the reload: mainstayctl server "
                                "drain {} --wait",
                                endpoint.to_string()));
            break;
        case Kind::SetService:
            change.details = service_details(*before.at(key), *after.at(key), places);
            break;
        case Kind::SetDestination: {
            const auto* old_server = find_server(*before.at(key), key, endpoint);
            const auto* new_server = find_server(*after.at(key), key, endpoint);
            if (old_server != nullptr && new_server != nullptr)
                change.details = server_details(*old_server, *new_server, *after.at(key), places);
        }
    }
    diff.changes.push_back(std::move(change));
}

// A server or a check follows its service in what it does not set itself: said once, of the service.
void without_followers(config::Differences& of, const config::Differences& leaders) {
    const auto last_word = [](const std::string& keyword) { return keyword.substr(keyword.rfind(' ') + 1); };
    std::erase_if(of, [&](const config::Difference& one) {
        return !one.now.empty() && std::ranges::any_of(leaders, [&](const config::Difference& leader) {
            return leader.keyword == last_word(one.keyword) && (leader.now == one.now || leader.now == "none");
        });
    });
}

// Changes that the IPVS table does not show: checks, quorum, scripts, mail.
// `in_plan`: the table's operations show what it holds of the service.
void unseen(const config::VirtualServer& before, const config::VirtualServer& after, const std::string& name,
            bool in_plan, ReloadDiff& diff, Places* places) {
    const auto report = [&](const char* kind, std::string of, const config::RealServer* server,
                            const config::Differences& differences, const char* then) {
        Details details;
        describe(details, differences, in_service(places, after, server));
        if (then != nullptr) details.emplace_back(then);
        if (!differences.empty()) diff.changes.push_back({Action::Change, kind, std::move(of), std::move(details)});
    };
    auto leaders = config::differences(before, after);
    if (in_plan) leaders = only(std::move(leaders), false);
    report("settings", name, nullptr, leaders, nullptr);
    for (const auto& server : after.real_servers) {
        const auto old = std::ranges::find_if(
            before.real_servers, [&](const config::RealServer& one) { return config::is_same_server(one, server); });
        if (old == before.real_servers.end() || *old == server) continue;
        const std::string of = name + " -> " + config::written_name(server);
        auto settings = config::differences(*old, server, forwarding_keyword(after));
        if (!config::is_template(server)) settings = only(std::move(settings), false);
        without_followers(settings, leaders);
        report("settings", of, &server, settings, nullptr);
        auto all = leaders;
        all.insert(all.end(), settings.begin(), settings.end());
        auto checks = config::check_differences(*old, server);
        without_followers(checks, all);
        report("checks", of, &server, checks,
               server.checkers.empty() ? nullptr : "a check with the same target keeps its result until it runs again");
    }
}

void diff_sources(const config::VirtualServer& before, const config::VirtualServer& after, const std::string& name,
                  ReloadDiff& diff) {
    const auto report = [&](const auto& of, const auto& other, Action action, const Details& details) {
        for (const auto& server : of.real_servers) {
            const auto is_it = [&](const config::RealServer& one) { return config::is_same_server(one, server); };
            if (config::is_template(server) && std::ranges::none_of(other.real_servers, is_it))
                diff.changes.push_back({action, "source", name + " -> " + config::written_name(server), details});
        }
    };
    report(before, after, Action::Remove, {"its servers are removed"});
    report(after, before, Action::Add, {});
}

void diff_services(const config::Config& running, const config::Config& next, Orphans orphans, ReloadDiff& diff,
                   Places* places) {
    lvs::FirewallMarks old_marks;
    old_marks.assign(running.global, running.virtual_servers);
    lvs::FirewallMarks new_marks = old_marks;
    new_marks.assign(next.global, next.virtual_servers);
    const Services before = by_key(running, old_marks), after = by_key(next, new_marks);
    std::vector<netlink::IpvsServiceKey> owned;
    for (const auto& [key, service] : before) owned.push_back(key);
    const auto operations = lvs::plan(table_of(next, new_marks), table_of(running, old_marks), owned);
    diff.ipvs_operations = operations.size();
    std::set<netlink::IpvsServiceKey> planned;
    for (const auto& operation : operations) {
        add_operation(operation, before, after, orphans, diff, places);
        planned.insert(operation.service.key);
    }
    std::map<lvs::ServiceIdentity, const config::VirtualServer*> known;
    for (const auto& service : running.virtual_servers) known.emplace(lvs::identity_of(service), &service);
    for (const auto& service : next.virtual_servers) {
        const auto identity = lvs::identity_of(service);
        const auto old = known.find(identity);
        const auto name = service.group.empty() ? netlink::describe(identity.key) : config::service_name(service);
        if (old == known.end()) {
            diff_sources({}, service, name, diff);
        } else if (*old->second == service) {
            ++diff.services_kept;
        } else {
            diff_sources(*old->second, service, name, diff);
            unseen(*old->second, service, name,
                   std::ranges::any_of(new_marks.keys_of(next.global, service),
                                       [&](const auto& key) { return planned.contains(key); }),
                   diff, places);
        }
    }
}

// Whether both have the same blocks in another order.
bool differ_in_order(const config::Config& running, config::Config next) {
    const auto reorder = [](const auto& as, auto& list) {
        const bool same = std::ranges::is_permutation(as, list);
        if (same) list = as;
        return same;
    };
    std::map<lvs::ServiceIdentity, const config::VirtualServer*> known;
    for (const auto& service : running.virtual_servers) known.emplace(lvs::identity_of(service), &service);
    for (auto& service : next.virtual_servers) {
        const auto old = known.find(lvs::identity_of(service));
        if (old == known.end() || !reorder(old->second->real_servers, service.real_servers)) return false;
    }
    return reorder(running.instances, next.instances) && reorder(running.scripts, next.scripts) &&
           reorder(running.sync_groups, next.sync_groups) && reorder(running.virtual_servers, next.virtual_servers) &&
           running == next;
}

}  // namespace

bool ReloadChange::worse() const {
    if (action == Action::Remove)
        return kind == "instance" || kind == "address" || kind == "service" || kind == "server" || kind == "source";
    return std::ranges::any_of(details, [](const ReloadDetail& detail) { return detail.text.starts_with("worse: "); });
}

ReloadDiff diff_reload(const config::Config& running, const config::Config& next, Orphans orphans, Places* places) {
    ReloadDiff diff;
    if (running.global != next.global) {
        Details details;
        describe(details, config::differences(running.global, next.global), in_block(places, "global_defs"));
        diff.changes.push_back({Action::Change, "settings", "global_defs", std::move(details)});
    }
    const auto blocks = config::differences(config::Block::Root, running.more, next.more);
    for (const std::string& keyword : config::changed_keywords(running.more, next.more)) {
        Details details;
        for (const auto& one : blocks)
            if (one.keyword == keyword || one.keyword.starts_with(keyword + " "))
                describe(details, {one}, in_block(places, ""));
        diff.changes.push_back({Action::Change, "settings", keyword, std::move(details)});
    }
    named(running.scripts, next.scripts, "script", diff, places);
    named(running.sync_groups, next.sync_groups, "sync group", diff, places);
    diff_instances(running, next, diff, places);
    diff_services(running, next, orphans, diff, places);
    if (diff.empty() && running != next) {
        const char* name = differ_in_order(running, next) ? "the order of blocks" : "others";
        diff.changes.push_back({Action::Change, "settings", name, {}});
    }
    std::ranges::stable_partition(diff.changes, [](const ReloadChange& change) { return change.worse(); });
    return diff;
}

}  // namespace mainstay::role
