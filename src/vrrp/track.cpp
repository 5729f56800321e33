#include "mainstay/vrrp/track.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "mainstay/config/addresses.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/vrrp/devices.hpp"
#include "mainstay/vrrp/settings.hpp"
#include "router_impl.hpp"

namespace mainstay::vrrp {

bool has_peer_beyond_link(const config::Instance& instance) {
    return std::ranges::any_of(instance.unicast_peers,
                               [](const config::UnicastPeer& peer) { return !peer.address.is_link_local_v6(); });
}

namespace {

using What = Fault::What;

// keepalived: the interface of a member is tracked already, and its group's line does not count for that member
// (2.2.7).
bool is_tracked_already(const std::string& interface, const config::Instance& instance) {
    return !instance.dont_track_primary && (interface == instance.interface || interface == base_interface(instance));
}

void judge_interfaces(const std::vector<config::TrackedInterface>& tracked, const config::Instance& instance,
                      const Links& links, Health& health) {
    for (const auto& track : tracked) {
        if (is_tracked_already(track.name, instance)) continue;
        const bool up = links.up(track.name);
        if (track.weight != 0) {
            health.contribute("track_interface", track.name, up, contribution(track.weight, track.reverse, up));
        } else if (up == track.reverse) {
            health.fault(What::Interface, track.name, up ? "up" : "down");
        }
    }
}

void judge_scripts(const std::vector<config::TrackedScript>& tracked, const ScriptStates& scripts, Health& health,
                   std::vector<std::string>& awaited) {
    using Standing = ScriptStates::Standing;
    for (const auto& track : tracked) {
        const Standing standing = scripts.standing(track.name);
        const bool known = standing == Standing::Up || standing == Standing::Down;
        const bool up = standing == Standing::Up;
        if (track.weight != 0) {
            if (known) health.contribute("track_script", track.name, up, contribution(track.weight, track.reverse, up));
        } else if (standing == Standing::Awaited) {
            awaited.push_back(fmt::format("waiting for the first result of script {}", track.name));
        } else if (known && up == track.reverse) {
            health.fault(What::Script, track.name, up ? "succeeds" : "fails");
        }
    }
}

// Own interface and the devices of the VIPs.
void judge_links(const config::Instance& instance, const Links& links, Health& health) {
    health.link_up = instance.interface.empty() || links.up(instance.interface);
    const std::string& base = base_interface(instance);
    const bool over_base = base != instance.interface;  // on a VMAC or an ipvlan
    const auto check = [&](const std::string& name) {
        const InterfaceFact* link = links.find(name);
        const bool exists = link != nullptr && link->index != 0;
        if (!exists || (!link->up && !instance.dont_track_primary))
            health.fault(What::Interface, name, links.why_not_up(name), Cause::Link);
    };
    if (over_base) check(base);
    if (!instance.interface.empty() && health.faults.empty()) {
        check(instance.interface);
        if (const InterfaceFact* link = links.find(instance.interface); link != nullptr) health.mtu = link->mtu;
    }
    if (const InterfaceFact* link = links.find(base);
        link != nullptr && link->index != 0 && !link->multicast && instance.unicast_peers.empty())
        health.fault(What::Interface, base, "does not support multicast", Cause::Link);
    std::set<std::string_view> named;
    for (const auto& address : config::all_addresses(instance)) {
        if (address.dev.empty() || address.dev == instance.interface || address.no_track) continue;
        // On an interface that is checked already, one fault is sufficient.
        if (address.dev == base || (address.dev == own_vmac(instance) && instance.dont_track_primary)) continue;
        if (links.up(address.dev) || !named.insert(address.dev).second) continue;
        health.fault(What::Interface, address.dev, links.why_not_up(address.dev), Cause::Link);
    }
}

// RFC 9568 5.1.2.1: IPv6 adverts come from the link-local address. Unicast to a peer beyond the link cannot.
bool usable_source(const config::Instance& instance, const IpAddress& address) {
    if (address.family() != instance.family) return false;
    if (instance.family == Family::V4) return true;
    return address.is_link_local_v6() != has_peer_beyond_link(instance);
}

bool tracks_source(const config::Instance& instance) {
    return config::flag(instance.more->values, config::keyword::track_src_ip);
}

// Right after an interface came up, as when the host starts.
bool soon_has_source(const config::Instance& instance, const Links& links) {
    const InterfaceFact* link = links.find(instance.interface);
    return instance.family == Family::V6 && link != nullptr && link->tentative;
}

// On the instance's interface, or on the one below its VMAC.
bool holds_source(const config::Instance& instance, const Links& links) {
    return std::ranges::any_of(std::array{&instance.interface, &base_interface(instance)}, [&](const auto* name) {
        const InterfaceFact* link = links.find(*name);
        return link != nullptr && std::ranges::find(link->addresses, *instance.source) != link->addresses.end();
    });
}

bool is_virtual(const config::Instance& instance, const IpAddress& address) {
    return std::ranges::any_of(instance.addresses, [&](const auto& own) { return own.prefix.address == address; });
}

VirtualAddresses::value_type virtual_on(const std::string& interface, const IpAddress& address) {
    return {address, address.is_link_local_v6() ? interface : std::string{}};
}

}  // namespace

std::optional<IpAddress> choose_source(const config::Instance& instance, const Links& links,
                                       const VirtualAddresses& virtuals) {
    if (instance.source) return instance.source;
    const InterfaceFact* link = links.find(instance.interface);
    if (link == nullptr) return std::nullopt;
    // An owner's addresses may be the host's own, and its only ones. On a VMAC they come and go with the instance, as
    // others' do: keepalived sends from the interface's own address throughout.
    std::optional<IpAddress> own_virtual;
    for (const IpAddress& address : link->addresses) {
        if (!usable_source(instance, address) ||
            std::ranges::binary_search(virtuals, virtual_on(instance.interface, address)))
            continue;
        if (!instance.vmac->enabled || !is_virtual(instance, address)) return address;
        if (!own_virtual) own_virtual = address;
    }
    return own_virtual;
}

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

const char* Links::why_not_up(std::string_view name) const {
    const InterfaceFact* link = find(name);
    return link == nullptr || link->index == 0 ? "does not exist" : "down";
}

std::string text_of(const Fault& fault) {
    constexpr std::array<const char*, 7> kWords{"",        "interface",    "script",    "file",
                                                "process", "BFD instance", "sync group"};
    if (fault.what == What::Other) return fault.value;
    return fmt::format("{} {}{}{}", kWords.at(static_cast<std::size_t>(fault.what)), fault.name,
                       fault.value.empty() ? "" : " ", fault.value);
}

std::string text_of(const std::vector<Fault>& faults) {
    std::string text;
    for (const Fault& fault : faults) text += (text.empty() ? "" : ", ") + text_of(fault);
    return text;
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

VirtualAddresses virtual_addresses(const config::Config& config) {
    VirtualAddresses addresses;
    for (const auto& instance : config.instances) {
        if (instance.priority == config::kOwnerPriority) continue;
        for (const auto& address : config::all_addresses(instance))
            addresses.push_back(virtual_on(config::device_of(address, instance), address.prefix.address));
    }
    std::ranges::sort(addresses);
    addresses.shrink_to_fit();
    return addresses;
}

Health judge(const config::Instance& instance, const config::SyncGroup* group, const Links& links,
             const ScriptStates& scripts, const VirtualAddresses& virtuals, bool awaits_source) {
    Health health;
    std::vector<std::string> awaited;
    health.priority = instance.priority;
    judge_links(instance, links, health);
    judge_interfaces(instance.track_interfaces, instance, links, health);
    judge_scripts(instance.track_scripts, scripts, health, awaited);
    if (group != nullptr) {
        judge_interfaces(group->track_interfaces, instance, links, health);
        judge_scripts(group->track_scripts, scripts, health, awaited);
    }
    health.awaits_scripts = !awaited.empty();
    health.source = choose_source(instance, links, virtuals);
    if (tracks_source(instance) && instance.source && health.faults.empty() && !holds_source(instance, links))
        health.fault(Cause::Address,
                     fmt::format("source address {} is not on the interface", instance.source->to_string()));
    if (!health.source && may_await_source(instance, links, awaits_source))
        health.awaits_source = true;
    else if (!health.source && health.faults.empty() && soon_has_source(instance, links))
        awaited.push_back(fmt::format("waiting while the IPv6 address of {} is tentative", instance.interface));
    else if (!health.source && health.faults.empty())
        health.fault(Cause::Address,
                     fmt::format("no IPv{} address for interface", instance.family == Family::V6 ? 6 : 4));
    health.only_waiting = health.faults.empty() && !awaited.empty();
    health.wait_for(awaited);
    return health;
}

// What instances track, as status shows it. The decisions themselves are made by judge() and its kin; the tests hold
// both to the same sums.

namespace {

using Kind = TrackedObject::Kind;

// For everything that is either up or down.
TrackedObject of_state(Kind kind, const std::string& name, bool known, bool up, int weight, bool reverse) {
    TrackedObject object{.kind = kind, .name = name, .known = known, .up = up, .weight = weight, .reverse = reverse};
    if (!known) return object;
    object.adds = weight == 0 ? 0 : contribution(weight, reverse, up);
    object.faults = weight == 0 && up == reverse;
    return object;
}

void add_interfaces(const std::vector<config::TrackedInterface>& tracked, const config::Instance& instance,
                    const Links& links, std::vector<TrackedObject>& all) {
    for (const auto& one : tracked)
        if (!is_tracked_already(one.name, instance))
            all.push_back(of_state(Kind::Interface, one.name, true, links.up(one.name), one.weight, one.reverse));
}

void add_scripts(const std::vector<config::TrackedScript>& tracked, const ScriptStates& scripts,
                 std::vector<TrackedObject>& all) {
    using Standing = ScriptStates::Standing;
    for (const auto& one : tracked) {
        const Standing standing = scripts.standing(one.name);
        const bool known = standing == Standing::Up || standing == Standing::Down;
        all.push_back(of_state(Kind::Script, one.name, known, standing == Standing::Up, one.weight, one.reverse));
    }
}

}  // namespace

void BfdStates::list(InstanceId id, std::vector<TrackedObject>& all) const {
    if (id >= tracked_.size()) return;
    for (const TrackedBfd& one : tracked_[id])
        all.push_back(of_state(Kind::Bfd, one.name, true, up(one.name), one.weight, one.reverse));
}

void TrackerStates::list(InstanceId id, std::vector<TrackedObject>& all) const {
    if (id >= uses_.size()) return;
    for (const Use& use : uses_[id]) {
        if (use.process) {
            const Process& process = processes_[use.index];
            all.push_back(
                of_state(Kind::Process, process.config.name, process.known, process.up, use.weight, use.reverse));
            continue;
        }
        const File& file = files_[use.index];
        TrackedObject object{
            .kind = Kind::File, .name = file.config.name, .weight = use.weight, .reverse = use.reverse};
        if (file.value) {
            const auto adds = file_contribution(*file.value, use.weight, use.reverse);
            object.known = true;
            object.up = adds.has_value();
            object.adds = adds.value_or(0);
            object.faults = !adds;
        }
        all.push_back(std::move(object));
    }
}

std::vector<TrackedObject> Router::tracked_by(InstanceId id) const {
    const config::Instance& instance = impl_->config->instances.at(id);
    const auto* group =
        impl_->group_of.at(id) == Impl::kNoGroup ? nullptr : &impl_->groups[impl_->group_of[id]].config();
    std::vector<TrackedObject> all;
    const std::string& own = base_interface(instance);
    if (!own.empty() && !instance.dont_track_primary)
        all.push_back(of_state(Kind::Interface, own, true, impl_->links.up(own), 0, false));
    add_interfaces(instance.track_interfaces, instance, impl_->links, all);
    add_scripts(instance.track_scripts, impl_->scripts, all);
    if (group != nullptr) {
        add_interfaces(group->track_interfaces, instance, impl_->links, all);
        add_scripts(group->track_scripts, impl_->scripts, all);
    }
    impl_->bfds.list(id, all);
    impl_->trackers.list(id, all);
    return all;
}

// The schedule of the vrrp_scripts, and the evaluation of their results by rise and fall.

namespace {

void log(Intents& out, LogLevel level, std::string text) { out.push_back(WriteLog{{level, std::move(text)}}); }

std::set<std::string, std::less<>> tracked_scripts(const config::Config& config) {
    std::set<std::string, std::less<>> names;
    for (const auto& instance : config.instances)
        for (const auto& track : instance.track_scripts) names.insert(track.name);
    for (const auto& group : config.sync_groups)
        for (const auto& track : group.track_scripts) names.insert(track.name);
    return names;
}

// What follows "VRRP_Script(name) " in the log, and what status pages show.
std::string failure_text(const ScriptDone& result) {
    switch (result.how) {
        case ScriptDone::How::Exited:
            return fmt::format("failed (exited with status {})", result.status);
        case ScriptDone::How::Signalled:
            return fmt::format("failed (due to signal {})", result.status);
        case ScriptDone::How::TimedOut:
            return "timed_out";
        case ScriptDone::How::NotRun:
            break;
    }
    return "failed (could not be run)";
}

}  // namespace

void ScriptStates::configure(const config::Config& config, Instant now, bool at_start) {
    const auto wanted = tracked_scripts(config);
    std::vector<Script> next;
    for (const config::TrackScript& script : config.scripts) {
        if (!wanted.contains(script.name)) continue;
        Script entry;
        const Script* old = find(script.name);
        if (old != nullptr && old->config.command == script.command) {
            entry = *old;
            entry.due = std::min(entry.due, now + script.interval);
        } else {
            entry.result.name = script.name;
            entry.result.known = at_start && script.init_fail;  // starts bad, and needs `rise` successes
            entry.awaited = old != nullptr ? old->awaited : at_start && !script.init_fail;
            entry.due = now;
        }
        entry.config = script;
        next.push_back(std::move(entry));
    }
    scripts_ = std::move(next);
}

void ScriptStates::adopt(const std::vector<ScriptSnapshot>& previous) {
    for (const ScriptSnapshot& result : previous) {
        Script* script = find(result.name);
        if (script == nullptr) continue;
        script->result = result;
        if (result.known) script->awaited = false;
    }
}

ScriptStates::Script* ScriptStates::find(std::string_view name) {
    const auto it = std::ranges::find(scripts_, name, [](const Script& s) -> const auto& { return s.config.name; });
    return it == scripts_.end() ? nullptr : &*it;
}

ScriptStates::Standing ScriptStates::standing(std::string_view name) const {
    for (const Script& script : scripts_) {
        if (script.config.name != name) continue;
        if (script.result.known) return script.result.up ? Standing::Up : Standing::Down;
        // keepalived (2.2.7): one that came by a reload, or has another command by it, succeeds until its first result.
        return script.awaited ? Standing::Awaited : Standing::Up;
    }
    return Standing::Unknown;
}

std::optional<Instant> ScriptStates::deadline() const {
    std::optional<Instant> earliest;
    for (const Script& script : scripts_)
        if (!earliest || script.due < *earliest) earliest = script.due;
    return earliest;
}

void ScriptStates::run_due(Instant now, Intents& out) {
    for (Script& script : scripts_) {
        if (script.due > now) continue;
        const Nanos interval = std::max<Nanos>(script.config.interval, Micros{1000});
        script.due += interval * ((now - script.due) / interval + 1);  // missed slots are skipped
        if (script.run != 0) {
            log(out, LogLevel::Info,
                fmt::format("Track script {} is already running, expect idle - skipping run", script.config.name));
            continue;
        }
        script.run = ++last_run_;
        ++script.result.runs;
        out.push_back(RunScript{script.config.name, script.run});
    }
}

bool ScriptStates::done(const ScriptDone& done, Intents& out) {
    Script* script = find(done.script);
    if (script == nullptr || script->run == 0 || (done.run != 0 && done.run != script->run)) return false;
    script->run = 0;
    ScriptSnapshot& result = script->result;
    const bool good = done.how == ScriptDone::How::Exited && done.status == 0;
    if (done.how == ScriptDone::How::Exited && done.status != result.last_status) {
        log(out, LogLevel::Info, fmt::format("Script `{}` now returning {}", result.name, done.status));
        result.last_status = done.status;
    }
    result.failures_in_row = good ? 0 : result.failures_in_row + 1;
    if (!good) {
        ++result.failures;
        result.last_failure = failure_text(done);
        if (result.last_failure.starts_with("failed ("))  // status shows only the text in parentheses
            result.last_failure = result.last_failure.substr(8, result.last_failure.size() - 9);
    }
    if (result.known && good == result.up) {
        result.streak = 0;
        return false;
    }
    // keepalived: the first result decides at once, rise and fall do not apply to it (2.4.3).
    const std::uint32_t needed = !result.known ? 1 : good ? script->config.rise : script->config.fall;
    if (++result.streak < needed) return false;
    result.known = true;
    result.up = good;
    result.streak = 0;
    script->awaited = false;
    log(out, LogLevel::Info,
        fmt::format("VRRP_Script({}) {}", result.name, good ? std::string{"succeeded"} : failure_text(done)));
    return true;
}

std::vector<ScriptSnapshot> ScriptStates::snapshot() const {
    std::vector<ScriptSnapshot> all;
    for (const Script& script : scripts_) {
        all.push_back(script.result);
        all.back().running = script.run != 0;
    }
    return all;
}

}  // namespace mainstay::vrrp
