#include "mainstay/wire/http.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace mainstay;
using wire::HttpReader;

namespace {

const std::string kOk = "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n";

std::string body_of(HttpReader& reader, std::string_view bytes, std::size_t piece) {
    std::string body;
    while (!bytes.empty()) {
        body += reader.feed(bytes.substr(0, piece));
        bytes.remove_prefix(std::min(piece, bytes.size()));
    }
    return body;
}

std::optional<std::uint16_t> status_of(const std::string& line) {
    HttpReader reader;
    static_cast<void>(reader.feed(line + "\r\n\r\n"));
    return reader.status();
}

}  // namespace

TEST_CASE("the request is keepalived's, to the byte") {
    CHECK(wire::http_request({.path = "/a?b", .host = "www.example.org"}).value() ==
          "GET /a?b HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: www.example.org\r\n\r\n");
    CHECK(wire::http_request({.path = "/", .host = "h", .protocol = "1.0C"}).value() ==
          "GET / HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: h\r\n\r\n");
    CHECK(wire::http_request({.path = "/", .host = "h", .protocol = "1.1"}).value() ==
          "GET / HTTP/1.1\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: h\r\n\r\n");
}

TEST_CASE("a request that is too long or would be more than one is refused") {
    CHECK(wire::http_request({.path = std::string(1992, 'x'), .host = "h"}).value().size() == 2047);
    CHECK_FALSE(wire::http_request({.path = std::string(1993, 'x'), .host = "h"}));
    CHECK_FALSE(wire::http_request({.path = "/ HTTP/1.0\r\nX: y", .host = "h"}));
    CHECK_FALSE(wire::http_request({.path = "/", .host = "h\nX: y"}));
}

TEST_CASE("an answer is read the same whole and one byte at a time") {
    for (const std::size_t piece : {1U, 3U, 1000U}) {
        HttpReader reader;
        CHECK(body_of(reader, kOk + "hello\r\n\r\nworld", piece) == "hello\r\n\r\nworld");
        CHECK(reader.header_ended());
        CHECK(reader.status() == 200);
        CHECK_FALSE(reader.content_length());
    }
}

TEST_CASE("the status is three digits after the first space, followed by a space") {
    CHECK(status_of("HTTP/1.1 404 Not Found") == 404);
    CHECK(status_of("x 204 ") == 204);
    CHECK_FALSE(status_of("HTTP/1.1 200"));
    CHECK_FALSE(status_of("HTTP/1.1 20x OK"));
    CHECK_FALSE(status_of("HTTP/1.1  200 OK"));
    CHECK_FALSE(status_of("200"));
    CHECK_FALSE(status_of(""));
}

TEST_CASE("Content-Length in exactly this case bounds the body") {
    HttpReader reader;
    CHECK(body_of(reader, "HTTP/1.0 200 OK\r\nContent-Length: 5 \r\n\r\nhello, world", 4) == "hello");
    CHECK(reader.content_length() == 5);
    CHECK(reader.body_received() == 12);
    for (const char* line : {"content-length: 5", "Content-Length: five", "Content-Length: -5",
                             "Content-Length:", "Content-Length: 99999999999999999999"}) {
        CAPTURE(line);
        HttpReader unbounded;
        CHECK(body_of(unbounded, std::string{"HTTP/1.0 200 OK\r\n"} + line + "\r\n\r\nhello", 4) == "hello");
        CHECK_FALSE(unbounded.content_length());
    }
}

TEST_CASE("a header may take 4095 bytes with its end, and no more is kept") {
    const std::string start = "HTTP/1.0 200 OK\r\nX: ";
    const auto answer = [&](std::size_t header) {
        return start + std::string(header - start.size() - 4, 'x') + "\r\n\r\nbody";
    };
    for (const std::size_t piece : {1U, 4096U, 100000U}) {
        HttpReader longest, longer;
        CHECK(body_of(longest, answer(4095), piece) == "body");
        CHECK(longest.status() == 200);
        CHECK(body_of(longer, answer(4096), piece).empty());
        CHECK(longer.header_too_long());
        CHECK_FALSE(longer.header_ended());
    }
}

