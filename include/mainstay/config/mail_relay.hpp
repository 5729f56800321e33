// A mail relay as mainstay.toml names it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mainstay/base/error.hpp"

namespace mainstay::config {

struct MailRelay {
    std::string host;  // a name or an address, IPv6 without brackets
    std::uint16_t port = 25;
    enum class Tls : std::uint8_t { Off, StartTls, Implicit } tls = Tls::Off;
    bool operator==(const MailRelay&) const = default;
};

// "smtp://HOST", "starttls://HOST:587", "smtps://[2001:db8::1]:465"; without a port 25, 587 and 465. Errc::Invalid,
// with what is wrong.
[[nodiscard]] Result<MailRelay> mail_relay(std::string_view text);

}  // namespace mainstay::config
