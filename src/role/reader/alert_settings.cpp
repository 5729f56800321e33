#include "alert_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "mainstay/base/event.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/config/mail_address.hpp"
#include "tls.hpp"

namespace mainstay::role {
namespace {

std::string cut_line(std::string& text) {
    const auto end = text.find('\n');
    std::string line = text.substr(0, end);
    text.erase(0, end == std::string::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.pop_back();
    return line;
}

// The problem; empty: none.
std::string take_credentials(const std::string& path, ipc::MailSettings& mail) {
    auto text = secret_file(path);
    if (!text) return text.error().text();
    const std::string user = cut_line(*text), password = cut_line(*text);
    if (user.empty() || password.empty())
        return fmt::format("{} must have the user name in its first line and the password in its second one", path);
    mail.user = user;
    mail.password = password;
    return {};
}

}  // namespace

ipc::MailSettings mail_settings(const config::Settings& settings, std::vector<std::string>& problems) {
    ipc::MailSettings mail{.relays = {}, .ca_file = settings.mail_tls_ca, .user = {}, .password = {}};
    bool all_encrypted = true;
    for (const auto& text : settings.mail_relays) {
        const auto relay = config::mail_relay(text);
        if (!relay) {
            problems.push_back(fmt::format("[mail] relays: {}; it is left out", relay.error().text()));
            continue;
        }
        all_encrypted = all_encrypted && relay->tls != config::MailRelay::Tls::Off;
        mail.relays.push_back({relay->host, relay->port, static_cast<std::uint8_t>(relay->tls)});
    }
    if (settings.mail_credentials.empty()) return mail;
    if (const auto problem = take_credentials(settings.mail_credentials, mail); !problem.empty())
        problems.push_back(fmt::format("[mail] credentials: {}; mails are sent without them", problem));
    else if (!all_encrypted || mail.relays.empty())
        problems.emplace_back(
            "[mail] credentials are not given to servers without TLS: name them as starttls:// or smtps://");
    return mail;
}

namespace {

constexpr std::array<std::pair<std::string_view, Event::Kind>, 4> kKinds{{{"instance", Event::Kind::Instance},
                                                                          {"group", Event::Kind::Group},
                                                                          {"server", Event::Kind::RealServer},
                                                                          {"service", Event::Kind::VirtualServer}}};

std::uint8_t kinds_of(const std::vector<std::string>& words) {
    unsigned kinds = 0;
    for (const auto& [word, kind] : kKinds)
        if (std::ranges::find(words, word) != words.end()) kinds |= 1U << static_cast<unsigned>(kind);
    return static_cast<std::uint8_t>(kinds);
}

bool is_loopback(const std::string& host) {
    return host == "localhost" || host == "::1" || (host.starts_with("127.") && IpAddress::parse(host));
}

// The problem; empty: none.
std::string take_headers(const config::Webhook& from, ipc::Webhook& webhook) {
    const auto url = config::webhook_url(from.url);
    if (url && !url->encrypted && !is_loopback(url->host))
        return "headers are not sent without TLS: write https:// in the url";
    const auto text = secret_file(from.headers);
    if (!text) return text.error().text();
    auto headers = config::webhook_headers(*text);
    if (!headers) return fmt::format("{}: {}", from.headers, headers.error().text());
    webhook.headers = std::move(*headers);
    return {};
}

}  // namespace

ipc::WebhookSettings webhook_settings(const config::Settings& settings, std::vector<std::string>& problems) {
    ipc::WebhookSettings all;
    for (const auto& from : settings.webhooks) {
        ipc::Webhook webhook{.name = from.name,
                             .url = from.url,
                             .ca_file = from.tls_ca,
                             .cloud_events = from.body == "cloudevents",
                             .kinds = kinds_of(from.events),
                             .keep_seconds = from.keep_s,
                             .headers = {},
                             .problem = {}};
        if (!from.headers.empty()) webhook.problem = take_headers(from, webhook);
        if (!webhook.problem.empty())
            problems.push_back(
                fmt::format("[[webhook]] {}: {}; its events are queued until this is repaired and read by a reload",
                            webhook.name, webhook.problem));
        all.webhooks.push_back(std::move(webhook));
    }
    return all;
}

}  // namespace mainstay::role
