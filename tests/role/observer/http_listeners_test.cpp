// The TCP listeners of the API when their settings change: which go on, which end, and what operators are told.
#include <algorithm>

#include "http_tcp_bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::http;
using namespace mainstay::role::test;
using Strings = std::vector<std::string>;

namespace {

const std::string kGet = "GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n";

std::string bearer(const std::string& token) { return "Authorization: Bearer " + token + "\r\n"; }

// The code of the answer on a connection that is there already.
std::string asked_on(Bench& b, const UniqueFd& client, const std::string& fields = {}) {
    const std::string request = kGet + fields + "\r\n";
    REQUIRE(::send(client.get(), request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()));
    const auto answer = b.heard(client);
    return answer.size() < 12 ? answer : answer.substr(9, 3);
}

std::string problem(const Bench& b) { return b.server->status().listeners.at(0).problem; }

// A client that the server has taken.
UniqueFd taken(Bench& b) {
    auto client = b.connected();
    REQUIRE(client);
    b.loop.restart();
    b.loop.run_for(std::chrono::milliseconds{20});
    return client;
}

}  // namespace

TEST_CASE("a connection outlives a reload that leaves its address and the credentials as they are") {
    Bench b;
    const auto text = credentials();
    const auto listen = [&] {
        b.server->set({.listen = {b.at()}, .credentials = "/c"});
        b.server->take(What::Credentials, text);
    };
    listen();
    const auto client = taken(b);
    listen();
    CHECK(asked_on(b, client, bearer(kToken)) == "200");
}

TEST_CASE("of several addresses only those that are not listed any more are closed") {
    Bench b;
    const auto other = b.port;
    b.port = free_port();
    REQUIRE(b.port != other);
    const std::string first = b.at(), second = "127.0.0.1:" + std::to_string(other);
    b.server->set({.listen = {first, second}});
    CHECK(b.get() == "200");
    b.port = other;
    const auto client = taken(b);
    b.server->set({.listen = {second}});
    CHECK(asked_on(b, client) == "200");
    CHECK(b.server->status().listeners == std::vector<report::ApiListener>{{second, true, false, ""}});
    b.port = static_cast<std::uint16_t>(std::stoi(first.substr(first.find(':') + 1)));
    CHECK_FALSE(b.connected());
    b.server->set({.listen = {second, second}});
    const auto twice = b.server->status().listeners;
    REQUIRE(twice.size() == 2);
    CHECK(twice[0].open);
    CHECK_FALSE(twice[1].open);
    CHECK(twice[1].problem == "Address already in use");
}

TEST_CASE("an address that may not be served any more is closed, with who is connected there") {
    Bench b;
    b.server->set({.listen = {b.at()}});
    const auto client = taken(b);
    b.server->set({.listen = {b.at()}, .tls_client_ca = "/ca"});
    b.server->take(What::ClientCa, certificate().first);
    CHECK(problem(b) == "tls_client_ca needs tls_certificate");
    CHECK_FALSE(b.connected());
    CHECK(b.heard(client).empty());
    CHECK(b.log.texts.back() == "[api] listen " + b.at() + ": not served: tls_client_ca needs tls_certificate");
    b.server->retry();
    CHECK_FALSE(b.connected());
    b.server->set({.listen = {b.at()}});
    CHECK(b.get() == "200");
}

TEST_CASE("where the API is served is in the log, and whether with TLS") {
    Bench b;
    b.server->set({.listen = {b.at()}});
    CHECK(b.log.texts == Strings{"the API is served at " + b.at()});
    b.server->set({.listen = {b.at()}});
    CHECK(b.log.texts.size() == 1);  // as before
    Bench tls;
    serve_tls(tls, certificate());
    const auto served = "the API is served at " + tls.at();
    CHECK(tls.log.texts == Strings{served + " with TLS, because tls_certificate is set: ask for https://"});
    tls.server->set({.listen = {tls.at()}});
    CHECK(tls.log.texts.size() == 2);  // the listener has remained, what it speaks has not
    CHECK(tls.log.texts.back() == served);
}

TEST_CASE("lines of the credentials that cannot be used are reported, and the others are used") {
    Bench b;
    b.server->set({.listen = {b.at()}, .credentials = "/c"});
    b.server->take(What::Credentials, "nonsense\n" + credentials() + "more nonsense\n");
    CHECK(problem(b) == "/c: 2 lines are left out");
    CHECK(std::ranges::count_if(b.log.texts, [](const std::string& line) { return line.starts_with("/c: line "); }) ==
          2);
    CHECK(b.get_as(std::string{"Bearer "} + kToken) == "200");
    b.listen_with_credentials();
    CHECK(problem(b) == "");
}

TEST_CASE("a file that the settings do not name, or that comes once more, changes nothing") {
    Bench b;
    b.listen_with_credentials();
    b.server->take(What::Credentials, std::string{});
    b.server->take(What::ClientCa, fail(Errc::Io, "it is gone"));
    CHECK(b.get_as(std::string{"Bearer "} + kToken) == "200");
    CHECK(problem(b) == "");
}

TEST_CASE("without credentials any more nobody needs them, and with them again everybody does") {
    Bench b;
    b.listen_with_credentials();
    CHECK(b.get() == "401");
    b.server->set({.listen = {b.at()}});
    CHECK(b.get() == "200");
    b.listen_with_credentials();
    CHECK(b.get() == "401");
}

TEST_CASE("files of TLS that cannot be read are named, the certificate first, and end nothing that is served") {
    Bench b;
    const auto serve = [&](const Result<std::string>& own, const Result<std::string>& key) {
        b.server->set({.listen = {b.at()}, .tls_certificate = "/cert", .tls_key = "/key", .credentials = "/c"});
        b.server->take(What::Certificate, own);
        b.server->take(What::Key, key);
        b.server->take(What::Credentials, credentials());
    };
    serve(fail(Errc::Io, "it is gone"), fail(Errc::Io, "it is gone too"));
    CHECK(problem(b) == "/cert: it is gone");
    CHECK_FALSE(b.connected());
    const auto own = certificate();
    serve(own.first, fail(Errc::Io, "it is gone too"));
    CHECK(problem(b) == "/key: it is gone too");
    CHECK_FALSE(b.connected());
    serve(own.first, own.second);
    CHECK(problem(b) == "");
    CHECK(get_over_tls(b) == "200");
    serve(own.first, fail(Errc::Io, "it is gone too"));
    CHECK(problem(b) == "/key: it is gone too");
    CHECK(get_over_tls(b) == "200");
    CHECK(b.log.texts.back() == "[api] listen " + b.at() + ": /key: it is gone too");
    b.listen_with_credentials();  // and no certificate any more
    CHECK(b.get_as(std::string{"Bearer "} + kToken) == "200");
}

TEST_CASE("a client of an IPv6 address is named by it") {
    Bench b;
    b.server->set({.listen = {"[::1]:" + std::to_string(b.port), b.at()}});
    if (!b.server->status().listeners.at(0).open) return;  // a host without IPv6
    const UniqueFd client{::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = ::htons(b.port);
    to.sin6_addr = in6addr_loopback;
    REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    CHECK(asked_on(b, client) == "200");
    CHECK(b.callers == Strings{"anybody from ::1"});
    CHECK(b.get() == "200");
    CHECK(b.server->status().listeners.at(1).open);
}
