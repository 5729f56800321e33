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
            for (const std::string& name : group.members) mention_own(group, name, t);
            group.track_interfaces.push_back({t.name, t.weight.value_or(0), t.reverse.value_or(false)});
        }
        for (const TrackerDraft& t : g.track_scripts) {
            ScriptDraft& script = r_.scripts[r_.script_names.at(t.name)];
            script.used = true;
            if (!script.removed)
                group.track_scripts.push_back(
                    {t.name, t.weight.value_or(script.model.weight), t.reverse.value_or(script.model.reverse)});
        }
        if (!g.tracking_weight) drop_weights(group, g.name);
        for (const std::string& name : group.members) drop_doubles(g, group.name, name);
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
            if (const auto bare = name.substr(0, name.find_last_not_of(",;") + 1); bare != name) {
                d.fix = fmt::format("{}: members are separated by blanks alone",
                                    bare.empty() ? "delete it" : fmt::format("write `{}`", bare));
                return;
            }
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

    // keepalived (2.2.7) says so, and does without it.
    void mention_own(const SyncGroup& group, const std::string& member, const TrackerDraft& tracked) {
        const Instance& i = config_.instances[r_.instance_names.at(member)];
        if (i.interface != tracked.name || i.dont_track_primary) return;
        r_.diag
            .warn(Code::OwnInterfaceTracked, tracked.mark,
                  fmt::format("({}) {}, which sync group {} tracks, is its own interface, which is always tracked",
                              member, tracked.name, group.name))
            .effect = fmt::format("the line does not count for {}", member);
    }

    // keepalived: what a member and its group track counts once, as the group says. It mentions interfaces alone when
    // it checks a file.
    void drop_doubles(const GroupDraft& g, const std::string& group, const std::string& member) {
        const std::size_t index = r_.instance_names.at(member);
        for (const TrackedName& tracked : r_.instances[index].tracked) {
            const bool both = std::ranges::any_of(g.tracked, [&](const auto& one) { return one.is_same(tracked); });
            if (!both || !drop_tracker(config_.instances[index], tracked)) continue;
            auto& d = r_.diag.add(
                Severity::Warning, tracked.keyword == "track_interface" ? Rank::Config : Rank::None, Code::GivenTwice,
                tracked.mark,
                fmt::format("({}) {} {} is in sync group {} too", member, tracked.keyword, tracked.name, group));
            d.effect = "it counts once, as the group says";
            d.fix = "delete one of the two";
        }
    }

    static bool drop_tracker(Instance& i, const TrackedName& tracked) {
        const auto drop_from = [&](auto& list) {
            const std::size_t before = list.size();
            list.erase_if([&](const auto& one) { return one.name == tracked.name; });
            return list.size() != before;
        };
        if (tracked.keyword == "track_interface") return drop_from(i.track_interfaces);
        if (tracked.keyword == "track_script") return drop_from(i.track_scripts);
        std::size_t dropped = 0;
        for (Section& block : i.more.edit().sections)
            if (block.keyword == tracked.keyword)
                dropped += std::erase_if(block.sections, [&](const Section& line) {
                    return first_word(line.values, keyword::name) == tracked.name;
                });
        return dropped != 0;
    }

    // keepalived: members of a group have no weighted trackers unless sync_group_tracking_weight says so. Of files and
    // BFD sessions, whose weights are in their blocks, who judges trackers does it, and here it is said.
    void drop_weights(const SyncGroup& group, Mark mark) {
        for (const std::string& name : group.members) {
            Instance& i = config_.instances[r_.instance_names.at(name)];
            const auto without = [&](std::string_view what, std::string_view tracked, std::string_view effect) {
                auto& d = r_.diag.warn(Code::TrackerWeight, mark,
                                       fmt::format("({}) {} {} cannot have a weight in a member of sync group {}", name,
                                                   what, tracked, group.name));
                d.effect = effect;
                d.fix = "sync_group_tracking_weight in the group allows them";
            };
            for (const TrackedScript& t : i.track_scripts)
                if (t.weight != 0) without("script", t.name, "it is not tracked");
            i.track_scripts.erase_if([](const TrackedScript& t) { return t.weight != 0; });
            for (TrackedInterface& t : i.track_interfaces)
                if (std::exchange(t.weight, 0) != 0)
                    without("interface", t.name, "it is tracked with weight 0: while it is down the group is in FAULT");
            for (const auto& [file, weight] : weights(i, keyword::track_file, keyword::track_file, 1))
                if (weight != 0)
                    without("file", file, weight == 1 ? "it is tracked with weight 0" : "it is not tracked");
            for (const auto& [session, weight] : weights(i, keyword::track_bfd, keyword::bfd_instance, 0))
                if (weight != 0) without("BFD instance", session, "it is not tracked");
        }
    }

    // The names in such a block of the instance, with their weights: their own, or that of the block which defines them
    // (vrrp_track_file is read as track_file), or `usual`.
    [[nodiscard]] std::vector<std::pair<std::string, std::int64_t>> weights(const Instance& i, KeywordName block,
                                                                            KeywordName definition,
                                                                            std::int64_t usual) const {
        std::vector<std::pair<std::string, std::int64_t>> all;
        for (const Section& tracked : i.more->sections) {
            if (block != tracked.keyword) continue;
            for (const Section& line : tracked.sections) {
                const std::string name = first_word(line.values, keyword::name);
                if (name.empty()) continue;
                std::int64_t weight = usual;
                for (const Section& defined : r_.more->sections)
                    if (definition == defined.keyword && !defined.names.empty() && defined.names.front() == name)
                        weight = value_of(defined.values, keyword::weight).value_or(usual);
                all.emplace_back(name, value_of(line.values, keyword::weight).value_or(weight));
            }
        }
        return all;
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
        if (r.dropped_trackers.contains(script.model.name)) continue;  // told there
        r.diag
            .add(Severity::Warning, idle ? Rank::None : Rank::Config, Code::ScriptUnused, script.name,
                 fmt::format("vrrp_script {} is never tracked", script.model.name))
            .effect = "it is not run";
    }
}

constexpr int kSmallWeight = 10;  // priorities of a pair are seldom closer than this

// The classic mistake: 105 - 2 is still more than the other router's 100, so no takeover happens.
void small_weights(ParseContext& r, const Config& config) {
    for (std::size_t at = 0; at < config.instances.size(); ++at) {
        const Instance& i = config.instances[at];
        for (const TrackerDraft& given : r.instances[at].track_scripts) {
            const auto used = std::ranges::find(i.track_scripts, given.name, &TrackedScript::name);
            if (used == i.track_scripts.end() || used->weight >= 0 || used->weight <= -kSmallWeight) continue;
            const int left = std::max(i.priority + used->weight, 1);
            auto& d = r.diag.note(Code::SmallWeight, given.mark,
                                  fmt::format("({}) when {} fails, the priority falls from {} to {} only", i.name,
                                              given.name, i.priority, left));
            d.effect = fmt::format("a router of a lower priority than {} does not take over", left);
            d.fix = "set a weight larger than the difference of the priorities, or none: then a failure means FAULT";
        }
    }
}

}  // namespace

void check_groups(ParseContext& r, MissingInterfaces& missing, Config& config) {
    GroupCheck groups{r, missing, config};
    for (GroupDraft& draft : r.groups) groups.run(draft);
    small_weights(r, config);
    keep_scripts(r, config);
}

}  // namespace mainstay::config
