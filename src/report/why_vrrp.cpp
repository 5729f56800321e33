// Why an instance, a group or a tracked object is in its state.
#include <fmt/format.h>

#include <array>

#include "why_text.hpp"

namespace mainstay::report {
namespace {

const vrrp::RouterSnapshot& router_of(const WhySource& source) {
    static const vrrp::RouterSnapshot kNone;
    return source.status.vrrp ? source.status.vrrp->router : kNone;
}

template <class List>
auto* named(const List& list, std::string_view name) {
    const auto found = std::ranges::find_if(list, [&](const auto& one) { return one.name == name; });
    return found == list.end() ? nullptr : &*found;
}

using What = vrrp::Fault::What;

bool is_held_by(const vrrp::InstanceSnapshot& instance, What what, std::string_view name) {
    return std::ranges::any_of(instance.faults,
                               [&](const vrrp::Fault& fault) { return fault.what == what && fault.name == name; });
}
// By the fault of another member of its sync group.
bool is_held_by_others(const vrrp::InstanceSnapshot& instance) {
    return is_held_by(instance, What::Group, instance.group);
}

// What it wrote to stderr, after a colon; empty: it wrote nothing.
std::string errors_text(const WhySource& source, const vrrp::ScriptSnapshot& script) {
    const auto& all = source.status.vrrp->script_errors;
    const auto found = std::ranges::find(all, script.name, &ScriptErrors::script);
    return found != all.end() ? ": " + found->text : std::string{};
}

// "DOWN since 10:02:08: exited with status 1, 3 failures in a row"
std::string script_state(const WhySource& source, const vrrp::ScriptSnapshot& script) {
    if (!script.known) return "no result yet";
    std::string text = fmt::format("{}{}", script.up ? "UP" : "DOWN", since_text(source, script.since));
    if (script.up) return text;
    if (!script.last_failure.empty()) text += ": " + script.last_failure + errors_text(source, script);
    if (const auto row = in_a_row(script.failures_in_row); !row.empty()) text += ", " + row;
    return text;
}

std::string tracker_state(const WhySource& source, const vrrp::PriorityPart& part) {
    const std::string_view whole = part.tracker;
    const auto space = whole.find(' ');
    const auto kind = whole.substr(0, space);
    const auto name = space == std::string_view::npos ? std::string_view{} : whole.substr(space + 1);
    const auto& router = router_of(source);
    if (kind == "track_script")
        if (const auto* script = named(router.scripts, name)) return script_state(source, *script);
    if (kind == "track_file" || kind == "track_process") {
        const auto wanted =
            kind == "track_file" ? vrrp::TrackerSnapshot::Kind::File : vrrp::TrackerSnapshot::Kind::Process;
        for (const auto& tracker : router.trackers)
            if (tracker.kind == wanted && tracker.name == name)
                return kind == "track_file"
                           ? fmt::format("it holds {}", tracker.value)
                           : fmt::format("{} {}", tracker.value, tracker.value == 1 ? "process" : "processes");
    }
    return part.up ? "UP" : "DOWN";
}

// "80: base 100, -20 by track_script chk_http (DOWN since ...)"; only the number without such parts.
std::string priority_text(const WhySource& source, const vrrp::InstanceSnapshot& instance) {
    std::string text = std::to_string(instance.effective_priority);
    if (instance.priority_parts.empty()) return text;
    text += fmt::format(": base {}", instance.base_priority);
    for (const auto& part : instance.priority_parts)
        text += fmt::format(", {:+} by {} ({})", part.weight, part.tracker, tracker_state(source, part));
    return text;
}

// Of a BACKUP that hears a master.
std::string behind_text(const WhySource& source, const vrrp::InstanceSnapshot& instance) {
    const std::string master = instance.master.to_string();
    const int theirs = instance.master_priority, ours = instance.effective_priority;
    const std::string own = priority_text(source, instance);
    if (theirs == ours) return fmt::format("{} is MASTER with the same priority, this router has {}", master, own);
    if (theirs < ours)
        return fmt::format(
            "{} is MASTER with priority {}, and this router, which has {}, does not preempt it ({})", master, theirs,
            own, instance.failed_over ? "an operator handed it over" : "nopreempt, or preempt_delay has not passed");
    return fmt::format("{} advertises priority {}, this router has {}", master, theirs, own);
}

// The member that keeps the sync group of an instance without a master back: one that hears a master.
const vrrp::InstanceSnapshot* holding_back(const WhySource& source, const vrrp::InstanceSnapshot& instance) {
    if (instance.group.empty()) return nullptr;
    for (const auto& other : router_of(source).instances)
        if (other.group == instance.group && other.state == vrrp::State::Backup && other.names_master()) return &other;
    return nullptr;
}

std::string backup_text(const WhySource& source, const vrrp::InstanceSnapshot& instance) {
    if (instance.names_master()) return behind_text(source, instance);
    const auto* other = holding_back(source, instance);
    if (other == nullptr)
        return fmt::format("it waits whether another router advertises; its priority is {}",
                           priority_text(source, instance));
    return fmt::format("no other router advertises, and its sync group {} waits for {}, for which {}", instance.group,
                       other->name, behind_text(source, *other));
}

void add_fault_causes(const WhySource& source, const vrrp::InstanceSnapshot& instance, Reasons& reasons) {
    const auto& router = router_of(source);
    for (const auto& script : router.scripts)
        if (script.known && is_held_by(instance, What::Script, script.name))
            reasons.add_at(script.since,
                           fmt::format("track_script {} is {}", script.name, script_state(source, script)));
    for (const auto& device : source.status.vrrp->kept_down)
        if (is_held_by(instance, What::Interface, device.name))
            reasons.add(fmt::format("{}: {}", device.name, device.reason));
    if (!is_held_by_others(instance)) return;
    for (const auto& other : router.instances)
        if (other.group == instance.group && other.name != instance.name && other.state == vrrp::State::Fault &&
            !is_held_by_others(other))
            reasons.add_at(other.since, fmt::format("{} of sync group {} is FAULT{}: {}", other.name, other.group,
                                                    since_text(source, other.since), other.fault));
}

std::string state_sentence(const WhySource& source, const vrrp::InstanceSnapshot& instance) {
    const std::string begin =
        fmt::format("{} is {}{}", instance.name, vrrp::to_string(instance.state), since_text(source, instance.since));
    switch (instance.state) {
        case vrrp::State::Init:
            return begin + ": it has not started, or it is stopped";
        case vrrp::State::Fault:
            return instance.fault.empty() ? begin + ": the reason is not known"
                                          : fmt::format("{} because {}", begin, instance.fault);
        case vrrp::State::Backup:
            return fmt::format("{} because {}", begin, backup_text(source, instance));
        case vrrp::State::Master:
            break;
    }
    if (instance.reason.empty()) return begin + ": the reason is not known, its state is that of a process before";
    return fmt::format("{} because {}", begin, instance.reason);
}

void add_problems(const WhySource& source, const vrrp::InstanceSnapshot& instance, Reasons& reasons) {
    for (const auto& problem : instance.problems) {
        const auto before = std::chrono::duration_cast<Micros>(source.status.clock - problem.last).count();
        const WallTime last{source.status.now.unix_us - before};
        reasons.add_at(
            last, fmt::format("{}: {} ({}; seen {} {})", moment(source, last), problem.text, problem.peer.to_string(),
                              problem.count, problem.count == 1 ? "time" : "times"));
    }
}

// What operators have done to it.
void add_commands(const WhySource& source, const vrrp::InstanceSnapshot& instance, Reasons& reasons) {
    const auto& maintenance = source.status.vrrp->maintenance;
    if (maintenance)
        reasons.add_at(maintenance->since,
                       fmt::format("{}: {} began maintenance of this director{}: its instances have priority 1 and are "
                                   "MASTER only if no other router is heard",
                                   moment(source, maintenance->since), maintenance->by,
                                   maintenance->reason.empty() ? "" : " (" + maintenance->reason + ")"));
    else if (instance.failed_over)  // maintenance hands over, too, and its end is the end of that
        reasons.add(
            "an operator handed it over: until it is MASTER again it respects every other master, as with nopreempt");
}

// Which instances a tracker changes, for the tracker's own explanation.
void add_effects(const WhySource& source, std::string_view tracker, What what, std::string_view name,
                 Reasons& reasons) {
    for (const auto& instance : router_of(source).instances) {
        for (const auto& part : instance.priority_parts)
            if (part.tracker == tracker)
                reasons.add(fmt::format("it adds {:+} to the priority of {}, which is {}", part.weight, instance.name,
                                        instance.effective_priority));
        if (is_held_by(instance, what, name)) reasons.add(fmt::format("{} is FAULT because of it", instance.name));
    }
}

}  // namespace

Explanation explain(const WhySource& source, const vrrp::InstanceSnapshot& instance) {
    Reasons reasons;
    reasons.add(state_sentence(source, instance));
    if (instance.state == vrrp::State::Master && !instance.priority_parts.empty())
        reasons.add(fmt::format("its priority is {}", priority_text(source, instance)));
    if (instance.reduced)
        reasons.add("its priority is 254 instead of 255 because another router is configured as address owner, too");
    if (instance.state == vrrp::State::Fault) add_fault_causes(source, instance, reasons);
    if (instance.state == vrrp::State::Backup && !instance.reason.empty())
        reasons.add_at(instance.since, fmt::format("{}: it came to BACKUP because {}", moment(source, instance.since),
                                                   instance.reason));
    add_commands(source, instance, reasons);
    add_problems(source, instance, reasons);
    add_events(source, Event::Kind::Instance, instance.name, "", reasons);
    return {instance.name, "instance", vrrp::to_string(instance.state), instance.since, reasons.take()};
}

Explanation explain(const WhySource& source, const vrrp::GroupSnapshot& group) {
    Reasons reasons;
    const Transition state = transition_from(vrrp::to_string(group.state)).value_or(Transition::Stop);
    const WallTime since = changed_to(source, Event::Kind::Group, group.name, state);
    std::vector<const vrrp::InstanceSnapshot*> members, causes;
    for (const auto& instance : router_of(source).instances)
        if (instance.group == group.name) members.push_back(&instance);
    const bool fault = group.state == vrrp::State::Fault;
    for (const auto* member : members) {
        const bool others_fault = is_held_by_others(*member);
        if (fault ? member->state == vrrp::State::Fault && !others_fault : member->state != vrrp::State::Master)
            causes.push_back(member);
    }
    std::string text =
        fmt::format("{} is {}{} because ", group.name, vrrp::to_string(group.state), since_text(source, since));
    if (group.state == vrrp::State::Master || causes.empty()) {
        reasons.add(text + fmt::format("all {} of its instances are {}", members.size(), vrrp::to_string(group.state)));
    } else {
        std::string names;
        for (const auto* one : causes) names += (names.empty() ? "" : ", ") + one->name;
        reasons.add(text + fmt::format("{} of its {} instances {} {}: {}", causes.size(), members.size(),
                                       causes.size() == 1 ? "is" : "are", fault ? "FAULT" : "not MASTER", names));
    }
    for (const auto* one : causes) reasons.add(state_sentence(source, *one));
    add_events(source, Event::Kind::Group, group.name, "", reasons);
    return {group.name, "group", vrrp::to_string(group.state), since, reasons.take()};
}

// As in "because it ...": the snapshot's text is what stands in brackets in the log.
std::string failure_of(const vrrp::ScriptSnapshot& script) {
    if (script.last_failure == "timed_out") return "timed out";
    return (script.last_failure.starts_with("due to ") ? "ended " : "") + script.last_failure;
}

Explanation explain(const WhySource& source, const vrrp::ScriptSnapshot& script) {
    Reasons reasons;
    const char* state = !script.known ? "UNKNOWN" : script.up ? "UP" : "DOWN";
    std::string text = fmt::format("{} is {}{}", script.name, state, since_text(source, script.since));
    if (!script.known)
        text += ": it has not ended yet";
    else if (script.up)
        text += " because it exits with status 0";
    else
        text += fmt::format(" because it {}", script.last_failure.empty()
                                                  ? std::string{"fails"}
                                                  : failure_of(script) + errors_text(source, script));
    if (const auto row = in_a_row(script.failures_in_row); !row.empty()) text += fmt::format(" ({})", row);
    reasons.add(std::move(text));
    if (script.streak > 0)
        reasons.add(fmt::format("its last {} {} the other way: rise or fall is not reached", script.streak,
                                script.streak == 1 ? "result was" : "results were"));
    reasons.add(fmt::format("{} of its {} runs failed", script.failures, script.runs));
    add_effects(source, "track_script " + script.name, What::Script, script.name, reasons);
    return {script.name, "script", state, script.since, reasons.take()};
}

Explanation explain(const WhySource& source, const vrrp::BfdSnapshot& session) {
    Reasons reasons;
    const char* state = session.up ? "UP" : "DOWN";
    const bfd::SessionSnapshot* detail =
        source.status.bfd ? named(source.status.bfd->sessions.sessions, session.name) : nullptr;
    const WallTime since = detail != nullptr ? detail->since : WallTime{};
    std::string text = fmt::format("{} is {}{}", session.name, state, since_text(source, since));
    if (detail != nullptr && !session.up)
        text += fmt::format(" because of the diagnostic \"{}\" for neighbor {}", wire::to_string(detail->diagnostic),
                            detail->neighbor.to_string());
    else if (detail != nullptr)
        text += fmt::format(" because packets of {} arrive within {} ms", detail->neighbor.to_string(),
                            detail->detection_time.count() / 1000);
    reasons.add(std::move(text));
    add_effects(source, "track_bfd " + session.name, What::Bfd, session.name, reasons);
    return {session.name, "bfd", state, since, reasons.take()};
}

Explanation explain(const WhySource& source, const vrrp::TrackerSnapshot& tracker) {
    Reasons reasons;
    const bool file = tracker.kind == vrrp::TrackerSnapshot::Kind::File;
    const std::string state = file ? std::to_string(tracker.value) : tracker.up ? "UP" : "DOWN";
    reasons.add(file ? fmt::format("the file {} holds {}{}", tracker.name, tracker.value,
                                   tracker.value == 0 ? ", or is not there" : "")
                     : fmt::format("{} is {}: {} {}", tracker.name, state, tracker.value,
                                   tracker.value == 1 ? "process matches" : "processes match"));
    if (!file && tracker.value == 0)
        reasons.add("mainstayctl doctor says whether the process that is meant goes by another name");
    add_effects(source, fmt::format("{} {}", file ? "track_file" : "track_process", tracker.name),
                file ? What::File : What::Process, tracker.name, reasons);
    return {tracker.name, file ? "file" : "process", state, {}, reasons.take()};
}

// Tracked without a weight, and up: only the list of what the instance tracks has it.
void add_weightless_uses(const WhySource& source, std::string_view interface, Reasons& reasons) {
    const auto& vrrp = *source.status.vrrp;
    for (std::size_t i = 0; i < std::min(vrrp.tracked.size(), vrrp.router.instances.size()); ++i)
        for (const auto& one : vrrp.tracked[i])
            if (one.kind == vrrp::TrackedObject::Kind::Interface && one.name == interface && one.weight == 0 &&
                !one.faults) {
                reasons.add(fmt::format("{} tracks it without a weight: it would be FAULT while the link is {}",
                                        vrrp.router.instances[i].name, one.reverse ? "up" : "down"));
                break;  // its group may track it, too
            }
}

Explanation explain_interface(const WhySource& source, std::string_view name) {
    Reasons reasons;
    std::string state = "UP", reason = "no instance reports a fault of it";
    for (const auto& instance : router_of(source).instances) {
        for (const auto& fault : instance.faults) {
            if (fault.what != What::Interface || fault.name != name || fault.value == "up") continue;
            state = "DOWN";
            reason = fault.value == "down" ? "its link is down" : "it does not exist";
            const auto& kept = source.status.vrrp->kept_down;
            if (const auto device = std::ranges::find(kept, name, &DeviceKeptDown::name); device != kept.end())
                reason = device->reason;
            reasons.add_at(instance.since, fmt::format("{} is FAULT{} because of it", instance.name,
                                                       since_text(source, instance.since)));
        }
        for (const auto& part : instance.priority_parts) {
            if (part.tracker != fmt::format("track_interface {}", name)) continue;
            if (!part.up) state = "DOWN", reason = "its link is down";
            reasons.add(fmt::format("it adds {:+} to the priority of {}, which is {}", part.weight, instance.name,
                                    instance.effective_priority));
        }
    }
    add_weightless_uses(source, name, reasons);
    Explanation out{std::string{name}, "interface", state, {}, reasons.take()};
    out.reasons.insert(out.reasons.begin(), fmt::format("{} is {}: {}", name, state, reason));
    return out;
}

}  // namespace mainstay::report
