#include <fmt/format.h>

#include <algorithm>

#include "mainstay/config/addresses.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "mainstay/vrrp/devices.hpp"
#include "mainstay/vrrp/reload.hpp"
#include "reload_details.hpp"

namespace mainstay::role {
namespace {

namespace keyword = config::keyword;
using Action = ReloadChange::Action;
using Places = config::KeywordPlaces;
using Routes = std::vector<config::VirtualRoute>;

// For values that are long or secret: only that they were modified.
template <class T>
void mention(std::vector<std::string>& out, std::string_view what, const T& before, const T& after) {
    if (!(before == after)) out.push_back(fmt::format("{} modified", what));
}

const char* switch_text(bool on) { return on ? "on" : "off"; }

std::string interface_text(const config::Instance& instance) {
    return instance.interface.empty() ? "none" : instance.interface;
}

// The instances with the interfaces that they really use, as at a start on a host without such devices.
std::vector<config::Instance> planned(const config::Config& config) {
    config::Config one;
    one.global = config.global;
    one.instances = config.instances;
    return vrrp::plan_devices(one, {}).config.instances;
}

struct Listed {
    std::string text;        // "10.0.0.1/24 on eth0"
    std::string_view block;  // which has it
    const config::VirtualAddress* address = nullptr;
};

// Of an instance of planned().
std::vector<Listed> listed(const config::Instance& instance) {
    std::vector<Listed> list;
    const auto add = [&](std::string_view block, const std::vector<config::VirtualAddress>& addresses) {
        for (const auto& address : addresses) {
            const auto& device = config::device_of(address, instance);
            list.push_back({address.prefix.to_string() + (device.empty() ? "" : " on " + device), block, &address});
        }
    };
    add("virtual_ipaddress", instance.addresses);
    add("virtual_ipaddress_excluded", *instance.excluded_addresses);
    return list;
}

std::string route_text(const config::VirtualRoute& route) {
    if (!route.words.empty()) return fmt::format("{}", fmt::join(route.words, " "));
    std::string text = route.destination;
    if (!route.via.empty()) text += " via " + route.via.to_string();
    if (!route.dev.empty()) text += " dev " + route.dev;
    return text;
}

// By peers that have the configuration of before.
bool unheard(const config::Instance& before, const config::Instance& after) {
    return before.virtual_router_id != after.virtual_router_id ||
           before.unicast_peers.empty() != after.unicast_peers.empty() ||
           before.multicast_group != after.multicast_group;
}

// The same, of one that stays the same virtual router. Passwords of IPv6 are not checked.
bool refused(const config::Instance& before, const config::Instance& after) {
    const bool checked = after.auth_type == config::AuthType::Ah || after.family == Family::V4;
    const auto signs = [](const auto& more) { return find_section(more->sections, keyword::auth_hmac) != nullptr; };
    const auto as_v2 = [](const auto& more) { return flag(more->values, keyword::v3_checksum_as_v2); };
    return before.version != after.version || signs(before.more) != signs(after.more) ||
           as_v2(before.more) != as_v2(after.more) || before.auth_type != after.auth_type ||
           (after.version == 2 && before.advert_int != after.advert_int) ||
           (checked && before.auth_pass != after.auth_pass);
}

// Why the one is another virtual router than the other.
std::vector<std::string> other_router(const config::Instance& before, const config::Instance& after) {
    std::vector<std::string> why;
    compare(why, "virtual_router_id", +before.virtual_router_id, +after.virtual_router_id);
    compare(why, "interface", interface_text(before), interface_text(after));
    compare(why, "addressing", before.unicast_peers.empty() ? "multicast" : "unicast",
            after.unicast_peers.empty() ? "multicast" : "unicast");
    compare(why, "use_vmac", switch_text(before.vmac->enabled), switch_text(after.vmac->enabled));
    mention(why, "family", before.family, after.family);
    if (before.source.has_value() != after.source.has_value())
        why.emplace_back("source address, unless it is the one that is used already");
    else
        mention(why, "source address", before.source, after.source);
    mention(why, "multicast group", before.multicast_group, after.multicast_group);
    return why;
}

// Of addresses that stay: the block that has them, a label, a scope.
template <class Place>
void compare_addresses(Details& details, const config::Instance& before, const config::Instance& after, Place&& place) {
    const auto old_list = listed(before);
    for (const auto& [text, block, address] : listed(after)) {
        const auto old = std::ranges::find(old_list, text, &Listed::text);
        if (old == old_list.end()) continue;
        const std::string prefix = address->prefix.to_string();
        if (old->block != block) details.emplace_back(fmt::format("{} {} moves to {}", old->block, prefix, block));
        auto differences = config::differences(*old->address, *address);
        for (auto& one : differences) {
            one.text = fmt::format("{} {} {}", block, prefix, one.text);
            one.keyword = fmt::format("{} {}", block, prefix);
        }
        describe(details, differences, place);
    }
}

// The blocks whose lines are the same in another order.
std::vector<std::string> reordered(const config::Instance& before, const config::Instance& after) {
    std::vector<std::string> blocks;
    const auto add = [&](const char* block, const auto& old_list, const auto& new_list) {
        if (old_list != new_list && std::ranges::is_permutation(old_list, new_list)) blocks.emplace_back(block);
    };
    add("virtual_ipaddress", before.addresses, after.addresses);
    add("virtual_ipaddress_excluded", *before.excluded_addresses, *after.excluded_addresses);
    add("unicast_peer", before.unicast_peers, after.unicast_peers);
    add("virtual_routes", before.routes, after.routes);
    return blocks;
}

class Instances {
public:
    Instances(const config::Config& running, const config::Config& next, ReloadDiff& diff, Places* places)
        : running_{running.instances},
          next_{next.instances},
          running_planned_{planned(running)},
          next_planned_{planned(next)},
          diff_{diff},
          places_{places},
          kept_(running_.size(), false) {}

