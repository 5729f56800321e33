// An operator's commands about mails and webhooks that wait: list, retry, drop, test.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/alert/http.hpp"
#include "mainstay/alert/mailer.hpp"
#include "mainstay/alert/smtp.hpp"
#include "mainstay/alert/trials.hpp"
#include "mainstay/report/document.hpp"
#include "mainstay/role/common/runtime.hpp"
#include "role/observer/http/exchange.hpp"
#include "role/observer/http/operator_routes.hpp"
#include "webhook_host.hpp"

namespace mainstay::role {

// The observer's answers to the API about mails (http/operator_routes.hpp).

// The relays that the reader found in mainstay.toml.
[[nodiscard]] alert::MailSettings mail_settings(const ipc::RoleStartup& startup);

class MailCommands final : public http::QueueCommands {
public:
    // There may be no mailer yet. `wake`: call its pump() soon.
    MailCommands(Runtime& runtime, std::optional<alert::Mailer>& mailer, std::function<void()> wake)
        : runtime_{runtime}, mailer_{mailer}, wake_{std::move(wake)} {}

    void describe(report::DaemonStatus& status) const;  // of this incarnation
    [[nodiscard]] std::string queue_json() override;
    [[nodiscard]] Result<std::string> change(const Command& command) override;
    [[nodiscard]] Result<void> start_test(const std::vector<std::string>& to, const std::string& by) override;
    [[nodiscard]] std::string test_json(std::size_t known) override;

private:
    Runtime& runtime_;
    std::optional<alert::Mailer>& mailer_;
    std::function<void()> wake_;
    // Made for the first test; apart from the other mails, so that none of them waits for a test.
    std::shared_ptr<alert::SmtpTranscript> transcript_;
    std::unique_ptr<alert::SmtpTransport> transport_;
    std::unique_ptr<alert::RelayTest> test_;
};

// The observer's answers to the API about events for webhooks (http/operator_routes.hpp).
class WebhookCommands final : public http::QueueCommands {
public:
    // `wake`: call the pump() of the host soon.
    WebhookCommands(Runtime& runtime, WebhookHost& host, std::function<void()> wake)
        : runtime_{runtime}, host_{host}, wake_{std::move(wake)} {}

    [[nodiscard]] std::string queue_json() override;
    [[nodiscard]] Result<std::string> change(const Command& command) override;
    [[nodiscard]] Result<void> start_test(const std::vector<std::string>& names, const std::string& by) override;
    [[nodiscard]] std::string test_json(std::size_t known) override;

private:
    Runtime& runtime_;
    WebhookHost& host_;
    std::function<void()> wake_;
    // Made for the first test; apart from the other events, so that none of them waits for a test.
    std::unique_ptr<alert::HttpTransport> transport_;
    std::unique_ptr<alert::HookTest> test_;
};

// What the commands about mails and about webhooks answer alike.

inline std::string lines_text(const std::vector<std::string>& lines, const char* none) {
    return lines.empty() ? std::string{none} : fmt::format("{}\n", fmt::join(lines, "\n"));
}

inline std::string progress_json(const alert::RelayTest::Progress& now) {
    return http::json_text({{"number", now.number},
                            {"running", now.running},
                            {"delivered", now.delivered},
                            {"outcome", now.outcome},
                            {"next", now.next},
                            {"lines", now.lines}});
}

}  // namespace mainstay::role
