#include "beginning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "mainstay/record/replay.hpp"
#include "mainstay/vrrp/router.hpp"
#include "mainstay/wire/vrrp.hpp"

namespace mainstay::sim {

using namespace vrrp;

namespace {

constexpr int kStepsEach = 16;  // in which an instance that hears nobody sends an advert, or never does

std::size_t at_family(Family family) { return family == Family::V4 ? 0 : 1; }

// What the record says: its last router, and whom it heard until then.
struct Listener {
    std::optional<Router> router;
    HeardRouters heard;
    Instant now{};
    WallTime at;

    void hear(const PacketHeard& packet, Instant when) {
        const auto advert = wire::decode_vrrp(packet.payload, packet.source.family());
        if (!advert || packet.protocol != 112) return;
        auto& router_heard = heard[{advert->virtual_router_id, packet.source.family(), packet.source}];
        if (advert->priority != 0) router_heard = {advert->priority, advert->interval, when, packet.interface};
    }
};

Result<Listener> listen(const record::Record& record) {
    const std::string version =
        record.version == kRecordVersion ? kRecordVersion : std::string{record::program_version()};
    Listener listener;
    const auto outcome = record::replay(record, version, [&](const record::ReplayedStep& step) {
        listener.now = step.entry.now;
        listener.at = step.at;
        const auto* fact = std::get_if<Fact>(&step.entry.what);
        const auto* packet = fact == nullptr ? nullptr : std::get_if<PacketHeard>(fact);
        if (packet != nullptr) listener.hear(*packet, step.entry.now);
    });
    if (!outcome) return std::unexpected{outcome.error()};
    if (outcome->difference)
        return fail(Errc::State,
                    fmt::format("this program decides otherwise than the recorded process, after {} facts; "
                                "mainstayctl replay shows where",
                                outcome->facts));
    if (outcome->facts == 0) return fail(Errc::State, "the record has no facts yet");
    // The router is gone with its replay, and a copy after each step would be slow.
    std::uint64_t steps = 0;
    const auto again = record::replay(record, version, [&](const record::ReplayedStep& step) {
        if (++steps == outcome->facts) listener.router = step.router.copy();
    });
    if (!again) return std::unexpected{again.error()};
    return listener;
}

// The sources of a router's adverts: those of the adverts that it would send if it heard nobody any more.
std::vector<std::array<IpAddress, 2>> own_addresses(const Router& router) {
    const auto& instances = router.config().instances;
    std::vector<std::array<IpAddress, 2>> own(instances.size());
    Router alone = router.copy();
    for (std::size_t steps = kStepsEach * instances.size(); steps > 0 && alone.deadline(); --steps) {
        for (const Intent& intent : alone.step(DeadlineReached{}, *alone.deadline())) {
            const auto* advert = std::get_if<SendAdvert>(&intent);
            if (advert == nullptr || advert->instance >= own.size()) continue;
            own[advert->instance][at_family(advert->source.family())] = advert->source;
        }
    }
    return own;
}

// The snapshot of the instances that are left, in their order.
RouterSnapshot snapshot_of(const Router& router, const config::Config& kept) {
    const RouterSnapshot whole = router.snapshot();
    RouterSnapshot snapshot;
    for (const auto& c : kept.instances) {
        snapshot.instances.push_back(*std::ranges::find(whole.instances, c.name, &InstanceSnapshot::name));
        snapshot.instances.back().interface = kInterface;
    }
    for (const auto& group : kept.sync_groups)
        for (const auto& known : whole.groups)
            if (known.name == group.name) snapshot.groups.push_back(known);
    for (const auto& script : kept.scripts)
        for (const auto& known : whole.scripts)
            if (known.name == script.name) snapshot.scripts.push_back(known);
    for (auto& script : snapshot.scripts) script.running = false;
    return snapshot;
}

// The links of the recorded director: an interface of the LAN is up if one that it stands for is.
void take_links(const Router& router, const config::Config& kept, Beginning& beginning) {
    std::set<std::string> own;
    for (const auto& c : router.config().instances) own.insert(c.interface);
    std::array<std::set<bool>, 2> seen;
    for (InstanceId id = 0; id < router.config().instances.size(); ++id)
        for (const auto& tracked : router.tracked_by(id))
            if (tracked.kind == TrackedObject::Kind::Interface)
                seen[own.contains(tracked.name) ? 0 : 1].insert(tracked.up);
    for (std::size_t at = 0; at < seen.size(); ++at) {
        beginning.links_up[at] = seen[at].empty() || seen[at].contains(true);
        if (seen[at].size() > 1)
            beginning.left_out.push_back(fmt::format("eth{} is up, though some interfaces were down", at));
    }
    const auto is_down = [&](const config::TrackScript& script) {
        const auto scripts = router.snapshot().scripts;
        const auto known = std::ranges::find(scripts, script.name, &ScriptSnapshot::name);
        return known != scripts.end() && known->known && !known->up;
    };
    beginning.script_good = std::ranges::none_of(kept.scripts, is_down);
}

// Those that only an instance hears that is left out: of the VRID of another one, on another interface.
void forget_left_out(const config::Config& whole, Recorded& recorded) {
    const auto is_kept = [&](const config::Instance& c) {
        return std::ranges::find(recorded.config.instances, c.name, &config::Instance::name) !=
               recorded.config.instances.end();
    };
    std::erase_if(recorded.heard, [&](const auto& heard) {
        const auto& [vrid, family, source] = heard.first;
        return std::ranges::any_of(whole.instances, [&](const config::Instance& c) {
            return c.virtual_router_id == vrid && c.family == family && c.interface == heard.second.interface &&
                   !is_kept(c);
        });
    });
}

bool faults_here(const config::Instance& c, const Beginning& beginning) {
    const auto is_down = [&](const config::TrackedInterface& t) {
        return t.weight == 0 && !beginning.links_up[t.name == kInterface ? 0 : 1];
    };
    const auto fails = [](const config::TrackedScript& t) { return t.weight == 0; };
    return (!c.dont_track_primary && !beginning.links_up[0]) || std::ranges::any_of(c.track_interfaces, is_down) ||
           (!beginning.script_good && std::ranges::any_of(c.track_scripts, fails));
}

// Its own members apart, a group shares the faults of each.
void name_lost_faults(const Recorded& recorded, Beginning& beginning) {
    for (std::size_t n = 0; n < recorded.snapshot.instances.size(); ++n) {
        const auto& c = recorded.config.instances[n];
        const auto holds = [&](const config::Instance& other) {
            return (other.name == c.name || (!c.sync_group.empty() && other.sync_group == c.sync_group)) &&
                   faults_here(other, beginning);
        };
        const auto& instance = recorded.snapshot.instances[n];
        if (instance.state == State::Fault && std::ranges::none_of(recorded.config.instances, holds))
            beginning.left_out.push_back(fmt::format("left out of {}: its fault ({})", c.name, instance.fault));
    }
}

}  // namespace

Result<Beginning> beginning_of(std::span<const std::byte> file) {
    const auto record = record::read_record(file);
    if (!record) return std::unexpected{record.error()};
    if (record->segments.empty()) return fail(Errc::NotFound, "the record has no VRRP part");
    const auto listener = listen(*record);
    if (!listener) return std::unexpected{listener.error()};
    const Router& router = *listener->router;
    Beginning beginning;
    beginning.now = listener->now;
    beginning.at = listener->at;
    beginning.maintenance = router.maintenance();
    Recorded recorded;
    recorded.config = represented(router.config(), beginning.left_out);
    if (recorded.config.instances.empty()) return fail(Errc::NotFound, "the record has no instance to simulate");
    recorded.heard = listener->heard;
    recorded.now = listener->now;
    const auto own = own_addresses(router);
    for (const auto& kept : recorded.config.instances)
        for (std::size_t n = 0; n < own.size(); ++n)
            if (router.config().instances[n].name == kept.name) recorded.own.push_back(own[n]);
    for (const auto& kept : recorded.config.instances)
        recorded.interfaces.push_back(
            std::ranges::find(router.config().instances, kept.name, &config::Instance::name)->interface);
    forget_left_out(router.config(), recorded);
    take_links(router, recorded.config, beginning);
    recorded.snapshot = snapshot_of(router, recorded.config);
    const auto is_idle = [](const InstanceSnapshot& instance) { return instance.state == State::Init; };
    if (std::ranges::any_of(recorded.snapshot.instances, is_idle)) {
        beginning.left_out.push_back("the record ends before a start or after a stop: all directors start anew");
        recorded.snapshot = {};
    }
    name_lost_faults(recorded, beginning);
    add_directors(recorded, beginning);
    return beginning;
}

}  // namespace mainstay::sim
