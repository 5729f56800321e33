// SSL_GET against TLS servers on loopback, and the SSL block.
#include "mainstay/probe/tls.hpp"

#include <fcntl.h>

#include "tls_server.hpp"
#include "trickle.hpp"
#include "web.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using namespace std::chrono_literals;
using lvs::Outcome;

namespace {

const std::string kHello = "5d41402abc4b2a76b9719d911017c592";

TlsServer::Answer tells(std::string text) {
    return [text = std::move(text)](SSL* ssl) {
        send_all(ssl, text);
        SSL_shutdown(ssl);
    };
}

}  // namespace

TEST_CASE("an answer through TLS is judged like any other, and a missing close_notify is its end") {
    // effect: (root): SSL
    // effect: virtual_server/real_server: SSL_GET
    // effect: virtual_server/real_server/SSL_GET: url
    // effect: virtual_server/real_server/SSL_GET/url: path digest status_code
    for (const bool proper : {true, false}) {
        TlsServer server{{}, [proper](SSL* ssl) {
                             send_all(ssl, kOk + "hello");
                             if (proper)
                                 SSL_shutdown(ssl);
                             else
                                 ::shutdown(SSL_get_fd(ssl), SHUT_WR);
                         }};
        auto what = checker(server.endpoint(), kSsl);
        what.urls.edit()[0].digest = kHello;
        const Finding finding = run(what);
        CHECK(finding.outcome == Outcome::Passed);
        CHECK(finding.reason == "HTTP status code 200");
        CHECK(server.seen().request.starts_with("GET /index HTTP/1.0\r\n"));
        CHECK(server.seen().server_name.empty());
    }
    TlsServer wrong{{}, tells("HTTP/1.0 404 Not Found\r\n\r\n")};
    CHECK(run(checker(wrong.endpoint(), kSsl)).words == "HTTP status code error to server");
    TlsServer changed{{}, tells(kOk + "hullo")};
    auto what = checker(changed.endpoint(), kSsl);
    what.urls.edit()[0].digest = kHello;
    CHECK(run(what).words == "MD5 digest error to server");
}

TEST_CASE("certificates that have ended or are another's pass, and the end is found out") {
    for (const long seconds : {-86'400L, 86'400L * 100}) {
        TlsServer server{{.name = "somebody.else.example", .seconds = seconds}, tells(kOk)};
        auto what = checker(server.endpoint(), kSsl);
        what.urls.edit()[0].virtualhost = "www.example.org";
        what.enable_sni = true;
        const Finding finding = run(what);
        CHECK(finding.outcome == Outcome::Passed);
        REQUIRE(finding.certificate.has_value());
        CHECK(finding.certificate->subject == "somebody.else.example");
        CHECK(finding.certificate->fingerprint.size() == 64);
        const auto left = finding.certificate->not_after.unix_us / 1'000'000 - ::time(nullptr);
        CHECK(left <= seconds);
        CHECK(left > seconds - 60);
    }
}

TEST_CASE("a server name is sent only with enable_sni or sni_name: sni_name, else the virtualhost") {
    // effect: virtual_server/real_server/SSL_GET: enable_sni sni_name
    const auto name_seen = [](const std::function<void(config::Checker&)>& change) {
        TlsServer server{{}, tells(kOk)};
        auto what = checker(server.endpoint(), kSsl);
        what.urls.edit()[0].virtualhost = "www.example.org";
        change(what);
        CHECK(run(what).outcome == Outcome::Passed);
        return server.seen().server_name;
    };
    CHECK(name_seen([](config::Checker&) {}).empty());
    CHECK(name_seen([](config::Checker& what) { what.enable_sni = true; }) == "www.example.org");
    CHECK(name_seen([](config::Checker& what) {
              what.enable_sni = true;
              what.sni_name = std::string{"sni.example.org"};
          }) == "sni.example.org");
    CHECK(name_seen([](config::Checker& what) {
              what.enable_sni = true;
              what.urls.edit()[0].virtualhost.clear();
          }).empty());
}

TEST_CASE("tls_compliant ends with a close_notify, of the checker or of the url") {
    // effect: virtual_server/real_server/SSL_GET: tls_compliant
    // effect: virtual_server/real_server/SSL_GET/url: tls_compliant
    const auto notified = [](const std::function<void(config::Checker&)>& change) {
        TlsServer server{{}, tells(kOk)};
        auto what = checker(server.endpoint(), kSsl);
        change(what);
        CHECK(run(what).outcome == Outcome::Passed);
        return server.seen().close_notify;
    };
    CHECK_FALSE(notified([](config::Checker&) {}));
    CHECK(notified([](config::Checker& what) { give(what.more, "tls_compliant", true); }));
    CHECK(notified([](config::Checker& what) { give(what.urls.edit()[0].more, "tls_compliant", true); }));
}

