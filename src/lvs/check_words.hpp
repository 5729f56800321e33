// The texts of check results in log lines and mails, for each kind of check. They are keepalived's; monitoring matches
// them.
#pragma once

#include <string>

#include "mainstay/lvs/judge.hpp"

namespace mainstay::lvs {

// Whose result it is: the checker and the names of its server and service as logged.
struct CheckSubject {
    const config::Checker& checker;
    const std::string& server;
    const std::string& service;
};

// Empty: keepalived logs nothing.
[[nodiscard]] std::string success_line(const CheckSubject& subject);
// One failing try, with log_all_failures; `used` of the checker's retries went before it.
[[nodiscard]] std::string try_line(const CheckSubject& subject, const CheckFinished& fact, std::uint32_t used);
// The check counts as failed from now on; `retried`: after its retries, of which it had `used`. The reason of an HTTP
// failure, where keepalived's own text (failure_line) does not contain it; else empty.
[[nodiscard]] std::string why_line(const CheckSubject& subject, const CheckFinished& fact);
[[nodiscard]] std::string failure_line(const CheckSubject& subject, const CheckFinished& fact, bool retried,
                                       std::uint32_t used);
[[nodiscard]] std::string mail_words(const config::Checker& checker, const CheckFinished& fact);

}  // namespace mainstay::lvs
