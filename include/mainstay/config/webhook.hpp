// A [[webhook]] of mainstay.toml: where events are posted. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::config {

inline constexpr std::size_t kWebhooksMax = 8;

struct Webhook {
    std::string name;  // in the log, the status and its files; from the URL's host unless it is set
    std::string url;
    std::string body = "alertmanager";  // or "cloudevents"
    std::string tls_ca, headers;        // absolute paths; empty: none
    std::vector<std::string> events;    // "instance", "group", "server", "service"; empty: all
    std::uint32_t keep_s = 3 * 86'400;
    bool operator==(const Webhook&) const = default;
};

// One row per key, for the reader of the file and for its reference. The value is a text that `is_good` takes, a list
// of `words`, or a whole number of seconds from `low` to `high`.
struct WebhookKey {
    std::string_view key, form, help, default_text;
    std::string Webhook::* text = nullptr;
    std::vector<std::string> Webhook::* list = nullptr;
    std::uint32_t Webhook::* seconds = nullptr;
    bool (*is_good)(std::string_view) = nullptr;
    std::span<const std::string_view> words{};  // a text must be one of them, if there are any
    std::int64_t low = 0, high = 0;
};
[[nodiscard]] std::span<const WebhookKey> webhook_keys();

struct WebhookUrl {
    bool encrypted = false;
    std::string host;       // IPv6 without brackets
    std::string authority;  // host and port, as they stand in the URL
    bool operator==(const WebhookUrl&) const = default;
};
// "https://HOST[:PORT][/PATH][?QUERY]", or http. Errc::Invalid, with what is wrong; the text never has more of the URL
// than its host, because a path may be a secret.
[[nodiscard]] Result<WebhookUrl> webhook_url(std::string_view text);

// The lines of a file of headers, "Name: value"; blank lines and those that begin with # are left out. Errc::Invalid
// with the line's number, never with its text.
inline constexpr std::size_t kWebhookHeadersMax = 16, kWebhookHeaderBytesMax = 4096;
[[nodiscard]] Result<std::vector<std::string>> webhook_headers(std::string_view text);

}  // namespace mainstay::config
