#include "mainstay/vrrp/track.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "mainstay/vrrp/devices.hpp"
#include "mainstay/vrrp/settings.hpp"

namespace mainstay::vrrp {
namespace {

void judge_interfaces(const std::vector<config::TrackedInterface>& tracked, const Links& links, Health& health) {
    for (const auto& track : tracked) {
        const bool up = links.up(track.name);
        if (track.weight != 0) {
            health.contribute("track_interface", track.name, up, contribution(track.weight, track.reverse, up));
        } else if (up == track.reverse) {
            health.fault(Cause::Track, fmt::format("interface {} {}", track.name, up ? "up" : "down"));
        }
    }
}

void judge_scripts(const std::vector<config::TrackedScript>& tracked, const ScriptBoard& scripts, Health& health,
                   std::vector<std::string>& awaited) {
    using Standing = ScriptBoard::Standing;
    for (const auto& track : tracked) {
        const Standing standing = scripts.standing(track.name);
        const bool known = standing == Standing::Up || standing == Standing::Down;
        const bool up = standing == Standing::Up;
        if (track.weight != 0) {
            if (known) health.contribute("track_script", track.name, up, contribution(track.weight, track.reverse, up));
        } else if (standing == Standing::Awaited) {
            awaited.push_back(fmt::format("waiting for the first result of script {}", track.name));
        } else if (known && up == track.reverse) {
            health.fault(Cause::Track, fmt::format("script {} {}", track.name, up ? "succeeds" : "fails"));
        }
    }
}

// Own interface and the devices of the VIPs.
void judge_links(const config::Instance& instance, const Links& links, Health& health) {
    health.link_up = instance.interface.empty() || links.up(instance.interface);
    const std::string& base = base_interface(instance);
    const bool over_base = base != instance.interface;  // on a VMAC or an ipvlan
    if (over_base) {
        const InterfaceFact* link = links.find(base);
        if (link == nullptr || link->index == 0)
            health.fault(Cause::Link, fmt::format("interface {} does not exist", base));
        else if (!link->up && !instance.dont_track_primary)
            health.fault(Cause::Link, fmt::format("interface {} down", base));
    }
    if (!instance.interface.empty() && health.faults.empty()) {
        const InterfaceFact* link = links.find(instance.interface);
        if (link == nullptr || link->index == 0)
            health.fault(Cause::Link, fmt::format("interface {} does not exist", instance.interface));
        else if (!link->up && !instance.dont_track_primary)
            health.fault(Cause::Link, fmt::format("interface {} down", instance.interface));
        if (link != nullptr) health.mtu = link->mtu;
    }
    std::set<std::string_view> named;
    for (const auto* list : {&instance.addresses, &instance.excluded_addresses}) {
        for (const auto& address : *list) {
            if (address.dev.empty() || address.dev == instance.interface || address.no_track) continue;
            // On an interface that is checked already, one fault is sufficient.
            if (address.dev == base || (address.dev == own_vmac(instance) && instance.dont_track_primary)) continue;
            if (links.up(address.dev) || !named.insert(address.dev).second) continue;
            health.fault(Cause::Link, fmt::format("interface {} down", address.dev));
        }
    }
}

// RFC 9568 5.1.2.1: IPv6 adverts come from the link-local address. Unicast to a peer beyond the link cannot.
bool usable_source(const config::Instance& instance, const IpAddress& address) {
    if (address.family() != instance.family) return false;
    if (instance.family == Family::V4) return true;
    const bool beyond_link = std::ranges::any_of(
        instance.unicast_peers, [](const config::UnicastPeer& peer) { return !peer.address.is_link_local_v6(); });
    return address.is_link_local_v6() != beyond_link;
}

bool tracks_source(const config::Instance& instance) {
    return config::value_of<bool>(instance.more->values, "track_src_ip").value_or(false);
}

// On the instance's interface, or on the one below its VMAC.
bool holds_source(const config::Instance& instance, const Links& links) {
    return std::ranges::any_of(std::array{&instance.interface, &base_interface(instance)}, [&](const auto* name) {
        const InterfaceFact* link = links.find(*name);
        return link != nullptr && std::ranges::find(link->addresses, *instance.source) != link->addresses.end();
    });
}

std::optional<IpAddress> choose_source(const config::Instance& instance, const Links& links,
                                       const std::set<IpAddress>& virtuals) {
    if (instance.source) return instance.source;
    const InterfaceFact* link = links.find(instance.interface);
    if (link == nullptr) return std::nullopt;
    for (const IpAddress& address : link->addresses)
        if (usable_source(instance, address) && !virtuals.contains(address)) return address;
    return std::nullopt;
}

}  // namespace

// The kernel removes IPv6 addresses when the link goes down, and needs time to use them when it is up again. IPv4
// addresses stay: a missing one has been removed, or was never there.
bool may_await_source(const config::Instance& instance, const Links& links, bool awaited) {
    if (!instance.dont_track_primary || instance.family == Family::V4) return false;
    const InterfaceFact* link = links.find(advert_device(instance));
    return link != nullptr && link->index != 0 && (!link->up || awaited);
}

const InterfaceFact* Links::find(std::string_view name) const {
    const auto it = by_name_.find(name);
    return it == by_name_.end() ? nullptr : &it->second;
}

bool Links::up(std::string_view name) const {
    const InterfaceFact* link = find(name);
    return link != nullptr && link->index != 0 && link->up;
}

void Health::fault(Cause why, std::string text) {
    if (faults.empty()) cause = why;
    faults.push_back(std::move(text));
}

void Health::wait_for(const std::vector<std::string>& awaited) {
    for (const auto& one : awaited) fault(Cause::Track, one);
}

void Health::contribute(std::string_view kind, std::string_view name, bool up, int weight) {
    priority += weight;
    if (weight != 0) parts.push_back({fmt::format("{} {}", kind, name), up, weight});
}

int contribution(int weight, bool reverse, bool up) {
    const int value = weight > 0 ? (up ? weight : 0) : (up ? 0 : weight);
    return reverse ? -value : value;
}

std::uint8_t effective_priority(std::uint8_t base, int total) {
    if (base == config::kOwnerPriority) return config::kOwnerPriority;
    return static_cast<std::uint8_t>(std::clamp(total, 1, config::kOwnerPriority - 1));
}

std::set<IpAddress> virtual_addresses(const config::Config& config) {
    std::set<IpAddress> addresses;
    for (const auto& instance : config.instances) {
        if (instance.priority == config::kOwnerPriority) continue;
        for (const auto* list : {&instance.addresses, &instance.excluded_addresses})
            for (const auto& address : *list) addresses.insert(address.prefix.address);
    }
    return addresses;
}

Health judge(const config::Instance& instance, const config::SyncGroup* group, const Links& links,
             const ScriptBoard& scripts, const std::set<IpAddress>& virtuals, bool awaits_source) {
    Health health;
    std::vector<std::string> awaited;
    health.priority = instance.priority;
    judge_links(instance, links, health);
    judge_interfaces(instance.track_interfaces, links, health);
    judge_scripts(instance.track_scripts, scripts, health, awaited);
    if (group != nullptr) {
        judge_interfaces(group->track_interfaces, links, health);
        judge_scripts(group->track_scripts, scripts, health, awaited);
    }
    health.source = choose_source(instance, links, virtuals);
    if (tracks_source(instance) && instance.source && health.faults.empty() && !holds_source(instance, links))
        health.fault(Cause::Address,
                     fmt::format("source address {} is not on the interface", instance.source->to_string()));
    if (!health.source && may_await_source(instance, links, awaits_source))
        health.awaits_source = true;
    else if (!health.source && health.faults.empty())
        health.fault(Cause::Address,
                     fmt::format("no IPv{} address for interface", instance.family == Family::V6 ? 6 : 4));
    health.only_waiting = health.faults.empty() && !awaited.empty();
    health.wait_for(awaited);
    return health;
}

}  // namespace mainstay::vrrp
