#include "mainstay/config/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "config/parse/parse_context.hpp"
#include "config/toml/document.hpp"
#include "mainstay/config/schema/schema.hpp"
#include "mainstay/config/toml/toml.hpp"

namespace mainstay::config {

namespace {

constexpr std::array kRows{
    Setting{"lvs", "audit_interval", 0, 86'400, &Settings::lvs_audit_interval_s,
            "Interval at which the kernel's IPVS table is compared with the desired one, and repaired; 0: only at a "
            "reload, which always does it."},
    Setting{"scripts", "notify_wait", 0, 3'600, &Settings::scripts_notify_wait_s,
            "How long to wait for the end of a notify script before the next script of its instance starts; 0: all "
            "start immediately."},
    Setting{"mail", "keep", 60, 2'592'000, &Settings::mail_keep_s,
            "How long a mail that cannot be delivered is queued and retried."},
    Setting{"reload", "accept_losses", 0, 0, nullptr,
            "Whether a file with broken blocks is reloaded even if this removes running virtual servers, real servers, "
            "instances or addresses.",
            &Settings::reload_accept_losses},
};

std::vector<std::string_view> known_keys(std::string_view table) {
    std::vector<std::string_view> keys;
    for (const auto& row : kRows)
        if (row.table == table) keys.push_back(row.key);
    return keys;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& names) {
    const auto near = nearest(word, names);
    return near.empty() ? std::string{} : fmt::format("did you mean {}?", near);
}

void take(const toml::table& table, std::string_view name, Settings& settings, std::vector<SettingsProblem>& problems) {
    const auto keys = known_keys(name);
    for (const auto& [key, value] : table) {
        const auto row = std::ranges::find_if(
            kRows, [&](const Setting& r) { return r.table == name && r.key == std::string_view{key.str()}; });
        if (row == kRows.end()) {
            problems.push_back({place_of(key.source()), fmt::format("unknown setting {} in [{}]", key.str(), name),
                                fmt::format("ignored; known settings: {}", fmt::join(keys, ", ")),
                                did_you_mean(key.str(), keys)});
            continue;
        }
        if (row->flag != nullptr) {
            if (const auto on = value.value_exact<bool>(); on)
                settings.*row->flag = *on;
            else
                problems.push_back({place_of(value.source()),
                                    fmt::format("{}.{} must be true or false", name, row->key),
                                    fmt::format("{} is used", settings.*row->flag),
                                    {}});
            continue;
        }
        const auto number = value.value_exact<std::int64_t>();
        if (!number || *number < row->low || *number > row->high)
            problems.push_back({place_of(value.source()),
                                fmt::format("{}.{} must be a whole number of seconds from {} to {}", name, row->key,
                                            row->low, row->high),
                                fmt::format("{} is used", settings.*row->member),
                                {}});
        else
            settings.*row->member = static_cast<std::uint32_t>(*number);
    }
}

std::string line_of(const SettingsProblem& problem, const std::string& file) {
    return fmt::format("{}:{}:{}: {}: {}{}{}", file, problem.place.line, problem.place.column, problem.message,
                       problem.effect, problem.fix.empty() ? "" : "; ", problem.fix);
}

}  // namespace

std::vector<std::string_view> settings_tables() {
    std::vector<std::string_view> names;
    for (const auto& row : kRows)
        if (std::ranges::find(names, row.table) == names.end()) names.push_back(row.table);
    return names;
}

std::span<const Setting> settings_rows() { return kRows; }

bool is_settings_table(std::string_view name) {
    return std::ranges::any_of(kRows, [&](const Setting& row) { return row.table == name; });
}

bool toml_has_settings(std::string_view text) {
    const auto parsed = parse_toml(text);
    const auto* document = std::get_if<TomlDocument>(&parsed);
    return document != nullptr &&
           std::ranges::any_of(document->root, [](const auto& item) { return is_settings_table(item.first.str()); });
}

std::vector<SettingsProblem> take_settings(const toml::table& root, Settings& settings) {
    std::vector<SettingsProblem> problems;
    for (const auto& [key, value] : root) {
        if (!is_settings_table(key.str())) continue;
        if (value.is_table())
            take(*value.as_table(), key.str(), settings, problems);
        else
            problems.push_back({place_of(key.source()), fmt::format("{} is a table of settings", key.str()), "ignored",
                                fmt::format("write [{}]", key.str())});
    }
    return problems;
}

ReadSettings read_settings(std::string_view text, const std::string& file_name) {
    ReadSettings read;
    auto parsed = parse_toml(text);
    if (const auto* problem = std::get_if<TomlProblem>(&parsed)) {
        read.problems.push_back(line_of({problem->place, problem->message, "the defaults are used", {}}, file_name));
        return read;
    }
    const auto& root = std::get<TomlDocument>(parsed).root;
    auto problems = take_settings(root, read.settings);
    std::vector<std::string_view> known = settings_tables();
    for (const KeywordSpec* row : rows_of(Block::Root)) known.push_back(row->name);
    for (const auto& [key, value] : root) {  // tables about the director are ignored here
        if (std::ranges::find(known, std::string_view{key.str()}) != known.end()) continue;
        problems.push_back({place_of(key.source()), fmt::format("unknown table [{}]", key.str()),
                            "ignored; known tables: [lvs], [mail], [reload], [scripts] and the blocks of mainstay.conf",
                            did_you_mean(key.str(), known)});
    }
    std::ranges::stable_sort(problems, {}, [](const SettingsProblem& problem) {
        return std::pair{problem.place.line, problem.place.column};
    });
    for (const auto& problem : problems) read.problems.push_back(line_of(problem, file_name));
    return read;
}

}  // namespace mainstay::config
