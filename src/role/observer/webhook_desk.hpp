// The observer's answers to the API about events for webhooks (http/mail_routes.hpp).
#pragma once

#include <functional>
#include <memory>

#include "http/mail_routes.hpp"
#include "mainstay/alert/hook_test.hpp"
#include "mainstay/alert/http.hpp"
#include "mainstay/role/common/runtime.hpp"
#include "webhook_host.hpp"

namespace mainstay::role {

class WebhookDesk final : public http::QueueDesk {
public:
    // `wake`: call the pump() of the host soon.
    WebhookDesk(Runtime& runtime, WebhookHost& host, std::function<void()> wake)
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

}  // namespace mainstay::role
