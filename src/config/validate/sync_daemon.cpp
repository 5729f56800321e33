// Checks that the instance of lvs_sync_daemon exists.
#include "mainstay/config/validate/sync_daemon.hpp"

#include <algorithm>

#include "config/schema/parse_context.hpp"
#include "validate.hpp"

namespace mainstay::config {
namespace {

std::string instance_of(const KeywordValues& values) {
    for (const std::string_view keyword : {"inst", "instance"})
        if (const auto words = value_of<WordList>(values, keyword); words && !words->empty()) return words->front();
    return {};
}

}  // namespace

void check_sync_daemon(ParseContext& r, Config& config) {
    const Section* section = find_section(config.global.more->sections, "lvs_sync_daemon");
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

constexpr std::string_view kSyncDaemon = "lvs_sync_daemon";
constexpr std::string_view kResolved = "resolved";  // in a slice: the instance was there

template <class T>
T number_of(const KeywordValues& values, std::string_view keyword) {
    return static_cast<T>(value_of<std::int64_t>(values, keyword).value_or(0));
}

SyncDaemon read(const KeywordValues& values) {
    SyncDaemon daemon;
    daemon.interface = first_word(values, "interface");
    daemon.instance = first_word(values, "inst");
    if (daemon.instance.empty()) daemon.instance = first_word(values, "instance");
    daemon.maxlen = number_of<std::uint16_t>(values, "maxlen");
    daemon.port = number_of<std::uint16_t>(values, "port");
    daemon.ttl = number_of<std::uint8_t>(values, "ttl");
    daemon.group = value_of<IpAddress>(values, "group");
    return daemon;
}

std::optional<SyncDaemon> of_instance(const Config& config) {
    for (const Instance& instance : config.instances) {
        const std::string interface = first_word(instance.more->values, "lvs_sync_daemon_interface");
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
    const Section* section = find_section(config.global.more->sections, kSyncDaemon);
    if (section == nullptr) return of_instance(config);
    SyncDaemon daemon = read(section->values);
    const auto given = value_of<std::int64_t>(section->values, "id");
    const auto bare = value_of<std::int64_t>(section->values, "syncid");
    const auto instance = std::ranges::find(config.instances, daemon.instance, &Instance::name);
    const bool there = instance != config.instances.end();
    if (!daemon.instance.empty() && !there && !value_of<bool>(section->values, kResolved)) return std::nullopt;
    daemon.id = static_cast<std::uint8_t>(given ? *given : bare ? *bare : there ? instance->virtual_router_id : 0);
    return daemon;
}

void resolve_sync_daemon(const Config& whole, Global& part) {
    const auto daemon = sync_daemon(whole);
    const bool written = find_section(part.more->sections, kSyncDaemon) != nullptr;
    if (!daemon && !written) return;
    auto& sections = part.more.edit().sections;
    std::erase_if(sections, [](const Section& section) { return section.keyword == kSyncDaemon; });
    if (!daemon) return;
    Section section{.keyword = std::string{kSyncDaemon}};
    auto& values = section.values;  // sorted by keyword
    if (daemon->group) values.push_back({"group", *daemon->group});
    values.push_back({"id", std::int64_t{daemon->id}});
    if (!daemon->instance.empty()) values.push_back({"instance", WordList{daemon->instance}});
    values.push_back({"interface", WordList{daemon->interface}});
    if (daemon->maxlen != 0) values.push_back({"maxlen", std::int64_t{daemon->maxlen}});
    if (daemon->port != 0) values.push_back({"port", std::int64_t{daemon->port}});
    values.push_back({std::string{kResolved}, true});
    if (daemon->ttl != 0) values.push_back({"ttl", std::int64_t{daemon->ttl}});
    sections.insert(std::ranges::upper_bound(sections, section.keyword, {}, &Section::keyword), section);
}

}  // namespace mainstay::config
