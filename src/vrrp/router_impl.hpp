// The inside of Router, shared by router.cpp (facts) and reload.cpp (configurations).
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
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
    ScriptBoard scripts;
    BfdBoard bfds;
    TrackerBoard trackers;
    Statics statics;
    std::set<IpAddress> virtuals;
    std::set<IpAddress> sources_missing;
    std::vector<Instance> instances;  // the index is the InstanceId
    Deadlines deadlines;              // of the instances, as of the last time that a step had to do with each
    std::vector<Group> groups;
    std::vector<std::size_t> group_of;                          // per instance: index into groups, or kNoGroup
    using Key = std::tuple<std::string, Family, std::uint8_t>;  // interface, family, VRID
    std::map<Key, std::vector<InstanceId>> by_key;
    std::map<std::pair<std::string, Prefix>, std::vector<InstanceId>> by_address;
    std::optional<Instant> startup_until;  // while vrrp_startup_delay runs
    std::int64_t clock_offset_us = 0;      // the calendar clock less `now`; 0: not known yet
    std::set<Key> unknown_vrids;           // that were named in the log

    static constexpr std::size_t kNoGroup = static_cast<std::size_t>(-1);

    [[nodiscard]] std::shared_ptr<const config::Instance> instance_config(InstanceId id) const;
    // Everything that follows from `config`, but the instances themselves.
    void index_config();
    [[nodiscard]] Instance::InstanceContext context(const config::Instance& instance) const;
    [[nodiscard]] std::vector<Health> judge_all() const;
    void apply_health(Step step);
    void settle_all(Step step);
    void settle(Step step, InstanceId id);
    void look_at_all_deadlines();

    void start(Step step, const RouterSnapshot* previous);
    void remove_leftovers(Step step);
    void on(Step step, const InterfaceFact& fact);     // as told
    void count(Step step, const InterfaceFact& fact);  // as it counts, delays over
    void on(Step step, const PacketHeard& fact);
    void on(Step step, const AddressLost& fact);
    void on(Step step, const RestoreFailed& fact);
    void on(Step step, const ScriptDone& fact);
    void on(Step step, const BfdFact& fact);
    void on(Step step, const FileFact& fact);
    void on(Step step, const ProcessFact& fact);
    void on(Step step, const ClockTold& fact);
    void on(Step step, const SourceFact& fact);
    [[nodiscard]] bool misses_source(const config::Instance& instance) const;
    void check_routing(Instant now);  // of the instances, soon
    // Whether a master has this route or rule, or it is a static one.
    [[nodiscard]] bool is_held(const RoutingEntry& entry) const;
    // After a step: what one holder lets go stays while another one has the same route or rule.
    void keep_shared_routing(Intents& out) const;
    // After a step: IPv4 routes that went with the addresses that it took away, or that somebody did, are set again.
    void renew_routing(Step step, const Fact* fact);
    void renew_routing(Step step, const std::vector<HeldAddress>& gone, SetRouting::How how);
    void renew_routing_over(Step step, const std::string& device);  // it was created again: nothing is left of them
    void retry_routing(Step step, const std::string& device);
    void on(Step step, const RoutingLost& fact);
    void on(Step step, const DuplicateAddress& fact);
    void on(Step step, const RoutingUncertain& fact);
    void on(Step step, const RoutingOutcome& fact);
    void on(Step step, const DeadlineReached& fact);
    [[nodiscard]] Step step_at(Instant now, Intents& out) const;
    void unknown_vrid(Step step, const PacketHeard& packet);
    void on(Step step, const Shutdown& fact);
    [[nodiscard]] std::optional<InstanceId> addressee(const PacketHeard& packet) const;

    class Reloading;
    void reload(Step step, std::shared_ptr<const config::Config> next);
};

}  // namespace mainstay::vrrp
