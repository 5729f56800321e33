#include "settings_diff.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

namespace mainstay::role {
namespace {

constexpr const char* kAtOnce = "immediately";
constexpr const char* kAtRestart = "at the next start of its process";

class Changes {
public:
    template <class T>
    void compare(std::string_view name, const T& before, const T& after, const char* when) {
        if (before != after)
            list.push_back(fmt::format("{} {} -> {}, {}", name, text_of(before), text_of(after), when));
    }
    // Long, or secret.
    template <class T>
    void mention(std::string_view name, const T& before, const T& after, const char* when) {
        if (!(before == after)) list.push_back(fmt::format("{} modified, {}", name, when));
    }

    std::vector<std::string> list;

private:
    static std::string text_of(std::uint32_t value) { return std::to_string(value); }
    static std::string text_of(bool value) { return value ? "true" : "false"; }
    static std::string text_of(const std::string& value) { return value.empty() ? "none" : value; }
    static std::string text_of(const std::vector<std::string>& list) {
        return list.empty() ? "none" : fmt::format("{}", fmt::join(list, " "));
    }
};

void compare_api(const ipc::ApiSettings& before, const ipc::ApiSettings& after, Changes& changes) {
    changes.compare("[api] listen", before.listen, after.listen, kAtOnce);
    changes.compare("[api] tls_certificate", before.tls_certificate, after.tls_certificate, kAtOnce);
    changes.compare("[api] tls_key", before.tls_key, after.tls_key, kAtOnce);
    changes.compare("[api] tls_client_ca", before.tls_client_ca, after.tls_client_ca, kAtOnce);
    changes.compare("[api] credentials", before.credentials, after.credentials, kAtOnce);
    changes.compare("[api] operate", before.operate, after.operate, kAtOnce);
    changes.compare("[api] peer", before.peer, after.peer, kAtOnce);
    changes.compare("[api] peer_token", before.peer_token, after.peer_token, kAtOnce);
    changes.compare("[api] peer_ca", before.peer_ca, after.peer_ca, kAtOnce);
}

std::string relay_text(const ipc::MailRelay& relay) {
    static constexpr const char* kTls[] = {"not encrypted", "STARTTLS", "TLS"};  // config::MailRelay::Tls
    return fmt::format("{} port {} ({})", relay.host, relay.port, kTls[std::min<std::size_t>(relay.tls, 2)]);
}

void compare_mail(const ipc::MailSettings& before, const ipc::MailSettings& after, Changes& changes) {
    const auto relays = [](const ipc::MailSettings& settings) {
        std::vector<std::string> list;
        for (const auto& relay : settings.relays) list.push_back(relay_text(relay));
        return list;
    };
    changes.compare("[mail] relays", relays(before), relays(after), kAtRestart);
    changes.compare("[mail] tls_ca", before.ca_file, after.ca_file, kAtRestart);
    changes.mention("[mail] credentials", std::tie(before.user, before.password), std::tie(after.user, after.password),
                    kAtRestart);
}

void compare_webhook(const ipc::Webhook& before, const ipc::Webhook& after, Changes& changes) {
    const auto name = [&](const char* key) { return fmt::format("[[webhook]] {} {}", after.name, key); };
    const auto body = [](const ipc::Webhook& one) -> std::string {
        return one.cloud_events ? "cloudevents" : "alertmanager";
    };
    changes.mention(name("url"), before.url, after.url, kAtOnce);
    changes.compare(name("body"), body(before), body(after), kAtOnce);
    changes.compare(name("tls_ca"), before.ca_file, after.ca_file, kAtOnce);
    changes.compare(name("keep"), before.keep_seconds, after.keep_seconds, kAtOnce);
    changes.mention(name("events"), before.kinds, after.kinds, kAtOnce);
    changes.mention(name("headers"), before.headers, after.headers, kAtOnce);
    changes.compare(name("problem"), before.problem, after.problem, kAtOnce);
}

void compare_webhooks(const ipc::WebhookSettings& before, const ipc::WebhookSettings& after, Changes& changes) {
    const auto in = [](const ipc::WebhookSettings& settings, const std::string& name) {
        return std::ranges::find(settings.webhooks, name, &ipc::Webhook::name);
    };
    for (const auto& one : after.webhooks) {
        const auto old = in(before, one.name);
        if (old == before.webhooks.end())
            changes.list.push_back(fmt::format("[[webhook]] {} added, {}", one.name, kAtOnce));
        else
            compare_webhook(*old, one, changes);
    }
    for (const auto& one : before.webhooks)
        if (in(after, one.name) == after.webhooks.end())
            changes.list.push_back(
                fmt::format("[[webhook]] {} removed, {}; what it has not delivered expires", one.name, kAtOnce));
}

}  // namespace

std::vector<std::string> changed_settings(const ipc::RoleStartup& running, const ipc::ReadingDone& next) {
    Changes changes;
    changes.compare("[scripts] notify_wait", running.notify_wait_seconds, next.notify_wait_seconds, kAtOnce);
    changes.compare("[scripts] pass_environment", running.pass_environment, next.pass_environment, kAtOnce);
    changes.compare("[lvs] audit_interval", running.audit_seconds, next.audit_seconds, kAtRestart);
    changes.compare("[mail] keep", running.mail_keep_seconds, next.mail_keep_seconds, kAtRestart);
    compare_mail(running.mail, next.mail, changes);
    compare_api(running.api, next.api, changes);
    compare_webhooks(running.webhooks, next.webhooks, changes);
    return std::move(changes.list);
}

}  // namespace mainstay::role
