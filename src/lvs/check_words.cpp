#include "check_words.hpp"

#include <fmt/format.h>

#include "mainstay/config/keyword_values.hpp"

namespace mainstay::lvs {
namespace {

using Type = config::Checker::Type;

bool passed(const CheckFinished& fact) { return fact.outcome == Outcome::Passed; }

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

std::string misc_try(const CheckSubject& subject, const CheckFinished& fact, std::uint32_t used) {
    const std::uint32_t retries = subject.checker.retry;
    const std::string head = fmt::format("{} {}", misc_head(subject), misc_result(fact));
    if (retries == 0) return head + ".";
    return used == 0 ? fmt::format("{}, will do {} retries.", head, retries)
                     : fmt::format("{} on retry {}/{}.", head, used, retries);
}

// The name of the session that BFD_CHECK follows.
std::string followed(const config::Checker& checker) {
    const auto name = config::value_of<config::WordList>(checker.more->values, "name");
    return name && !name->empty() ? name->front() : std::string{};
}

std::string bfd_line(const CheckSubject& subject, bool up) {
    return fmt::format("BFD check of [{}] RS({}) is {}", followed(subject.checker), subject.server, up ? "UP" : "DOWN");
}

// keepalived names the address that was tried here, not the server.
std::string smtp_line(const CheckSubject& subject, const CheckFinished& fact) {
    const Endpoint& target = subject.checker.target;
    const std::string_view words = fact.words.empty() ? "Could not connect to server" : std::string_view{fact.words};
    return fmt::format("SMTP_CHECK {} [{}]:{}", words, target.address.to_string(), target.port);
}

std::string dns_line(const CheckSubject& subject, const CheckFinished& fact) {
    return fmt::format("DNS_CHECK ({}) {}", subject.server, fact.words.empty() ? fact.reason : fact.words);
}

// "TCP connection to [10.0.0.11]:tcp:80"
std::string connection_head(const CheckSubject& subject) {
    const std::string_view what = subject.checker.type == Type::Udp    ? "UDP"
                                  : subject.checker.type == Type::Ping ? "ICMP"
                                                                       : "TCP";
    return fmt::format("{} connection to {}", what, subject.server);
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
        case Type::Dns:
            return fmt::format("DNS_CHECK ({}) success.", subject.server);
        case Type::File:
            return fmt::format("FILE_CHECK on service {} success.", subject.server);
        case Type::Bfd:
            return bfd_line(subject, true);
        case Type::Grpc:
            return fmt::format("gRPC health check of {} success.", subject.server);
        case Type::Tcp:
        case Type::Udp:
        case Type::Ping:
            break;
    }
    return connection_head(subject) + " success.";
}

std::string try_line(const CheckSubject& subject, const CheckFinished& fact, std::uint32_t used) {
    switch (subject.checker.type) {
        case Type::Misc:
            return misc_try(subject, fact, used);
        case Type::Http:
        case Type::Ssl:
            return fmt::format("{} {}.", fact.words, subject.server);
        case Type::Smtp:
            return smtp_line(subject, fact);
        case Type::Dns:
            return dns_line(subject, fact);
        case Type::Grpc:
            return fmt::format("gRPC health check of {} failed: {}.", subject.server, fact.reason);
        default:
            break;
    }
    return fmt::format("{} {}.", connection_head(subject), fact.outcome == Outcome::TimedOut ? "timeout" : "failed");
}

std::string failure_line(const CheckSubject& subject, const CheckFinished& fact, bool retried, std::uint32_t used) {
    const std::string after = retried ? fmt::format(" after {} retries", used) : std::string{};
    switch (subject.checker.type) {
        case Type::Misc:
            return misc_failure(subject, fact, retried, used);
        case Type::Http:
            return fmt::format("HTTP_CHECK on service {} failed{}.", subject.server, after);
        case Type::Ssl:
            return fmt::format("SSL_CHECK on service {} failed{}.", subject.server, after);
        case Type::Ping:
            return fmt::format("ICMP CHECK on service {} of {} failed{}.", subject.server, subject.service, after);
        case Type::Smtp:
            return smtp_line(subject, fact) + after;
        case Type::Dns:
            return dns_line(subject, fact) + after;
        case Type::Bfd:
            return bfd_line(subject, false);
        default:
            break;
    }
    return fmt::format("{} on service {} failed{}.", keyword_of(subject.checker.type), subject.server, after);
}

std::string mail_words(const config::Checker& checker, const CheckFinished& fact) {
    const bool up = passed(fact);
    switch (checker.type) {
        case Type::Misc:
            if (fact.outcome == Outcome::TimedOut) return "MISC CHECK timed out on service";
            return up ? "MISC CHECK succeeded on service" : "MISC CHECK failed on service";
        case Type::Http:
        case Type::Ssl:
            return up ? "CHECK succeed on service" : "CHECK failed on service : HTTP/SSL request failed";
        case Type::Smtp:
            if (up) return "CHECK succeed on service";
            return fmt::format("CHECK failed on service : {}", fact.words.empty() ? fact.reason : fact.words);
        case Type::Dns:
            return up ? "DNS_CHECK: succeed on service" : "DNS_CHECK: failed on service";
        case Type::Udp:
            return up ? "UDP CHECK succeed on service" : "UDP CHECK failed on service";
        case Type::Ping:
            return up ? "ICMP CHECK succeed on service" : "ICMP CHECK failed on service";
        case Type::Bfd:
            return fmt::format("BFD CHECK {} {} on service", followed(checker), up ? "succeeded" : "failed");
        case Type::Grpc:
            return up ? "GRPC CHECK succeed on service" : "GRPC CHECK failed on service";
        case Type::File:
            return up ? "FILE CHECK succeed on service" : "FILE CHECK failed on service";
        case Type::Tcp:
            break;
    }
    return up ? "TCP CHECK succeed on service" : "TCP CHECK failed on service";
}

}  // namespace mainstay::lvs
