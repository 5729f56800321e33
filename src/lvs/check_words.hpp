// The texts of check results in log lines and mails, for each kind of check. They are keepalived's; monitoring matches
// them.
#pragma once

#include <string>

#include "mainstay/lvs/judge.hpp"

namespace mainstay::lvs {

// The checker of a result, and the names of its server and service in the log.
struct CheckSubject {
    const config::Checker& checker;
    const std::string& server;
    const std::string& service;
};

// Empty: keepalived logs nothing.
[[nodiscard]] std::string success_line(const CheckSubject& subject);
// The line for a failed try, with log_all_failures; `used`: number of retries before it.
[[nodiscard]] std::string try_line(const CheckSubject& subject, const CheckFinished& fact, std::uint32_t used);
// The line for a check that now counts as failed. `retried`: after its retries, of which it used `used`. why_line() has
// the reason of an HTTP failure if keepalived's own text (failure_line) does not contain it, else it is empty.
[[nodiscard]] std::string why_line(const CheckSubject& subject, const CheckFinished& fact);
[[nodiscard]] std::string failure_line(const CheckSubject& subject, const CheckFinished& fact, bool retried,
                                       std::uint32_t used);
[[nodiscard]] std::string mail_words(const config::Checker& checker, const CheckFinished& fact);

}  // namespace mainstay::lvs
