// The part of a configuration that one role gets.
#include <algorithm>
#include <span>
#include <string_view>

#include "mainstay/config/keywords.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/config/schema/schema.hpp"
#include "mainstay/config/validate/resolved.hpp"

namespace mainstay::config {
namespace {

// Blocks and lines that only one of the two roles, vrrp or lvs, uses. Those in neither list are used by both.
constexpr Keyword<Section> kVrrpOnly[]{keyword::static_ipaddress,   keyword::static_routes,
                                       keyword::static_rules,       keyword::track_group,
                                       keyword::garp_group,         keyword::linkbeat_interfaces,
                                       keyword::vrrp_track_process, keyword::interface_up_down_delays};
constexpr Keyword<Section> kLvsOnly[]{keyword::ssl, keyword::virtual_server_group};

void drop_sections(CompactOptional<ExtraSettings>& more, std::span<const Keyword<Section>> names) {
    const auto listed = [&](const Section& section) {
        return std::ranges::find(names, section.keyword, &Keyword<Section>::text) != names.end();
    };
    if (std::ranges::any_of(more->sections, listed)) std::erase_if(more.edit().sections, listed);
}

// Removes passwords and keys at any depth; the schema rows mark them as secret.
void drop_secrets(CompactOptional<ExtraSettings>& more, Block block) {
    if (more->values.empty() && more->sections.empty()) return;
    struct Open {
        KeywordValues& values;
        std::vector<Section>& sections;
        Block block;
    };
    const auto secret = [](Block in, const std::string& keyword) {
        const KeywordSpec* row = find_row(in, keyword);
        return row != nullptr && row->secret;
    };
    std::vector<Open> open{{more.edit().values, more.edit().sections, block}};
    while (!open.empty()) {
        const Open at = open.back();
        open.pop_back();
        std::erase_if(at.values, [&](const KeywordValue& value) { return secret(at.block, value.keyword); });
        std::erase_if(at.sections, [&](const Section& section) { return secret(at.block, section.keyword); });
        for (Section& section : at.sections)
            if (const KeywordSpec* row = find_row(at.block, section.keyword);
                row != nullptr && is_block(row->args.takes))
                open.push_back({section.values, section.sections, row->args.opens});
    }
}

}  // namespace

Config slice(const Config& config, Audience audience) {
    Config part;
    const auto clear_mail = [](Global& global) {
        global.notification_email.clear();
        global.notification_email_from = {};
        global.smtp_server.clear();
        global.smtp_helo_name.clear();
    };
    switch (audience) {
        case Audience::Vrrp:
            part.global = config.global;
            clear_mail(part.global);
            part.scripts = config.scripts;
            part.instances = config.instances;
            part.sync_groups = config.sync_groups;
            part.more = config.more;
            drop_sections(part.more, kLvsOnly);
            break;
        case Audience::Lvs:
            part.global = config.global;
            clear_mail(part.global);
            part.more = config.more;
            drop_sections(part.more, kVrrpOnly);
            resolve_sync_daemon(config, part.global);
            break;
        case Audience::Bfd:
            part.global = config.global;
            clear_mail(part.global);
            for (const Section& section : config.more->sections)
                if (section.keyword == keyword::bfd_instance) part.more.edit().sections.push_back(section);
            break;
        case Audience::Observer:
        case Audience::Snmp:
            part.global = config.global;
            part.scripts = config.scripts;
            part.instances = config.instances;
            part.sync_groups = config.sync_groups;
            part.more = config.more;
            if (audience == Audience::Observer && !config.virtual_servers.empty())
                part.virtual_servers = {config.virtual_servers.front()};
            drop_secrets(part.more, Block::Root);
            for (Instance& instance : part.instances) {
                instance.auth_pass.clear();
                drop_secrets(instance.more, Block::Instance);
            }
            break;
    }
    if (audience == Audience::Lvs || audience == Audience::Snmp) part.virtual_servers = config.virtual_servers;
    return part;
}

}  // namespace mainstay::config
