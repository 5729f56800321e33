// What the router is told about routes and rules.
#include "router_impl.hpp"

namespace mainstay::vrrp {

void Router::Impl::check_routing(Instant now) {
    for (InstanceId id = 0; id < instances.size(); ++id) {
        if (!instances[id].routing().established() || instances[id].routing().entries().empty()) continue;
        instances[id].check_routing(now);
        deadlines.set(id, instances[id].deadline());
    }
}

void Router::Impl::on(Step step, const RoutingLost& fact) {
    statics.routing_lost(step, fact.what);
    for (InstanceId id = 0; id < instances.size(); ++id) {
        if (!instances[id].routing().established()) continue;
        instances[id].routing_lost(step, fact.what);
        settle(step, id);
    }
}

void Router::Impl::on(Step step, const RoutingUncertain&) {
    statics.check(step.now);
    check_routing(step.now);
}

void Router::Impl::on(Step step, const DuplicateAddress& fact) {
    const auto holders = by_address.find({fact.interface, fact.address});
    if (holders == by_address.end()) return;
    for (const InstanceId id : holders->second) {
        instances[id].duplicate_found(step, fact.interface, fact.address);
        deadlines.set(id, instances[id].deadline());
    }
}

void Router::Impl::on(Step step, const RoutingOutcome& fact) {
    if (fact.owner == kNoInstance) return statics.outcome(step, fact);
    if (fact.owner >= instances.size()) return;
    instances[fact.owner].routing_outcome(step, fact);
    settle(step, fact.owner);
}

}  // namespace mainstay::vrrp
