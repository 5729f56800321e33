// What an operator reads of HTTP_GET and SSL_GET, word by word, and which of several faults is told.
#include <malloc.h>

#include "kernel_calls.hpp"
#include "tls_server.hpp"
#include "web.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using namespace std::chrono_literals;
using lvs::Outcome;

namespace {

config::Checker with_regex(config::Checker what, const std::string& pattern) {
    give(what.urls.edit()[0].more, "regex", config::WordList{pattern});
    return what;
}

Finding through_tls(const TlsServer::Answer& answer, const std::function<void(config::Checker&)>& change = {}) {
    TlsServer server{{}, answer};
    auto what = checker(server.endpoint(), kSsl);
    if (change) change(what);
    return run(what);
}

std::string problem(std::vector<std::pair<std::string, std::string>> parts) {
    const auto client = TlsClient::make(tls_material_of(with_ssl(std::move(parts))));
    return client ? std::string{} : client.error().text();
}

}  // namespace

TEST_CASE("a digest that is another one is reported, with how much of the body it is of") {
    const Finding other = answered(says(kOk + "hello"), [](config::Checker& what) {
        what.urls.edit()[0].digest = "00000000000000000000000000000000";
    });
    CHECK(other.reason == "MD5 digest 5d41402abc4b2a76b9719d911017c592 of 5 bytes");
    CHECK(other.digest == "5d41402abc4b2a76b9719d911017c592");
    const Finding same = answered(says(kOk + "hello"), [](config::Checker& what) {
        what.urls.edit()[0].digest = "5d41402abc4b2a76b9719d911017c592";
        what = with_regex(what, "nothing like it");
    });
    CHECK(same.words == "Regex match failed server");
    CHECK(same.digest.empty());
    // The digest is compared before the regex.
    CHECK(answered(says(kOk + "hullo"), [](config::Checker& what) {
              what.urls.edit()[0].digest = "5d41402abc4b2a76b9719d911017c592";
              what = with_regex(what, "nothing like it");
          }).words == "MD5 digest error to server");
}

