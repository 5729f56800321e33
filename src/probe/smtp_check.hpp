// SMTP_CHECK: whether a mail server greets, and accepts HELO and QUIT.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

#include "mainstay/probe/attempt.hpp"
#include "mainstay/probe/finding.hpp"

namespace mainstay::probe {

struct SmtpCheck {
    Connection connection;
    std::string helo;
};
[[nodiscard]] SmtpCheck smtp_check_of(const config::Checker& checker);

[[nodiscard]] boost::asio::awaitable<Finding> smtp_check(SmtpCheck check, std::shared_ptr<Attempt> attempt);

}  // namespace mainstay::probe
