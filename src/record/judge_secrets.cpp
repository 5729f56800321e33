#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "mainstay/lvs/followed.hpp"
#include "mainstay/record/secrets.hpp"

namespace mainstay::record {

namespace {

// The global keywords that the judge reads.
constexpr std::array<std::string_view, 6> kOfTheJudge{
    "no_checker_emails",      "nftables_counters",          "nftables_ipvs",
    "nftables_ipvs_priority", "nftables_ipvs_start_fwmark", "rs_init_notifies"};

}  // namespace

std::string JudgeSecrets::stand_in_for(const std::string& real) {
    const auto known = texts_.find(real);
    if (known != texts_.end()) return known->second;
    return texts_.emplace(real, fmt::format("text-{:05}", texts_.size())).first->second;
}

void JudgeSecrets::replace(config::KeywordValues& values) {
    for (auto& value : values) {
        if (auto* words = std::get_if<config::WordList>(&value.data))
            for (auto& word : *words) word = stand_in_for(word);
        if (auto* command = std::get_if<config::Command>(&value.data))
            for (auto& word : command->argv) word = stand_in_for(word);
    }
}

void JudgeSecrets::replace(config::Section& section) {
    for (auto& name : section.names) name = stand_in_for(name);
    replace(section.values);
    for (auto& inner : section.sections) replace(inner);  // as deep as the schema's blocks
}

void JudgeSecrets::replace(config::ExtraSettings& settings) {
    replace(settings.values);
    for (auto& section : settings.sections) replace(section);
}

config::VirtualServer JudgeSecrets::without(config::VirtualServer service) {
    service.quorum_up = service.quorum_down = config::Command{};  // whose arguments are the operator's
    for (auto& server : service.real_servers) {
        server.notify_up = server.notify_down = config::Command{};
        for (auto& checker : server.checkers) {
            if (lvs::is_followed(checker.type)) continue;  // the name of a file or a session
            if (!(*checker.more == config::ExtraSettings{})) replace(checker.more.edit());
            if (checker.urls.empty()) continue;
            for (auto& url : checker.urls.edit())
                if (!(*url.more == config::ExtraSettings{})) replace(url.more.edit());
        }
    }
    return service;
}

config::Global JudgeSecrets::without(const config::Global& global) {
    config::Global kept;
    kept.lvs_flush = global.lvs_flush;
    kept.lvs_flush_on_stop = global.lvs_flush_on_stop;
    kept.checker_log_all_failures = global.checker_log_all_failures;
    for (const auto& value : global.more->values)
        if (std::ranges::find(kOfTheJudge, value.keyword) != kOfTheJudge.end())
            kept.more.edit().values.push_back(value);
    return kept;
}

}  // namespace mainstay::record
