#include "mainstay/vrrp/trackers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "mainstay/config/keywords.hpp"

namespace mainstay::vrrp {

namespace keyword = config::keyword;

namespace {

using config::Section;
using config::value_of;
using config::WordList;

constexpr int kFileContributionMax = 253, kFileFault = -254;

bool has(const Section& section, const config::KeywordName& keyword) { return is_given(section.values, keyword); }

template <class Tracker>
bool known_name(const std::vector<Tracker>& trackers, std::string_view name) {
    return std::ranges::find(trackers, name, &Tracker::name) != trackers.end();
}

FileTracker file_tracker(const Section& section) {
    FileTracker file;
    file.name = section.names.empty() ? std::string{} : section.names.front();
    file.path = first_word(section.values, keyword::file);
    if (const auto weight = value_of(section.values, keyword::weight)) file.weight = static_cast<int>(*weight);
    file.reverse = config::has_word(section.values, keyword::weight, "reverse");
    file.init = value_of(section.values, keyword::init_file);
    file.overwrite = config::has_word(section.values, keyword::init_file, "overwrite");
    return file;
}

ProcessTracker process_tracker(const Section& section) {
    ProcessTracker process;
    process.name = section.names.empty() ? std::string{} : section.names.front();
    process.command = words_of(section.values, keyword::process);
    using Params = ProcessTracker::Params;
    // keepalived: parameters, and param_match, mean the whole command line (2.4.3).
    if (process.command.size() > 1) process.params = Params::Exact;
    if (const auto match = value_of(section.values, keyword::param_match))
        process.params = match->empty()                ? Params::Exact
                         : match->front() == "initial" ? Params::Initial
                                                       : Params::Partial;
    process.full_command = has(section, keyword::full_command) || process.params != Params::None;
    if (const auto weight = value_of(section.values, keyword::weight)) process.weight = static_cast<int>(*weight);
    process.reverse = config::has_word(section.values, keyword::weight, "reverse");
    if (const auto n = value_of(section.values, keyword::quorum)) process.quorum = static_cast<std::uint32_t>(*n);
    if (const auto n = value_of(section.values, keyword::quorum_max)) {
        process.quorum_max = static_cast<std::uint32_t>(*n);
        // With quorum_max 0 the default quorum of 1 could never be met.
        process.quorum = std::min(process.quorum, process.quorum_max);
    }
    const Micros delay = value_of(section.values, keyword::delay).value_or(Micros{0});
    process.fork_delay = value_of(section.values, keyword::fork_delay).value_or(delay);
    process.terminate_delay = value_of(section.values, keyword::terminate_delay).value_or(delay);
    return process;
}

bool has_quorum(const ProcessTracker& process, std::uint32_t count) {
    return count >= process.quorum && count <= process.quorum_max;
}

int signed_weight(int weight, bool reverse, bool up) {
    const int value = weight > 0 ? (up ? weight : 0) : (up ? 0 : weight);
    return reverse ? -value : value;
}

}  // namespace

bool members_may_have_weights(const config::SyncGroup& group) {
    return is_given(group.more->values, keyword::sync_group_tracking_weight);
}

std::vector<FileTracker> file_trackers(const config::Config& config) {
    std::vector<FileTracker> files;
    for (const Section& section : config.more->sections) {
        if (section.keyword != keyword::track_file && section.keyword != keyword::vrrp_track_file) continue;
        FileTracker file = file_tracker(section);
        if (!file.path.empty() && !known_name(files, file.name)) files.push_back(std::move(file));
    }
    return files;
}

std::vector<ProcessTracker> process_trackers(const config::Config& config) {
    std::vector<ProcessTracker> processes;
    for (const Section& section : config.more->sections) {
        if (section.keyword != keyword::vrrp_track_process) continue;
        ProcessTracker process = process_tracker(section);
        if (!process.command.empty() && !known_name(processes, process.name)) processes.push_back(std::move(process));
    }
    return processes;
}

std::optional<int> file_contribution(std::int64_t value, int weight, bool reverse) {
    if (weight == 0) return (value != 0) == reverse ? std::optional{0} : std::nullopt;
    const std::int64_t total = value * weight * (reverse ? -1 : 1);
    if (total <= kFileFault) return std::nullopt;
    return static_cast<int>(std::min<std::int64_t>(total, kFileContributionMax));
}

void TrackerStates::configure(const config::Config& config, Instant now, bool at_start) {
    const auto old_files = std::exchange(files_, {});
    for (FileTracker& file : file_trackers(config)) {
        const auto old = std::ranges::find(old_files, file.path, [](const File& one) { return one.config.path; });
        files_.push_back({std::move(file), old == old_files.end() ? std::nullopt : old->value});
    }
    const auto old_processes = std::exchange(processes_, {});
    for (ProcessTracker& process : process_trackers(config)) {
        const auto same = [&](const Process& one) { return one.config == process; };
        const auto counts_the_same = [&](const Process& one) {
            return std::tie(one.config.command, one.config.full_command, one.config.params) ==
                   std::tie(process.command, process.full_command, process.params);
        };
        if (const auto old = std::ranges::find_if(old_processes, same); old != old_processes.end()) {
            processes_.push_back(*old);
            continue;
        }
        const auto old = std::ranges::find_if(old_processes, counts_the_same);
        Process& next = processes_.emplace_back(Process{.config = std::move(process), .count = {}, .turns = {}});
        if (old == old_processes.end() || !old->known || !old->count) continue;
        next.count = old->count;
        next.known = true;
        next.up = has_quorum(next.config, *next.count);
    }
    uses_.clear();
    for (const config::Instance& instance : config.instances) {
        std::vector<Use>& uses = uses_.emplace_back();
        if (files_.empty() && processes_.empty()) continue;
        const bool owner = instance.priority == config::kOwnerPriority;
        const auto group = std::ranges::find(config.sync_groups, instance.sync_group, &config::SyncGroup::name);
        const bool grouped = !instance.sync_group.empty() && group != config.sync_groups.end();
        add_uses(instance.more, owner, uses);
        if (grouped && !members_may_have_weights(*group)) drop_weights(uses);
        if (grouped) add_uses(group->more, owner, uses);
    }
    awaited_until_.reset();
    const bool used = std::ranges::any_of(uses_, [](const std::vector<Use>& uses) { return !uses.empty(); });
    if (at_start && used) awaited_until_ = now + kFirstWordWithin;
}

// keepalived: an address owner has no trackers with a weight (2.4.3).
void TrackerStates::add_uses(const CompactOptional<config::ExtraSettings>& more, bool owner,
                             std::vector<Use>& uses) const {
    for (const Section& block : more->sections) {
        const bool process = block.keyword == keyword::track_process;
        if (!process && block.keyword != keyword::track_file) continue;
        for (const Section& line : block.sections) {
            const std::string name = first_word(line.values, keyword::name);
            Use use{.process = process};
            const auto find_in = [&](const auto& trackers) {
                const auto found = std::ranges::find_if(trackers, [&](const auto& t) { return t.config.name == name; });
                if (found == trackers.end()) return false;
                use.index = static_cast<std::size_t>(found - trackers.begin());
                use.weight = found->config.weight;
                use.reverse = found->config.reverse;
                return true;
            };
            if (!(process ? find_in(processes_) : find_in(files_))) continue;
            if (const auto weight = value_of(line.values, keyword::weight)) use.weight = static_cast<int>(*weight);
            use.reverse = config::reverse_of(line.values).value_or(use.reverse);
            const auto same = [&](const Use& u) { return u.process == process && u.index == use.index; };
            if ((owner && use.weight != 0) || std::ranges::any_of(uses, same)) continue;
            uses.push_back(use);
        }
    }
}

// keepalived: without sync_group_tracking_weight the members' own files have weight 0 where they had 1, and are not
// tracked where they had another one; processes keep theirs (2.4.3).
void TrackerStates::drop_weights(std::vector<Use>& uses) {
    std::erase_if(uses, [](const Use& use) { return !use.process && use.weight != 0 && use.weight != 1; });
    for (Use& use : uses)
        if (!use.process) use.weight = 0;
}

void TrackerStates::adopt(const std::vector<TrackerSnapshot>& previous) {
    for (const TrackerSnapshot& old : previous) {
        for (File& file : files_)
            if (old.kind == TrackerSnapshot::Kind::File && file.config.name == old.name) file.value = old.value;
        for (Process& process : processes_) {
            if (old.kind != TrackerSnapshot::Kind::Process || process.config.name != old.name) continue;
            process.count = static_cast<std::uint32_t>(old.value);
            process.known = true;
            process.up = old.up;
        }
    }
    awaited_until_.reset();
}

bool TrackerStates::update(const FileFact& fact, Intents& out) {
    const auto file = std::ranges::find_if(files_, [&](const File& f) { return f.config.name == fact.file; });
    if (file == files_.end() || file->value == fact.value) return false;
    const bool first = !file->value;
    file->value = fact.value;
    if (!first || fact.value != 0)
        out.push_back(WriteLog{{LogLevel::Info, fmt::format("Track file {} now holds {}", fact.file, fact.value)}});
    return true;
}

bool TrackerStates::update(const ProcessFact& fact, Instant now, Intents& out) {
    const auto found =
        std::ranges::find_if(processes_, [&](const Process& p) { return p.config.name == fact.process; });
    if (found == processes_.end()) return false;
    Process& process = *found;
    process.count = fact.count;
    const bool up = has_quorum(process.config, fact.count);
    if (process.known && up == process.up) {
        process.turns.reset();
        return false;
    }
    const Micros delay = up ? process.config.fork_delay : process.config.terminate_delay;
    if (!process.known || delay <= Micros{0}) {
        turn(process, up, out);
        return true;
    }
    if (!process.turns) process.turns = now + delay;
    return false;
}

void TrackerStates::turn(Process& process, bool up, Intents& out) const {
    const bool first = !std::exchange(process.known, true);
    process.up = up;
    process.turns.reset();
    if (first && !up) return;  // it has lost nothing (2.2.7 says nothing, either)
    out.push_back(WriteLog{{LogLevel::Info, fmt::format("Quorum {} for tracked process {}", up ? "gained" : "lost",
                                                        process.config.name)}});
}

bool TrackerStates::tick(Instant now, Intents& out) {
    bool changed = false;
    for (Process& process : processes_) {
        if (!process.turns || *process.turns > now) continue;
        turn(process, !process.up, out);
        changed = true;
    }
    if (awaited_until_ && *awaited_until_ <= now) {
        awaited_until_.reset();
        changed = true;
    }
    return changed;
}

std::optional<Instant> TrackerStates::deadline() const {
    std::optional<Instant> earliest = awaited_until_;
    for (const Process& process : processes_)
        if (process.turns && (!earliest || *process.turns < *earliest)) earliest = process.turns;
    return earliest;
}

void TrackerStates::judge_file(const Use& use, Health& health, std::vector<std::string>& awaited) const {
    const File& file = files_[use.index];
    if (!file.value) {
        if (awaited_until_)
            awaited.push_back(fmt::format("waiting for the first reading of file {}", file.config.name));
        return;
    }
    const auto adds = file_contribution(*file.value, use.weight, use.reverse);
    if (adds) return health.contribute("track_file", file.config.name, true, *adds);
    health.fault(Fault::What::File, file.config.name, fmt::format("holds {}", *file.value));
    health.keeps_priority = use.weight != 0;
}

void TrackerStates::judge_process(const Use& use, Health& health, std::vector<std::string>& awaited) const {
    const Process& process = processes_[use.index];
    if (!process.known) {
        if (awaited_until_)
            awaited.push_back(fmt::format("waiting for the first count of process {}", process.config.name));
        return;
    }
    if (use.weight != 0)
        health.contribute("track_process", process.config.name, process.up,
                          signed_weight(use.weight, use.reverse, process.up));
    else if (process.up == use.reverse)
        health.fault(Fault::What::Process, process.config.name, process.up ? "has its quorum" : "has no quorum");
}

void TrackerStates::judge(InstanceId id, Health& health) const {
    if (id >= uses_.size() || uses_[id].empty()) return;
    std::vector<std::string> awaited;
    const std::size_t before = health.faults.size();
    for (const Use& use : uses_[id])
        use.process ? judge_process(use, health, awaited) : judge_file(use, health, awaited);
    if (health.faults.size() != before) health.only_waiting = false;
    if (awaited.empty()) return;
    if (health.faults.empty()) health.only_waiting = true;
    health.wait_for(awaited);
}

std::vector<TrackerSnapshot> TrackerStates::snapshot() const {
    std::vector<TrackerSnapshot> all;
    for (const File& file : files_)
        if (file.value) all.push_back({TrackerSnapshot::Kind::File, file.config.name, *file.value, true});
    for (const Process& process : processes_)
        if (process.known)
            all.push_back({TrackerSnapshot::Kind::Process, process.config.name, process.count.value_or(0), process.up});
    return all;
}

}  // namespace mainstay::vrrp
