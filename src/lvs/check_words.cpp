#include "check_words.hpp"

#include <fmt/format.h>

namespace mainstay::lvs {
namespace {

using Type = config::Checker::Type;

std::string misc_head(const CheckSubject& subject) {
    const auto& argv = subject.checker.misc_path->argv;
    return fmt::format("Misc check for [{} VS {}] by [{}]", subject.server, subject.service,
                       argv.empty() ? std::string{} : argv.front());
}

std::string misc_result(const CheckFinished& fact) {
    return fact.outcome == Outcome::TimedOut ? std::string{"timed out"} : fmt::format("failed ({})", fact.reason);
}

// "failed after 2 retries (exited with status 1)", "timed out with retry disabled"
std::string misc_failure(const CheckSubject& subject, const CheckFinished& fact, bool retried, std::uint32_t used) {
    std::string how;
    if (retried)
        how = fmt::format(" after {} retries", used);
    else if (subject.checker.retry == 0)
        how = " with retry disabled";
    if (fact.outcome == Outcome::TimedOut) return fmt::format("{} timed out{}.", misc_head(subject), how);
    return fmt::format("{} failed{} ({}).", misc_head(subject), how, fact.reason);
}

}  // namespace

std::string success_line(const CheckSubject& subject) {
    if (subject.checker.type == Type::Misc) return misc_head(subject) + " succeeded.";
    if (subject.checker.type == Type::Http)
        return fmt::format("Remote Web server {} succeed on service.", subject.server);
    return fmt::format("TCP connection to {} success.", subject.server);
}

std::string try_line(const CheckSubject& subject, const CheckFinished& fact, std::uint32_t used) {
    if (subject.checker.type == Type::Misc) {
        const std::uint32_t retries = subject.checker.retry;
        const std::string head = fmt::format("{} {}", misc_head(subject), misc_result(fact));
        if (retries == 0) return head + ".";
        return used == 0 ? fmt::format("{}, will do {} retries.", head, retries)
                         : fmt::format("{} on retry {}/{}.", head, used, retries);
    }
    if (subject.checker.type == Type::Http) return fmt::format("{} {}.", fact.words, subject.server);
    return fmt::format("TCP connection to {} {}.", subject.server,
                       fact.outcome == Outcome::TimedOut ? "timeout" : "failed");
}

std::string failure_line(const CheckSubject& subject, const CheckFinished& fact, bool retried, std::uint32_t used) {
    if (subject.checker.type == Type::Misc) return misc_failure(subject, fact, retried, used);
    const std::string_view word = subject.checker.type == Type::Http ? "HTTP_CHECK" : keyword_of(subject.checker.type);
    const std::string head = fmt::format("{} on service {} failed", word, subject.server);
    return retried ? fmt::format("{} after {} retries.", head, used) : head + ".";
}

std::string mail_words(Type type, Outcome outcome) {
    if (type == Type::Misc) {
        if (outcome == Outcome::Passed) return "MISC CHECK succeeded on service";
        return outcome == Outcome::TimedOut ? "MISC CHECK timed out on service" : "MISC CHECK failed on service";
    }
    if (type == Type::Http) {
        return outcome == Outcome::Passed ? "CHECK succeed on service"
                                          : "CHECK failed on service : HTTP/SSL request failed";
    }
    return outcome == Outcome::Passed ? "TCP CHECK succeed on service" : "TCP CHECK failed on service";
}

}  // namespace mainstay::lvs