TEST_CASE("a regex that does not match reports its window, its steps, or how much it looked at") {
    const auto reason = [](const std::string& body, const std::string& pattern) {
        return answered(says(kOk + body), [&](config::Checker& what) { what = with_regex(what, pattern); }).reason;
    };
    CHECK(reason("hello", "hullo") == "the regex does not match in 5 bytes");
    CHECK(reason(std::string(100'000, 'x'), "x.*y") == "the regex does not match within any 65536 bytes");
    CHECK(reason(std::string(60, 'a'), "(*NO_JIT)(a+)+[bc]") == "the regex takes more than 1000000 steps");
}

TEST_CASE("accepted codes count from their first to their last, in each range") {
    const auto outcome = [](int code) {
        return answered(says("HTTP/1.0 " + std::to_string(code) + " Any\r\n\r\n"),
                        [](config::Checker& what) { what.urls.edit()[0].status_codes = {{200, 203}, {300, 300}}; })
            .outcome;
    };
    for (const int good : {200, 203, 300}) CHECK(outcome(good) == Outcome::Passed);
    for (const int bad : {199, 204, 299, 301}) CHECK(outcome(bad) == Outcome::Failed);
}

TEST_CASE("a Content-Length that is the body's is not remarked upon, a header of 4095 bytes is read") {
    CHECK(answered(says("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")).reason == "HTTP status code 200");
    const std::string start = "HTTP/1.0 200 OK\r\nX: ", end = "\r\n\r\n";
    const std::string longest(4095 - start.size() - end.size(), 'x');
    CHECK(answered(says(start + longest + end)).reason == "HTTP status code 200");
    const Finding longer = answered(says(start + longest + "x" + end));
    CHECK(longer.reason == "the header is longer than 4095 bytes");
    CHECK(longer.words == "Connection failed server");
    CHECK(answered(says("HTTP/1.0 200 OK\r\n")).words == "Connection failed server");
    CHECK(answered(says("")).words == "Connection failed server");
    CHECK(answered(says("HTTP/1.1 200\r\n\r\n")).words == "HTTP status code error to server");
}

TEST_CASE("a server whose connections are not taken has timed out while connecting") {
    const Blackhole lost;
    const Finding late = run(checker(lost.endpoint()), in_time(61s));
    CHECK(late.outcome == Outcome::TimedOut);
    CHECK(late.words == "Timeout connecting server");
    CHECK(late.reason == "timed out after 60 s");
    const auto too_long = [](std::size_t size) {
        const UniqueFd closed = bind_only();
        auto asked = checker(bound_to(closed));
        asked.urls.edit()[0].path = "/" + std::string(size, 'x');
        return run(asked);
    };
    CHECK(too_long(2047).words == "Connection failed server");
    CHECK(too_long(2047).outcome == Outcome::Failed);
}

TEST_CASE("a url that the checker does not have fails, and one after the other is asked") {
    Server server{says(kOk)};
    auto what = checker(server.endpoint());
    what.urls.edit().push_back({.path = "/second", .digest = {}, .status_codes = {{200, 200}}, .virtualhost = {}});
    Toolbox tools{config::Config{}};
    CHECK(http_check_of(what, 0, tools).path == "/index");
    CHECK(http_check_of(what, 1, tools).path == "/second");
    CHECK(http_check_of(what, 2, tools).refused == "there is no such url");
    CHECK(http_check_of(what, 2, tools).connection.target == what.target);
    CHECK(run(what).outcome == Outcome::Passed);
}

TEST_CASE("a server that talks no TLS or resets in the handshake is reported with what went wrong there") {
    const UniqueFd listener = listen_on_any();
    std::thread server{[&] {
        const UniqueFd peer{::accept(listener.get(), nullptr, nullptr)};
        const linger hard{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        char byte = 0;
        static_cast<void>(::recv(peer.get(), &byte, 1, 0));
    }};
    const Finding finding = run(checker(bound_to(listener), kSsl));
    server.join();
    CHECK(finding.outcome == Outcome::Failed);
    CHECK(finding.reason == "connection reset by peer (TLS handshake)");
    CHECK(finding.words == "SSL handshake/communication error connecting to server");
    CHECK_FALSE(finding.certificate.has_value());
}

TEST_CASE("a server that breaks the protocol in its answer fails as TLS, with its certificate seen") {
    const Finding finding = through_tls([](SSL* ssl) {
        send_all(ssl, kOk);
        send_all(SSL_get_fd(ssl), "this is no record of TLS");
    });
    CHECK(finding.outcome == Outcome::Failed);
    CHECK(finding.reason.starts_with("TLS: "));
    CHECK(finding.words == "SSL handshake/communication error connecting to server");
    CHECK(finding.certificate.has_value());
}

TEST_CASE("an exchange through TLS goes on after interruptions and where nothing can be sent or read yet") {
    TlsServer server{{}, [](SSL* ssl) {
                         send_all(ssl, kOk + std::string(100'000, 'x'));
                         SSL_shutdown(ssl);
                     }};
    KernelCalls calls;
    // The client's hello, the end of its handshake, the request.
    calls.send_errors = {EAGAIN, EINTR, 0, EAGAIN, 0, EAGAIN, EINTR};
    calls.recv_errors = {EAGAIN, EINTR, EAGAIN, EINTR};
    auto what = checker(server.endpoint(), kSsl);
    give(what.urls.edit()[0].more, "regex", config::WordList{"x$"});
    CHECK(run(what).reason == "HTTP status code 200");
    CHECK(calls.send_errors.empty());
    CHECK(calls.recv_errors.empty());
    CHECK(server.seen().request.starts_with("GET /index HTTP/1.0\r\n"));
}

TEST_CASE("a certificate's name is shown printable, and all of the subject without one, up to 128 bytes") {
    const auto subject = [](const std::string& name, std::vector<std::string> organisations = {}) {
        TlsServer server{{.name = name, .organisations = std::move(organisations)}, [](SSL* ssl) {
                             send_all(ssl, kOk);
                             SSL_shutdown(ssl);
                         }};
        const Finding finding = run(checker(server.endpoint(), kSsl));
        return finding.certificate ? finding.certificate->subject : "none";
    };
    CHECK(subject("a b\x7f~\x1f!") == "a b?~?!");
    CHECK(subject("localhost", {"Example"}) == "localhost");
    const std::string a(60, 'a'), b(62, 'b');
    CHECK(subject("", {"Example"}) == "/O=Example");
    CHECK(subject(kEmptyName, {"Example"}) == "/O=Example/CN=");
    CHECK(subject("", {a, b}) == "/O=" + a + "/O=" + b);
    CHECK(subject("", {a, b + "c"}) == "/O=" + a + "/O=" + b);
}

TEST_CASE("each part of the SSL block is looked at: chains, authorities, a password's length") {
    const Pair one = make_certificate("one", 100'000), two = make_certificate("two", 100'000);
    CHECK(problem({}).empty());
    CHECK(problem({{"certificate contents", one.certificate + two.certificate}, {"key contents", one.key}}).empty());
    CHECK(problem({{"key contents", one.key}}).empty());
    CHECK(problem({{"ca contents", one.certificate}}).empty());
    CHECK(problem({{"ca contents", one.certificate + two.certificate}}).empty());
    CHECK(problem({{"ca contents", "none"}}) == "SSL: ca: no start line");
    CHECK(problem({{"key contents", "none"}}).starts_with("SSL: key: "));
    CHECK(problem({{"problem", "SSL: ca: no file"}, {"ca contents", "none"}}) == "SSL: ca: no file");
    const std::string longest(1024, 'p');
    const Pair locked = make_certificate("locked", 100'000, longest);
    CHECK(problem({{"certificate contents", locked.certificate}, {"key contents", locked.key}, {"password", longest}})
              .empty());
    CHECK(problem({{"key contents", locked.key}, {"password", longest + "p"}}).starts_with("SSL: key: "));
    CHECK(problem({{"key contents", locked.key}}).starts_with("SSL: key: "));
    CHECK(tls_problem() == "nothing usable in it");
}

TEST_CASE("an SSL block that is read at every reload takes no more memory each time") {
    const Pair one = make_certificate("one", 100'000), two = make_certificate("two", 100'000);
    const auto used_after = [&](int times) {
        for (int i = 0; i < times; ++i)
            CHECK(problem({{"certificate contents", one.certificate + two.certificate},
                           {"key contents", one.key},
                           {"ca contents", one.certificate + two.certificate}})
                      .empty());
        return ::mallinfo2().uordblks;
    };
    const std::size_t before = used_after(300);
    CHECK(used_after(100) < before + 100'000);
}

TEST_CASE("an SSL block is reported once, where a check needs it, and where none does it is not") {
    auto broken = with_ssl({{"problem", "SSL: key: no file"}});
    CHECK(Toolbox{broken}.problems().empty());
    config::VirtualServer service;
    config::RealServer server;
    const Endpoint target{IpAddress::parse("192.0.2.1").value(), 443};
    server.checkers = {checker(target, kSsl), checker(target)};
    service.real_servers = {server, server};
    broken.virtual_servers = {service};
    CHECK(Toolbox{broken}.problems() == std::vector<std::string>{"checks over TLS cannot be run: SSL: key: no file"});
    config::Config whole;
    whole.virtual_servers = {service};
    CHECK(Toolbox{whole}.problems().empty());
}

TEST_CASE("patterns that differ in one word only are different ones") {
    Toolbox tools{config::Config{}};
    const auto url = [](const std::string& keyword, config::KeywordData value) {
        config::HttpUrl one;
        give(one.more, "regex", config::WordList{"ok"});
        give(one.more, keyword, std::move(value));
        return one;
    };
    const std::vector<config::HttpUrl> all{url("regex_options", config::WordList{"caseless"}),
                                           url("regex_options", config::WordList{"caseless", "utf"}),
                                           url("regex_no_match", true),
                                           url("regex_min_offset", std::int64_t{1}),
                                           url("regex_max_offset", std::int64_t{1}),
                                           url("regex_stack", config::IntegerList{1, 70'000}),
                                           url("regex_stack", config::IntegerList{2, 70'000}),
                                           url("regex_stack", config::IntegerList{2, 80'000}),
                                           url("regex_stack", config::IntegerList{1})};
    for (std::size_t i = 0; i < all.size(); ++i)
        for (std::size_t j = 0; j < all.size(); ++j) CHECK((*tools.regex(all[i]) == *tools.regex(all[j])) == (i == j));
    // Half a stack is none.
    CHECK((*tools.regex(all.back()))->words().stack_max == 0);
}
