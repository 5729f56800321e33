#include "keepalived_parts.hpp"

#include <algorithm>

#include "mainstay/config/keywords.hpp"
#include "mainstay/vrrp/trackers.hpp"

namespace mainstay::report {

namespace keyword = config::keyword;

namespace {

using config::value_of;

// Fills in what a reference inherits from the definition that it names.
void inherit(TrackedByName& use, const config::Config& config, const config::Keyword<config::Section>& block) {
    const auto from = [&](const auto& trackers) {
        const auto found = std::ranges::find_if(trackers, [&](const auto& t) { return t.name == use.name; });
        if (found == trackers.end()) return;
        use.weight = found->weight;
        use.reverse = found->reverse;
    };
    if (block.text == keyword::track_file) return from(vrrp::file_trackers(config));
    if (block.text == keyword::track_process) return from(vrrp::process_trackers(config));
    for (const auto& section : config.more->sections)
        if (section.keyword == keyword::bfd_instance && !section.names.empty() && section.names.front() == use.name) {
            use.weight = static_cast<int>(value_of(section.values, keyword::weight).value_or(0));
            use.reverse = config::has_word(section.values, keyword::weight, "reverse");
        }
}

}  // namespace

std::vector<TrackedByName> tracked_of(const config::Config& config, const CompactOptional<config::ExtraSettings>& more,
                                      const config::Keyword<config::Section>& block) {
    std::vector<TrackedByName> uses;
    for (const auto& section : more->sections) {
        if (section.keyword != block) continue;
        for (const auto& line : section.sections) {
            TrackedByName use{.name = config::first_word(line.values, keyword::name)};
            inherit(use, config, block);
            if (const auto weight = value_of(line.values, keyword::weight)) use.weight = static_cast<int>(*weight);
            use.reverse = config::reverse_of(line.values).value_or(use.reverse);
            uses.push_back(std::move(use));
        }
    }
    return uses;
}

int scope_number(std::uint8_t scope) {
    // rtnetlink's host, link, site and universe as an InetScopeType (RFC 4001).
    switch (scope) {
        case 254:
            return 1;
        case 253:
            return 2;
        case 200:
            return 5;
        default:
            return 14;
    }
}

}  // namespace mainstay::report
