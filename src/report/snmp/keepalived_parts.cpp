#include "keepalived_parts.hpp"

#include <algorithm>

#include "mainstay/config/keywords.hpp"
#include "mainstay/vrrp/trackers.hpp"

namespace mainstay::report {

namespace keyword = config::keyword;

namespace {

using config::value_of;

// Fills in what a reference inherits from the definition that it names. False: there is none.
bool inherit(TrackedByName& use, const config::Config& config, const config::Keyword<config::Section>& block) {
    const auto from = [&](const auto& trackers) {
        const auto found = std::ranges::find_if(trackers, [&](const auto& t) { return t.name == use.name; });
        if (found == trackers.end()) return false;
        use.weight = found->weight;
        use.reverse = found->reverse;
        return true;
    };
    if (block.text == keyword::track_file) return from(vrrp::file_trackers(config));
    if (block.text == keyword::track_process) return from(vrrp::process_trackers(config));
    const auto* bfd = config::find_section(config.more->sections, keyword::bfd_instance, use.name);
    if (bfd == nullptr) return false;
    use.weight = static_cast<int>(value_of(bfd->values, keyword::weight).value_or(0));
    use.reverse = config::has_word(bfd->values, keyword::weight, "reverse");
    return is_for_vrrp(*bfd);
}

bool acts(const TrackedByName& use, const config::Keyword<config::Section>& block, Tracks whose) {
    if (use.weight == 0 || block.text == keyword::track_process) return true;
    const bool becomes_zero = use.weight == 1 && block.text == keyword::track_file;
    return !whose.owner && (!whose.member || becomes_zero);
}

}  // namespace

bool is_for_vrrp(const config::Section& bfd) {
    return config::is_given(bfd.values, keyword::vrrp) || !config::is_given(bfd.values, keyword::checker);
}

Tracks tracks_of(const config::Config& config, const config::Instance& instance) {
    const auto group = std::ranges::find(config.sync_groups, instance.sync_group, &config::SyncGroup::name);
    const bool grouped = !instance.sync_group.empty() && group != config.sync_groups.end();
    return {.owner = instance.priority == config::kOwnerPriority,
            .member = grouped && !vrrp::members_may_have_weights(*group)};
}

std::vector<TrackedByName> tracked_of(const config::Config& config, const CompactOptional<config::ExtraSettings>& more,
                                      const config::Keyword<config::Section>& block, Tracks whose) {
    std::vector<TrackedByName> uses;
    for (const auto& section : more->sections) {
        if (section.keyword != block) continue;
        for (const auto& line : section.sections) {
            TrackedByName use{.name = config::first_word(line.values, keyword::name)};
            if (!inherit(use, config, block)) continue;
            if (const auto weight = value_of(line.values, keyword::weight)) use.weight = static_cast<int>(*weight);
            use.reverse = config::reverse_of(line.values).value_or(use.reverse);
            if (acts(use, block, whose)) uses.push_back(std::move(use));
        }
    }
    return uses;
}

int scope_number(std::uint8_t scope) {
    switch (scope) {  // rtnetlink's host, link, site and universe
        case 254:
            return 1;
        case 253:
            return 2;
        case 200:
            return 5;
        case 0:
            return 14;
        default:
            return 0;
    }
}

}  // namespace mainstay::report
