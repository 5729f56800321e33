#include "header.hpp"

#include <fmt/format.h>

#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/status.hpp>
#include <iterator>
#include <optional>

#include "exchange.hpp"

namespace mainstay::role::http {
namespace {

namespace beast_http = boost::beast::http;
using beast_http::field;

// The page has its scripts and styles in files of its own, and no other page may frame it.
constexpr std::string_view kPolicy =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

std::string text_of(const BeastRequest& message, field name) {
    const auto value = message[name];
    return {value.data(), value.size()};
}

std::string text_of(const BeastRequest& message, const char* name) {
    const auto value = message[name];
    return {value.data(), value.size()};
}

// Twice the same field could be read as either.
bool has_twice(const BeastRequest& message, field name) { return message.count(name) > 1; }

}  // namespace

std::variant<Request, Answer> request_of(const BeastRequest& message) {
    const std::string_view target{message.target().data(), message.target().size()};
    if (target.size() > kTargetBytesMax) return refusal(414, "the target is too long", "it may have 2048 bytes");
    if (message.version() != 11 && message.version() != 10)
        return refusal(505, "another version than HTTP/1.1", "use HTTP/1.1");
    Request request;
    if (message.method() == beast_http::verb::post)
        request.method = Method::Post;
    else if (message.method() != beast_http::verb::get && message.method() != beast_http::verb::head) {
        auto answer = refusal(405, "another method than GET, HEAD and POST", "reads are GET, changes are POST");
        answer.fields.emplace_back("Allow", "GET, HEAD, POST");
        return answer;
    }
    auto read = wire::http_target(target);
    if (!read)
        return refusal(400, "the target cannot be read: " + read.error().text(),
                       "escape as %XX what is no letter, digit, '-', '.', '_' or '~'");
    for (const field once : {field::host, field::authorization, field::origin, field::content_type})
        if (has_twice(message, once)) return refusal(400, "a field that is there twice", "send each field once");
    request.target = std::move(*read);
    request.accept = text_of(message, field::accept);
    request.content_type = text_of(message, field::content_type);
    request.last_event_id = text_of(message, "Last-Event-ID");
    request.host = text_of(message, field::host);
    request.origin = text_of(message, field::origin);
    request.fetch_site = text_of(message, "Sec-Fetch-Site");
    request.authorization = text_of(message, field::authorization);
    request.body = message.body();
    return request;
}

std::string header_of(const Answer& answer, bool chunked) {
    const auto reason = beast_http::obsolete_reason(beast_http::int_to_status(answer.status));
    std::string text = fmt::format("HTTP/1.1 {} {}\r\n", answer.status, std::string_view{reason.data(), reason.size()});
    const auto add = [&text](std::string_view name, std::string_view value) {
        fmt::format_to(std::back_inserter(text), "{}: {}\r\n", name, value);
    };
    add("Server", "mainstay");
    add("Content-Type", answer.content_type);
    add("Cache-Control", "no-store");
    add("Content-Security-Policy", kPolicy);
    add("X-Content-Type-Options", "nosniff");
    add("Referrer-Policy", "no-referrer");
    add("Cross-Origin-Resource-Policy", "same-origin");
    for (const auto& [name, value] : answer.fields) add(name, value);
    add("Connection", "close");
    if (chunked) add("Transfer-Encoding", "chunked");
    if (!answer.feed && !answer.rest) add("Content-Length", std::to_string(answer.body.size()));
    return text + "\r\n";
}

std::string chunk_of(std::string piece) {
    piece.insert(0, fmt::format("{:x}\r\n", piece.size()));
    return std::move(piece) + "\r\n";
}

std::optional<Answer> refusal_of(boost::system::error_code why, bool has_target) {
    using beast_http::error;
    if (why.category() != beast_http::make_error_code(error::end_of_stream).category()) return std::nullopt;
    if (why == error::end_of_stream || why == error::partial_message) return std::nullopt;
    if (why == error::body_limit) return refusal(413, "the body is too large", "it may have 16384 bytes");
    if (why == error::header_limit || why == error::buffer_overflow) {
        if (!has_target) return refusal(414, "the target is too long", "it may have 2048 bytes");
        return refusal(431, "the header is too large", "it may have 8192 bytes");
    }
    return refusal(400, "this is not an HTTP request", "speak HTTP/1.1");
}

}  // namespace mainstay::role::http
