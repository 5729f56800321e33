#include "mainstay/vrrp/watch.hpp"

#include <algorithm>
#include <utility>

#include "mainstay/config/keywords.hpp"

namespace mainstay::vrrp {

namespace keyword = config::keyword;

namespace {

using config::value_of;
using config::WordList;

constexpr std::size_t kCommBytes = 15;  // TASK_COMM_LEN less its NUL

PolledLink::Method method_of(const config::Section& line) {
    const std::string* word = find_word(line.values, keyword::method);
    if (word == nullptr) return PolledLink::Method::Any;
    if (*word == "MII") return PolledLink::Method::Mii;
    return *word == "ETHTOOL" ? PolledLink::Method::Ethtool : PolledLink::Method::Ioctl;
}

void add_link(std::vector<PolledLink>& links, PolledLink link) {
    if (link.name.empty() || std::ranges::find(links, link.name, &PolledLink::name) != links.end()) return;
    links.push_back(std::move(link));
}

// keepalived 2.2.7: `partial` compares as many parameters as are configured; with `initial` the last of them may be the
// beginning of the actual one, too.
bool same_parameters(const ProcessTracker& tracker, const std::vector<std::string>& argv) {
    using Params = ProcessTracker::Params;
    if (tracker.params == Params::None) return true;
    const auto& wanted = tracker.command;
    if (argv.size() < wanted.size() || (tracker.params == Params::Exact && argv.size() != wanted.size())) return false;
    for (std::size_t i = 1; i < wanted.size(); ++i) {
        const bool part = tracker.params == Params::Initial && i + 1 == wanted.size();
        if (part ? !argv[i].starts_with(wanted[i]) : argv[i] != wanted[i]) return false;
    }
    return true;
}

}  // namespace

WatchPlan watch_plan(const config::Config& config) {
    WatchPlan plan;
    plan.files = file_trackers(config);
    plan.processes = process_trackers(config);
    const auto& global = config.global.more->values;
    plan.event_buffer = static_cast<std::uint32_t>(value_of(global, keyword::process_monitor_rcv_bufs).value_or(0));
    plan.event_buffer_forced = flag(global, keyword::process_monitor_rcv_bufs_force);
    if (const auto* block = find_section(config.more->sections, keyword::linkbeat_interfaces))
        for (const config::Section& line : block->sections)
            if (const std::string* name = find_word(line.values, keyword::interface))
                add_link(plan.links, {method_of(line), *name});
    const bool all = is_given(config.more->values, keyword::linkbeat_use_polling);
    for (const config::Instance& instance : config.instances)
        if (all || is_given(instance.more->values, keyword::linkbeat_use_polling))
            add_link(plan.links, {PolledLink::Method::Any, instance.interface});
    return plan;
}

bool matches(const ProcessTracker& tracker, const ProcessSeen& process) {
    const std::string& name = tracker.command.front();
    if (!tracker.full_command) {
        const std::size_t slash = name.rfind('/');
        const std::string base = slash == std::string::npos ? name : name.substr(slash + 1);
        return process.comm == base.substr(0, kCommBytes);
    }
    return !process.command.empty() && process.command.front() == name && same_parameters(tracker, process.command);
}

ProcessTable::ProcessTable(std::vector<ProcessTracker> trackers) {
    for (ProcessTracker& tracker : trackers) counted_.push_back({std::move(tracker), {}, {}});
}

void ProcessTable::replace(const std::map<int, ProcessSeen>& all) {
    for (Counted& counted : counted_) {
        counted.pids.clear();
        for (const auto& [pid, process] : all)
            if (matches(counted.tracker, process)) counted.pids.insert(pid);
    }
}

void ProcessTable::seen(int pid, const ProcessSeen& process) {
    for (Counted& counted : counted_) {
        if (matches(counted.tracker, process))
            counted.pids.insert(pid);
        else
            counted.pids.erase(pid);
    }
}

void ProcessTable::forked(int parent, int child) {
    for (Counted& counted : counted_)
        if (counted.pids.contains(parent)) counted.pids.insert(child);
}

void ProcessTable::ended(int pid) {
    for (Counted& counted : counted_) counted.pids.erase(pid);
}

std::vector<ProcessFact> ProcessTable::changes() {
    std::vector<ProcessFact> facts;
    for (Counted& counted : counted_) {
        const auto count = static_cast<std::uint32_t>(counted.pids.size());
        if (counted.reported == count) continue;
        counted.reported = count;
        facts.push_back({counted.tracker.name, count});
    }
    return facts;
}

bool ProcessTable::needs_command() const {
    return std::ranges::any_of(counted_, [](const Counted& counted) { return counted.tracker.full_command; });
}

}  // namespace mainstay::vrrp
