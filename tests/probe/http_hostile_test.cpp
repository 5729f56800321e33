// HTTP_GET against servers that are broken, slow or hostile: bounded memory, an end in time, and a reason to read.
#include <sys/resource.h>

#include "trickle.hpp"
#include "web.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using namespace std::chrono_literals;
using lvs::Outcome;

namespace {

long peak_memory_kb() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

}  // namespace

TEST_CASE("a server that accepts and says nothing is named as such") {
    const Finding finding = answered(outlast);
    CHECK(finding.outcome == Outcome::TimedOut);
    CHECK(finding.reason == "timed out after 60 s: connected, but no answer");
}

TEST_CASE("a header that comes byte by byte without end runs out of time, and says how far it came") {
    const Finding finding = answered([](int fd) {
        send_all(fd, "HTTP/1.0 200 OK\r\nX: ");
        trickle(fd, 50s, [fd] { send_all(fd, "y"); });
    });
    CHECK(finding.outcome == Outcome::TimedOut);
    CHECK(finding.words == "Timeout HTTP read server");
    CHECK(finding.reason.ends_with("bytes of a header that has not ended"));
    CHECK(finding.duration >= 720s);
}

TEST_CASE("a server that keeps the connection open is distinguished from one that does not answer") {
    const Finding finding = answered([](int fd) {
        send_all(fd, kOk + "hello");
        outlast(fd);
    });
    CHECK(finding.reason == "timed out after 60 s: 50 bytes, and the server has not closed the connection");
}

TEST_CASE("a body of many megabytes is digested and searched in constant memory") {
    const long before = peak_memory_kb();
    const Finding finding = answered(
        [](int fd) {
            send_all(fd, kOk);
            const std::string zeros(1 << 20, '\0');
            for (int i = 0; i < 200 && send_all(fd, zeros); ++i) {
            }
            send_all(fd, "needle");
        },
        [](config::Checker& what) {
            give(what.urls.edit()[0].more, "max_body_length", std::int64_t{1} << 30);
            give(what.urls.edit()[0].more, "regex", config::WordList{"needle$"});
        });
    CHECK(finding.outcome == Outcome::Passed);
    CHECK(peak_memory_kb() - before < 16 * 1024);
}

namespace {

// As fast as it is read, until the check has enough.
Server::Answer endless(std::string begin) {
    return [begin = std::move(begin)](int fd) {
        send_all(fd, begin);
        const std::string zeros(1 << 16, '\0');
        while (send_all(fd, zeros)) {
        }
    };
}

using Url = config::HttpUrl;
// The finding about such a body. `change`: of the check's URL.
Finding of_endless(const std::string& begin, const std::function<void(Url&)>& change = {}) {
    return answered(endless(begin), [&](config::Checker& what) {
        if (change) change(what.urls.edit()[0]);
    });
}

}  // namespace

