// static_ipaddress, static_routes, static_rules and track_group: entries that are set while the daemon runs, in every
// state of its instances.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "facts.hpp"
#include "restore.hpp"
#include "routing_set.hpp"
#include "track.hpp"

namespace mainstay::vrrp {

// The lines of static_ipaddress, each with its interface (default_interface when it names none).
struct StaticAddress {
    config::VirtualAddress address;
    std::string track_group;
    bool operator==(const StaticAddress&) const = default;
};
[[nodiscard]] std::vector<StaticAddress> static_addresses_of(const config::Config& config);

// Every interface that static entries name.
[[nodiscard]] std::vector<std::string> static_devices_of(const config::Config& config);

class Statics {
public:
    static constexpr Seconds kAudit{30};  // addresses are set again, as routes are

    // Takes a configuration. The caller changes addresses and removes the returned routes and rules; add() sets new
    // ones.
    [[nodiscard]] RoutingSet::Change replace(const config::Config& config);
    void add(Step step, const std::vector<std::size_t>& routing);
    [[nodiscard]] const std::vector<StaticAddress>& addresses() const { return addresses_; }
    [[nodiscard]] const RoutingSet& routing() const { return routing_; }

    void start(Step step);
    void stop(Step step);
    void interface_up(Step step, const std::string& name);
    void address_lost(Step step, const AddressLost& fact);
    void routing_lost(Step step, const netlink::Routing& reported) { (void)routing_.lost(step, reported); }
    void outcome(Step step, const RoutingOutcome& outcome) { (void)routing_.outcome(step, outcome); }
    void renew_routing(Step step, SetRouting::How how,
                       const std::function<bool(const RoutingEntry&)>& concerned) const {
        routing_.renew(step, how, concerned);
    }
    void retry_routing(Step step, const std::string& device) const { routing_.retry(step, device); }
    void check(Instant now);
    void look_again(Instant now) {  // a reload: pending restores are done at once, an audit follows soon
        restores_.hasten(now);
        routing_.look_again(now);
        check(now);
    }
    void tick(Step step);
    [[nodiscard]] std::optional<Instant> deadline() const;

    // The interfaces of the instance's routes and rules, and those of the static entries of its track_groups: FAULT
    // while one of them is down.
    void judge(const config::Instance& instance, const Links& links, Health& health) const;

private:
    template <class A>
    friend void fields(A& archive, Statics& statics);  // router_state.cpp
    void restore(Step step, std::size_t position);

    std::vector<StaticAddress> addresses_;
    RoutingSet routing_;
    RestoreBudget restores_;
    std::optional<Instant> audit_;
    std::map<std::string, std::vector<std::string>> tracked_;  // by instance: interfaces
    bool running_ = false;
};

}  // namespace mainstay::vrrp
