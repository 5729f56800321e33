// The TCP listeners of the API, with clients of this very process on loopback addresses.
#include "../../needs.hpp"
#include "http_tcp_bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::http;
using namespace mainstay::role::test;

TEST_CASE("nothing listens until the settings say so, and nothing after they no longer do") {
    Bench b;
    CHECK_FALSE(b.connected());
    b.server->set({.listen = {b.at()}});
    CHECK(b.get() == "200");
    CHECK(b.server->status().listeners == std::vector<report::ApiListener>{{b.at(), true, false, ""}});
    b.server->set({});
    CHECK_FALSE(b.connected());
    CHECK(b.server->status().listeners.empty());
}

TEST_CASE("without credentials a loopback address is for reading, under a name of this host") {
    Bench b;
    b.server->set({.listen = {b.at()}, .operate = true});
    for (const char* host : {"127.0.0.1", "localhost:9112", "[::1]:9112", "127.8.8.8"}) CHECK(b.get("", host) == "200");
    for (const char* host : {"evil.example", "192.0.2.1", "localhost.evil.example"}) CHECK(b.get("", host) == "403");
    CHECK(b.answer("GET /status HTTP/1.1\r\n\r\n").substr(9, 3) == "400");
    CHECK(b.post_as("Bearer x") == "403");
    CHECK(b.callers.front() == "anybody from 127.0.0.1");
}

TEST_CASE("another address than loopback is not listened at without credentials and TLS") {
    Bench b;
    const std::string any = "0.0.0.0:" + std::to_string(b.port);
    const auto problem = [&] { return b.server->status().listeners.at(0).problem; };
    b.server->set({.listen = {any}});
    CHECK(problem() == "credentials are needed at an address that is not loopback");
    b.server->set({.listen = {any}, .credentials = "/c"});
    b.server->take(What::Credentials, credentials());
    CHECK(problem() == "tls_certificate is needed at an address that is not loopback");
    CHECK_FALSE(b.connected());
    b.server->set({.listen = {"lb1:80"}});
    CHECK(problem() == "lb1:80 is no address with a port");
    CHECK(b.log.texts.size() == 3);
}

