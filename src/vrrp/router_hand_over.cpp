// An operator's hand-over of instances, and the director's maintenance.
#include "router_impl.hpp"

namespace mainstay::vrrp {

std::vector<InstanceId> Router::Impl::together_with(InstanceId id) const {
    if (id >= instances.size()) return {};
    if (group_of[id] == kNoGroup) return {id};
    const auto members = groups[group_of[id]].members();
    return {members.begin(), members.end()};
}

void Router::Impl::on(Step step, const FailOver& fact) {
    for (const InstanceId id : together_with(fact.instance)) instances[id].hand_over(step);
    settle_all(step);
}

void Router::Impl::on(Step step, const FailBack& fact) {
    for (const InstanceId id : together_with(fact.instance)) instances[id].fail_back(step);
}

// Priorities change first, so that an advert that is due meanwhile has the new one.
void Router::Impl::on(Step step, const Maintenance& fact) {
    if (maintenance == fact.on) return;
    maintenance = fact.on;
    for (Instance& instance : instances) instance.set_maintenance(fact.on);
    if (phase != Phase::Running) return;
    apply_health(step);
    for (Instance& instance : instances) {
        if (fact.on)
            instance.hand_over(step);
        else
            instance.fail_back(step);
    }
    settle_all(step);
}

bool Router::maintenance() const { return impl_->maintenance; }

Nanos Router::hand_over_wait(const std::string& name) const {
    for (const Instance& instance : impl_->instances)
        if (instance.config().name == name) return instance.hand_over_wait();
    return Nanos{0};
}

}  // namespace mainstay::vrrp
