#include "group.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace mainstay::vrrp {

Group::Group(config::SyncGroup config, std::vector<InstanceId> members, bool no_email_faults)
    : config_{std::move(config)}, members_{std::move(members)}, no_email_faults_{no_email_faults} {}

void Group::adopt(const GroupSnapshot& previous) {
    state_ = previous.state;
    last_mailed_ = previous.last_mailed;
}

Health Group::combine(const Health& own, const std::string& group, std::span<const Health* const> others) {
    if (!own.faults.empty() && !own.only_waiting) return own;
    Health health = own;
    for (const Health* other : others) {
        if (other->faults.empty()) continue;
        if (health.faults.empty()) health.fault(Fault::What::Group, group, {}, Cause::Group);
        health.only_waiting = other->only_waiting;
        health.awaits_scripts = health.awaits_scripts || other->awaits_scripts;
        if (!other->only_waiting) break;
    }
    return health;
}

void Group::settle(Step step, std::span<Instance> instances) {
    const auto member = [&](InstanceId id) -> Instance& { return instances[id]; };
    const auto any = [&](auto&& test) {
        return std::ranges::any_of(members_, [&](auto id) { return std::invoke(test, member(id)); });
    };
    const auto is_master = [](const Instance& i) { return i.state() == State::Master; };

    const bool resigned = any(&Instance::resigned);
    if ((resigned || any(&Instance::follows_master)) && any(is_master)) {
        log_syncing(step, "BACKUP");
        for (const InstanceId id : members_) member(id).yield(step, resigned);
    }
    if (any(&Instance::answered_rival))
        for (const InstanceId id : members_)
            if (is_master(member(id)) && !member(id).answered_rival()) member(id).reassert_mastership(step);
    const bool all_ready = !any([&](const Instance& i) { return !is_master(i) && !i.wants_master(); });
    if (all_ready && any(&Instance::wants_master)) {
        log_syncing(step, "MASTER");
        for (const InstanceId id : members_)
            if (!is_master(member(id))) member(id).become_master(step);
    }
    // Another router took over some members of a group that was handed over, and nobody the rest.
    const auto waits = [](const Instance& i) { return i.hands_over() && !i.wants_master(); };
    if (any(&Instance::hands_over) && !any(waits) && !any(is_master))
        for (const InstanceId id : members_) member(id).hand_over_incomplete(step);
    for (const InstanceId id : members_) member(id).clear_marks();

    const State next = members_state(instances);
    const State before = std::exchange(state_, next);
    if (next == before) return;
    if (next == State::Fault || before == State::Fault) log_syncing(step, to_string(next));
    // Not reported: waiting for first results, and mixed member states after a reload.
    if (next != State::Init) announce(step, transition_to(next), cause_of(instances));
}

State Group::members_state(std::span<const Instance> instances) const {
    bool all_masters = true, waiting = false;
    for (const InstanceId id : members_) {
        const Instance& instance = instances[id];
        if (instance.state() == State::Fault && !instance.only_waits()) return State::Fault;
        waiting |= instance.state() == State::Fault || instance.state() == State::Init;
        all_masters &= instance.state() == State::Master;
    }
    return waiting ? State::Init : all_masters ? State::Master : State::Backup;
}

void Group::stop(Step step) {
    announce(step, Transition::Stop, Cause::Stop);
    state_ = State::Init;
}

void Group::log_syncing(Step step, const char* state) const {
    step.out.push_back(
        WriteLog{{LogLevel::Notice, fmt::format("VRRP_Group({}) Syncing instances to {} state", config_.name, state)}});
}

Cause Group::cause_of(std::span<const Instance> instances) const {
    for (const InstanceId id : members_)
        if (const Cause cause = instances[id].cause(); cause != Cause::Group) return cause;
    return Cause::Group;
}

void Group::announce(Step step, Transition transition, Cause cause) {
    const char* name = to_string(transition);
    Event event;
    event.kind = Event::Kind::Group;
    event.name = config_.name;
    event.transition = transition;
    event.cause = cause;
    event.detail = fmt::format("All VRRP group instances are now in {} state", name);
    event.mail = config_.smtp_alert && last_mailed_ != name && !(transition == Transition::Fault && no_email_faults_);
    if (event.mail) last_mailed_ = name;
    step.out.push_back(Announce{std::move(event)});
}

}  // namespace mainstay::vrrp
