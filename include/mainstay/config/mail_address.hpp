// Mail addresses as people write them: "Duty Admin <duty@example.org>", "\"Doe, Jane\" <jane@example.org>", bare ones,
// several of them separated by commas or blanks. This is the only place that reads them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::config {

struct MailAddress {
    std::string address;  // of the envelope: "duty@example.org"; without an @: a mailbox of the relay's own, as "root"
    std::string name;     // shown in a header: "Duty Admin"; empty: none
    bool operator==(const MailAddress&) const = default;
};

inline constexpr std::size_t kMailAddressBytesMax = 254;  // RFC 5321 4.5.3.1.3, without its < and >
inline constexpr std::size_t kMailNameBytesMax = 255;     // so that a line of a header holds it with its address

// The whole, as in a header: the name in quotes where it needs them.
[[nodiscard]] std::string to_text(const MailAddress& address);

struct MailAddressProblem {
    std::size_t at = 0, length = 0;  // in the text
    std::string what;                // for people: "'a@' is no mail address: nothing stands behind the @"
};
struct MailAddresses {
    std::vector<MailAddress> addresses;
    std::vector<MailAddressProblem> problems;  // what is no address is in `addresses` not at all
};
[[nodiscard]] MailAddresses mail_addresses(std::string_view text);

// A mail relay as mainstay.toml names it. Pure.
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
