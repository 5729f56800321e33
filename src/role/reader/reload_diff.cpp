#include "mainstay/role/reader/reload_diff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "mainstay/config/keywords.hpp"
#include "mainstay/config/tools/differences.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "mainstay/lvs/desired.hpp"
#include "mainstay/lvs/plan.hpp"
#include "mainstay/lvs/settings.hpp"
#include "mainstay/vrrp/reload.hpp"

namespace mainstay::role {
namespace {

namespace keyword = config::keyword;
using Action = ReloadChange::Action;
using Details = std::vector<ReloadDetail>;
using Routes = std::vector<config::VirtualRoute>;

template <class Texts, class T>
void compare(Texts& out, std::string_view what, const T& before, const T& after) {
    if (before != after) out.push_back(fmt::format("{} {} -> {}", what, before, after));
}

// For values that are long or secret: only that they were modified.
template <class Texts, class T>
void mention(Texts& out, std::string_view what, const T& before, const T& after) {
    if (!(before == after)) out.push_back(fmt::format("{} modified", what));
}

// Each with both values and its place in the new file, what is worse marked: it is the operator's business first.
// `place` answers where a difference is, or with nothing.
template <class Place>
void describe(Details& out, const config::Differences& differences, Place&& place) {
    for (const auto& one : differences) out.emplace_back((one.worse ? "worse: " : "") + one.text, place(one));
}

using Places = config::KeywordPlaces;

auto in_block(Places* places, std::string block) {
    return [places, block = std::move(block)](const config::Difference& one) {
        return places == nullptr ? std::string{} : places->of(one, block);
    };
}

auto in_service(Places* places, const config::VirtualServer& service, const config::RealServer* server = nullptr) {
    return [places, &service, server](const config::Difference& one) {
        return places == nullptr ? std::string{} : places->of(one, service, server);
    };
}

const char* switch_text(bool on) { return on ? "on" : "off"; }

std::string address_text(const config::Instance& instance, const config::VirtualAddress& address) {
    return fmt::format("{} on {}", address.prefix.to_string(), address.dev.empty() ? instance.interface : address.dev);
}

class Instances {
public:
    Instances(const config::Config& running, const config::Config& next, ReloadDiff& diff, Places* places)
        : running_{running.instances},
          next_{next.instances},
          diff_{diff},
          places_{places},
          kept_(running_.size(), false) {}

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
        Details details{"it keeps its state, timers and counters"};
        if (refused(before, after))
            details.emplace_back(
                "worse: until its peers have the same, each refuses the other's packets, and both are MASTER: change "
                "them at the same time");
        compare(details, "name", before.name, after.name);
        compare(details, "sync group", before.sync_group.empty() ? "none" : before.sync_group,
                after.sync_group.empty() ? "none" : after.sync_group);
        auto differences = config::differences(before, after);
        for (auto& one : differences)
            if (one.keyword == "state") one.text += ", which applies only at a start";
        const auto place = in_block(places_, "vrrp_instance " + after.name);
        describe(details, differences, place);
        options(details, "virtual_ipaddress", before.addresses, after.addresses, place);
        options(details, "virtual_ipaddress_excluded", before.excluded_addresses, after.excluded_addresses, place);
        if (details.size() == 1 && before.addresses == after.addresses &&
            before.excluded_addresses == after.excluded_addresses && before.routes == after.routes)
            details.emplace_back("other settings modified");
        diff_.changes.push_back({Action::Change, "instance", after.name, std::move(details)});
        addresses(after, before, after);
        routes(after, before.routes, after.routes);
    }

