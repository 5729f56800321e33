// HTTP_GET against servers on loopback that do as they are told.
#include "trickle.hpp"
#include "web.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using namespace std::chrono_literals;
using lvs::Outcome;

TEST_CASE("an accepted status passes, and the host is the target with its port unless a virtualhost is given") {
    Server plain{says(kOk + "hello")};
    const auto target = plain.endpoint().to_string();
    CHECK(run(checker(plain.endpoint())).outcome == Outcome::Passed);
    CHECK(plain.request() == "GET /index HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: " + target + "\r\n\r\n");

    Server named{says(kOk)};
    auto what = checker(named.endpoint());
    what.urls.edit()[0].virtualhost = "www.example.org";
    CHECK(run(what).reason == "HTTP status code 200");
    CHECK(named.request().ends_with("\r\nHost: www.example.org\r\n\r\n"));
}

TEST_CASE("a status out of the accepted ranges fails, one inside of any passes") {
    const Finding missing = answered(says("HTTP/1.1 404 Not Found\r\n\r\n"));
    CHECK(missing.outcome == Outcome::Failed);
    CHECK(missing.reason == "HTTP status code 404");
    CHECK(missing.words == "HTTP status code error to server");
    const auto accept = [](config::Checker& what) { what.urls.edit()[0].status_codes = {{200, 200}, {400, 404}}; };
    CHECK(answered(says("HTTP/1.1 404 Not Found\r\n\r\n"), accept).outcome == Outcome::Passed);
    CHECK(answered(says("HTTP/1.1 405 No\r\n\r\n"), accept).outcome == Outcome::Failed);
    CHECK(answered(says("HTTP/1.1 200\r\n\r\n")).reason == "no HTTP status code");
}

TEST_CASE("the digest is that of the body, up to its Content-Length") {
    const auto hello = [](config::Checker& what) { what.urls.edit()[0].digest = "5d41402abc4b2a76b9719d911017c592"; };
    CHECK(answered(says(kOk + "hello"), hello).outcome == Outcome::Passed);
    CHECK(answered(says("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello, world"), hello).outcome == Outcome::Passed);
    const Finding wrong = answered(says(kOk + "hullo"), hello);
    CHECK(wrong.outcome == Outcome::Failed);
    CHECK(wrong.words == "MD5 digest error to server");
    // The status is looked at first.
    CHECK(answered(says("HTTP/1.0 500 No\r\n\r\nhullo"), hello).reason == "HTTP status code 500");
}

TEST_CASE("an answer of one byte at a time is read like any other") {
    const auto slow = [](int fd) {
        for (const char c : kOk + "hello") send_all(fd, {&c, 1});
    };
    const auto hello = [](config::Checker& what) { what.urls.edit()[0].digest = "5d41402abc4b2a76b9719d911017c592"; };
    CHECK(answered(slow, hello).outcome == Outcome::Passed);
}

TEST_CASE("no header end before the end is no data; a header that never ends is not read on") {
    CHECK(answered(says("HTTP/1.0 200 OK\r\nX: y\r\n")).reason == "no data received: the header is cut after 23 bytes");
    CHECK(answered(says("")).reason == "no data received");
    const Finding endless = answered([](int fd) {
        send_all(fd, "HTTP/1.0 200 OK\r\n");
        while (send_all(fd, "X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n")) {
        }
    });
    CHECK(endless.outcome == Outcome::Failed);
    CHECK(endless.reason == "the header is longer than 4095 bytes");
}

TEST_CASE("a silent server and one that keeps the connection open have timed out") {
    const Finding silent = answered(outlast);
    CHECK(silent.outcome == Outcome::TimedOut);
    CHECK(silent.words == "Timeout HTTP read server");
    const Finding open = answered([](int fd) {
        send_all(fd, kOk + "hello");
        outlast(fd);
    });
    CHECK(open.outcome == Outcome::TimedOut);
}

TEST_CASE("an answer that trickles is read for as long as the whole check may last") {
    const Finding whole = answered([](int fd) {
        send_all(fd, kOk);
        for (int i = 0; i < 13; ++i) {
            pass_unheard(50s);
            send_all(fd, "x");
        }
    });
    CHECK(whole.outcome == Outcome::Passed);
    const Finding late = answered([](int fd) {
        send_all(fd, kOk);
        trickle(fd, 50s, [fd] { send_all(fd, "x"); });
    });
    CHECK(late.outcome == Outcome::TimedOut);
    CHECK(late.duration >= 720s);
    CHECK(late.reason.starts_with("timed out after 720 s: "));
}

TEST_CASE("a refused connection and a request that is too long fail") {
    const UniqueFd closed = bind_only();
    const Finding refused = run(checker(bound_to(closed)));
    CHECK(refused.outcome == Outcome::Failed);
    CHECK(refused.words == "Error connecting server");
    auto what = checker(bound_to(closed));
    what.urls.edit()[0].path = "/" + std::string(2047, 'x');
    CHECK(run(what).reason.starts_with("HTTP request: "));
}