    void run() {
        for (std::size_t n = 0; n < next_.size(); ++n) {
            std::size_t at = 0;
            while (at < running_.size() && (kept_[at] || !vrrp::same_instance(running_[at], next_[n]))) ++at;
            if (at == running_.size()) {
                added_.push_back(n);
                continue;
            }
            kept_[at] = true;
            if (running_[at] == next_[n])
                ++diff_.instances_kept;
            else
                matched(at, n);
        }
        for (std::size_t at = 0; at < running_.size(); ++at)
            if (!kept_[at]) removed(at);
        for (const std::size_t n : added_) {
            const auto& after = next_[n];
            const std::string where = after.interface.empty() ? "" : " on " + after.interface;
            diff_.changes.push_back({Action::Add,
                                     "instance",
                                     after.name,
                                     {fmt::format("virtual_router_id {}{}, priority {}: it starts in its initial state",
                                                  after.virtual_router_id, where, after.priority)}});
            addresses({}, next_planned_[n]);
            routes({}, after);
        }
    }

private:
    void matched(std::size_t at, std::size_t n) {
        const auto &before = running_[at], &after = next_[n];
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
        compare_addresses(details, running_planned_[at], next_planned_[n], place);
        for (const auto& block : reordered(before, after))
            details.emplace_back(fmt::format("the order of {} changes", block));
        diff_.changes.push_back({Action::Change, "instance", after.name, std::move(details)});
        const std::size_t change = diff_.changes.size() - 1;
        addresses(running_planned_[at], next_planned_[n]);
        routes(before, after);
        if (diff_.changes.size() == change + 1 && diff_.changes[change].details.size() == 1)
            diff_.changes[change].details.emplace_back("other settings modified");
    }

    // An instance that looks the same to its operator may be another virtual router to its peers.
    void removed(std::size_t at) {
        const auto& before = running_[at];
        Details details{"it resigns and removes its addresses"};
        const auto twin = std::ranges::find_if(added_, [&](std::size_t n) {
            return next_[n].name == before.name ||
                   (next_[n].virtual_router_id == before.virtual_router_id && next_[n].family == before.family);
        });
        if (twin != added_.end()) {
            const config::Instance& after = next_[*twin];
            details.push_back(fmt::format("{} replaces it as another virtual router: {}", after.name,
                                          fmt::join(other_router(before, after), ", ")));
            if (unheard(before, after))
                details.emplace_back(
                    "until its peers have the same, neither hears the other, and both are MASTER: change them at the "
                    "same time");
        }
        diff_.changes.push_back({Action::Remove, "instance", before.name, std::move(details)});
        addresses(running_planned_[at], {});
        routes(before, {});
    }

    // Of instances of planned(); one without a name has none.
    void addresses(const config::Instance& before, const config::Instance& after) {
        const auto old_list = listed(before), new_list = listed(after);
        const auto report = [&](const auto& list, const auto& other, Action action) {
            for (const auto& one : list)
                if (std::ranges::find(other, one.text, &Listed::text) == other.end())
                    diff_.changes.push_back({action, "address", one.text, {whose(before, after)}});
        };
        report(old_list, new_list, Action::Remove);
        report(new_list, old_list, Action::Add);
    }

    void routes(const config::Instance& before, const config::Instance& after) {
        const auto report = [&](const Routes& list, const Routes& other, Action action) {
            for (const auto& route : list)
                if (std::ranges::find(other, route) == other.end())
                    diff_.changes.push_back({action, "route", route_text(route), {whose(before, after)}});
        };
        report(before.routes, after.routes, Action::Remove);
        report(after.routes, before.routes, Action::Add);
    }

    static std::string whose(const config::Instance& before, const config::Instance& after) {
        return fmt::format("of {}, where it is MASTER", after.name.empty() ? before.name : after.name);
    }

    const std::vector<config::Instance>& running_;
    const std::vector<config::Instance>& next_;
    const std::vector<config::Instance> running_planned_, next_planned_;
    ReloadDiff& diff_;
    Places* places_;
    std::vector<bool> kept_;
    std::vector<std::size_t> added_;
};

}  // namespace

void diff_instances(const config::Config& running, const config::Config& next, ReloadDiff& diff, Places* places) {
    Instances{running, next, diff, places}.run();
}

}  // namespace mainstay::role
