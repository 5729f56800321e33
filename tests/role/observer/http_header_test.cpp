// Headers of HTTP at the bounds of what the API takes, and those of its answers.
#include "role/observer/http/connection.hpp"

#include <doctest/doctest.h>

#include <boost/asio/error.hpp>
#include <boost/beast/http/error.hpp>

#include "role/observer/history.hpp"
#include "role/observer/http/event_feed.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::http;
using boost::beast::http::error;
using boost::beast::http::field;
using boost::beast::http::verb;

namespace {

BeastRequest asking(const std::string& target, verb method = verb::get) { return {method, target, 11}; }

// The status of the refusal; 0: the request is taken.
unsigned refused(const BeastRequest& message) {
    const auto read = request_of(message);
    const auto* no = std::get_if<Answer>(&read);
    return no == nullptr ? 0 : no->status;
}

unsigned status_of(boost::system::error_code why, bool has_target = true) {
    const auto answer = refusal_of(why, has_target);
    return answer ? answer->status : 0;
}
unsigned status_of(error why, bool has_target = true) { return status_of(make_error_code(why), has_target); }

}  // namespace

TEST_CASE("a target may have 2048 bytes, and is refused before it is read") {
    CHECK(refused(asking("/" + std::string(2047, 'a'))) == 0);
    CHECK(refused(asking("/" + std::string(2048, 'a'))) == 414);
    CHECK(refused(asking(std::string(2049, ' '))) == 414);
    CHECK(refused(asking("/%4")) == 400);
    CHECK(refused(asking("status")) == 400);
}

TEST_CASE("HTTP/1.1 and 1.0 are taken, with GET, HEAD and POST") {
    for (const auto& [version, status] : {std::pair{9U, 505U}, {10U, 0U}, {11U, 0U}, {12U, 505U}, {20U, 505U}}) {
        auto message = asking("/livez");
        message.version(version);
        CHECK(refused(message) == status);
    }
    CHECK(std::get<Request>(request_of(asking("/"))).method == Method::Get);
    CHECK(std::get<Request>(request_of(asking("/", verb::head))).method == Method::Get);
    CHECK(std::get<Request>(request_of(asking("/", verb::post))).method == Method::Post);
    // Who writes dry_run there must not have it done.
    CHECK(std::get<Answer>(request_of(asking("/api/v1/servers/drain?dry_run=1", verb::post))).status == 400);
    for (const verb other : {verb::put, verb::delete_, verb::options, verb::connect, verb::unknown}) {
        const auto answer = std::get<Answer>(request_of(asking("/", other)));
        CHECK(answer.status == 405);
        CHECK(answer.fields == std::vector{std::pair<std::string, std::string>{"Allow", "GET, HEAD, POST"}});
    }
}

TEST_CASE("a request has the fields that the API looks at, and the body") {
    auto message = asking("/api/v1/status", verb::post);
    message.set(field::accept, "text/html");
    message.set(field::content_type, "application/json");
    message.set("Last-Event-ID", "7");
    message.set(field::host, "localhost");
    message.set(field::origin, "http://localhost");
    message.set("Sec-Fetch-Site", "same-origin");
    message.set(field::authorization, "Bearer t");
    message.body() = "{}";
    const auto request = std::get<Request>(request_of(message));
    CHECK(request.target.path == "/api/v1/status");
    CHECK(request.accept == "text/html");
    CHECK(request.content_type == "application/json");
    CHECK(request.last_event_id == "7");
    CHECK(request.host == "localhost");
    CHECK(request.origin == "http://localhost");
    CHECK(request.fetch_site == "same-origin");
    CHECK(request.authorization == "Bearer t");
    CHECK(request.body == "{}");
    CHECK(std::get<Request>(request_of(asking("/"))).host.empty());
}

TEST_CASE("a field that decides is refused if it is there twice") {
    for (const field once : {field::host, field::authorization, field::origin, field::content_type}) {
        auto message = asking("/");
        message.insert(once, "a");
        CHECK(refused(message) == 0);
        message.insert(once, "a");
        CHECK(refused(message) == 400);
    }
    auto message = asking("/");
    for (int times = 0; times < 2; ++times) message.insert(field::accept, "*/*");
    CHECK(refused(message) == 0);
}

TEST_CASE("an answer has a length, and a stream has none") {
    Answer answer{.status = 201, .body = "{}\n", .fields = {{"Retry-After", "3"}}, .feed = {}};
    CHECK(header_of(answer) ==
          "HTTP/1.1 201 Created\r\n"
          "Server: mainstay\r\n"
          "Content-Type: application/json\r\n"
          "Cache-Control: no-store\r\n"
          "Content-Security-Policy: default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
          "object-src 'none'\r\n"
          "X-Content-Type-Options: nosniff\r\n"
          "Referrer-Policy: no-referrer\r\n"
          "Cross-Origin-Resource-Policy: same-origin\r\n"
          "Retry-After: 3\r\n"
          "Connection: close\r\n"
          "Content-Length: 3\r\n"
          "\r\n");
    History history{[] {}};
    Answer stream{.body = "x", .fields = {}, .feed = std::make_shared<EventFeed>(history, 0)};
    const auto text = header_of(stream);
    CHECK_FALSE(text.contains("Content-Length"));
    CHECK(text.ends_with("Connection: close\r\n\r\n"));
}

TEST_CASE("an answer in pieces says so to who knows chunks, and has no length for anybody") {
    const auto pieces = []() -> Generator<std::string> { co_yield "b"; };
    Answer answer{.body = "a", .fields = {}, .feed = {}, .rest = std::make_shared<Generator<std::string>>(pieces())};
    CHECK(header_of(answer, true).ends_with("Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"));
    CHECK(header_of(answer).ends_with("Connection: close\r\n\r\n"));
    CHECK(chunk_of("hello, this is a piece") == "16\r\nhello, this is a piece\r\n");
    CHECK(chunk_of({}) == "0\r\n\r\n");
}

TEST_CASE("bytes that are no request are refused, and who has gone hears nothing") {
    CHECK(status_of(error::end_of_stream) == 0);
    CHECK(status_of(error::partial_message) == 0);
    CHECK(status_of(boost::asio::error::connection_reset) == 0);
    CHECK(status_of(error::body_limit) == 413);
    CHECK(status_of(error::body_limit, false) == 413);
    for (const error large : {error::header_limit, error::buffer_overflow}) {
        CHECK(status_of(large, false) == 414);
        CHECK(status_of(large, true) == 431);
    }
    CHECK(status_of(error::bad_method, false) == 400);
    CHECK(status_of(error::bad_version) == 400);
}
