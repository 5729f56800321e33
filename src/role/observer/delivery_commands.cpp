#include "delivery_commands.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include <algorithm>

#include "mainstay/report/document.hpp"

namespace mainstay::role {
namespace {

using json = nlohmann::ordered_json;
using State = alert::QueuedMail::State;

constexpr const char* kNoSpool = "the mail spool is not open yet; see the log";

const char* word_of(State state) {
    switch (state) {
        case State::Sending:
            return "sending";
        case State::Collecting:
            return "collecting";
        case State::Failed:
            return "failed";
        case State::Waiting:
            break;
    }
    return "waiting";
}

json mail_json(const alert::QueuedMail& mail) {
    json shown{{"id", mail.id},
               {"state", word_of(mail.state)},
               {"subject", mail.subject},
               {"alerts", mail.alerts},
               {"queued", report::iso_time(mail.queued)},
               {"queued_unix_us", mail.queued.unix_us},
               {"to", mail.to},
               {"tries", mail.tries},
               {"answer", mail.answer},
               {"next_try_s", nullptr}};
    if (mail.next_try) shown["next_try_s"] = mail.next_try->count();
    return shown;
}

}  // namespace

alert::MailSettings mail_settings(const ipc::RoleStartup& startup) {
    using Tls = alert::Transport::Server::Tls;  // the numbers of config::MailRelay::Tls
    alert::MailSettings settings{.keep = Seconds{startup.mail_keep_seconds}, .relays = {}};
    for (const auto& relay : startup.mail.relays)
        settings.relays.push_back({.name = relay.host,
                                   .port = relay.port,
                                   .tls = relay.tls > 2 ? Tls::StartTls : static_cast<Tls>(relay.tls),
                                   .ca_file = startup.mail.ca_file,
                                   .user = startup.mail.user,
                                   .password = startup.mail.password});
    return settings;
}

void MailCommands::describe(report::DaemonStatus& status) const {
    if (!mailer_) {
        status.mail_problem = "the spool cannot be opened; see the log";
        return;
    }
    status.mail_enabled = mailer_->enabled();
    status.mail = mailer_->counters();
    status.mail_problem = mailer_->last_problem();
    status.mail_disk_problem = mailer_->spool().disk_problem();
}

std::string MailCommands::queue_json() {
    json waiting = json::array(), failed = json::array();
    if (mailer_)
        for (const auto& mail : mailer_->queue(runtime_.now()))
            (mail.state == State::Failed ? failed : waiting).push_back(mail_json(mail));
    const bool enabled = mailer_ && mailer_->enabled();
    return http::json_text({{"enabled", enabled},
                            {"problem", mailer_ ? mailer_->spool().disk_problem() : kNoSpool},
                            {"now_unix_us", runtime_.wall().unix_us},
                            {"waiting", std::move(waiting)},
                            {"failed", std::move(failed)}});
}

Result<std::string> MailCommands::change(const Command& command) {
    if (!mailer_) return fail(Errc::Unsupported, kNoSpool);
    const alert::Selection which{.ids = command.ids, .all = command.all, .by = command.by};
    const auto lines = command.verb == Verb::Drop ? mailer_->drop(which) : mailer_->retry(which, runtime_.wall());
    if (!lines) return error_of(lines);
    wake_();
    return lines_text(*lines, "no mail waits or has failed\n");
}

Result<void> MailCommands::start_test(const std::vector<std::string>& to, const std::string& by) {
    if (!mailer_) return fail(Errc::Unsupported, kNoSpool);
    auto mail = mailer_->test_mail(to, runtime_.wall());
    if (!mail) return error_of(mail);
    if (!test_) {
        transcript_ = std::make_shared<alert::SmtpTranscript>();
        auto transport = alert::SmtpTransport::make(runtime_.loop(), transcript_);
        if (!transport) return error_of(transport);
        transport_ = std::move(*transport);
        test_ = std::make_unique<alert::RelayTest>(*transport_, *transcript_);
    }
    const std::string recipients = fmt::format("{}", fmt::join(alert::texts_of(mail->mail.to), ", "));
    auto started = test_->start(std::move(*mail), [this] {
        mailer_->relay_accepted();
        wake_();
    });
    if (started) runtime_.log().notice("mail test by {}: to {}", by, recipients);
    return started;
}

std::string MailCommands::test_json(std::size_t known) {
    return progress_json(test_ ? test_->progress(known) : alert::RelayTest::Progress{});
}

namespace {

using json = nlohmann::ordered_json;

constexpr const char* kNone = "no webhook is configured: [[webhook]] of mainstay.toml names them";

const char* to_string(alert::QueuedPost::State state) {
    using enum alert::QueuedPost::State;
    return state == Sending ? "sending" : state == Failed ? "failed" : "waiting";
}

json post_json(const alert::QueuedPost& post) {
    json shown{{"id", post.id},
               {"state", to_string(post.state)},
               {"webhook", post.webhook},
               {"object", post.object},
               {"queued", report::iso_time(post.at)},
               {"queued_unix_us", post.at.unix_us},
               {"tries", post.tries},
               {"answer", post.answer},
               {"next_try_s", nullptr}};
    if (post.next_try) shown["next_try_s"] = post.next_try->count();
    return shown;
}

json receiver_json(const report::WebhookStatus& one) {
    return {{"name", one.name},       {"queued", one.queued},   {"sent", one.sent},      {"failed", one.failed},
            {"dropped", one.dropped}, {"retries", one.retries}, {"problem", one.problem}};
}

}  // namespace

std::string WebhookCommands::queue_json() {
    json waiting = json::array(), failed = json::array(), receivers = json::array();
    const auto status = host_.status();
    if (status)
        for (const auto& one : status->receivers) receivers.push_back(receiver_json(one));
    if (auto* const hooks = host_.hooks())
        for (const auto& post : hooks->queue(runtime_.now()))
            (post.state == alert::QueuedPost::State::Failed ? failed : waiting).push_back(post_json(post));
    return http::json_text({{"enabled", status.has_value()},
                            {"problem", status ? status->disk_problem : std::string{}},
                            {"now_unix_us", runtime_.wall().unix_us},
                            {"receivers", std::move(receivers)},
                            {"waiting", std::move(waiting)},
                            {"failed", std::move(failed)}});
}

Result<std::string> WebhookCommands::change(const Command& command) {
    auto* const hooks = host_.hooks();
    if (hooks == nullptr) return fail(Errc::Unsupported, kNone);
    const alert::Selection which{.ids = command.ids, .all = command.all, .by = command.by};
    const auto lines = command.verb == Verb::Drop ? hooks->drop(which) : hooks->retry(which, runtime_.wall());
    if (!lines) return error_of(lines);
    wake_();
    return lines_text(*lines, "no event waits or has failed\n");
}

Result<void> WebhookCommands::start_test(const std::vector<std::string>& names, const std::string& by) {
    auto webhooks = host_.configured();
    if (webhooks.empty()) return fail(Errc::Unsupported, kNone);
    for (const auto& name : names)
        if (std::ranges::find(webhooks, name, &alert::Webhook::name) == webhooks.end())
            return fail(Errc::NotFound, fmt::format("there is no webhook {}", name));
    if (!names.empty())
        std::erase_if(webhooks, [&](const auto& one) { return std::ranges::find(names, one.name) == names.end(); });
    if (!test_) {
        auto transport = alert::HttpTransport::make(runtime_.loop());
        if (!transport) return error_of(transport);
        transport_ = std::move(*transport);
        test_ = std::make_unique<alert::HookTest>(*transport_);
    }
    std::vector<std::string> receivers;
    for (const auto& one : webhooks) receivers.push_back(one.name);
    auto started = test_->start(std::move(webhooks), host_.sender(), runtime_.wall());
    if (started)
        runtime_.log_of(LogModule::Webhook)
            .notice("webhook test by {}: to {}", by, fmt::to_string(fmt::join(receivers, ", ")));
    return started;
}

std::string WebhookCommands::test_json(std::size_t known) {
    return progress_json(test_ ? test_->progress(known) : alert::HookTest::Progress{});
}

}  // namespace mainstay::role
