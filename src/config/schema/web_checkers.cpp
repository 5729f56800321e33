// Rows of the schema: the checks that look at web servers, over TLS and HTTP.
#include "setters.hpp"

namespace mainstay::config {
namespace {

constexpr std::int64_t kCertificateDaysMax = 3650;

constexpr KeywordSpec kWebCheckerRows[]{
    row(Block::HttpGet | Block::SslGet, "nb_get_retry", args::leading(args::integer(0, args::kMost32)),
        "<int 0..4294967295>", "1", "Old spelling of retry; logs an error but works",
        {.set = [](ParseContext& r, const Value& v) { r.checker->own.retry = u32(v); }, .deprecated = "retry"}),
    row(Block::HttpGet | Block::SslGet | Block::GrpcCheck, "virtualhost", args::words(1, 1), "<string>",
        "real server's, then service's", "Host header for the URLs that set none",
        {.set = [](ParseContext& r, const Value& v) { r.checker->own.virtualhost = host_name(r, v); },
         .missing = Missing::Ignored,
         .repeat = Repeat::Replaces}),
    row(Block::HttpGet | Block::SslGet, "http_protocol", args::one_of("1.0|1.0C|1.0c|1.1|2"), "1.0|1.0C|1.0c|1.1|2",
        "1.0",
        "Request version; 1.0C and 1.1 add Connection: close; 2 is mainstay's own: h2 by ALPN over TLS, else by prior "
        "knowledge",
        {.set = [](ParseContext& r,
                   const Value& v) { r.checker->model.http_protocol = std::string{v.word == "1.0" ? "" : v.word}; },
         .missing = Missing::Ignored}),
    row(Block::HttpGet | Block::SslGet | Block::GrpcCheck, "enable_sni", args::boolean(), "[<bool>]", "off",
        "Send a server name in the TLS hello",
        {.set = [](ParseContext& r, const Value& v) { r.checker->model.enable_sni = v.on; }}),
    row(Block::HttpGet | Block::SslGet | Block::GrpcCheck, "sni_name", args::words(0, 1), "[<string>]",
        "url, checker, then service virtualhost", "Explicit TLS server name",
        {.set =
             [](ParseContext& r, const Value& v) {
                 r.checker->model.enable_sni = true, r.checker->model.sni_name = std::string{v.word};
             },
         .repeat = Repeat::Replaces}),
    row(Block::HttpGet | Block::SslGet, keyword::fast_recovery, args::boolean(), "[<bool>]", "off",
        "Check all URLs back to back at start and on recovery"),
    row(Block::SslGet | Block::GrpcCheck, keyword::cert_expiry_warning, args::integer(1, kCertificateDaysMax),
        "<days 1..3650>", "none", "mainstay's own: warn once per certificate that ends within so many days"),
    row(Block::GrpcCheck, keyword::service, args::words(1, 1), "<string>", "empty: the server as a whole",
        "Name that grpc.health.v1.Health/Check is asked about"),
    row(Block::GrpcCheck, keyword::tls, args::boolean(), "[<bool>]", "off",
        "Connect by TLS, with h2 by ALPN; else HTTP/2 by prior knowledge"),
    row(Block::HttpGet, "url", args::opens(Block::HttpUrl), "{ block }",
        "at least one needed, else the check is dropped", "One URL to test; tested in order",
        {.set = [](ParseContext& r, const Value&) { r.url = &r.checker->model.urls.edit().emplace_back(); }}),
    row(Block::HttpUrl | Block::SslUrl, "path", args::words(1, 1), "<string>", "mandatory, else the url is dropped",
        "Request target", {.set = set_path, .repeat = Repeat::Replaces}),
    row(Block::HttpUrl | Block::SslUrl, "digest", args::words(1, 1), "<32 hex digits>", "none",
        "Required MD5 of the body", {.set = set_digest, .example = "digest 9e107d9d372bb6826bd81d3542a419d6"}),
    row(Block::HttpUrl | Block::SslUrl, "status_code", args::words(0, 255), "<100..599>[-<100..599>] ...", "200-299",
        "Accepted status codes and ranges", {.set = add_status_codes, .example = "status_code 200-204 301"}),
    row(Block::HttpUrl | Block::SslUrl, "virtualhost", args::words(1, 1), "<string>",
        "checker's, real server's, service's", "Host header for this URL",
        {.set = [](ParseContext& r, const Value& v) { r.url->virtualhost = host_name(r, v); },
         .missing = Missing::Ignored,
         .repeat = Repeat::Replaces}),
    row(Block::HttpUrl | Block::SslUrl, keyword::regex, args::words(1, 1), "<quoted PCRE2 pattern, escapes processed>",
        "none", "Body must match",
        {.set = [](ParseContext& r, const Value& v) { r.pattern_mark = v.mark; },
         .missing = Missing::Unsaid,
         .repeat = Repeat::Replaces,
         .example = "regex \"status: *ok\""}),
    row(Block::HttpUrl | Block::SslUrl, keyword::regex_no_match, args::flag(), "(none)", "off",
        "Invert: the body must not match"),
    row(Block::HttpUrl | Block::SslUrl, keyword::regex_options, args::words(1, 255), "<option> ...", "none",
        "PCRE2 compile options by name", {.missing = Missing::Unsaid, .repeat = Repeat::Accumulates}),
    row(Block::HttpUrl | Block::SslUrl, keyword::regex_min_offset, args::integer(0, kUnlimited), "<int 0..>", "0",
        "First body offset where matching may start", {.missing = Missing::Unsaid}),
    row(Block::HttpUrl | Block::SslUrl, keyword::regex_max_offset, args::integer(0, kUnlimited), "<int 0..>", "none",
        "Last body offset at which a match may start", {.missing = Missing::Unsaid}),
    row(Block::HttpUrl | Block::SslUrl, keyword::regex_stack, args::numbers(1, args::kMost32, 2, 2),
        "<start> <max> bytes", "library default", "JIT stack size",
        {.missing = Missing::Unsaid, .example = "regex_stack 1024 4096"}),
    row(Block::HttpUrl | Block::SslUrl, keyword::max_body_length, args::integer(0, kUnlimited), "<bytes 0..>",
        "1048576 (with a digest 16777216)",
        "mainstay's own: of a longer body the rest is not read; it has no digest, and the regex has to match before"),
    row(Block::SslGet | Block::SslUrl, keyword::tls_compliant, args::boolean(), "[<bool>]", "off",
        "Send a proper TLS close_notify at the end"),
    row(Block::SslGet, "url", args::opens(Block::SslUrl), "{ block }", "at least one needed, else the check is dropped",
        "One URL to test; tested in order",
        {.set = [](ParseContext& r, const Value&) { r.url = &r.checker->model.urls.edit().emplace_back(); }}),
};

}  // namespace

std::span<const KeywordSpec> web_checker_rows() { return kWebCheckerRows; }

}  // namespace mainstay::config
