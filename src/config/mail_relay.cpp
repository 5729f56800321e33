#include "mainstay/config/mail_relay.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "host_name.hpp"

namespace mainstay::config {
namespace {

struct Scheme {
    std::string_view name;
    MailRelay::Tls tls;
    std::uint16_t port;
};
constexpr std::array kSchemes{Scheme{"smtp://", MailRelay::Tls::Off, 25},
                              Scheme{"starttls://", MailRelay::Tls::StartTls, 587},
                              Scheme{"smtps://", MailRelay::Tls::Implicit, 465}};

std::unexpected<Error> wrong(std::string_view text, const char* what) {
    return fail(Errc::Invalid, "the relay \"" + std::string{text} + "\" " + what);
}

}  // namespace

Result<MailRelay> mail_relay(std::string_view text) {
    const auto* const scheme =
        std::ranges::find_if(kSchemes, [text](const Scheme& one) { return text.starts_with(one.name); });
    if (scheme == kSchemes.end()) return wrong(text, "must begin with smtp://, starttls:// or smtps://");
    std::string_view rest = text.substr(scheme->name.size());
    const bool bracketed = rest.starts_with('[');
    const auto end = bracketed ? rest.find(']') : rest.find(':');
    if (bracketed && end == std::string_view::npos) return wrong(text, "has no ] after its address");
    MailRelay relay{.host = std::string{rest.substr(bracketed ? 1 : 0, bracketed ? end - 1 : end)},
                    .port = scheme->port,
                    .tls = scheme->tls};
    const bool good = bracketed ? relay.host.find_first_not_of("0123456789abcdefABCDEF:.") == std::string::npos
                                : std::ranges::all_of(relay.host, is_of_host);
    if (relay.host.empty() || relay.host.size() > kHostBytesMax || !good) return wrong(text, "names no host");
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + (bracketed ? 1 : 0));
    if (rest.empty()) return relay;
    const char* const last = rest.data() + rest.size();
    const auto [stop, error] = std::from_chars(rest.data() + 1, last, relay.port);
    if (rest.front() != ':' || rest.size() < 2 || error != std::errc{} || stop != last || relay.port == 0)
        return wrong(text, "must end with a port from 1 to 65535");
    return relay;
}

}  // namespace mainstay::config
