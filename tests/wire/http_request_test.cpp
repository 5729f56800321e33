#include "mainstay/wire/http_request.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::wire;
using Scheme = HttpCredentials::Scheme;

namespace {

std::string path_of(std::string_view target) {
    const auto read = http_target(target);
    return read ? read->path : "refused";
}

}  // namespace

TEST_CASE("a target has a path and parameters, both decoded") {
    const auto read = http_target("/api/v1/ready/VI%5f1?after=7&name=a+b%26c&flag&after=8&");
    REQUIRE(read.has_value());
    CHECK(read->path == "/api/v1/ready/VI_1");
    CHECK(read->query == std::vector<std::pair<std::string, std::string>>{
                             {"after", "7"}, {"name", "a b&c"}, {"flag", ""}, {"after", "8"}});
    CHECK(read->parameter("after") == "7");
    CHECK(read->parameter("limit", "100") == "100");
    CHECK(read->has("flag"));
    CHECK_FALSE(read->has("none"));
    CHECK(path_of("/") == "/");
    CHECK(path_of("/a+b") == "/a+b");
}

TEST_CASE("a path that could be read in two ways is refused") {
    for (const char* target : {"",      "status", "*",       "http://x/status", "//status", "/a//b",    "/a/",
                               "/.",    "/..",    "/a/../b", "/a/%2e%2e/b",     "/%2e",     "/a%00b",   "/a%0ab",
                               "/a%7f", "/a%",    "/a%4",    "/a%zz",           "/a#b",     "/a?x=%0d", "/a?%",
                               "/a\nb"}) {
        CAPTURE(target);
        CHECK(path_of(target) == "refused");
    }
}

TEST_CASE("a target has 32 parameters at most") {
    std::string target = "/a?";
    for (int i = 0; i < 32; ++i) target += "x&";
    CHECK(http_target(target)->query.size() == 32);
    CHECK_FALSE(http_target(target + "y").has_value());
}

TEST_CASE("credentials are a token, or a name with a password") {
    CHECK(http_credentials("")->scheme == Scheme::None);
    const auto token = http_credentials("bearer  abc.DEF-1 ");
    REQUIRE(token.has_value());
    CHECK(token->scheme == Scheme::Bearer);
    CHECK(token->secret == "abc.DEF-1");
    const auto basic = http_credentials("Basic QWxhZGRpbjpvcGVuIHNlc2FtZTo=");  // RFC 7617, with one colon more
    REQUIRE(basic.has_value());
    CHECK(basic->scheme == Scheme::Basic);
    CHECK(basic->name == "Aladdin");
    CHECK(basic->secret == "open sesame:");
}

TEST_CASE("credentials that are not well formed are refused") {
    for (const std::string field :
         {"Bearer", "Bearer ", "Bearer a b", "Digest x", "Basic abc", "Basic ====", "Basic YQ==", "Basic Y*==", "x"}) {
        CAPTURE(field);
        CHECK_FALSE(http_credentials(field).has_value());
    }
    CHECK(http_credentials("Bearer " + std::string(1024, 'x')).has_value());
    CHECK_FALSE(http_credentials("Bearer " + std::string(1025, 'x')).has_value());
}

TEST_CASE("what a client accepts is said by name, by wildcard, and refused with a weight of 0") {
    struct Row {
        const char* field;
        bool accepts, asks;
    };
    for (const auto& [field, accepts, asks] : {Row{"", true, false},
                                               {"*/*", true, false},
                                               {"text/*;q=0.1", true, false},
                                               {"Text/Event-Stream", true, true},
                                               {"application/json, text/event-stream;q=0.5", true, true},
                                               {"application/json", false, false},
                                               {"text/event-stream;q=0, */*", false, false},
                                               {"*/*, text/event-stream; q=0.000", false, false},
                                               {"*/*;q=0", false, false}}) {
        CAPTURE(field);
        CHECK(http_accepts(field, "text/event-stream") == accepts);
        CHECK(http_asks_for(field, "text/event-stream") == asks);
    }
}

TEST_CASE("a host is a name or an address, without its port") {
    CHECK(http_host("LocalHost:9112") == "localhost");
    CHECK(http_host("127.0.0.1") == "127.0.0.1");
    CHECK(http_host("[::1]:80") == "::1");
    CHECK(http_host("[::1]") == "::1");
    for (const char* field : {"", "a b", "a/b", "[::1", "[x]", "a:8x", "[::1]x", "::1:80", "a@b"}) {
        CAPTURE(field);
        CHECK(http_host(field) == "");
    }
}
