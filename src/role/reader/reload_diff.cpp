#include "mainstay/role/reader/reload_diff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "mainstay/lvs/desired.hpp"
#include "mainstay/lvs/plan.hpp"
#include "mainstay/lvs/settings.hpp"
#include "mainstay/vrrp/reload.hpp"

namespace mainstay::role {
namespace {

using Action = ReloadChange::Action;
using Strings = std::vector<std::string>;
using Routes = std::vector<config::VirtualRoute>;

template <class T>
void compare(Strings& out, std::string_view what, const T& before, const T& after) {
    if (before != after) out.push_back(fmt::format("{} {} -> {}", what, before, after));
}

// For values that are long or secret: only that they were modified.
template <class T>
void mention(Strings& out, std::string_view what, const T& before, const T& after) {
    if (!(before == after)) out.push_back(fmt::format("{} modified", what));
}

// For keywords without a member in the model. Only the keyword is shown: the value may be secret.
void mention_others(Strings& out, const config::ExtraSettings& before, const config::ExtraSettings& after) {
    for (const std::string& keyword : config::changed_keywords(before, after)) out.push_back(keyword + " modified");
}

double seconds(Micros time) { return std::chrono::duration<double>(time).count(); }

const char* switch_text(bool on) { return on ? "on" : "off"; }

std::string address_text(const config::Instance& instance, const config::VirtualAddress& address) {
    return fmt::format("{} on {}", address.prefix.to_string(), address.dev.empty() ? instance.interface : address.dev);
}

class Instances {
public:
    Instances(const config::Config& running, const config::Config& next, ReloadDiff& diff)
        : running_{running.instances}, next_{next.instances}, diff_{diff}, kept_(running_.size(), false) {}

    void run() {
        for (const auto& after : next_) {
            std::size_t at = 0;
            while (at < running_.size() && (kept_[at] || !vrrp::same_instance(running_[at], after))) ++at;
            if (at == running_.size()) {
                added_.push_back(&after);
                continue;
            }
            kept_[at] = true;
            matched(running_[at], after);
        }
        for (std::size_t at = 0; at < running_.size(); ++at)
            if (!kept_[at]) removed(running_[at]);
        for (const auto* after : added_) {
            diff_.changes.push_back(
                {Action::Add,
                 "instance",
                 after->name,
                 {fmt::format("virtual_router_id {} on {}, priority {}: it starts in its initial state",
                              after->virtual_router_id, after->interface, after->priority)}});
            addresses(*after, {}, *after);
            routes(*after, {}, after->routes);
        }
    }

private:
    void matched(const config::Instance& before, const config::Instance& after) {
        if (before == after) {
            ++diff_.instances_kept;
            return;
        }
        Strings details{"it keeps its state, timers and counters"};
        compare(details, "name", before.name, after.name);
        compare(details, "priority", +before.priority, +after.priority);
        compare(details, "version", +before.version, +after.version);
        compare(details, "advert_int", seconds(before.advert_int), seconds(after.advert_int));
        compare(details, "nopreempt", switch_text(before.nopreempt), switch_text(after.nopreempt));
        compare(details, "preempt_delay", seconds(before.preempt_delay), seconds(after.preempt_delay));
        compare(details, "sync group", before.sync_group.empty() ? "none" : before.sync_group,
                after.sync_group.empty() ? "none" : after.sync_group);
        if (before.initial_master != after.initial_master)
            details.push_back(
                fmt::format("state {} applies only at a start", after.initial_master ? "MASTER" : "BACKUP"));
        mention(details, "authentication", std::pair{before.auth_type, before.auth_pass},
                std::pair{after.auth_type, after.auth_pass});
        mention(details, "unicast_peer", before.unicast_peers, after.unicast_peers);
        mention(details, "tracking of interfaces", before.track_interfaces, after.track_interfaces);
        mention(details, "tracking of scripts", before.track_scripts, after.track_scripts);
        mention(details, "notify scripts", before.notify, after.notify);
        mention(details, "smtp_alert", before.smtp_alert, after.smtp_alert);
        mention_others(details, before.more, after.more);
        if (details.size() == 1 && before.addresses == after.addresses &&
            before.excluded_addresses == after.excluded_addresses && before.routes == after.routes)
            details.emplace_back("other settings modified");
        diff_.changes.push_back({Action::Change, "instance", after.name, std::move(details)});
        addresses(after, before, after);
        routes(after, before.routes, after.routes);
    }