TEST_CASE("an address that cannot be had is tried again") {
    Bench b;
    UniqueFd holder{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = ::htons(b.port);
    at.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(holder.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(::listen(holder.get(), 1) == 0);
    b.server->set({.listen = {b.at()}});
    CHECK(b.server->status().listeners.at(0).problem == "Address already in use");
    b.server->retry();
    CHECK(b.log.texts.size() == 1);  // told of once
    holder.reset();
    b.server->retry();
    CHECK(b.get() == "200");
    CHECK(b.server->status().listeners.at(0).problem == "");
}

TEST_CASE("credentials say who asks, and what for") {
    Bench b;
    b.listen_with_credentials();
    CHECK(b.get() == "401");
    const auto refused = b.answer("GET /status HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(refused.contains("\r\nWWW-Authenticate: Bearer"));
    CHECK(
        refused.ends_with("{\"error\":\"credentials are needed\",\"hint\":\"log in with a token (Bearer) or a name "
                          "and a password (Basic)\"}\n"));
    CHECK(b.get_as(std::string{"Bearer "} + kToken) == "200");
    CHECK(b.get_as(std::string{"Basic "} + kBasicAna) == "200");
    CHECK(b.get_as(std::string{"Basic "} + kBasicAna) == "200");  // from memory
    CHECK(b.callers == std::vector<std::string>{"prom from 127.0.0.1", "ana from 127.0.0.1", "ana from 127.0.0.1"});
    CHECK(b.get_as("Bearer wrong") == "401");
    CHECK(b.get_as("Digest x") == "401");
    CHECK(b.get_as("Bearer eeee") == "401");  // has ended
    CHECK(b.server->status().counters.logins_failed == 2);
    CHECK(b.answer("GET /livez HTTP/1.1\r\nHost: lb1\r\n\r\n").substr(9, 3) == "200");
    CHECK(b.answer("GET /livez HTTP/1.1\r\n\r\n").substr(9, 3) == "400");
    CHECK(b.answer("GET /livez HTTP/1.0\r\n\r\n").substr(9, 3) == "200");  // as load balancers ask
    CHECK(b.answer("GET /secret HTTP/1.1\r\nHost: lb1\r\n\r\n").substr(9, 3) == "401");
}

TEST_CASE("a change needs the role operate and the setting") {
    Bench b;
    b.listen_with_credentials(false);
    CHECK(b.post_as("Bearer ffff") == "403");
    b.listen_with_credentials(true);
    CHECK(b.post_as(std::string{"Bearer "} + kToken) == "403");
    CHECK(b.post_as("Bearer ffff") == "200");
    CHECK(b.post_as("Bearer ffff", "Origin: https://evil.example\r\n") == "403");
    CHECK(b.post_as("Bearer ffff", "Sec-Fetch-Site: cross-site\r\n") == "403");
}

TEST_CASE("credentials that cannot be read let nobody in, and those that are taken out neither") {
    Bench b;
    b.listen_with_credentials();
    const auto follower = b.connected();
    CHECK(b.get_as(std::string{"Bearer "} + kToken) == "200");
    b.server->set({.listen = {b.at()}, .credentials = "/c"});
    CHECK(b.get_as(std::string{"Bearer "} + kToken) == "200");  // the file has not come yet
    b.server->take(What::Credentials, fail(Errc::Io, "it is gone"));
    CHECK(b.heard(follower).empty());  // who is connected may be one of those
    CHECK(b.get_as(std::string{"Bearer "} + kToken) == "401");
    CHECK(b.server->status().listeners.at(0).problem == "/c: it is gone");
    b.listen_with_credentials();
    CHECK(b.get_as(std::string{"Bearer "} + kToken) == "200");
}

TEST_CASE("who guesses is known by an IPv4 address, or by the network of an IPv6 one") {
    CHECK(http::source_name(*IpAddress::parse("192.0.2.7")) == "192.0.2.7");
    CHECK(http::source_name(*IpAddress::parse("2001:db8:1:2:3:4:5:6")) == "2001:db8:1:2::/64");
    CHECK(http::source_name(*IpAddress::parse("2001:db8:1:3::1")) == "2001:db8:1:3::/64");
}

TEST_CASE("who guesses waits, longer each time, and does not keep others out") {
    Bench b;
    b.listen_with_credentials();
    const std::string wrong = std::string{"Basic "} + kBasicWrong, right = std::string{"Basic "} + kBasicAna;
    CHECK(b.get_as(wrong) == "401");
    CHECK(b.get_as(wrong) == "401");
    CHECK(b.get_as(wrong) == "401");
    CHECK(b.get_as(right) == "429");  // also the right one: whether it is right is not looked at
    CHECK(b.get_as(std::string{"Bearer "} + kToken) == "200");  // a token nobody can guess; the wait is over with it
    CHECK(b.get_as(right) == "200");
    CHECK(b.server->status().counters.logins_delayed == 1);
    CHECK(b.log.texts.back().starts_with("log-ins to the API are delayed"));
}

TEST_CASE("a name that nobody has takes the work of a wrong password, so that the time does not show who exists") {
    const auto work_of = [](const char* basic) {
        Bench b;
        b.listen_with_credentials();
        const std::clock_t before = std::clock();
        CHECK(b.get_as(std::string{"Basic "} + basic) == "401");
        return std::clock() - before;
    };
    const auto wrong_password = work_of(kBasicWrong);
    CHECK(2 * work_of("bm9ib2R5OnNlc2FtZQ==") > wrong_password);  // nobody:sesame
    CHECK(2 * work_of("cHJvbTpzZXNhbWU=") > wrong_password);      // prom:sesame, who has a token
    CHECK(2 * work_of("b2xkOnNlc2FtZQ==") > wrong_password);      // old:sesame, whose time is over
}

TEST_CASE("only so many passwords are compared in a second") {
    Bench b;
    b.listen_with_credentials();
    LoginGuard guard;
    for (unsigned i = 0; i < kPasswordsASecond; ++i) CHECK(guard.may_compare(Instant{}));
    CHECK_FALSE(guard.may_compare(Instant{} + std::chrono::milliseconds{999}));
    CHECK(guard.may_compare(Instant{} + std::chrono::seconds{1}));
}

TEST_CASE("a source waits after its third wrong secret, twice as long each time, a minute at most") {
    using std::chrono::seconds;
    LoginGuard guard;
    Instant now{};
    std::vector<int> waits;
    for (int i = 0; i < 10; ++i) {
        guard.failed("a", now);
        waits.push_back(static_cast<int>(guard.wait_of("a", now).count()));
    }
    CHECK(waits == std::vector<int>{0, 0, 1, 2, 4, 8, 16, 32, 60, 60});
    CHECK(guard.wait_of("b", now).count() == 0);
    CHECK(guard.wait_of("a", now + seconds{60}).count() == 0);
    guard.failed("a", now + seconds{700});  // long after: from the beginning
    CHECK(guard.wait_of("a", now + seconds{700}).count() == 0);
    guard.succeeded("a");
    CHECK(guard.sources() == 0);
    for (int i = 0; i < 5000; ++i) guard.failed(std::to_string(i), now + seconds{i});
    CHECK(guard.sources() <= kSourcesMax);
}

TEST_CASE("one address has sixteen connections, and of a thousand idle ones the others are closed" *
          mainstay::test::kNeedsDescriptors) {
    Bench b;
    b.server->set({.listen = {b.at()}});
    std::vector<UniqueFd> idle;
    for (int i = 0; i < 1000; ++i) {
        idle.push_back(b.connected());
        REQUIRE(idle.back());
        if (i % 50 == 0) b.loop.run_for(std::chrono::milliseconds{1});
    }
    const auto refused = [&] { return b.server->status().counters.connections_refused; };
    for (int n = 0; n < 1000 && refused() < 1000 - kConnectionsOfSourceMax; ++n) {
        b.loop.restart();
        b.loop.run_for(std::chrono::milliseconds{10});
    }
    CHECK(refused() == 1000 - kConnectionsOfSourceMax);
    CHECK(b.log.texts.size() <= 12);
    for (auto& client : idle) CHECK(b.heard(client).empty());  // also those sixteen, in time
    CHECK(b.get() == "200");
}

TEST_CASE("with a certificate the listener speaks TLS and nothing else") {
    Bench b;
    serve_tls(b, certificate());
    CHECK(get_over_tls(b) == "200");
    CHECK(b.server->status().listeners == std::vector<report::ApiListener>{{b.at(), true, true, ""}});
    CHECK(b.answer("NOTIFY * HTTP/1.1\r\nHost: x\r\n\r\n").find("HTTP") == std::string::npos);
}

TEST_CASE("who asks a TLS port in plain HTTP is told so") {
    Bench b;
    serve_tls(b, certificate());
    for (const char* method : {"GET", "POST", "HEAD"}) {
        const auto answer = b.answer(std::string{method} + " /status HTTP/1.1\r\nHost: x\r\n\r\n");
        CHECK(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"));
        CHECK(answer.find("this port speaks TLS only") != std::string::npos);
        CHECK(answer.find("ask for https:// instead of http://") != std::string::npos);
    }
    CHECK(b.server->status().counters.requests_refused == 3);
    CHECK(get_over_tls(b) == "200");
}

TEST_CASE("an answer of any size arrives whole, with TLS and without") {
    const auto own = certificate();
    for (const bool tls : {false, true})
        for (const std::size_t size : {0, 1, 15'000, 16'384, 70'000, 5'000'000}) {
            CAPTURE(tls);
            CAPTURE(size);
            Bench b;
            b.body = std::string(size, 'x');
            if (tls)
                serve_tls(b, own);
            else
                b.listen_with_credentials();
            const auto answer = tls ? answer_over_tls(b)
                                    : b.answer("GET /status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " +
                                               std::string{kToken} + "\r\n\r\n");
            CHECK(answer.contains("\r\nContent-Length: " + std::to_string(size) + "\r\n"));
            CHECK(answer.substr(answer.find("\r\n\r\n") + 4) == b.body);
        }
}

TEST_CASE("a client without the certificate that is asked for is refused") {
    Bench b;
    const auto client = certificate();
    serve_tls(b, certificate(), client.first);
    CHECK(get_over_tls(b, client) == "200");
    CHECK(get_over_tls(b).starts_with("no answer: "));
    CHECK(get_over_tls(b, certificate()).starts_with("no answer: "));
}

TEST_CASE("a certificate that cannot be used is not served, and does not replace one that can") {
    Bench b;
    serve_tls(b, {certificate().first, certificate().second});
    CHECK_FALSE(b.connected());
    CHECK(b.server->status().listeners.at(0).problem.starts_with("tls_key"));
    const auto good = certificate();
    serve_tls(b, good);
    CHECK(get_over_tls(b) == "200");
    serve_tls(b, {"", ""});
    CHECK(b.server->status().listeners.at(0).problem.starts_with("tls_certificate: "));
    CHECK(get_over_tls(b) == "200");
    serve_tls(b, certificate(-10));
    CHECK(b.server->status().listeners.at(0).problem == "the certificate has ended");
    CHECK(get_over_tls(b) == "200");  // the client decides about that
}

TEST_CASE("a secret is that of its hash alone") {
    const auto file = wire::credentials_file(credentials());
    REQUIRE(file.problems.empty());
    CHECK(is_secret_of(file.credentials[0], kToken));
    CHECK_FALSE(is_secret_of(file.credentials[0], "0123456789abcdeg"));
    CHECK(is_secret_of(file.credentials[3], "open sesame"));
    CHECK_FALSE(is_secret_of(file.credentials[3], "open sesame "));
    CHECK_FALSE(is_secret_of(file.credentials[3], ""));
    CHECK(random_token()->size() == 64);
    CHECK(random_token().value() != random_token().value());
    CHECK(hash_of_password("x").value() != hash_of_password("x").value());
}
