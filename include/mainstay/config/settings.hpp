// mainstay.toml: the daemon's own settings, as opposed to the director's configuration in keepalived.conf.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::config {

struct Settings {
    std::uint32_t lvs_audit_interval_s = 10;   // [lvs] audit_interval, 0..86400; 0: at reloads only
    std::uint32_t scripts_notify_wait_s = 10;  // [scripts] notify_wait, 0..3600; 0: all in parallel, as in keepalived
    std::uint32_t mail_keep_s = 3 * 86400;     // [mail] keep, 60..2592000: how long an undelivered mail is retried
    bool reload_accept_losses = false;         // [reload] accept_losses
    bool operator==(const Settings&) const = default;
};

// One row per setting, like the schema of keepalived.conf. Values are whole seconds, `low` to `high` inclusive, or
// true and false (`flag`).
struct Setting {
    std::string_view table, key;
    std::int64_t low, high;
    std::uint32_t Settings::* member;
    std::string_view help;
    bool Settings::* flag = nullptr;  // instead of `member`
};
[[nodiscard]] std::span<const Setting> settings_rows();

struct ReadSettings {
    Settings settings;
    std::vector<std::string> problems;  // "file:line:column: the problem, and the value used instead"
};

// A text that is not valid TOML gives one problem and the defaults.
[[nodiscard]] ReadSettings read_settings(std::string_view text, const std::string& file_name);

}  // namespace mainstay::config
