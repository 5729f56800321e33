// Sync groups, scripts, tracked files, processes and BFD sessions in keepalived's text dump (2.2.7).
#include <algorithm>

#include "document_queries.hpp"
#include "dump_text.hpp"
#include "lvs_settings.hpp"
#include "mainstay/config/keyword_values.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/vrrp/trackers.hpp"

namespace mainstay::report {

namespace keyword = config::keyword;

namespace {

using ObjectKind = vrrp::TrackedObject::Kind;
using TrackerKind = vrrp::TrackerSnapshot::Kind;

const vrrp::TrackerSnapshot* tracker_of(const DumpSource& source, TrackerKind kind, const std::string& name) {
    return source.vrrp != nullptr ? find_tracker(*source.vrrp, kind, name) : nullptr;
}

// The lines of track_file, track_process or track_bfd: `usual` has the weights of lines that give none.
std::vector<NamedWeight> tracked_lines(const config::ExtraSettings& more, const config::Keyword<config::Section>& block,
                                       const std::vector<NamedWeight>& usual) {
    std::vector<NamedWeight> all;
    const auto* lines = config::find_section(more.sections, block);
    if (lines == nullptr) return all;
    for (const auto& line : lines->sections) {
        NamedWeight one{.name = config::first_word(line.values, keyword::name)};
        const auto known = std::ranges::find(usual, one.name, &NamedWeight::name);
        if (known != usual.end()) one = *known;
        one.weight = config::value_of(line.values, keyword::weight).value_or(one.weight);
        one.reverse = config::reverse_of(line.values).value_or(one.reverse);
        all.push_back(std::move(one));
    }
    return all;
}

std::vector<NamedWeight> bfd_weights(const config::Config& config) {
    std::vector<NamedWeight> all;
    for (const auto& block : config.more->sections)
        if (block.keyword == keyword::bfd_instance && !block.names.empty())
            all.push_back({block.names.front(), config::value_of(block.values, keyword::weight).value_or(0),
                           config::has_word(block.values, keyword::weight, "reverse")});
    return all;
}

std::string sync_groups(const DumpSource& source, const TrackedView& tracked) {
    std::string out;
    for (const auto& group : source.config.sync_groups) {
        const auto* now = source.vrrp != nullptr ? find_group(*source.vrrp, group.name) : nullptr;
        std::size_t faults = 0, init = 0;
        for (const auto& member : group.members) {
            const auto& objects = tracked.of(member);
            faults += std::ranges::any_of(objects, &vrrp::TrackedObject::faults) ? 1 : 0;
            init +=
                std::ranges::any_of(
                    objects, [](const auto& o) { return o.kind == ObjectKind::Script && o.weight == 0 && !o.known; })
                    ? 1
                    : 0;
        }
        out += fmt::format(" VRRP Sync Group = {}, {}\n   Num member fault {}, num member init {}\n", group.name,
                           to_string(now != nullptr ? now->state : vrrp::State::Init), faults, init);
        out += "   VRRP member instances :\n";
        for (const auto& member : group.members) out += fmt::format("     {}\n", member);
        if (vrrp::members_may_have_weights(group)) out += "   sync group tracking weight set\n";
        out += fmt::format("   Using smtp notification = {}\n", yes_or_no(group.smtp_alert));
        if (config::flag(group.more->values, keyword::notify_priority_changes))
            out += "   Notify priority changes = yes\n";
        out += tracked.lists(group.track_interfaces, group.track_scripts, *group.more);
        out += notify_lines(group.notify, {});
    }
    return out;
}

std::string scripts(const DumpSource& source, const TrackedView& tracked) {
    std::string out;
    for (const auto& script : source.config.scripts) {
        const auto* now = source.vrrp != nullptr ? find_script(*source.vrrp, script.name) : nullptr;
        const auto state = now != nullptr ? up_state(*now) : UpState::Unknown;
        // keepalived counts results: from `rise` on the script is good, up to rise + fall - 1.
        const std::uint32_t streak = now != nullptr ? now->streak : 0;
        const std::uint32_t most = script.rise + script.fall - 1;
        const std::uint32_t result = state == UpState::Up ? most - std::min(streak, script.fall - 1) : streak;
        out += fmt::format(
            " VRRP Script = {}\n   Command = {}\n   Interval = {} sec\n   Timeout = {} sec\n"
            "   Weight = {}{}\n   Rise = {}\n   Fall = {}\n   Result = {}\n   Insecure = no\n",
            script.name, quoted_command(script.command), script.interval.count() / 1'000'000,
            script.timeout.count() / 1'000'000, script.weight, reversed(script.reverse), script.rise, script.fall,
            result);
        out += fmt::format("   Init state = {}\n   Status = {}\n   VRRP instances :\n",
                           state == UpState::Unknown ? "INIT" : "unknown", state == UpState::Up ? "GOOD" : "BAD");
        out += tracked.instances_of(ObjectKind::Script, script.name);
        out += fmt::format("   State = {}\n", now != nullptr && now->running ? "running" : "idle");
    }
    return out;
}

std::string files(const DumpSource& source, const TrackedView& tracked) {
    std::string out;
    for (const auto& file : vrrp::file_trackers(source.config)) {
        const auto* now = tracker_of(source, TrackerKind::File, file.name);
        out += fmt::format(" Track file = {}\n   File = {}\n   Status = {}\n   Weight = {}{}\n", file.name, file.path,
                           now != nullptr ? now->value : 0, file.weight, reversed(file.reverse));
        out += tracked.instances_of(ObjectKind::File, file.name);
    }
    return out;
}

std::string processes(const DumpSource& source, const TrackedView& tracked) {
    using Params = vrrp::ProcessTracker::Params;
    std::string out;
    for (const auto& process : vrrp::process_trackers(source.config)) {
        const auto* now = tracker_of(source, TrackerKind::Process, process.name);
        out += fmt::format(" VRRP Track process = {}\n   Process = {}\n", process.name, process.command.front());
        if (process.command.size() > 1) out += fmt::format("   Parameters = {}\n", parameters_text(process));
        if (process.params != Params::None)
            out += process.params == Params::Initial   ? "   Param match = initial\n"
                   : process.params == Params::Partial ? "   Param match = partial\n"
                                                       : "   Param match\n";
        out += fmt::format("   Min processes = {}\n", process.quorum);
        if (process.quorum_max != 0xffff'ffff) out += fmt::format("   Max processes = {}\n", process.quorum_max);
        out += fmt::format("   Current processes = {}\n   Have quorum = {}\n   Weight = {}{}\n",
                           now != nullptr ? now->value : 0, true_or_false(now != nullptr && now->up), process.weight,
                           reversed(process.reverse));
        out += fmt::format(
            "   Terminate delay = {}s\n   Fork delay = {}s\n   Fork delay timer not running\n"
            "   Terminate delay timer not running\n   Full command = {}\n",
            seconds_text(process.terminate_delay), seconds_text(process.fork_delay),
            true_or_false(process.full_command));
        out += tracked.instances_of(ObjectKind::Process, process.name);
    }
    return out;
}

std::string bfds(const DumpSource& source, const TrackedView& tracked) {
    std::string out;
    for (const auto& session : tracked.bfds()) {
        const auto* now = source.vrrp != nullptr ? find_bfd(*source.vrrp, session.name) : nullptr;
        out += fmt::format(" VRRP Track BFD = {}\n   Weight = {}{}\n   Bfd is {}\n   Tracking VRRP instances :\n",
                           session.name, session.weight, reversed(session.reverse),
                           now != nullptr && now->up ? "up" : "down");
        out += tracked.instances_of(ObjectKind::Bfd, session.name);
    }
    return out;
}

}  // namespace

TrackedView::TrackedView(const DumpSource& source) : bfds_{bfd_weights(source.config)} {
    for (const auto& file : vrrp::file_trackers(source.config))
        files_.push_back({file.name, file.weight, file.reverse});
    for (const auto& process : vrrp::process_trackers(source.config))
        processes_.push_back({process.name, process.weight, process.reverse});
    if (source.vrrp == nullptr) return;
    const auto& instances = source.vrrp->router.instances;
    for (std::size_t i = 0; i < instances.size() && i < source.vrrp->tracked.size(); ++i) {
        const auto& objects = source.vrrp->tracked[i];
        by_instance_[instances[i].name] = &objects;
        for (const auto& object : objects)
            instances_[{object.kind, object.name}] +=
                fmt::format("     {}, weight {}{}\n", instances[i].name, object.weight, reversed(object.reverse));
    }
}

const std::vector<vrrp::TrackedObject>& TrackedView::of(const std::string& instance) const {
    static const std::vector<vrrp::TrackedObject> kNone;
    const auto found = by_instance_.find(instance);
    return found != by_instance_.end() ? *found->second : kNone;
}

std::string TrackedView::instances_of(ObjectKind kind, const std::string& name) const {
    const auto found = instances_.find({kind, name});
    return found != instances_.end() ? "   Tracking instances :\n" + found->second : std::string{};
}

std::string TrackedView::lists(const std::vector<config::TrackedInterface>& links,
                               const std::vector<config::TrackedScript>& scripts, const config::ExtraSettings& more,
                               const std::string& instance) const {
    const auto used = by_instance_.find(instance);
    std::string out;
    if (!links.empty()) out += "   Tracked interfaces :\n";
    for (const auto& one : links)
        out += fmt::format("     {} weight {}{}\n", one.name, one.weight, reversed(one.reverse));
    if (!scripts.empty()) out += "   Tracked scripts :\n";
    for (const auto& one : scripts)
        out += fmt::format("     {} weight {}{}\n", one.name, one.weight, reversed(one.reverse));
    const auto put = [&](const char* title, const char* after_name, ObjectKind kind, std::vector<NamedWeight> list) {
        // A member of a sync group does not track all that stands in its blocks.
        if (used != by_instance_.end())
            std::erase_if(list, [&](NamedWeight& one) {
                const auto is_it = [&](const auto& object) { return object.kind == kind && object.name == one.name; };
                const auto tracked = std::ranges::find_if(*used->second, is_it);
                if (tracked != used->second->end()) one.weight = tracked->weight;
                return tracked == used->second->end();
            });
        if (!list.empty()) out += fmt::format("   {} :\n", title);
        for (const auto& one : list)
            out += fmt::format("     {}{} weight {}{}\n", one.name, after_name, one.weight, reversed(one.reverse));
    };
    put("Tracked files", ",", ObjectKind::File, tracked_lines(more, keyword::track_file, files_));
    put(instance.empty() ? "Tracked process" : "Tracked processes", ",", ObjectKind::Process,
        tracked_lines(more, keyword::track_process, processes_));
    put("Tracked BFDs", ":", ObjectKind::Bfd, tracked_lines(more, keyword::track_bfd, bfds_));
    return out;
}

std::string tracked_sections(const DumpSource& source, const TrackedView& tracked) {
    return section_if_any("VRRP Sync groups", sync_groups(source, tracked)) +
           section_if_any("VRRP Scripts", scripts(source, tracked)) +
           section_if_any("VRRP Track files", files(source, tracked)) +
           section_if_any("VRRP Track processes", processes(source, tracked)) +
           section_if_any("VRRP Track BFDs", bfds(source, tracked));
}

}  // namespace mainstay::report
