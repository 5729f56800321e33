#include "mainstay/vrrp/restore.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mainstay/vrrp/instance.hpp"

namespace mainstay::vrrp {

RestoreBudget::Answer RestoreBudget::lost(std::size_t position, Instant now) {
    Address& address = addresses_[position];
    if (address.due) return Answer::Later;
    address.failures = 0;  // it had been set
    auto& restores = address.restores;
    std::erase_if(restores, [&](Instant at) { return at + kGiveUpWindow <= now; });
    if (restores.size() >= kGiveUp) return Answer::GiveUp;
    if (restores.size() >= kBurst) {
        const Instant free_at = restores[restores.size() - kBurst] + kBurstWindow;
        if (free_at > now) {
            address.due = free_at;
            return Answer::Later;
        }
    }
    restores.push_back(now);
    return Answer::Now;
}

RestoreBudget::Answer RestoreBudget::failed(std::size_t position, Instant now) {
    Address& address = addresses_[position];
    if (++address.failures >= kFailures) return Answer::GiveUp;
    address.due = now + kRetryAfter;
    return Answer::Later;
}

std::optional<Instant> RestoreBudget::next() const {
    std::optional<Instant> earliest;
    for (const auto& [position, address] : addresses_)
        if (address.due && (!earliest || *address.due < *earliest)) earliest = address.due;
    return earliest;
}

std::vector<std::size_t> RestoreBudget::take_due(Instant now) {
    std::vector<std::size_t> due;
    for (auto& [position, address] : addresses_) {
        if (!address.due || *address.due > now) continue;
        address.due.reset();
        address.restores.push_back(now);
        due.push_back(position);
    }
    return due;
}

void RestoreBudget::hasten(Instant now) {
    for (auto& [position, address] : addresses_) {
        if (!address.due && !std::exchange(address.left, false)) continue;
        address.due = now;
        address.failures = 0;
    }
}

void RestoreBudget::is_back(std::size_t position) {
    const auto found = addresses_.find(position);
    if (found == addresses_.end()) return;
    found->second.due.reset();
    found->second.failures = 0;
    found->second.left = false;
}

void RestoreBudget::all_are_back() {
    for (auto& [position, address] : addresses_) is_back(position);
}

void RestoreBudget::renumber(const std::function<std::optional<std::size_t>(std::size_t)>& new_position) {
    for (auto& [position, address] : std::exchange(addresses_, {}))
        if (const auto next = new_position(position)) addresses_.emplace(*next, std::move(address));
}

namespace {

enum class Holds : std::uint8_t { All, NotAll, HasNone };

Holds holds(const config::Instance& instance, std::span<const InterfaceFact> interfaces) {
    const auto wanted = held_addresses(instance);
    if (wanted.empty()) return Holds::HasNone;
    const bool all = std::ranges::all_of(wanted, [&](const HeldAddress& held) {
        const auto link = std::ranges::find(interfaces, held.interface, &InterfaceFact::name);
        return link != interfaces.end() &&
               std::ranges::find(link->addresses, held.prefix.address) != link->addresses.end();
    });
    return all ? Holds::All : Holds::NotAll;
}

// Of the members of a group that have addresses, all are held, and there is one.
bool group_is_held(const config::Config& config, const std::vector<Holds>& held, const std::string& group) {
    bool any = false;
    for (std::size_t i = 0; i < config.instances.size(); ++i) {
        if (config.instances[i].sync_group != group) continue;
        if (held[i] == Holds::NotAll) return false;
        any = any || held[i] == Holds::All;
    }
    return any;
}

InstanceSnapshot master(const config::Instance& instance, Instant now) {
    InstanceSnapshot snapshot;
    snapshot.name = instance.name;
    snapshot.interface = instance.interface;
    snapshot.group = instance.sync_group;
    snapshot.virtual_router_id = instance.virtual_router_id;
    snapshot.version = instance.version;
    snapshot.family = instance.family;
    snapshot.base_priority = snapshot.effective_priority = instance.priority;
    snapshot.state = State::Master;
    snapshot.owns_addresses = true;
    snapshot.deadline = now;
    snapshot.reason = "another program on this host was MASTER, and this daemon took over from it";
    snapshot.cause = Cause::Takeover;
    return snapshot;
}

class Tracked {
public:
    template <class Holder>
    void note(const Holder& holder) {
        for (const auto& track : holder.track_scripts) scripts_.insert(track.name);
    }
    void put_scripts(RouterSnapshot& into) const {
        for (const auto& name : scripts_) into.scripts.push_back({.name = name, .known = true, .up = true});
    }

private:
    std::set<std::string> scripts_;
};

}  // namespace

RouterSnapshot adopted_state(const config::Config& config, std::span<const InterfaceFact> interfaces, Instant now) {
    std::vector<Holds> held;
    held.reserve(config.instances.size());
    for (const auto& instance : config.instances) held.push_back(holds(instance, interfaces));
    RouterSnapshot snapshot;
    Tracked tracked;
    std::set<std::string> groups;
    for (std::size_t i = 0; i < config.instances.size(); ++i) {
        const auto& instance = config.instances[i];
        const bool is_master =
            instance.sync_group.empty() ? held[i] == Holds::All : group_is_held(config, held, instance.sync_group);
        if (!is_master) continue;
        snapshot.instances.push_back(master(instance, now));
        tracked.note(instance);
        if (!instance.sync_group.empty()) groups.insert(instance.sync_group);
    }
    for (const auto& group : config.sync_groups) {
        if (!groups.contains(group.name)) continue;
        tracked.note(group);
        snapshot.groups.push_back({.name = group.name, .state = State::Master, .last_mailed = {}});
    }
    tracked.put_scripts(snapshot);
    return snapshot;
}

}  // namespace mainstay::vrrp
