#include "host_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "mainstay/alert/fifos.hpp"
#include "mainstay/alert/script_requests.hpp"
#include "mainstay/base/event.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/mail_address.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/kernel/scripts.hpp"
#include "tls.hpp"

namespace mainstay::role {
namespace {

// keepalived: the script "</path" succeeds if the file can be read (a shell redirection).
alert::ScriptEntry readability_test(const config::Command& command) {
    return {.argv = {"sh", "-c", ": <\"$1\"", "sh", command.argv.front().substr(1)}, .path = "/bin/sh"};
}

class Table {
public:
    Table(const config::Config& config, const config::Environment& environment, Log& log)
        : config_{config}, environment_{environment}, log_{log} {}

    alert::ScriptTable make() {
        for (const auto& wanted : alert::wanted_scripts(config_))
            if (auto entry = entry_for(wanted)) {
                entry->timeout = wanted.timeout;
                entry->requested_by = alert::requester_of_script(wanted.key);
                table_.emplace(wanted.key, std::move(*entry));
            }
        // Without the firewall's entry, which is mainstay's own.
        const auto configured = table_.size() - table_.count(alert::kFirewallKey);
        if (configured > 0 && !config_.global.enable_script_security)
            log_.warning("SECURITY VIOLATION - scripts are being executed but script_security not enabled.{}",
                         insecure_ ? " There are insecure scripts." : "");
        return std::move(table_);
    }

private:
    std::optional<alert::ScriptEntry> entry_for(const alert::Wanted& wanted) {
        const auto& command = wanted.command;
        const auto refuse = [&](std::string_view name, std::string_view why) {
            log_.warning("script {} of {} is not run: {}", name, wanted.key, why);
            return std::nullopt;
        };
        const auto account = kernel::script_account(command, config_.global);
        if (!account) return refuse(command.argv.at(0), account.error().text());
        alert::ScriptEntry entry;
        if (command.argv.front().starts_with("</")) {
            entry = readability_test(command);
        } else {
            const auto facts = environment_.script_facts(command, config_.global);
            if (!facts.found || !facts.executable)
                return refuse(command.argv.at(0), facts.found ? "it is not executable" : "it does not exist");
            if (facts.insecure && config_.global.enable_script_security)
                return refuse(facts.resolved, "accounts other than root may modify it (enable_script_security)");
            insecure_ = insecure_ || facts.insecure;
            entry = {.argv = command.argv, .path = facts.resolved};
            if (config_.global.enable_script_security)
                entry.security = alert::ScriptSecurity::Refuse;
            else if (!facts.insecure)
                entry.security = alert::ScriptSecurity::Warn;
            if (config::flag(config_.global.more->values, config::keyword::use_symlink_paths) &&
                command.argv.front().starts_with('/'))
                entry.path = command.argv.front();
        }
        entry.uid = account->uid;
        entry.gid = account->gid;
        if (config::flag(config_.global.more->values, config::keyword::set_supplementary_groups) ||
            command.group.starts_with(':'))
            entry.groups = kernel::supplementary_groups(*account);
        return entry;
    }

    const config::Config& config_;
    const config::Environment& environment_;
    Log& log_;
    alert::ScriptTable table_;
    bool insecure_ = false;
};

}  // namespace

alert::ScriptTable script_table(const config::Config& config, const config::Environment& environment, Log& log) {
    return Table{config, environment, log}.make();
}

std::shared_ptr<const UnsafeScripts> note_unsafe_scripts(config::Environment& environment) {
    auto noted = std::make_shared<UnsafeScripts>();
    environment.script_facts = [ask = environment.script_facts, noted](const config::Command& command,
                                                                       const config::Global& global) {
        auto facts = ask(command, global);
        if (facts.insecure) noted->insert_or_assign(facts.resolved, global.enable_script_security);
        return facts;
    };
    return noted;
}

namespace {

void add_fifo_names(ipc::FifoSubjects& names, const config::Config& config) {
    for (const auto& instance : config.instances) names.instances.push_back(instance.name);
    for (const auto& group : config.sync_groups) names.groups.push_back(group.name);
    for (const auto& service : config.virtual_servers) names.services.push_back(config::service_name(service));
}

}  // namespace

ipc::HostPlan host_plan(const config::Config& config, Log& log) {
    ipc::HostPlan plan;
    plan.watch = vrrp::watch_plan(config);
    plan.watch.server_files = config::server_file_sources(config);
    using Lines = ipc::FifoPlan::Lines;
    for (const auto& fifo : alert::fifos(config.global)) {
        ipc::FifoPlan wanted{.lines = fifo.keyword == config::keyword::notify_fifo        ? Lines::All
                                      : fifo.keyword == config::keyword::vrrp_notify_fifo ? Lines::Vrrp
                                                                                          : Lines::Lvs,
                             .path = fifo.path};
        const auto owner = kernel::script_account({{}, fifo.user, fifo.group}, config.global);
        if (owner) {
            wanted.uid = owner->uid;
            wanted.gid = owner->gid;
        } else {
            log.warning("{} {} will be owned by root: {}", fifo.keyword, fifo.path, owner.error().text());
        }
        if (fifo.script) wanted.script = alert::fifo_script_key(fifo.keyword);
        plan.fifos.push_back(std::move(wanted));
    }
    if (!plan.fifos.empty()) add_fifo_names(plan.fifo_names.emplace(), config);
    return plan;
}

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
