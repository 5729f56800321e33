// The observer's answers to the API about mails (http/mail_routes.hpp).
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "http/mail_routes.hpp"
#include "mainstay/alert/mailer.hpp"
#include "mainstay/alert/relay_test.hpp"
#include "mainstay/alert/smtp.hpp"
#include "mainstay/report/document.hpp"
#include "mainstay/role/common/runtime.hpp"

namespace mainstay::role {

// The relays that the reader found in mainstay.toml.
[[nodiscard]] alert::MailSettings mail_settings(const ipc::RoleStartup& startup);

class ObserverMailDesk final : public http::QueueDesk {
public:
    // There may be no mailer yet. `wake`: call its pump() soon.
    ObserverMailDesk(Runtime& runtime, std::optional<alert::Mailer>& mailer, std::function<void()> wake)
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

}  // namespace mainstay::role
