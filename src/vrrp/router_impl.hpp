// The inside of Router, shared by router.cpp (facts) and reload.cpp (configurations).
#pragma once

#include <algorithm>
#include <map>
#include <ranges>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "deadlines.hpp"
#include "group.hpp"
#include "link_delays.hpp"
#include "mainstay/vrrp/instance.hpp"
#include "mainstay/vrrp/router.hpp"
#include "mainstay/vrrp/statics.hpp"
#include "mainstay/vrrp/track.hpp"
#include "mainstay/vrrp/trackers.hpp"
#include "track_bfd.hpp"

namespace mainstay::vrrp {

struct Router::Impl {
    explicit Impl(std::shared_ptr<const config::Config> initial);

    enum class Phase : std::uint8_t { Gathering, Running, Finished } phase = Phase::Gathering;
    std::shared_ptr<const config::Config> config;
    Links links;
    LinkDelays link_delays;
    ScriptStates scripts;
    BfdStates bfds;
    TrackerStates trackers;
    Statics statics;
    VirtualAddresses virtuals;
    std::set<std::pair<IpAddress, std::string>> sources_missing;  // on a device
    std::vector<Instance> instances;                              // the index is the InstanceId
    Deadlines deadlines;  // of the instances; updated by each step for the instances that it changed
    std::vector<Group> groups;
    std::vector<std::size_t> group_of;  // per instance: index into groups, or kNoGroup
    std::vector<InstanceId> by_key;     // sorted by key_of() and then by themselves
    using Holder = std::pair<IpAddress, InstanceId>;
    std::vector<Holder> holders;  // sorted; of all virtual addresses, also those that no advert names
    bool maintenance = false;
    std::optional<Instant> startup_until;  // while vrrp_startup_delay runs
    std::int64_t clock_offset_us = 0;      // calendar time minus `now`; 0: not known yet
    std::set<std::tuple<std::string, Family, std::uint8_t>> unknown_vrids;  // logged ones, with the interface
    AdvertLateness advert_lateness;  // of all adverts, also those of earlier incarnations

    static constexpr std::size_t kNoGroup = static_cast<std::size_t>(-1);

    [[nodiscard]] std::shared_ptr<const config::Instance> instance_config(InstanceId id) const;
    // Rebuilds everything that is derived from `config`, except the instances.
    void index_config();
    [[nodiscard]] Instance::InstanceContext context(const config::Instance& instance) const;
    [[nodiscard]] std::vector<Health> judge_all() const;
    // Whether a reload to the latter lets the former go on.
    [[nodiscard]] bool goes_on_as(const Instance& before, const config::Instance& next) const;
    // For each instance of `next` the place of the one in `old` that goes on as it; old.size(): it is new.
    [[nodiscard]] std::vector<std::size_t> continued(const std::vector<Instance>& old,
                                                     const config::Config& next) const;
    void apply_health(Step step);
    void settle_all(Step step);
    void settle(Step step, InstanceId id);
    void look_at_all_deadlines();

    void start(Step step, const RouterSnapshot* previous);
    void remove_leftovers(Step step, const RouterSnapshot* previous);
    void on(Step step, const InterfaceFact& fact) { on(step, HostFacts{.interfaces = {fact}, .sources = {}}); }
    void on(Step step, const SourceFact& fact) { on(step, HostFacts{.interfaces = {}, .sources = {fact}}); }
    void on(Step step, const HostFacts& facts) { count(step, note(step, facts)); }
    struct LinkChange {
        InterfaceFact before, now;
    };
    // Takes the fact over, as effective after interface_up_down_delays. None: it says nothing new.
    [[nodiscard]] std::optional<LinkChange> note(Step step, const InterfaceFact& fact);
    struct HostChange {
        std::vector<LinkChange> links;
        bool sources = false;
    };
    [[nodiscard]] HostChange note(Step step, const HostFacts& facts);  // as reported
    void count(Step step, const HostChange& change);
    // Sets again what the kernel may have dropped or refused because of the link.
    void follow_up(Step step, const LinkChange& change);
    void on(Step step, const PacketHeard& fact);
    void on(Step step, const AddressLost& fact);
    void on(Step step, const RestoreFailed& fact);
    void on(Step step, const ScriptDone& fact);
    void on(Step step, const BfdFact& fact);
    void on(Step step, const FileFact& fact);
    void on(Step step, const ProcessFact& fact);
    void on(Step step, const ClockTold& fact);
    [[nodiscard]] bool note(const SourceFact& fact);  // false: it says nothing new
    [[nodiscard]] bool misses_source(const config::Instance& instance) const;
    void check_routing(Instant now);  // of the instances, soon
    // Whether a master has this route or rule, or it is a static one.
    [[nodiscard]] bool is_held(const RoutingEntry& entry) const;
    // After a step: keeps a removed route or rule if another owner has the same one.
    void keep_shared_routing(Intents& out) const;
    // After a step: sets IPv4 routes again that the kernel removed together with addresses.
    void renew_routing(Step step, const Fact* fact);
    void renew_routing(Step step, const std::vector<HeldAddress>& gone, SetRouting::How how);
    void renew_routing_over(Step step, const std::string& device);  // after the device was created again
    void retry_routing(Step step, const std::string& device);
    void on(Step step, const RoutingLost& fact);
    void on(Step step, const DuplicateAddress& fact);
    void on(Step step, const RoutingUncertain& fact);
    void on(Step step, const RoutingOutcome& fact);
    void on(Step step, const DeadlineReached& fact);
    [[nodiscard]] Step step_at(Instant now, Intents& out);
    void on(Step step, const FailOver& fact);
    void on(Step step, const FailBack& fact);
    void on(Step step, const Maintenance& fact);
    [[nodiscard]] std::vector<InstanceId> together_with(InstanceId id) const;  // its sync group, or itself alone
    void look_for_own_addresses(Step step, const PacketHeard& packet, std::span<const std::byte> advert);
    void unknown_vrid(Step step, const PacketHeard& packet);
    void on(Step step, const Shutdown& fact);
    [[nodiscard]] std::optional<InstanceId> addressee(const PacketHeard& packet) const;
    [[nodiscard]] std::tuple<std::uint8_t, Family, std::string_view> key_of(InstanceId id) const;
    // Those whose virtual address it is, on whatever interface.
    [[nodiscard]] auto holders_of(const IpAddress& address) const {
        return std::views::values(std::ranges::equal_range(holders, address, {}, &Holder::first));
    }

    class Reloading;
    void reload(Step step, std::shared_ptr<const config::Config> next, const HostFacts& host);
};

}  // namespace mainstay::vrrp