TEST_CASE("the SSL block's certificate and key are shown to a server that asks, the key opened by its password") {
    // effect: SSL: certificate key password ca
    const Pair plain = make_certificate("checker", 100'000);
    const Pair locked = make_certificate("locked checker", 100'000, "opensesame");
    const auto shown = [](const config::Config& config) {
        TlsServer server{{.wants_certificate = true}, tells(kOk)};
        const Finding finding = run_with(config, checker(server.endpoint(), kSsl));
        return finding.outcome == Outcome::Passed ? server.seen().client : finding.reason;
    };
    CHECK(shown(with_ssl({{"ca contents", plain.certificate},
                          {"certificate contents", plain.certificate},
                          {"key contents", plain.key}})) == "checker");
    CHECK(shown(with_ssl({{"certificate contents", locked.certificate},
                          {"key contents", locked.key},
                          {"password", "opensesame"}})) == "locked checker");
    // Asked in vain. By TLS 1.3 the client learns of it where it expects the answer: as an alert, an end or a reset.
    TlsServer server{{.wants_certificate = true}, tells(kOk)};
    CHECK(run(checker(server.endpoint(), kSsl)).outcome == Outcome::Failed);
}

TEST_CASE("an SSL block that cannot be used leaves the checks unrun, with its part named, and a server is not blamed") {
    const Pair pair = make_certificate("checker", 100'000), other = make_certificate("other", 100'000);
    const Pair locked = make_certificate("locked", 100'000, "opensesame");
    const UniqueFd listener = listen_on_any();
    const auto problem = [&](std::vector<std::pair<std::string, std::string>> parts) {
        const Finding finding = run_with(with_ssl(std::move(parts)), checker(bound_to(listener), kSsl));
        CHECK(finding.outcome == Outcome::NotRun);
        return finding.reason;
    };
    CHECK(problem({{"problem", "SSL: key: /root/key: Permission denied"}}) == "SSL: key: /root/key: Permission denied");
    CHECK(problem({{"certificate contents", "no PEM"}}) == "SSL: certificate: no start line");
    CHECK(problem({{"ca contents", ""}, {"key contents", "no PEM"}}).starts_with("SSL: key: "));
    CHECK(problem({{"certificate contents", pair.certificate}, {"key contents", other.key}}) ==
          "SSL: key: key values mismatch");
    CHECK(problem({{"certificate contents", locked.certificate}, {"key contents", locked.key}, {"password", "x"}})
              .starts_with("SSL: key: "));
    CHECK(problem({{"ca contents", "no PEM"}}).starts_with("SSL: ca: "));
}

TEST_CASE("a server that talks no TLS, or closes in the middle of the handshake, fails with keepalived's words") {
    const auto at_once = [](std::string_view text) {
        const UniqueFd listener = listen_on_any();
        std::thread server{[&] {
            const UniqueFd peer{::accept(listener.get(), nullptr, nullptr)};
            char bytes[4096];
            static_cast<void>(::recv(peer.get(), bytes, sizeof bytes, 0));
            send_all(peer.get(), text);
        }};
        Finding finding = run(checker(bound_to(listener), kSsl));
        server.join();
        return finding;
    };
    const Finding garbage = at_once("HTTP/1.1 400 Bad Request\r\n\r\nThis is no TLS");
    CHECK(garbage.outcome == Outcome::Failed);
    CHECK(garbage.reason.starts_with("TLS: "));
    CHECK(garbage.reason.ends_with("(TLS handshake)"));
    CHECK(garbage.words == "SSL handshake/communication error connecting to server");
    const Finding closed = at_once("");
    CHECK(closed.outcome == Outcome::Failed);
    CHECK(closed.reason == "TLS: the server closed the connection (TLS handshake)");
}

TEST_CASE("a server that accepts and says nothing has timed out in the handshake, together with the connection") {
    const UniqueFd listener = listen_on_any();
    std::thread server{[&] {
        const UniqueFd peer{::accept(listener.get(), nullptr, nullptr)};
        outlast(peer.get());
    }};
    const Finding finding = run(checker(bound_to(listener), kSsl));
    server.join();
    CHECK(finding.outcome == Outcome::TimedOut);
    CHECK(finding.reason == "timed out after 60 s in the TLS handshake");
    CHECK(finding.words == "Timeout connecting server");
}

TEST_CASE("the reading of an answer through TLS has one connect_timeout in all") {
    // effect: virtual_server/real_server/SSL_GET: connect_timeout
    const auto through = [](const TlsServer::Answer& answer) {
        TlsServer server{{}, answer};
        return run(checker(server.endpoint(), kSsl));
    };
    const Finding whole = through([](SSL* ssl) {
        send_all(ssl, kOk);
        for (int i = 0; i < 2; ++i) {
            pass_unheard(25s);
            send_all(ssl, "x");
        }
        SSL_shutdown(ssl);
    });
    CHECK(whole.outcome == Outcome::Passed);
    const Finding finding = through([](SSL* ssl) {
        send_all(ssl, kOk);
        trickle(SSL_get_fd(ssl), 25s, [ssl] { send_all(ssl, "x"); });
    });
    CHECK(finding.outcome == Outcome::TimedOut);
    CHECK(finding.words == "Timeout HTTP read server");
    CHECK(finding.reason.ends_with("and the server has not closed the connection"));
}

TEST_CASE("a server that resets the connection in its answer fails") {
    TlsServer server{{}, [](SSL* ssl) {
                         const linger hard{.l_onoff = 1, .l_linger = 0};
                         ::setsockopt(SSL_get_fd(ssl), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
                         ::close(SSL_get_fd(ssl));
                         ::open("/dev/null", O_RDONLY);  // keeps the number taken until the server closes it
                     }};
    const Finding finding = run(checker(server.endpoint(), kSsl));
    CHECK(finding.outcome == Outcome::Failed);
    CHECK(finding.reason == "connection reset by peer");
}

TEST_CASE("an answer through TLS that is whole by its length passes, though the server never read the request") {
    for (int i = 0; i < 10; ++i) {
        CAPTURE(i);
        // Without a close_notify, which would be an end of its own.
        TlsServer server{{.reads = false},
                         [](SSL* ssl) { send_all(ssl, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"); }};
        const Finding finding = run(checker(server.endpoint(), kSsl));
        CHECK(finding.reason == "HTTP status code 200");
        CHECK(finding.outcome == Outcome::Passed);
    }
}

TEST_CASE("the body that came through TLS is matched like any other") {
    // effect: virtual_server/real_server/SSL_GET/url: regex regex_no_match regex_options regex_min_offset
    // effect: virtual_server/real_server/SSL_GET/url: regex_max_offset regex_stack max_body_length
    using ExtraSettings = CompactOptional<config::ExtraSettings>;
    const auto judged = [](const std::string& body, const std::function<void(ExtraSettings&)>& change) {
        TlsServer server{{}, tells(kOk + body)};
        auto what = checker(server.endpoint(), kSsl);
        change(what.urls.edit()[0].more);
        return run(what);
    };
    const auto regex = [](ExtraSettings& more) { give(more, "regex", config::WordList{"status: *OK"}); };
    const auto with = [&](std::string keyword, config::KeywordData value) {
        return [&regex, keyword, value](ExtraSettings& more) {
            regex(more);
            give(more, keyword, value);
        };
    };
    CHECK(judged("status: OK", regex).outcome == Outcome::Passed);
    CHECK(judged("status: ok", regex).words == "Regex match failed server");
    CHECK(judged("status: ok", with("regex_options", config::WordList{"caseless"})).outcome == Outcome::Passed);
    CHECK(judged("status: OK", with("regex_no_match", true)).outcome == Outcome::Failed);
    CHECK(judged("status: OK", with("regex_min_offset", std::int64_t{1})).outcome == Outcome::Failed);
    CHECK(judged("now status: OK", with("regex_max_offset", std::int64_t{3})).outcome == Outcome::Failed);
    const auto deep = [](std::int64_t stack) {
        return [stack](ExtraSettings& more) {
            give(more, "regex", config::WordList{"(?:(a)|b)*c"});
            give(more, "regex_stack", config::IntegerList{8192, stack});
        };
    };
    CHECK(judged(std::string(10'000, 'a') + "c", deep(8192)).outcome == Outcome::Failed);
    CHECK(judged(std::string(10'000, 'a') + "c", deep(16 << 20)).outcome == Outcome::Passed);
    const auto first = [&](ExtraSettings& more) {
        give(more, "max_body_length", std::int64_t{9});
        regex(more);
    };
    CHECK(judged("status: OK", first).reason ==
          "the regex does not match in the first 9 bytes of a longer body (max_body_length)");
    CHECK(judged("status:OK, and more", first).reason ==
          "HTTP status code 200 (the body is longer than 9 bytes, the rest is not read)");
}

TEST_CASE("an HTTP_GET takes the words about a server name and stays without TLS") {
    // effect: virtual_server/real_server/HTTP_GET: enable_sni sni_name
    Server server{says(kOk)};
    auto what = checker(server.endpoint());
    what.enable_sni = true;
    what.sni_name = std::string{"sni.example.org"};
    CHECK(run(what).outcome == Outcome::Passed);
    CHECK(server.request().starts_with("GET /index HTTP/1.0\r\n"));
}
