// Checks that the instance of lvs_sync_daemon exists.
#include "mainstay/config/validate/resolved.hpp"

#include <algorithm>

#include "config/schema/parse_context.hpp"
#include "mainstay/config/keywords.hpp"
#include "validate.hpp"

namespace mainstay::config {
namespace {

std::string instance_of(const KeywordValues& values) {
    const std::string named = first_word(values, keyword::inst);
    return named.empty() ? first_word(values, keyword::instance) : named;
}

}  // namespace

void check_sync_daemon(ParseContext& r, Config& config) {
    const Section* section = find_section(config.global.more->sections, keyword::lvs_sync_daemon);
    if (section == nullptr) return;
    const std::string name = instance_of(section->values);
    if (name.empty() || std::ranges::find(config.instances, name, &Instance::name) != config.instances.end()) return;
    auto& d = r.diag.error(Code::SyncInstance, r.sync_daemon_mark,
                           fmt::format("lvs_sync_daemon follows vrrp_instance {}, which does not exist", name));
    d.effect = "no connections are synchronised";
    std::vector<std::string_view> names;
    for (const Instance& instance : config.instances) names.push_back(instance.name);
    if (const auto near = nearest(name, names); !near.empty()) d.fix = fmt::format("did you mean `{}`?", near);
}

namespace {

constexpr Keyword<bool> kResolved{"resolved"};  // in a slice: the instance was there

template <class T>
T number_of(const KeywordValues& values, const Keyword<std::int64_t>& keyword) {
    return static_cast<T>(value_of(values, keyword).value_or(0));
}

SyncDaemon read(const KeywordValues& values) {
    SyncDaemon daemon;
    daemon.interface = first_word(values, keyword::interface);
    daemon.instance = instance_of(values);
    daemon.maxlen = number_of<std::uint16_t>(values, keyword::maxlen);
    daemon.port = number_of<std::uint16_t>(values, keyword::port);
    daemon.ttl = number_of<std::uint8_t>(values, keyword::ttl);
    daemon.group = value_of<IpAddress>(values, keyword::group);
    return daemon;
}

std::optional<SyncDaemon> of_instance(const Config& config) {
    for (const Instance& instance : config.instances) {
        const std::string interface = first_word(instance.more->values, keyword::lvs_sync_daemon_interface);
        if (interface.empty()) continue;
        SyncDaemon daemon;
        daemon.interface = interface;
        daemon.instance = instance.name;
        daemon.id = instance.virtual_router_id;
        return daemon;
    }
    return std::nullopt;
}

}  // namespace

std::optional<SyncDaemon> sync_daemon(const Config& config) {
    const Section* section = find_section(config.global.more->sections, keyword::lvs_sync_daemon);
    if (section == nullptr) return of_instance(config);
    SyncDaemon daemon = read(section->values);
    const auto given = value_of(section->values, keyword::id);
    const auto bare = value_of(section->values, keyword::syncid);
    const auto instance = std::ranges::find(config.instances, daemon.instance, &Instance::name);
    const bool there = instance != config.instances.end();
    if (!daemon.instance.empty() && !there && !value_of(section->values, kResolved)) return std::nullopt;
    daemon.id = static_cast<std::uint8_t>(given ? *given : bare ? *bare : there ? instance->virtual_router_id : 0);
    return daemon;
}

void resolve_sync_daemon(const Config& whole, Global& part) {
    const auto daemon = sync_daemon(whole);
    const bool written = find_section(part.more->sections, keyword::lvs_sync_daemon) != nullptr;
    if (!daemon && !written) return;
    auto& sections = part.more.edit().sections;
    std::erase_if(sections, [](const Section& section) { return section.keyword == keyword::lvs_sync_daemon; });
    if (!daemon) return;
    Section section{.keyword = std::string{keyword::lvs_sync_daemon.text}};
    auto& values = section.values;
    if (daemon->group) set_value(values, keyword::group, *daemon->group);
    set_value(values, keyword::id, std::int64_t{daemon->id});
    if (!daemon->instance.empty()) set_value(values, keyword::instance, WordList{daemon->instance});
    set_value(values, keyword::interface, WordList{daemon->interface});
    if (daemon->maxlen != 0) set_value(values, keyword::maxlen, std::int64_t{daemon->maxlen});
    if (daemon->port != 0) set_value(values, keyword::port, std::int64_t{daemon->port});
    set_value(values, kResolved, true);
    if (daemon->ttl != 0) set_value(values, keyword::ttl, std::int64_t{daemon->ttl});
    sections.insert(std::ranges::upper_bound(sections, section.keyword, {}, &Section::keyword), section);
}

}  // namespace mainstay::config
