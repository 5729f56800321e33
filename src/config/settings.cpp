#include "mainstay/config/settings.hpp"

#include <fmt/format.h>
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <algorithm>
#include <array>

namespace mainstay::config {

namespace {

// One row a setting, as with the schema of keepalived.conf.
struct Row {
    std::string_view table, key;
    std::int64_t low, high;  // seconds, inclusive
    std::uint32_t Settings::* member;
};
constexpr std::array kRows{
    Row{"lvs", "audit_interval", 0, 86'400, &Settings::lvs_audit_interval_s},
    Row{"scripts", "notify_wait", 0, 3'600, &Settings::scripts_notify_wait_s},
    Row{"mail", "keep", 60, 2'592'000, &Settings::mail_keep_s},
};

std::string at(const std::string& file, const toml::source_region& source) {
    return fmt::format("{}:{}:{}: ", file, source.begin.line, source.begin.column);
}

std::string known_keys(std::string_view table) {
    std::string list;
    for (const auto& row : kRows)
        if (row.table == table) list += (list.empty() ? "" : ", ") + std::string{row.key};
    return list;
}

void take(const toml::table& table, std::string_view name, const std::string& file, ReadSettings& read) {
    for (const auto& [key, value] : table) {
        const auto row = std::ranges::find_if(
            kRows, [&](const Row& r) { return r.table == name && r.key == std::string_view{key.str()}; });
        if (row == kRows.end()) {
            read.problems.push_back(fmt::format("{}unknown setting {} in [{}]: ignored; there are {}",
                                                at(file, value.source()), key.str(), name, known_keys(name)));
            continue;
        }
        const auto number = value.value_exact<std::int64_t>();
        if (!number || *number < row->low || *number > row->high)
            read.problems.push_back(fmt::format("{}{}.{} must be a whole number of seconds from {} to {}: {} is used",
                                                at(file, value.source()), name, row->key, row->low, row->high,
                                                read.settings.*row->member));
        else
            read.settings.*row->member = static_cast<std::uint32_t>(*number);
    }
}

}  // namespace

ReadSettings read_settings(std::string_view text, const std::string& file_name) {
    ReadSettings read;
    toml::table top;
    try {  // toml++ as Debian builds it throws; nothing of that leaves this function
        top = toml::parse(text);
    } catch (const toml::parse_error& error) {
        read.problems.push_back(
            fmt::format("{}{}: the defaults are used", at(file_name, error.source()), error.description()));
        return read;
    }
    for (const auto& [key, value] : top) {
        const bool known = std::ranges::any_of(kRows, [&](const Row& row) { return row.table == key.str(); });
        if (known && value.is_table()) take(*value.as_table(), key.str(), file_name, read);
        else
            read.problems.push_back(fmt::format("{}unknown table [{}]: ignored; there are [lvs], [mail] and [scripts]",
                                                at(file_name, value.source()), key.str()));
    }
    return read;
}

}  // namespace mainstay::config