    static std::string route_text(const config::VirtualRoute& route) {
        if (!route.words.empty()) return fmt::format("{}", fmt::join(route.words, " "));
        std::string text = route.destination;
        if (!route.via.empty()) text += " via " + route.via.to_string();
        if (!route.dev.empty()) text += " dev " + route.dev;
        return text;
    }

    void routes(const config::Instance& shown, const Routes& before, const Routes& after) {
        const auto report = [&](const Routes& list, const Routes& other, Action action) {
            for (const auto& route : list)
                if (std::ranges::find(other, route) == other.end())
                    diff_.changes.push_back(
                        {action, "route", route_text(route), {fmt::format("of {}, where it is MASTER", shown.name)}});
        };
        report(before, after, Action::Remove);
        report(after, before, Action::Add);
    }

    void addresses(const config::Instance& shown, const config::Instance& before, const config::Instance& after) {
        const auto all = [](const config::Instance& i) {
            auto list = i.addresses;
            list.insert(list.end(), i.excluded_addresses.begin(), i.excluded_addresses.end());
            return list;
        };
        const auto report = [&](const auto& list, const config::Instance& of, const auto& other,
                                const config::Instance& other_of, Action action) {
            for (const auto& address : list) {
                const std::string text = address_text(of, address);
                const bool there = std::ranges::any_of(
                    other, [&](const auto& candidate) { return address_text(other_of, candidate) == text; });
                if (!there)
                    diff_.changes.push_back(
                        {action, "address", text, {fmt::format("of {}, where it is MASTER", shown.name)}});
            }
        };
        const auto old_list = all(before), new_list = all(after);
        report(old_list, before, new_list, after, Action::Remove);
        report(new_list, after, old_list, before, Action::Add);
    }

    // An instance that looks the same to its operator may be another virtual router to its peers.
    void removed(const config::Instance& before) {
        Strings details{"it resigns and removes its addresses"};
        const auto twin = std::ranges::find_if(added_, [&](const config::Instance* after) {
            return after->name == before.name ||
                   (after->virtual_router_id == before.virtual_router_id && after->family == before.family);
        });
        if (twin != added_.end()) {
            const config::Instance& after = **twin;
            Strings why;
            compare(why, "virtual_router_id", +before.virtual_router_id, +after.virtual_router_id);
            compare(why, "interface", before.interface, after.interface);
            compare(why, "addressing", before.unicast_peers.empty() ? "multicast" : "unicast",
                    after.unicast_peers.empty() ? "multicast" : "unicast");
            compare(why, "use_vmac", switch_text(before.vmac.enabled), switch_text(after.vmac.enabled));
            mention(why, "family", before.family, after.family);
            mention(why, "source address", before.source, after.source);
            mention(why, "multicast group", before.multicast_group, after.multicast_group);
            details.push_back(
                fmt::format("{} replaces it as another virtual router: {}", after.name, fmt::join(why, ", ")));
        }
        diff_.changes.push_back({Action::Remove, "instance", before.name, std::move(details)});
        for (const auto* list : {&before.addresses, &before.excluded_addresses})
            for (const auto& address : *list)
                diff_.changes.push_back({Action::Remove,
                                         "address",
                                         address_text(before, address),
                                         {fmt::format("of {}, where it is MASTER", before.name)}});
        routes(before, before.routes, {});
    }

