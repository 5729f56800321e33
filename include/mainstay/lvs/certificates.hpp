// Certificates that end soon: told once each, by a line and a mail, and shown in every result of the check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "judge.hpp"
#include "mainstay/base/time.hpp"

namespace mainstay::lvs {

// Certificates that were told of. Above it the oldest memory goes, and a warning may come a second time.
inline constexpr std::size_t kCertificatesRemembered = 10'000;

struct ShownCertificate {
    std::string_view fingerprint, subject;
    WallTime not_after;
};

class CertificateWatch {
public:
    struct Judgement {
        std::string
            remark;  // for the check's result: "its certificate ends on 2026-12-01, in 11 days"; empty: far away
        Intents told;
    };
    // What `server` showed to a check with `cert_expiry_warning days`.
    [[nodiscard]] Judgement look(const config::VirtualServer& service, const config::RealServer& server, bool alive,
                                 const ShownCertificate& certificate, std::uint32_t days, WallTime now);

private:
    std::set<std::string, std::less<>> told_;
};

}  // namespace mainstay::lvs
