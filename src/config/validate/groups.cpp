// Converts the drafts of sync groups and scripts to the model.
#include <algorithm>

#include "config/schema/parse_context.hpp"
#include "mainstay/config/keywords.hpp"
#include "validate.hpp"

namespace mainstay::config {
namespace {

class GroupCheck {
public:
    GroupCheck(ParseContext& r, MissingInterfaces& missing, Config& config)
        : r_{r}, missing_{missing}, config_{config} {}

    void run(GroupDraft& g) {
        SyncGroup group = std::move(g.model);
        for (const auto& [name, mark] : g.members) member(group, name, mark);
        if (group.members.size() < 2) too_small(group, g);
        if (group.members.empty()) return;
        for (const TrackerDraft& t : g.track_interfaces) {
            missing_.used(group.name, t.name, t.mark, MissingInterfaces::Use::Tracked);
            group.track_interfaces.push_back({t.name, t.weight.value_or(0), t.reverse});
        }
        for (const TrackerDraft& t : g.track_scripts) {
            ScriptDraft& script = r_.scripts[r_.script_names.at(t.name)];
            script.used = true;
            if (!script.removed)
                group.track_scripts.push_back(
                    {t.name, t.weight.value_or(script.model.weight), t.reverse != script.model.reverse});
        }
        if (!g.tracking_weight) drop_weights(group, g.name);
        group.smtp_alert =
            g.smtp_alert.value_or(r_.global.smtp_alert_vrrp.value_or(r_.global.smtp_alert.value_or(false)));
        config_.sync_groups.push_back(std::move(group));
    }

private:
    // A member that is not there was reported, and is why.
    void too_small(const SyncGroup& group, const GroupDraft& g) {
        if (g.members.size() > 1 && group.members.size() == 1) return;
        auto& d = r_.diag.warn(Code::GroupTooSmall, g.name,
                               fmt::format("sync group {} has {} member{}", group.name, group.members.size(),
                                           group.members.size() == 1 ? " only" : "s"));
        d.effect = group.members.empty() ? "the group is left out" : "the group works, but synchronises nothing";
        d.fix = "a group is for instances that fail over together: list two or more, or delete it";
    }

    void member(SyncGroup& group, const std::string& name, Mark mark) {
        const auto found = r_.instance_names.find(name);
        if (found == r_.instance_names.end()) {
            auto& d = r_.diag.warn(Code::GroupMember, mark,
                                   fmt::format("sync group {}: there is no vrrp_instance {}", group.name, name));
            d.effect = "the member is ignored";
            std::vector<std::string_view> names;
            for (const Instance& i : config_.instances) names.push_back(i.name);
            if (const auto near = nearest(name, names); !near.empty()) d.fix = fmt::format("did you mean `{}`?", near);
            return;
        }
        Instance& instance = config_.instances[found->second];
        if (!instance.sync_group.empty()) {
            r_.diag
                .error(Code::GroupMember, mark,
                       fmt::format("{} is a member of sync group {} already", name, instance.sync_group))
                .effect = "the member is ignored here";
            return;
        }
        instance.sync_group = group.name;
        group.members.push_back(name);
    }

    // keepalived: members of a group have no weighted trackers unless sync_group_tracking_weight says so.
    void drop_weights(const SyncGroup& group, Mark mark) {
        for (const std::string& name : group.members) {
            Instance& i = config_.instances[r_.instance_names.at(name)];
            const auto given = i.track_scripts.size();
            i.track_scripts.erase_if([](const TrackedScript& t) { return t.weight != 0; });
            const bool weighted = i.track_scripts.size() != given;
            std::size_t made_zero = 0;
            made_zero_or_dropped_files(i, name, group.name, mark);
            for (TrackedInterface& t : i.track_interfaces) made_zero += std::exchange(t.weight, 0) != 0 ? 1 : 0;
            if (!weighted && made_zero == 0) continue;
            auto& d = r_.diag.warn(
                Code::TrackerWeight, mark,
                fmt::format("({}) members of sync group {} cannot have trackers with a weight", name, group.name));
            d.effect = weighted ? "the scripts are not tracked" : "the interfaces are tracked with weight 0";
            d.fix = "sync_group_tracking_weight in the group allows them";
        }
    }

    // Who judges trackers does it; here it is said. A file's own weight is in its block.
    void made_zero_or_dropped_files(const Instance& i, const std::string& name, const std::string& group, Mark mark) {
        const Section* block = find_section(i.more->sections, keyword::track_file);
        if (block == nullptr) return;
        for (const Section& line : block->sections) {
            const auto file = value_of(line.values, keyword::name);
            if (!file || file->empty()) continue;
            std::int64_t weight = 1;
            for (const Section& defined : r_.more->sections)
                if (defined.keyword == keyword::track_file && defined.names == *file)  // of vrrp_track_file, too
                    weight = value_of(defined.values, keyword::weight).value_or(1);
            weight = value_of(line.values, keyword::weight).value_or(weight);
            if (weight == 0) continue;
            auto& d = r_.diag.warn(
                Code::TrackerWeight, mark,
                fmt::format("({}) members of sync group {} cannot have trackers with a weight", name, group));
            d.effect = weight == 1 ? fmt::format("the file {} is tracked with weight 0", file->front())
                                   : fmt::format("the file {} is not tracked", file->front());
            d.fix = "sync_group_tracking_weight in the group allows them";
        }
    }

    ParseContext& r_;
    MissingInterfaces& missing_;
    Config& config_;
};

// A tracker above the vrrp_script that it names: one message, at the tracker, says both.
bool named_too_early(ParseContext& r, const ScriptDraft& script) {
    bool found = false;
    for (const auto& [name, entry] : r.undefined_scripts) {
        if (name != script.model.name || entry >= r.diag.entries().size()) continue;
        found = true;
        r.diag.entries()[entry].diagnostic.fix =
            fmt::format("move the vrrp_script ({}) above the vrrp_instance", r.where(script.name));
    }
    return found;
}

// A tracker whose name has a slip was reported, with this script as the one that is meant.
bool meant_by_a_slip(const ParseContext& r, const ScriptDraft& script) {
    return std::ranges::any_of(r.undefined_scripts, [&](const auto& tracked) {
        return !nearest(tracked.first, {std::string_view{script.model.name}}).empty();
    });
}

void keep_scripts(ParseContext& r, Config& config) {
    const bool idle = r.instances.empty();  // then keepalived does not look
    for (ScriptDraft& script : r.scripts) {
        if (script.again) continue;
        if (script.removed) {
            (void)named_too_early(r, script);
            continue;
        }
        if (script.used) {
            config.scripts.push_back(std::move(script.model));
            continue;
        }
        if (named_too_early(r, script) || meant_by_a_slip(r, script)) continue;
        r.diag
            .add(Severity::Warning, idle ? Rank::None : Rank::Config, Code::ScriptUnused, script.name,
                 fmt::format("vrrp_script {} is never tracked", script.model.name))
            .effect = "it is not run";
    }
}

}  // namespace

void check_groups(ParseContext& r, MissingInterfaces& missing, Config& config) {
    GroupCheck groups{r, missing, config};
    for (GroupDraft& draft : r.groups) groups.run(draft);
    keep_scripts(r, config);
}

}  // namespace mainstay::config
