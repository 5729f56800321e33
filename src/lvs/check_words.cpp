#include "check_words.hpp"

#include <fmt/format.h>

#include "mainstay/lvs/followed.hpp"

namespace mainstay::lvs {
namespace {

using Type = config::Checker::Type;

std::string misc_head(const CheckSubject& subject) {
    const auto& argv = subject.checker.misc_path->argv;
    return fmt::format("Misc check for [{} VS {}] by [{}]", subject.server, subject.service,
                       argv.empty() ? std::string{} : argv.front());
}

// keepalived's text, if it has one.
const std::string& words_of(const CheckFinished& fact) { return fact.words.empty() ? fact.reason : fact.words; }

std::string retries_text(std::uint32_t count) { return fmt::format("{} {}", count, count == 1 ? "retry" : "retries"); }

// "failed after 2 retries (exited with status 1)", "timed out with retry disabled"
std::string misc_line(const CheckSubject& subject, const CheckFinished& fact, const std::string& how) {
    if (fact.outcome == Outcome::TimedOut) return fmt::format("{} timed out{}.", misc_head(subject), how);
    return fmt::format("{} failed{} ({}).", misc_head(subject), how, words_of(fact));
}

// "UDP_CHECK on service RS failed after 3 retries."
std::string plain_failure(std::string_view head, const CheckSubject& subject, bool retried, std::uint32_t used) {
    const std::string line = fmt::format("{} on service {} failed", head, subject.server);
    return retried ? fmt::format("{} after {} retries.", line, used) : line + ".";
}

std::string dns_failure(const CheckSubject& subject, const CheckFinished& fact, bool retried, std::uint32_t used) {
    const std::string line = fmt::format("DNS_CHECK ({}) {}", subject.server, words_of(fact));
    return retried ? fmt::format("{} after {} retries", line, used) : line;
}

// keepalived names the address that was tried here, not the server.
std::string smtp_failure(const CheckSubject& subject, const CheckFinished& fact) {
    const Endpoint& target = subject.checker.target;
    return fmt::format("SMTP_CHECK {} [{}]:{}", words_of(fact), target.address.to_string(), target.port);
}

std::string file_line(const CheckSubject& subject, std::string_view what) {
    return fmt::format("({}): tracked file {} {}", subject.server, followed_name(subject.checker), what);
}

std::string bfd_line(const CheckSubject& subject, std::string_view state) {
    return fmt::format("BFD check of [{}] RS({}) is {}", followed_name(subject.checker), subject.server, state);
}

}  // namespace

std::string success_line(const CheckSubject& subject) {
    switch (subject.checker.type) {
        case Type::Misc:
            return misc_head(subject) + " succeeded.";
        case Type::Http:
        case Type::Ssl:
            return fmt::format("Remote Web server {} succeed on service.", subject.server);
        case Type::Smtp:
            return fmt::format("Remote SMTP server {} succeed on service.", subject.server);
        case Type::Udp:
            return fmt::format("UDP connection to {} success.", subject.server);
        case Type::Ping:
            return fmt::format("ICMP connection to {} success.", subject.server);
        case Type::Dns:
            return {};
        case Type::File:
            return file_line(subject, "leaving FAULT state");
        case Type::Bfd:
            return bfd_line(subject, "UP");
        case Type::Grpc:
            return fmt::format("gRPC health check of {} success.", subject.server);
        case Type::Agent:
            return fmt::format("Agent check of {} success.", subject.server);
        case Type::Tcp:
            break;
    }
    return fmt::format("TCP connection to {} success.", subject.server);
}

std::string try_line(const CheckSubject& subject, const CheckFinished& fact, std::uint32_t used) {
    switch (subject.checker.type) {
        case Type::Misc: {
            const std::uint32_t retries = subject.checker.retry;
            return misc_line(subject, fact,
                             used == 0 ? fmt::format(", will do {}", retries_text(retries))
                                       : fmt::format(" on retry {}/{}", used, retries));
        }
        case Type::Http:
        case Type::Ssl:
            return fmt::format("{} {}.", fact.words, subject.server);
        case Type::Smtp:
            return smtp_failure(subject, fact);
        case Type::Dns:
            return dns_failure(subject, fact, false, 0);
        case Type::Udp:
            return fact.words.empty() ? fmt::format("UDP connection to {} failed.", subject.server)
                                      : fmt::format("UDP check to {} {}.", subject.server, fact.words);
        case Type::Ping:
            if (!fact.words.empty()) return fact.words;
            if (fact.outcome == Outcome::TimedOut)
                return fmt::format("ICMP connection to address {} timeout.", subject.server);
            return fmt::format("ICMP connection to {} failed.", subject.server);
        case Type::File:
            return file_line(subject, "now FAULT state");
        case Type::Bfd:
            return bfd_line(subject, "DOWN");
        case Type::Grpc:
            return fmt::format("gRPC health check of {} failed: {}.", subject.server, fact.reason);
        case Type::Agent:
            return fmt::format("Agent check of {} failed: {}.", subject.server, fact.reason);
        case Type::Tcp:
            break;
    }
    return fmt::format("TCP connection to {} {}.", subject.server,
                       fact.outcome == Outcome::TimedOut ? "timeout" : "failed");
}

bool says_its_last_try(config::Checker::Type type) {
    return type == Type::Misc || type == Type::Smtp || type == Type::File || type == Type::Bfd;
}

std::string failure_line(const CheckSubject& subject, const CheckFinished& fact, bool retried, std::uint32_t used) {
    switch (subject.checker.type) {
        case Type::Misc:
            if (retried) return misc_line(subject, fact, " after " + retries_text(used));
            return misc_line(subject, fact, subject.checker.retry == 0 ? " with retry disabled" : "");
        case Type::Http:
            return plain_failure("HTTP_CHECK", subject, retried, used);
        case Type::Ssl:
            return plain_failure("SSL_CHECK", subject, retried, used);
        case Type::Smtp:
            return smtp_failure(subject, fact);
        case Type::Dns:
            return dns_failure(subject, fact, retried, used);
        case Type::Ping:
            // keepalived names the service only after retries.
            if (!retried) return plain_failure("ICMP CHECK", subject, false, 0);
            return fmt::format("ICMP CHECK on service {} of {} failed after {} retries.", subject.server,
                               subject.service, used);
        case Type::File:
        case Type::Bfd:
            return try_line(subject, fact, used);
        case Type::Tcp:
        case Type::Udp:
        case Type::Grpc:
        case Type::Agent:
            break;
    }
    return plain_failure(keyword_of(subject.checker.type), subject, retried, used);
}

std::string not_run_line(const CheckSubject& subject, const CheckFinished& fact) {
    const bool misc = subject.checker.type == Type::Misc;
    return fmt::format(
        "{} could not be run: {}. Rescheduling.",
        misc ? misc_head(subject) : fmt::format("{} on service {}", keyword_of(subject.checker.type), subject.server),
        fact.reason);
}

std::string why_line(const CheckSubject& subject, const CheckFinished& fact) {
    constexpr std::string_view kSaysNothing = "Connection failed server";
    const bool ssl = subject.checker.type == Type::Ssl;
    if ((!ssl && subject.checker.type != Type::Http) || fact.words != kSaysNothing) return {};
    return fmt::format("{} {}: {}", ssl ? "SSL_GET" : "HTTP_GET", subject.server, fact.reason);
}

std::string mail_words(const config::Checker& checker, const CheckFinished& fact) {
    const bool passed = fact.outcome == Outcome::Passed;
    const auto plain = [&](std::string_view head) {
        return fmt::format("{} {} on service", head, passed ? "succeed" : "failed");
    };
    switch (checker.type) {
        case Type::Misc:
            if (passed) return "MISC CHECK succeeded on service";
            return fact.outcome == Outcome::TimedOut ? "MISC CHECK timed out on service"
                                                     : "MISC CHECK failed on service";
        case Type::Http:
        case Type::Ssl:
            return passed ? plain("CHECK") : "CHECK failed on service : HTTP/SSL request failed";
        case Type::Smtp:
            return passed ? plain("CHECK")
                          : fmt::format("CHECK failed on service : {} [{}]:{}", words_of(fact),
                                        checker.target.address.to_string(), checker.target.port);
        case Type::Udp:
            return plain("UDP CHECK");
        case Type::Ping:
            return plain("ICMP CHECK");
        case Type::Dns:
            return plain("DNS_CHECK:");
        case Type::Grpc:
            return plain("GRPC CHECK");
        case Type::Agent:
            return passed ? plain("AGENT CHECK") : fmt::format("AGENT CHECK failed on service : {}", fact.reason);
        case Type::Bfd:
            return fmt::format("BFD CHECK {} {} on service", followed_name(checker), passed ? "succeeded" : "failed");
        case Type::File:
            return fmt::format("FILE CHECK {} {} on service", followed_name(checker), passed ? "succeeded" : "failed");
        case Type::Tcp:
            break;
    }
    return plain("TCP CHECK");
}

namespace {

constexpr Nanos kWindow{1'000'000'000};

}  // namespace

std::vector<LogLine> LineBudget::look(Instant now) {
    std::vector<LogLine> lines;
    if (!began_ || now - *began_ < kWindow) return lines;
    if (left_out_ != 0) {
        lines.push_back(
            {LogLevel::Warning, fmt::format("{} log lines of the last second were suppressed: {} servers went down and "
                                            "{} came up; mainstayctl status shows their states and the reasons",
                                            left_out_, down_, up_)});
    }
    began_.reset();
    logged_ = left_out_ = down_ = up_ = 0;
    return lines;
}

bool LineBudget::allows(const LogLine& line, Instant now) {
    if (!began_) began_ = now;
    if (line.level < LogLevel::Notice) return true;
    if (logged_ < kLinesPerSecondMax) {
        ++logged_;
        return true;
    }
    ++left_out_;
    ++left_out_in_all_;
    return false;
}

void LineBudget::changed(bool up, Instant now) {
    if (!began_) began_ = now;
    ++(up ? up_ : down_);
}

std::optional<Instant> LineBudget::deadline() const {
    return left_out_ == 0 ? std::nullopt : std::optional{*began_ + kWindow};
}

}  // namespace mainstay::lvs
