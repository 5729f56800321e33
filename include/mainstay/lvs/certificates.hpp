// Certificates that expire soon: reported once each, by a log line and a mail, and shown in every result of the check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "judge.hpp"
#include "mainstay/base/time.hpp"

namespace mainstay::lvs {

// How many reported certificates are remembered. Beyond it the oldest is forgotten and may be reported a second time.
inline constexpr std::size_t kCertificatesRemembered = 10'000;

struct ShownCertificate {
    std::string_view fingerprint, subject;
    WallTime not_after;
};

class CertificateWatch {
public:
    struct Judgement {
        std::string
            remark;  // for the check's result: "its certificate ends on 2026-12-01, in 11 days"; empty: not soon
        Intents intents;
    };
    // Judges the certificate of `server`, from a check with `cert_expiry_warning days`.
    [[nodiscard]] Judgement look(const config::VirtualServer& service, const config::RealServer& server, bool alive,
                                 const ShownCertificate& certificate, std::uint32_t days, WallTime now);

private:
    std::set<std::string, std::less<>> logged_;
};

}  // namespace mainstay::lvs