    const std::vector<config::Instance>& running_;
    const std::vector<config::Instance>& next_;
    ReloadDiff& diff_;
    std::vector<bool> kept_;
    std::vector<const config::Instance*> added_;
};

template <class T>
void named(const std::vector<T>& running, const std::vector<T>& next, const std::string& kind, ReloadDiff& diff) {
    for (const auto& after : next) {
        const auto before = std::ranges::find(running, after.name, &T::name);
        if (before == running.end())
            diff.changes.push_back({Action::Add, kind, after.name, {}});
        else if (!(*before == after))
            diff.changes.push_back({Action::Change, kind, after.name, {}});
    }
    for (const auto& before : running)
        if (std::ranges::find(next, before.name, &T::name) == next.end())
            diff.changes.push_back({Action::Remove, kind, before.name, {}});
}

// ---- IPVS ----------------------------------------------------------------------------------------------------------

using Services = std::map<netlink::IpvsServiceKey, const config::VirtualServer*>;

Services by_key(const config::Config& config) {
    Services services;
    for (const auto& service : config.virtual_servers)
        for (const auto& key : lvs::keys_of(service)) services.emplace(key, &service);
    return services;
}

// The IPVS table while every server is up.
lvs::Table table_of(const config::Config& config) {
    lvs::Table table;
    for (const auto& service : config.virtual_servers) {
        lvs::ServiceVerdict verdict;
        for (const auto& server : service.real_servers) verdict.servers.push_back({true, server.weight});
        std::ranges::move(lvs::desired(service, lvs::keys_of(service), verdict), std::back_inserter(table));
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

Strings service_details(const config::VirtualServer& before, const config::VirtualServer& after) {
    Strings details;
    compare(details, "lb_algo", before.scheduler, after.scheduler);
    mention(details, "scheduler flags", before.scheduler_flags, after.scheduler_flags);
    compare(details, "persistence", switch_text(before.persistent), switch_text(after.persistent));
    if (before.persistent && after.persistent)
        compare(details, "persistence_timeout", before.persistence_timeout.count(), after.persistence_timeout.count());
    return details;
}

Strings server_details(const config::RealServer& before, const config::RealServer& after) {
    Strings details;
    compare(details, "weight", before.weight, after.weight);
    mention(details, "forwarding", std::pair{before.forwarding, before.tunnel},
            std::pair{after.forwarding, after.tunnel});
    compare(details, "upper_threshold", before.upper_threshold, after.upper_threshold);
    compare(details, "lower_threshold", before.lower_threshold, after.lower_threshold);
    return details;
}

// Those who come back to the server from the same port or address: UDP, what a mark takes, persistence. With a
// drain_timeout it leaves the table when they have gone.
bool leaves_clients_behind(const config::VirtualServer& service, const config::RealServer* server) {
    if (server == nullptr || lvs::drain_timeout_of(service, *server).count() > 0) return false;
    return service.persistent || service.fwmark != 0 || service.protocol == config::Protocol::Udp;
}

void add_operation(const netlink::IpvsOperation& operation, const Services& before, const Services& after,
                   Orphans orphans, ReloadDiff& diff) {
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
            change.details = service_details(*before.at(key), *after.at(key));
            break;
        case Kind::SetDestination: {
            const auto* old_server = find_server(*before.at(key), key, endpoint);
            const auto* new_server = find_server(*after.at(key), key, endpoint);
            if (old_server != nullptr && new_server != nullptr)
                change.details = server_details(*old_server, *new_server);
        }
    }
    diff.changes.push_back(std::move(change));
}

// Changes that the IPVS table does not show: checks, quorum, scripts, mail.
void unseen(const config::VirtualServer& before, const config::VirtualServer& after, const std::string& name,
            ReloadDiff& diff) {
    Strings details;
    compare(details, "quorum", before.quorum, after.quorum);
    compare(details, "hysteresis", before.hysteresis, after.hysteresis);
    mention(details, "sorry_server", before.sorry_server, after.sorry_server);
    mention(details, "quorum scripts", std::pair{before.quorum_up, before.quorum_down},
            std::pair{after.quorum_up, after.quorum_down});
    mention(details, "inhibit_on_failure", before.inhibit_on_failure, after.inhibit_on_failure);
    mention_others(details, before.more, after.more);
    if (!details.empty()) diff.changes.push_back({Action::Change, "settings", name, std::move(details)});
    for (const auto& server : after.real_servers) {
        const auto old = std::ranges::find(before.real_servers, server.endpoint, &config::RealServer::endpoint);
        if (old == before.real_servers.end()) continue;
        Strings others;
        mention_others(others, old->more, server.more);
        if (!others.empty())
            diff.changes.push_back(
                {Action::Change, "settings", name + " -> " + server.endpoint.to_string(), std::move(others)});
        if (old->checkers != server.checkers)
            diff.changes.push_back({Action::Change,
                                    "checks",
                                    name + " -> " + server.endpoint.to_string(),
                                    {"a check with the same target keeps its result until it runs again"}});
    }
}

void diff_services(const config::Config& running, const config::Config& next, Orphans orphans, ReloadDiff& diff) {
    const Services before = by_key(running), after = by_key(next);
    std::vector<netlink::IpvsServiceKey> owned;
    for (const auto& [key, service] : before) owned.push_back(key);
    const auto operations = lvs::plan(table_of(next), table_of(running), owned);
    diff.ipvs_operations = operations.size();
    for (const auto& operation : operations) add_operation(operation, before, after, orphans, diff);
    std::map<lvs::ServiceIdentity, const config::VirtualServer*> known;
    for (const auto& service : running.virtual_servers) known.emplace(lvs::identity_of(service), &service);
    for (const auto& service : next.virtual_servers) {
        const auto identity = lvs::identity_of(service);
        const auto old = known.find(identity);
        if (old == known.end()) continue;
        const auto name = service.group.empty() ? netlink::describe(identity.key) : config::service_name(service);
        if (*old->second == service)
            ++diff.services_kept;
        else
            unseen(*old->second, service, name, diff);
    }
}

constexpr const char* kActions[] = {"keep", "change", "add", "remove"};

}  // namespace

ReloadDiff diff_reload(const config::Config& running, const config::Config& next, Orphans orphans) {
    ReloadDiff diff;
    if (running.global != next.global) {
        Strings details;
        mention_others(details, running.global.more, next.global.more);
        diff.changes.push_back({Action::Change, "settings", "global_defs", std::move(details)});
    }
    for (const std::string& keyword : config::changed_keywords(running.more, next.more))
        diff.changes.push_back({Action::Change, "settings", keyword, {}});
    named(running.scripts, next.scripts, "script", diff);
    named(running.sync_groups, next.sync_groups, "sync group", diff);
    Instances{running, next, diff}.run();
    diff_services(running, next, orphans, diff);
    if (diff.empty() && running != next) diff.changes.push_back({Action::Change, "settings", "others", {}});
    return diff;
}

std::string as_text(const ReloadDiff& diff) {
    std::string out;
    for (const auto& change : diff.changes) {
        out +=
            fmt::format("{:<6} {} {}\n", kActions[static_cast<std::size_t>(change.action)], change.kind, change.name);
        for (const auto& detail : change.details) out += fmt::format("         {}\n", detail);
    }
    if (diff.empty()) out += "no changes\n";
    return out + fmt::format("unchanged: {} instances, {} services; IPVS table changes: {}\n", diff.instances_kept,
                             diff.services_kept, diff.ipvs_operations);
}

std::vector<std::string> as_log_lines(const ReloadDiff& diff, std::size_t most) {
    std::vector<std::string> lines;
    for (const auto& change : diff.changes) {
        if (lines.size() == most) break;
        auto& line = lines.emplace_back(fmt::format("{} {} {}{}{}", kActions[static_cast<std::size_t>(change.action)],
                                                    change.kind, change.name, change.details.empty() ? "" : ": ",
                                                    fmt::join(change.details, "; ")));
        if (line.size() > kReloadLineBytesMax) line = line.substr(0, kReloadLineBytesMax - 3) + "...";
    }
    return lines;
}

nlohmann::ordered_json as_json(const ReloadDiff& diff) {
    using json = nlohmann::ordered_json;
    auto changes = json::array();
    for (const auto& change : diff.changes)
        changes.push_back({{"action", kActions[static_cast<std::size_t>(change.action)]},
                           {"kind", change.kind},
                           {"name", change.name},
                           {"details", change.details}});
    return {{"changes", std::move(changes)},
            {"instances_unchanged", diff.instances_kept},
            {"services_unchanged", diff.services_kept},
            {"ipvs_operations", diff.ipvs_operations}};
}

}  // namespace mainstay::role