TEST_CASE("a status is three digits, and nothing beside the digits is one") {
    const auto status_of = [](const std::string& digits) {
        HttpReader reader;
        (void)reader.feed("HTTP/1.1 " + digits + " OK\r\n\r\n");
        return reader.status();
    };
    CHECK(status_of("200") == 200);
    CHECK(status_of("999") == 999);
    CHECK(status_of("000") == 0);
    for (const char* wrong : {"2/0", "2:0", "/00", ":00", "20", "2000", "20-"}) {
        CAPTURE(wrong);
        CHECK_FALSE(status_of(wrong).has_value());
    }
}

TEST_CASE("an answer is whole when as much of it has come as it says itself") {
    const auto whole = [](const std::string& text) {
        bool same = true, first = false;
        for (const std::size_t piece : {1U, 2U, 3U, 1000U}) {
            HttpReader reader;
            static_cast<void>(body_of(reader, text, piece));
            if (piece == 1U) first = reader.whole();
            same = same && first == reader.whole();
        }
        CHECK(same);
        return first;
    };
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";

    CHECK(whole(ok + "Content-Length: 5\r\n\r\nhello"));
    CHECK(whole(ok + "content-length:5 \r\n\r\nhello"));
    CHECK(whole(ok + "Content-Length: 5\r\n\r\nhello and more"));
    CHECK(whole(ok + "Content-Length: 0\r\n\r\n"));
    CHECK_FALSE(whole(ok + "Content-Length: 5\r\n\r\nhell"));
    CHECK_FALSE(whole(ok + "Content-Length: five\r\n\r\nhello"));
    CHECK_FALSE(whole(ok + "\r\nhello"));
    CHECK_FALSE(whole(ok + "Content-Length: 0\r\n"));
    CHECK(whole("HTTP/1.1 204 No Content\r\n\r\n"));
    CHECK(whole("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"));

    CHECK(whole(chunked + "5\r\nhello\r\n0\r\n\r\n"));
    CHECK(whole(chunked + "0\r\n\r\n"));
    CHECK(unchunked("5\r\nhello\r\n6;x=y\r\n\r\n you\r\n0\r\nTrailer: y\r\n\r\nmore") == "hello\r\n you");
    CHECK(unchunked("5\r\nhel") == "hel");
    CHECK(unchunked("hello").empty());
    CHECK(whole(chunked + "A;name=x\r\n0123456789\r\n00\r\nTrailer: y\r\n\r\n"));
    CHECK(whole(ok + "transfer-encoding: gzip, Chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"));
    CHECK(whole(ok + "TRANSFER-ENCODING: CHUNKED\r\n\r\n1\r\nx\r\n0\r\n\r\n"));
    for (const char* size : {"a", "A", "0a", "00A"}) CHECK(whole(chunked + size + "\r\n0123456789\r\n0\r\n\r\n"));
    for (const char* size : {"f", "F"}) CHECK(whole(chunked + size + "\r\n0123456789abcde\r\n0\r\n\r\n"));
    CHECK(whole(chunked + "9\r\n012345678\r\n0\r\n\r\n"));
    CHECK(whole(chunked + "10\r\n0123456789abcdef\r\n0\r\n\r\n"));
    for (const char* size : {"g", "G", "`", "@", "/", ":", ";x", "-1"})
        CHECK_FALSE(whole(chunked + size + "\r\n0\r\n\r\n"));
    CHECK_FALSE(whole(chunked + "1\r\nx\r\n\r\n\r\n"));
    CHECK_FALSE(whole(chunked + "5\r\nhellox\r\n0\r\n\r\n"));
    CHECK_FALSE(whole(chunked + "0\r\nTrailer: y\r\n"));
    CHECK_FALSE(whole(chunked + "5\r\nhello\r\n0\r\n"));
    CHECK_FALSE(whole(chunked + "5\r\nhello\r\n"));
    CHECK_FALSE(whole(chunked + "7\r\n0\r\n\r\n"));
    CHECK_FALSE(whole(chunked + "5\r\nhello0\r\n\r\n"));
    CHECK_FALSE(whole(chunked + "\r\n0\r\n\r\n"));
    CHECK_FALSE(whole(chunked + "x\r\n0\r\n\r\n"));
    CHECK_FALSE(whole(chunked + "11111111111111111\r\nx"));
    // Chunks go before a length.
    CHECK_FALSE(whole(ok + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"));
}