    // Of addresses that stay: a label, a scope.
    template <class Place>
    static void options(Details& details, std::string_view block, const std::vector<config::VirtualAddress>& before,
                        const std::vector<config::VirtualAddress>& after, Place&& place) {
        for (const auto& address : after) {
            const auto old = std::ranges::find_if(before, [&](const config::VirtualAddress& one) {
                return one.prefix == address.prefix && one.dev == address.dev;
            });
            if (old == before.end()) continue;
            auto differences = config::differences(*old, address);
            for (auto& one : differences) {
                one.text = fmt::format("{} {} {}", block, address.prefix.to_string(), one.text);
                one.keyword = fmt::format("{} {}", block, address.prefix.to_string());
            }
            describe(details, differences, place);
        }
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

    // By peers that have the configuration of before.
    static bool unheard(const config::Instance& before, const config::Instance& after) {
        return before.virtual_router_id != after.virtual_router_id ||
               before.unicast_peers.empty() != after.unicast_peers.empty() ||
               before.multicast_group != after.multicast_group;
    }

    // The same, of one that stays the same virtual router. Passwords of IPv6 are not checked.
    static bool refused(const config::Instance& before, const config::Instance& after) {
        const bool checked = after.auth_type == config::AuthType::Ah || after.family == Family::V4;
        const auto signs = [](const auto& more) { return find_section(more->sections, keyword::auth_hmac) != nullptr; };
        const auto as_v2 = [](const auto& more) { return flag(more->values, keyword::v3_checksum_as_v2); };
        return before.version != after.version || signs(before.more) != signs(after.more) ||
               as_v2(before.more) != as_v2(after.more) || before.auth_type != after.auth_type ||
               (after.version == 2 && before.advert_int != after.advert_int) ||
               (checked && before.auth_pass != after.auth_pass);
    }

    // An instance that looks the same to its operator may be another virtual router to its peers.
    void removed(const config::Instance& before) {
        Details details{"it resigns and removes its addresses"};
        const auto twin = std::ranges::find_if(added_, [&](const config::Instance* after) {
            return after->name == before.name ||
                   (after->virtual_router_id == before.virtual_router_id && after->family == before.family);
        });
        if (twin != added_.end()) {
            const config::Instance& after = **twin;
            std::vector<std::string> why;
            compare(why, "virtual_router_id", +before.virtual_router_id, +after.virtual_router_id);
            compare(why, "interface", before.interface, after.interface);
            compare(why, "addressing", before.unicast_peers.empty() ? "multicast" : "unicast",
                    after.unicast_peers.empty() ? "multicast" : "unicast");
            compare(why, "use_vmac", switch_text(before.vmac->enabled), switch_text(after.vmac->enabled));
            mention(why, "family", before.family, after.family);
            mention(why, "source address", before.source, after.source);
            mention(why, "multicast group", before.multicast_group, after.multicast_group);
            details.push_back(
                fmt::format("{} replaces it as another virtual router: {}", after.name, fmt::join(why, ", ")));
            if (unheard(before, after))
                details.emplace_back(
                    "until its peers have the same, neither hears the other, and both are MASTER: change them at the "
                    "same time");
        }
        diff_.changes.push_back({Action::Remove, "instance", before.name, std::move(details)});
        for (const auto* list : {&before.addresses, &*before.excluded_addresses})
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
    Places* places_;
    std::vector<bool> kept_;
    std::vector<const config::Instance*> added_;
};

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

Services by_key(const config::Config& config) {
    Services services;
    for (const auto& service : config.virtual_servers)
        for (const auto& key : lvs::keys_of(service)) services.emplace(key, &service);
    return services;
}

// The IPVS table while every server is up. What sources answer is not known here.
lvs::Table table_of(const config::Config& config) {
    lvs::Table table;
    for (const auto& service : config.virtual_servers) {
        lvs::ServiceVerdict verdict;
        for (const auto& server : service.real_servers)
            verdict.servers.push_back({.alive = true,
                                       .weight = server.weight,
                                       .place = config::is_template(server) ? lvs::ServerVerdict::Place::Out
                                                                            : lvs::ServerVerdict::Place::AsChecked});
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
    const Services before = by_key(running), after = by_key(next);
    std::vector<netlink::IpvsServiceKey> owned;
    for (const auto& [key, service] : before) owned.push_back(key);
    const auto operations = lvs::plan(table_of(next), table_of(running), owned);
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
                   std::ranges::any_of(lvs::keys_of(service), [&](const auto& key) { return planned.contains(key); }),
                   diff, places);
        }
    }
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
    Instances{running, next, diff, places}.run();
    diff_services(running, next, orphans, diff, places);
    if (diff.empty() && running != next) diff.changes.push_back({Action::Change, "settings", "others", {}});
    std::ranges::stable_partition(diff.changes, [](const ReloadChange& change) { return change.worse(); });
    return diff;
}

}  // namespace mainstay::role
