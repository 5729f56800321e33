// Checks that the instance of lvs_sync_daemon exists.
#include <algorithm>

#include "config/parse/parse_context.hpp"

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

}  // namespace mainstay::config
