#include "header.hpp"

#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <optional>

#include "limits.hpp"

namespace mainstay::role::http {
namespace {

namespace beast_http = boost::beast::http;
using beast_http::field;

// The page has its scripts and styles in files of its own, and no other page may frame it.
constexpr std::string_view kPolicy =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

constexpr unsigned kVersion = 11;

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

BeastResponse response_of(Answer& answer, bool head) {
    BeastResponse response;
    response.version(kVersion);
    response.result(answer.status);
    response.set(field::server, "mainstay");
    response.set(field::content_type, answer.content_type);
    response.set(field::cache_control, "no-store");
    response.set("Content-Security-Policy", boost::beast::string_view{kPolicy.data(), kPolicy.size()});
    response.set("X-Content-Type-Options", "nosniff");
    response.set("Referrer-Policy", "no-referrer");
    response.set("Cross-Origin-Resource-Policy", "same-origin");
    for (const auto& [name, value] : answer.fields) response.set(name, value);
    response.keep_alive(false);
    if (answer.feed) return response;
    response.content_length(answer.body.size());
    if (!head) response.body() = std::move(answer.body);
    return response;
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
