#include "link_delays.hpp"

#include <algorithm>
#include <utility>

#include "mainstay/config/keywords.hpp"
#include "mainstay/vrrp/devices.hpp"

namespace mainstay::vrrp {
namespace {

using config::value_of;

bool concerns(const config::Instance& instance, const config::Config& config, const std::string& link) {
    const auto named = [&](const std::vector<config::TrackedInterface>& list) {
        return std::ranges::find(list, link, &config::TrackedInterface::name) != list.end();
    };
    if (base_interface(instance) == link || named(instance.track_interfaces)) return true;
    return std::ranges::any_of(config.sync_groups, [&](const config::SyncGroup& group) {
        return group.name == instance.sync_group && named(group.track_interfaces);
    });
}

std::optional<Nanos> cap(const config::Config& config, const std::string& link) {
    std::optional<Nanos> least;
    for (const config::Instance& instance : config.instances) {
        if (!concerns(instance, config, link)) continue;
        const Nanos interval = instance.advert_int;
        const Nanos most = interval * (std::max(instance.down_timer_adverts, 1U) - 1) - interval / 256;
        least = std::min(least.value_or(most), std::max(most, Nanos{0}));
    }
    return least;
}

}  // namespace

void LinkDelays::configure(const config::Config& config) {
    delays_.clear();
    const config::Section* block = find_section(config.more->sections, config::keyword::interface_up_down_delays);
    if (block != nullptr)
        for (const config::Section& line : block->sections) {
            const std::string* name = find_word(line.values, config::keyword::interface);
            if (name == nullptr) continue;
            Delays delays{value_of(line.values, config::keyword::down_delay).value_or(Micros{0}),
                          value_of(line.values, config::keyword::up_delay).value_or(Micros{0})};
            if (const auto most = cap(config, *name))
                delays = {std::min(delays.down, *most), std::min(delays.up, *most)};
            delays_.insert_or_assign(*name, delays);
        }
    // A device of our own goes down with the interface below it.
    for (const config::Instance& instance : config.instances) {
        const auto below = delays_.find(base_interface(instance));
        if (below == delays_.end()) continue;
        const Delays delays = below->second;
        delays_.emplace(instance.interface, delays);
        if (!own_vmac(instance).empty()) delays_.emplace(own_vmac(instance), delays);
    }
    // A pending change whose delay was removed takes effect at the next take_due().
    for (auto& [name, held] : held_)
        if (!delays_.contains(name)) held.due = Instant{};
}

InterfaceFact LinkDelays::pass(const InterfaceFact& fact, const InterfaceFact* known, Instant now) {
    const auto delays = delays_.find(fact.name);
    const bool same_link = known != nullptr && known->is_same_link(fact);
    if (delays == delays_.end() || !same_link || known->up == fact.up) {
        held_.erase(fact.name);
        return fact;
    }
    const Nanos delay = fact.up ? delays->second.up : delays->second.down;
    if (delay <= Nanos{0}) {
        held_.erase(fact.name);
        return fact;
    }
    const auto [held, fresh] = held_.try_emplace(fact.name, Held{now + delay, fact});
    if (!fresh) held->second.fact = fact;
    InterfaceFact counted = fact;
    counted.up = known->up;
    return counted;
}

std::vector<InterfaceFact> LinkDelays::take_due(Instant now) {
    std::vector<InterfaceFact> due;
    for (auto held = held_.begin(); held != held_.end();) {
        if (held->second.due > now) {
            ++held;
            continue;
        }
        due.push_back(std::move(held->second.fact));
        held = held_.erase(held);
    }
    return due;
}

std::optional<Instant> LinkDelays::deadline() const {
    std::optional<Instant> earliest;
    for (const auto& [name, held] : held_)
        if (!earliest || held.due < *earliest) earliest = held.due;
    return earliest;
}

}  // namespace mainstay::vrrp