TEST_CASE("a body without end is read to its limit and judged by what has come") {
    const Finding plain = of_endless(kOk);
    CHECK(plain.outcome == Outcome::Passed);
    CHECK(plain.reason == "HTTP status code 200 (the body is longer than 1048576 bytes, the rest is not read)");
    CHECK(of_endless("HTTP/1.0 500 No\r\n\r\n").reason == "HTTP status code 500");
    CHECK(of_endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n").outcome == Outcome::Passed);
    const auto regex = [](Url& url) { give(url.more, "regex", config::WordList{"needle"}); };
    const Finding missed = of_endless(kOk, regex);
    CHECK(missed.outcome == Outcome::Failed);
    CHECK(missed.words == "Regex match failed server");
    CHECK(missed.reason == "the regex does not match in the first 1048576 bytes of a longer body (max_body_length)");
    CHECK(of_endless(kOk + "a needle", regex).outcome == Outcome::Passed);
    CHECK(of_endless(kOk, [](Url& url) { give(url.more, "regex", config::WordList{"\\0$"}); }).outcome ==
          Outcome::Failed);  // where it was cut is not its end
    const Finding unknown = of_endless(kOk, [&](Url& url) {
        regex(url);
        give(url.more, "regex_no_match", true);
    });
    CHECK(unknown.outcome == Outcome::Failed);
    CHECK(unknown.reason ==
          "the body is longer than 1048576 bytes (max_body_length): the regex, which must not match, may match in the "
          "rest");
}

TEST_CASE("a digest is of a whole body, which may be longer") {
    const auto hello = [](Url& url) { url.digest = "5d41402abc4b2a76b9719d911017c592"; };
    const Finding finding = of_endless(kOk + "hello", hello);
    CHECK(finding.outcome == Outcome::Failed);
    CHECK(finding.words == "MD5 digest error to server");
    CHECK(finding.reason == "the body is longer than 16777216 bytes (max_body_length): it has no digest");
    CHECK(of_endless("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", hello).outcome == Outcome::Passed);
}

TEST_CASE("max_body_length says how much of a body is read") {
    // effect: virtual_server/real_server/HTTP_GET/url: max_body_length
    const auto judged = [](const std::string& body) {
        return answered(says(kOk + body),
                        [](config::Checker& what) {
                            what.urls.edit()[0].digest = "5d41402abc4b2a76b9719d911017c592";
                            give(what.urls.edit()[0].more, "max_body_length", std::int64_t{5});
                        })
            .reason;
    };
    CHECK(judged("hello") == "HTTP status code 200");
    CHECK(judged("hello!") == "the body is longer than 5 bytes (max_body_length): it has no digest");
}

TEST_CASE("chunks without end run out of time; they are not put together") {
    const Finding finding = answered([](int fd) {
        send_all(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        trickle(fd, 50s, [fd] { send_all(fd, "5\r\nhello\r\n"); });
    });
    CHECK(finding.outcome == Outcome::TimedOut);
    const Finding raw =
        answered(says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
                 [](config::Checker& what) {
                     give(what.urls.edit()[0].more, "regex", config::WordList{"^5\\r\\nhello\\r\\n0\\r\\n"});
                 });
    CHECK(raw.outcome == Outcome::Passed);
}

TEST_CASE("an answer without a header is HTTP 0.9, and no data") {
    CHECK(answered(says("<html>hello</html>")).reason == "no data received: 18 bytes without an HTTP header");
    CHECK(answered(says("HTTP/1.0 200 OK\r\n")).reason == "no data received: the header is cut after 17 bytes");
}

TEST_CASE("a connection that is reset fails as such") {
    const Finding finding = answered([](int fd) {
        send_all(fd, "HTTP/1.0 2");
        const linger hard{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    });
    CHECK(finding.outcome == Outcome::Failed);
    CHECK(finding.reason == "connection reset by peer");
    CHECK(finding.words == "Connection failed server");
}

namespace {

// As inetd runs a script: answers whoever connects and closes, without reading. `waits`: until the request is there.
Finding answered_unread(const std::string& text, bool waits, const std::function<void(config::Checker&)>& change = {}) {
    const UniqueFd listener = listen_on_any();
    std::thread server{[&] {
        const UniqueFd peer{::accept(listener.get(), nullptr, nullptr)};
        char byte = 0;
        if (waits) static_cast<void>(::recv(peer.get(), &byte, 1, MSG_PEEK));
        send_all(peer.get(), text);
    }};
    auto what = checker(bound_to(listener));
    if (change) change(what);
    const Finding finding = run(what);
    server.join();
    return finding;
}

}  // namespace

TEST_CASE("an answer that is whole by its length passes, though the server never read the request") {
    const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for (int i = 0; i < 20; ++i) {
        CAPTURE(i);
        const bool waits = i % 2 == 0;
        CHECK(answered_unread("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", waits).reason ==
              "HTTP status code 200");
        CHECK(answered_unread(chunked, waits).reason == "HTTP status code 200");
        CHECK(answered_unread("HTTP/1.0 500 No\r\nContent-Length: 2\r\n\r\nno", waits).reason ==
              "HTTP status code 500");
    }
    // The body is looked at like any other.
    const auto digest = [](config::Checker& what) { what.urls.edit()[0].digest = "5d41402abc4b2a76b9719d911017c592"; };
    CHECK(answered_unread("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", true, digest).outcome ==
          Outcome::Passed);
    CHECK(answered_unread("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhullo", true, digest).outcome ==
          Outcome::Failed);
}

TEST_CASE("an answer that a reset cuts short fails, and says how much of it came") {
    const Finding cut = answered_unread("HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nhello", true);
    CHECK(cut.outcome == Outcome::Failed);
    CHECK(cut.reason == "connection reset by peer: 5 of 9 bytes of the answer have come");
    CHECK(cut.words == "Connection failed server");
    const Finding unknown = answered_unread(kOk + "hello", true);
    CHECK(unknown.outcome == Outcome::Failed);
    CHECK(unknown.reason ==
          "connection reset by peer: 5 bytes have come of an answer that does not tell where it ends");
}

TEST_CASE("a Content-Length that is not the body's passes, with a remark") {
    const Finding finding = answered(says("HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\nhello"));
    CHECK(finding.outcome == Outcome::Passed);
    CHECK(finding.reason == "HTTP status code 200 (Content-Length 10, 5 bytes came)");
    CHECK(answered(says("HTTP/1.0 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nhello")).outcome ==
          Outcome::Passed);
}

TEST_CASE("a redirect is an answer like any other: it is not followed") {
    const auto redirect = says("HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n");
    CHECK(answered(redirect).reason == "HTTP status code 302");
    CHECK(answered(redirect, [](config::Checker& what) { what.urls.edit()[0].status_codes = {{302, 302}}; }).outcome ==
          Outcome::Passed);
}

TEST_CASE("the request's version and its Connection line are as http_protocol says") {
    // effect: virtual_server/real_server/HTTP_GET: http_protocol virtualhost
    const auto request_with = [](const std::string& protocol) {
        Server server{says(kOk)};
        auto what = checker(server.endpoint());
        what.urls.edit()[0].virtualhost = "www";
        if (!protocol.empty()) what.http_protocol = protocol;
        run(what);
        return server.request();
    };
    const std::string agent = "User-Agent: KeepAliveClient\r\n", host = "Host: www\r\n\r\n";
    CHECK(request_with("") == "GET /index HTTP/1.0\r\n" + agent + host);
    CHECK(request_with("1.0C") == "GET /index HTTP/1.0\r\n" + agent + "Connection: close\r\n" + host);
    CHECK(request_with("1.1") == "GET /index HTTP/1.1\r\n" + agent + "Connection: close\r\n" + host);
}

TEST_CASE("the body must match the regex, which is looked at after status and digest") {
    // effect: virtual_server/real_server/HTTP_GET/url: regex regex_no_match regex_options regex_min_offset
    // effect: virtual_server/real_server/HTTP_GET/url: regex_max_offset regex_stack
    const auto judged = [](const std::string& body,
                           const std::function<void(CompactOptional<config::ExtraSettings>&)>& change) {
        return answered(says(kOk + body), [&](config::Checker& what) { change(what.urls.edit()[0].more); });
    };
    const auto regex = [](CompactOptional<config::ExtraSettings>& more) {
        give(more, "regex", config::WordList{"status: *OK"});
    };
    CHECK(judged("status:  OK", regex).outcome == Outcome::Passed);
    const Finding other = judged("status:  ok", regex);
    CHECK(other.outcome == Outcome::Failed);
    CHECK(other.words == "Regex match failed server");
    CHECK(other.reason == "the regex does not match in 11 bytes");
    CHECK(judged("status:  ok", [&](CompactOptional<config::ExtraSettings>& more) {
              regex(more);
              give(more, "regex_options", config::WordList{"caseless"});
          }).outcome == Outcome::Passed);
    CHECK(judged("status: OK", [&](CompactOptional<config::ExtraSettings>& more) {
              regex(more);
              give(more, "regex_no_match", true);
          }).reason == "the regex matches, which it must not");
    CHECK(judged("status: OK", [&](CompactOptional<config::ExtraSettings>& more) {
              regex(more);
              give(more, "regex_min_offset", std::int64_t{1});
          }).outcome == Outcome::Failed);
    CHECK(judged("now status: OK", [&](CompactOptional<config::ExtraSettings>& more) {
              regex(more);
              give(more, "regex_max_offset", std::int64_t{3});
          }).outcome == Outcome::Failed);
    CHECK(judged(std::string(20'000, 'a') + "c", [&](CompactOptional<config::ExtraSettings>& more) {
              give(more, "regex", config::WordList{"(?:(a)|b)*c"});
              give(more, "regex_stack", config::IntegerList{8192, 8192});
          }).outcome == Outcome::Failed);  // a stack that is too small for this one
}

TEST_CASE("a pattern that is none leaves the check unrun: the server is not blamed for it") {
    const UniqueFd listener = listen_on_any();
    auto what = checker(bound_to(listener));
    give(what.urls.edit()[0].more, "regex", config::WordList{"sta(tus"});
    const Finding finding = run(what);
    CHECK(finding.outcome == Outcome::NotRun);
    CHECK(finding.reason == "Invalid regex: 'sta(tus' at offset 7: missing closing parenthesis");
}
