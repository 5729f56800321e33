// How an instance hands over to another router because an operator wants it.
//
// It resigns as at a stop: priority 0, then the addresses go. RFC 9568 6.4.2: a backup that hears priority 0 waits its
// Skew_Time and takes over, so the slowest one, with priority 1, advertises after 255/256 of an interval (version 2: of
// a second). One interval more lets the first of its adverts be lost. Who has heard nobody by then is alone, and
// becomes MASTER again: a service that nobody serves helps nobody.

#include <fmt/format.h>

#include <utility>

#include "mainstay/vrrp/instance.hpp"
#include "router_impl.hpp"
#include "timers.hpp"

namespace mainstay::vrrp {
namespace {

constexpr std::uint8_t kLowestPriority = 1;

double seconds_of(Nanos time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

Nanos Instance::hand_over_wait() const {
    return skew_time(config_->version, kLowestPriority, config_->advert_int) + config_->advert_int;
}

void Instance::hand_over(Step step, Cause why) {
    if (state_ != State::Master) return;
    log(step, LogLevel::Notice,
        fmt::format("handing over: waiting at most {:.3f} s for another router", seconds_of(hand_over_wait())));
    const char* const reason =
        why == Cause::Maintenance ? "an operator began maintenance" : "an operator handed it over";
    step_back(step, why, reason, 1, hand_over_wait());
    handed_over_at_ = step.now;
    failed_over_ = true;
}

void Instance::fail_back(Step step) {
    if (!std::exchange(failed_over_, false)) return;
    log(step, LogLevel::Notice, "the hand-over by an operator is over: preempting as configured again");
}

void Instance::hand_over_incomplete(Step step) {
    if (handed_over_at_)
        log(step, LogLevel::Warning,
            "nobody took over this instance, but another member of its sync group: preempting as configured again");
    end_hand_over(step, HandOverEnded::How::Incomplete);
    failed_over_ = false;
}

void Instance::end_hand_over(Step step, HandOverEnded::How how, const IpAddress& master) {
    if (!handed_over_at_) return;
    const Nanos after = step.now - *std::exchange(handed_over_at_, std::nullopt);
    if (how == HandOverEnded::How::TakenOver)
        log(step, LogLevel::Notice,
            fmt::format("handed over: {} took over after {:.3f} s", master.to_string(), seconds_of(after)));
    if (how == HandOverEnded::How::TakenBack)
        log(step, LogLevel::Warning, fmt::format("nobody took over within {:.3f} s: MASTER again", seconds_of(after)));
    step.out.push_back(HandOverEnded{config_->name, how, master, after});
}

// An operator's hand-over of instances, and the director's maintenance.

std::vector<InstanceId> Router::Impl::together_with(InstanceId id) const {
    if (id >= instances.size()) return {};
    if (group_of[id] == kNoGroup) return {id};
    const auto members = groups[group_of[id]].members();
    return {members.begin(), members.end()};
}

void Router::Impl::on(Step step, const FailOver& fact) {
    for (const InstanceId id : together_with(fact.instance)) instances[id].hand_over(step, Cause::Operator);
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
            instance.hand_over(step, Cause::Maintenance);
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
