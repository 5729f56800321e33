// mainstay.toml: the daemon's own settings, as opposed to the director's configuration in keepalived.conf.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"
#include "webhook.hpp"

namespace mainstay::config {

struct Settings {
    std::uint32_t lvs_audit_interval_s = 10;   // [lvs] audit_interval, 0..86400; 0: at reloads only
    std::uint32_t scripts_notify_wait_s = 10;  // [scripts] notify_wait, 0..3600; 0: all in parallel, as in keepalived
    std::uint32_t mail_keep_s = 3 * 86400;     // [mail] keep, 60..2592000: how long an undelivered mail is retried
    bool reload_accept_losses = false;         // [reload] accept_losses
    std::vector<std::string> api_listen;       // [api] listen: ADDRESS:PORT, at most kApiListenersMax
    std::string api_tls_certificate, api_tls_key, api_tls_client_ca, api_credentials;  // [api]: absolute paths
    bool api_operate = false;                   // [api] operate: whether the API may change something
    std::vector<std::string> mail_relays;       // [mail] relays: texts for mail_relay(), at most kApiListenersMax
    std::string mail_tls_ca, mail_credentials;  // [mail]: absolute paths
    std::uint32_t recorder_size_mib = 8;        // [recorder] size, 0..kRecorderSizeMax: of a flight recorder; 0: none
    std::vector<Webhook> webhooks;              // [[webhook]], at most kWebhooksMax, each of a name of its own
    std::string api_peer;                       // [api] peer: the URL of the other director's API, see peer_url()
    std::string api_peer_token, api_peer_ca;    // [api]: absolute paths
    std::vector<std::string> scripts_pass_environment;  // [scripts] pass_environment: names, or patterns with *
    bool operator==(const Settings&) const = default;
};
inline constexpr std::size_t kApiListenersMax = 8;  // of every list but pass_environment
inline constexpr std::size_t kPassedVariablesMax = 64;
inline constexpr std::uint32_t kRecorderSizeMax = 256;  // MiB

// One row per setting, like the schema of keepalived.conf. Values are whole numbers of `unit`, `low` to `high`
// inclusive, true and false (`flag`), an absolute path (`path`), a list of texts (`list`), or one that begins with
// https:// or http:// (`url`).
struct Setting {
    std::string_view table, key;
    std::int64_t low, high;
    std::uint32_t Settings::* member;
    std::string_view help;
    bool Settings::* flag = nullptr;  // one of these instead of `member`
    std::string Settings::* path = nullptr;
    std::vector<std::string> Settings::* list = nullptr;
    std::string_view unit = "seconds";
    std::string Settings::* url = nullptr;
    std::size_t texts_max = kApiListenersMax;                 // of `list`
    const char* (*refuses)(std::string_view text) = nullptr;  // why a text of `list` is left out; null: it is not
};
[[nodiscard]] std::span<const Setting> settings_rows();

struct ReadSettings {
    Settings settings;
    std::vector<std::string> problems;  // "file:line:column: the problem, and the value used instead"
};

// A text that is not valid TOML gives one problem and the defaults.
[[nodiscard]] ReadSettings read_settings(std::string_view text, const std::string& file_name);

}  // namespace mainstay::config
