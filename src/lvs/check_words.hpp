// The texts of check results in log lines and mails, for each kind of check. They are keepalived's; monitoring matches
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
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
// Whether failure_line() tells the last try itself, so that log_all_failures has nothing to add to it.
[[nodiscard]] bool says_its_last_try(config::Checker::Type type);
[[nodiscard]] std::string try_line(const CheckSubject& subject, const CheckFinished& fact, std::uint32_t used);
// The line for a check that now counts as failed. `retried`: after its retries, of which it used `used`. why_line() has
// the reason of an HTTP failure if keepalived's own text (failure_line) does not contain it, else it is empty.
[[nodiscard]] std::string why_line(const CheckSubject& subject, const CheckFinished& fact);
[[nodiscard]] std::string failure_line(const CheckSubject& subject, const CheckFinished& fact, bool retried,
                                       std::uint32_t used);
// Of a check that could not be run, which says nothing about its server.
[[nodiscard]] std::string not_run_line(const CheckSubject& subject, const CheckFinished& fact);
[[nodiscard]] std::string mail_words(const config::Checker& checker, const CheckFinished& fact);

// Limits the log lines per second: thousands of servers that change within a second would cause thousands of lines,
// each a system call. Beyond the limit one summary line is logged.

// Lines of the levels Notice and Info per second, counted from the first one. More severe lines are always logged.
inline constexpr std::size_t kLinesPerSecondMax = 500;

class LineBudget {
public:
    // Ends the current second if it is over, and returns its summary.
    [[nodiscard]] std::vector<LogLine> look(Instant now);
    // Counts the line and returns whether it may be logged. Call look() before.
    [[nodiscard]] bool allows(const LogLine& line, Instant now);
    void changed(bool up, Instant now);  // a server went up or down

    // When look() returns a summary.
    [[nodiscard]] std::optional<Instant> deadline() const;
    [[nodiscard]] std::uint64_t left_out() const { return left_out_in_all_; }

private:
    template <class A>
    friend void fields(A& archive, LineBudget& budget);  // judge_state.cpp

    std::optional<Instant> began_;
    std::size_t logged_ = 0, left_out_ = 0, down_ = 0, up_ = 0;
    std::uint64_t left_out_in_all_ = 0;
};

}  // namespace mainstay::lvs
