#include "hand_over_commands.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace mainstay::role {
namespace {

using vrrp::InstanceSnapshot;
using vrrp::State;
using How = vrrp::HandOverEnded::How;
using Verb = ipc::InstanceQuestion::Verb;

constexpr std::size_t kNamesShown = 10;
constexpr std::int32_t kChanges = 1, kNobody = 1, kRefused = 2;

double seconds_of(Nanos time) { return std::chrono::duration<double>(time).count(); }

bool is_master(const InstanceSnapshot& instance) { return instance.state == State::Master; }

// The instance of this name, with its sync group, or the members of the group of this name. The first is that by which
// the router is given the command.
std::vector<vrrp::InstanceId> named(const config::Config& config, const std::string& which) {
    std::vector<vrrp::InstanceId> ids;
    std::string group = which;
    for (vrrp::InstanceId id = 0; id < config.instances.size(); ++id)
        if (config.instances[id].name == which) {
            group = config.instances[id].sync_group;
            ids.push_back(id);
            break;
        }
    for (vrrp::InstanceId id = 0; id < config.instances.size() && !group.empty(); ++id)
        if (config.instances[id].sync_group == group && std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
    return ids;
}

std::string unknown(const config::Config& config, const std::string& which) {
    std::vector<std::string> names;
    for (const auto& group : config.sync_groups) names.push_back(group.name);
    for (const auto& instance : config.instances) names.push_back(instance.name);
    const std::string more = names.size() > kNamesShown ? fmt::format(" and {} more", names.size() - kNamesShown) : "";
    names.resize(std::min(names.size(), kNamesShown));
    return fmt::format("no instance or sync group is named {}; known: {}{}", which, fmt::join(names, ", "), more);
}

std::string state_of(const InstanceSnapshot& instance) {
    if (instance.state == State::Fault) return fmt::format("{} is in FAULT: {}", instance.name, instance.fault);
    if (instance.state != State::Backup) return fmt::format("{} is {}", instance.name, to_string(instance.state));
    if (!instance.names_master()) return fmt::format("{} is BACKUP; no master has been heard", instance.name);
    return fmt::format("{} is BACKUP; the master heard last is {}, priority {}", instance.name,
                       instance.master.to_string(), instance.master_priority);
}

std::string line_of(const vrrp::HandOverEnded& ended) {
    const double after = seconds_of(ended.after);
    switch (ended.how) {
        case How::TakenOver:
            return fmt::format("{}: {} took over after {:.3f} s", ended.instance, ended.master.to_string(), after);
        case How::TakenBack:
            return fmt::format("{}: nobody took over within {:.3f} s; this router is MASTER again", ended.instance,
                               after);
        case How::Incomplete:
            return fmt::format(
                "{}: nobody took over within {:.3f} s, but another member of its sync group was taken "
                "over; the group preempts as configured",
                ended.instance, after);
        case How::Interrupted:
            break;
    }
    return fmt::format("{}: the hand-over was interrupted after {:.3f} s; see the log", ended.instance, after);
}

std::int32_t exit_of(How how) { return how == How::TakenOver ? 0 : how == How::Interrupted ? kRefused : kNobody; }

}  // namespace

std::optional<vrrp::Fact> HandOverCommands::take(const ipc::InstanceQuestion& question, const vrrp::Router& router) {
    if (commands_.size() >= kMost)
        return refuse(question.request, "too many commands wait: try again later"), std::nullopt;
    if (question.verb == Verb::MaintenanceOn || question.verb == Verb::MaintenanceOff) {
        std::string text;
        for (const auto& instance : router.snapshot().instances)
            if (question.verb == Verb::MaintenanceOn)
                text += is_master(instance) ? instance.name + " would be handed over\n" : state_of(instance) + "\n";
            else
                text +=
                    fmt::format("{} would have its configured priority {}\n", instance.name, instance.base_priority);
        return answer_(question.request, {kChanges, {}, text}), std::nullopt;
    }
    const auto ids = named(router.config(), question.which);
    if (ids.empty()) return refuse(question.request, unknown(router.config(), question.which)), std::nullopt;
    std::vector<InstanceSnapshot> members;
    for (const auto id : ids) members.push_back(router.snapshot_of(id));
    return question.verb == Verb::FailOver ? fail_over(question, router, members, ids.front())
                                           : fail_back(question, members, ids.front());
}

std::optional<vrrp::Fact> HandOverCommands::fail_over(const ipc::InstanceQuestion& question, const vrrp::Router& router,
                                                      const std::vector<InstanceSnapshot>& members,
                                                      vrrp::InstanceId id) {
    std::vector<std::string> states;
    Command command{.request = question.request, .title = {}, .note = {}, .after_success = {}, .open = {}, .lines = {}};
    Nanos longest{0};
    for (const auto& member : members) {
        if (!is_master(member)) {
            states.push_back(state_of(member));
            continue;
        }
        command.open.insert(member.name);
        command.title += fmt::format("{} was MASTER with priority {}\n", member.name, member.effective_priority);
        longest = std::max(longest, router.hand_over_wait(member.name));
    }
    if (command.open.empty())
        return refuse(question.request, fmt::format("nothing to hand over: {}", fmt::join(states, "; "))), std::nullopt;
    if (question.dry_run) {
        const auto text = fmt::format(
            "{} would be handed over: priority 0 is sent, the addresses go, and if nobody takes "
            "over within {:.3f} s, this router becomes MASTER again\n",
            fmt::join(command.open, ", "), seconds_of(longest));
        return answer_(question.request, {kChanges, {}, text}), std::nullopt;
    }
    command.after_success = fmt::format(
        "{0} preempts nobody until it has become MASTER again, because no other MASTER is heard, or until "
        "`mainstayctl failover --back {0}`\n",
        question.which);
    commands_.push_back(std::move(command));
    return vrrp::FailOver{id};
}

std::optional<vrrp::Fact> HandOverCommands::fail_back(const ipc::InstanceQuestion& question,
                                                      const std::vector<InstanceSnapshot>& members,
                                                      vrrp::InstanceId id) {
    std::string text;
    bool any = false;
    for (const auto& member : members) {
        any = any || member.failed_over;
        text += member.failed_over
                    ? fmt::format("{} preempts as configured{}: its priority is {}, that of {} is {}\n", member.name,
                                  question.dry_run ? " afterwards" : " again", member.effective_priority,
                                  member.master.to_string(), member.master_priority)
                    : state_of(member) + "\n";
    }
    const bool would_change = question.dry_run && any;
    if (!any) text += "nothing changes: no hand-over by an operator is in effect\n";
    answer_(question.request, {would_change ? kChanges : 0, {}, text});
    return any && !question.dry_run ? std::optional<vrrp::Fact>{vrrp::FailBack{id}} : std::nullopt;
}

void HandOverCommands::take(const ipc::MaintenanceOrder& order, const vrrp::Router& router) {
    if (order.request == 0) return;
    Command command{
        .request = order.request, .title = {}, .note = order.note, .after_success = {}, .open = {}, .lines = {}};
    command.title = order.on ? "maintenance is on\n" : "maintenance is off\n";
    for (const auto& instance : router.snapshot().instances) {
        if (order.on && is_master(instance) && !router.maintenance())
            command.open.insert(instance.name);
        else
            command.lines.push_back(state_of(instance));
    }
    commands_.push_back(std::move(command));
}

void HandOverCommands::on_ended(const vrrp::HandOverEnded& ended) {
    for (Command& command : commands_) {
        if (command.open.erase(ended.instance) == 0) continue;
        command.lines.push_back(line_of(ended));
        command.exit_code = std::max(command.exit_code, exit_of(ended.how));
    }
    answer_if_over();
}

void HandOverCommands::follow(const vrrp::Router& router) {
    for (Command& command : commands_)
        for (const auto& name : std::set{command.open})
            if (std::ranges::find(router.config().instances, name, &config::Instance::name) ==
                router.config().instances.end()) {
                command.open.erase(name);
                command.lines.push_back(name + ": a reload removed it");
                command.exit_code = kRefused;
            }
    answer_if_over();
}

void HandOverCommands::answer_if_over() {
    for (const Command& command : commands_) {
        if (!command.open.empty()) continue;
        std::string text = command.title;
        for (const auto& line : command.lines) text += line + "\n";
        text += command.note;
        if (command.exit_code == 0) text += command.after_success;
        answer_(command.request, {command.exit_code, {}, text});
    }
    std::erase_if(commands_, [](const Command& command) { return command.open.empty(); });
}

}  // namespace mainstay::role
