#include "mainstay/lvs/certificates.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "judge_text.hpp"
#include "mainstay/base/text.hpp"

namespace mainstay::lvs {
namespace {

constexpr std::int64_t kDayUs = 86'400'000'000;

std::string day_of(WallTime time) {
    return fmt::format("{:%Y-%m-%d}", fmt::gmtime(static_cast<std::time_t>(time.unix_us / 1'000'000)));
}

std::string when(WallTime ends, WallTime now) {
    if (ends.unix_us <= now.unix_us) return fmt::format("ended on {}", day_of(ends));
    const std::int64_t days = (ends.unix_us - now.unix_us) / kDayUs;
    if (days == 0) return fmt::format("ends on {}, within a day", day_of(ends));
    return fmt::format("ends on {}, in {}", day_of(ends), counted(days, "day"));
}

}  // namespace

CertificateWatch::Judgement CertificateWatch::look(const config::VirtualServer& service,
                                                   const config::RealServer& server, bool alive,
                                                   const ShownCertificate& certificate, std::uint32_t days,
                                                   WallTime now) {
    if (certificate.not_after.unix_us - now.unix_us > std::int64_t{days} * kDayUs) return {};
    Judgement judgement;
    const std::string ends = when(certificate.not_after, now);
    judgement.remark = "its certificate " + ends;
    if (logged_.contains(certificate.fingerprint)) return judgement;
    if (logged_.size() >= kCertificatesRemembered) logged_.clear();
    logged_.emplace(certificate.fingerprint);
    const std::string text =
        fmt::format("The certificate of service {} of VS {} ({}) {}: renew it", text_of(service, server),
                    config::service_name(service), certificate.subject, ends);
    judgement.intents.push_back(log_line(LogLevel::Warning, text));
    Event event = server_event(service, server, alive, fmt::format("Certificate {} {}", certificate.subject, ends));
    event.notify = false;  // no change of state: mail only
    if (event.mail) judgement.intents.emplace_back(Announce{std::move(event)});
    return judgement;
}

}  // namespace mainstay::lvs
