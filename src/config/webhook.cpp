#include "mainstay/config/webhook.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "mainstay/base/text.hpp"

namespace mainstay::config {
namespace {

constexpr std::size_t kUrlBytesMax = 2000, kNameBytesMax = 64;
constexpr std::array<std::string_view, 2> kBodies{"alertmanager", "cloudevents"};
constexpr std::array<std::string_view, 4> kKinds{"instance", "group", "server", "service"};

bool is_letter_or_digit(char c) { return is_letter(c) || is_digit(c); }
bool is_of_name(char c) { return is_letter_or_digit(c) || c == '-' || c == '.'; }

// RFC 9110 5.6.2: the characters of a header's name.
bool is_of_token(char c) {
    return is_letter_or_digit(c) || std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
}

bool good_name(std::string_view text) {
    return !text.empty() && text.size() <= kNameBytesMax && text.front() != '.' &&
           std::ranges::all_of(text, is_of_name);
}
bool good_path(std::string_view text) { return text.starts_with('/'); }
bool good_url(std::string_view text) { return webhook_url(text).has_value(); }

constexpr std::array kWebhookKeys{
    WebhookKey{.key = "url",
               .form = "\"https://HOST[:PORT]/PATH\" or \"http://HOST[:PORT]/PATH\"",
               .help =
                   "Where events are posted; required. User names do not belong into it, but into headers. Redirects "
                   "are not followed.",
               .text = &Webhook::url,
               .is_good = good_url},
    WebhookKey{
        .key = "name",
        .form = "a word of letters, digits, - and .",
        .help =
            "Its name in the log, the status, the metrics and the spool. Events that wait keep to the name when the "
            "URL changes.",
        .default_text = "the URL's host",
        .text = &Webhook::name,
        .is_good = good_name},
    WebhookKey{
        .key = "body",
        .form = "\"alertmanager\" or \"cloudevents\"",
        .help = "Form of the requests: what Alertmanager (version 4) sends to its receivers, with alerts that fire and "
                "are resolved, or one CloudEvent (1.0) in JSON for each event.",
        .default_text = "alertmanager",
        .text = &Webhook::body,
        .words = kBodies},
    WebhookKey{.key = "events",
               .form = "a list of \"instance\", \"group\", \"server\", \"service\"",
               .help = "Of which objects events are posted.",
               .default_text = "all",
               .list = &Webhook::events,
               .words = kKinds},
    WebhookKey{.key = "tls_ca",
               .form = "an absolute path",
               .help =
                   "Authorities, in PEM, of one of which the receiver's certificate must be; without it, those of the "
                   "system.",
               .default_text = "none",
               .text = &Webhook::tls_ca,
               .is_good = good_path},
    WebhookKey{
        .key = "headers",
        .form = "an absolute path",
        .help = "A file of header lines that each request carries, as \"Authorization: Bearer TOKEN\". Nobody but root "
                "may be able to read it, and it needs https or a loopback address.",
        .default_text = "none",
        .text = &Webhook::headers,
        .is_good = good_path},
    WebhookKey{.key = "keep",
               .form = "a whole number of seconds (60 to 2592000)",
               .help = "How long an event that cannot be delivered is queued and retried.",
               .default_text = "259200",
               .seconds = &Webhook::keep_s,
               .low = 60,
               .high = 2'592'000},
};

std::unexpected<Error> wrong(const std::string& what) { return fail(Errc::Invalid, what); }

// "HOST", "HOST:PORT", "[ADDRESS]", "[ADDRESS]:PORT"
Result<std::string> host_of(std::string_view authority) {
    const bool bracketed = authority.starts_with('[');
    const auto end = bracketed ? authority.find(']') : authority.find(':');
    if (bracketed && end == std::string_view::npos) return wrong("the URL has no ] after its address");
    const std::string_view host = authority.substr(bracketed ? 1 : 0, bracketed ? end - 1 : end);
    const bool good = bracketed ? host.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos
                                : std::ranges::all_of(host, is_of_host);
    if (host.empty() || host.size() > kHostBytesMax || !good) return wrong("the URL names no host");
    std::string_view rest = end == std::string_view::npos ? "" : authority.substr(end + (bracketed ? 1 : 0));
    if (rest.empty()) return std::string{host};
    std::uint16_t port = 0;
    const char* const last = rest.data() + rest.size();
    const auto [stop, error] = std::from_chars(rest.data() + 1, last, port);
    if (rest.front() != ':' || rest.size() < 2 || error != std::errc{} || stop != last || port == 0)
        return wrong("the URL's port must be a number from 1 to 65535");
    return std::string{host};
}

}  // namespace

std::span<const WebhookKey> webhook_keys() { return kWebhookKeys; }

Result<WebhookUrl> webhook_url(std::string_view text) {
    const bool encrypted = text.starts_with("https://");
    if (!encrypted && !text.starts_with("http://")) return wrong("the URL must begin with https:// or http://");
    if (text.size() > kUrlBytesMax) return wrong(fmt::format("the URL is longer than {} characters", kUrlBytesMax));
    if (!std::ranges::all_of(text, is_visible))
        return wrong("the URL has a blank or a character that must be written as % and two digits");
    std::string_view authority = text.substr(text.find("//") + 2);
    authority = authority.substr(0, authority.find_first_of("/?#"));
    if (authority.find('@') != std::string_view::npos)
        return wrong("the URL has a user name: put an Authorization line into the file of headers");
    auto host = host_of(authority);
    if (!host) return error_of(host);
    return WebhookUrl{.encrypted = encrypted, .host = std::move(*host), .authority = std::string{authority}};
}

Result<std::vector<std::string>> webhook_headers(std::string_view text) {
    if (text.size() > kWebhookHeaderBytesMax)
        return wrong(fmt::format("it is longer than {} bytes", kWebhookHeaderBytesMax));
    std::vector<std::string> headers;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty() || line.starts_with('#')) continue;
        const auto colon = line.find(':');
        const std::string_view name = line.substr(0, colon);
        const bool clean = std::ranges::all_of(line, [](char c) { return c == '\t' || (c >= ' ' && c != '\x7F'); });
        const bool empty =
            colon == std::string_view::npos || line.find_first_not_of(" \t", colon + 1) == std::string_view::npos;
        if (name.empty() || empty || !std::ranges::all_of(name, is_of_token) || !clean)
            return wrong(fmt::format("line {} is no header: write Name: value", number));
        if (headers.size() == kWebhookHeadersMax)
            return wrong(fmt::format("line {}: there are more than {} headers", number, kWebhookHeadersMax));
        headers.emplace_back(line);
    }
    return headers;
}

}  // namespace mainstay::config
