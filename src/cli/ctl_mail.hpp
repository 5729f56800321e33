// The waiting and failed mails as text for people. Pure.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace mainstay::cli {

// `answer`: of GET /api/v1/mail.
[[nodiscard]] std::string mail_queue_text(const nlohmann::json& answer);
// The same of the events for webhooks, GET /api/v1/webhooks.
[[nodiscard]] std::string webhook_queue_text(const nlohmann::json& answer);

}  // namespace mainstay::cli
