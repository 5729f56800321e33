// The API's server with clients of this very process on loopback addresses, with and without TLS.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <ctime>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>

#include "../../kept_log.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/role/common/credential_hash.hpp"
#include "role/observer/http/authenticator.hpp"
#include "role/observer/http/exchange.hpp"
#include "role/observer/http/server.hpp"
#include "role/observer/http/tcp_listeners.hpp"

namespace mainstay::role::test {

using namespace http;
using What = ipc::ApiFile::What;
using mainstay::test::KeptLog;

inline constexpr const char* kToken = "0123456789abcdef";
inline constexpr const char* kBasicAna = "YW5hOm9wZW4gc2VzYW1l";        // ana:open sesame
inline constexpr const char* kBasicWrong = "YW5hOmNsb3NlIHNlc2FtZQ==";  // ana:close sesame

inline std::string credentials() {
    return "prom read " + hash_of_token(kToken).value() + "\nop operate " + hash_of_token("ffff").value() +
           "\nold read " + hash_of_token("eeee").value() + " until=2026-11-01\nana read " +
           hash_of_password("open sesame").value() + "\n";
}

inline std::string pem_of(const std::function<int(BIO*)>& write) {
    BIO* bio = ::BIO_new(::BIO_s_mem());
    REQUIRE(write(bio) == 1);
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio, &data);
    std::string text{data, static_cast<std::size_t>(size)};
    ::BIO_free(bio);
    return text;
}

// A certificate that signs itself; its end in seconds from now.
inline std::pair<std::string, std::string> certificate(long ends_in = 3600) {
    EVP_PKEY* key = ::EVP_EC_gen("P-256");
    X509* made = ::X509_new();
    ::X509_set_version(made, 2);
    ::ASN1_INTEGER_set(::X509_get_serialNumber(made), 1);
    ::X509_gmtime_adj(::X509_getm_notBefore(made), -7200);
    ::X509_gmtime_adj(::X509_getm_notAfter(made), ends_in);
    ::X509_set_pubkey(made, key);
    auto* name = ::X509_get_subject_name(made);
    ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("lb1"), -1, -1, 0);
    ::X509_set_issuer_name(made, name);
    ::X509_sign(made, key, ::EVP_sha256());
    auto texts = std::pair{pem_of([&](BIO* bio) { return ::PEM_write_bio_X509(bio, made); }), pem_of([&](BIO* bio) {
                               return ::PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
                           })};
    ::X509_free(made);
    ::EVP_PKEY_free(key);
    return texts;
}

// A port that was free a moment ago.
inline std::uint16_t free_port() {
    const UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    socklen_t size = sizeof at;
    REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
    return ::ntohs(at.sin_port);
}

struct Bench {
    std::filesystem::path folder;
    boost::asio::io_context loop;
    KeptLog log;
    Instant now{};
    WallTime wall{1'795'163'866'000'000};  // 2026-11-20
    std::vector<std::string> callers;
    std::string body = "{}";  // of each answer
    std::unique_ptr<Server> server;
    std::uint16_t port = free_port();

    Bench() {
        char name[] = "/tmp/mainstay-tcp.XXXXXX";
        folder = ::mkdtemp(name);
        const auto seen = [this](const Request& request) {
            callers.push_back(request.caller.name);
            Answer answer;
            answer.body = body;
            return answer;
        };
        Router router{{{.pattern = "/status", .handle = AtOnce{seen}},
                       {.pattern = "/livez", .needs = Rights::Nothing, .handle = AtOnce{seen}},
                       {.method = Method::Post, .pattern = "/do", .needs = Rights::Operate, .handle = AtOnce{seen}}}};
        auto opened = Server::open(loop, log, folder / "s", {}, std::move(router),
                                   {.now = [this] { return now; }, .wall = [this] { return wall; }});
        REQUIRE(opened.has_value());
        server = std::move(*opened);
    }
    ~Bench() {
        server.reset();
        loop.restart();
        loop.run_for(std::chrono::milliseconds{1});
        std::filesystem::remove_all(folder);
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    [[nodiscard]] std::string at() const { return "127.0.0.1:" + std::to_string(port); }
    void listen_with_credentials(bool operate = false) {
        server->set({.listen = {at()}, .credentials = "/c", .operate = operate});
        server->take(What::Credentials, credentials());
    }
    [[nodiscard]] UniqueFd connected() const {
        UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = ::htons(port);
        to.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
        if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) fd.reset();
        return fd;
    }
    std::string heard(const UniqueFd& client) {
        std::string all;
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
        while (std::chrono::steady_clock::now() < end) {
            pollfd wait{client.get(), POLLIN, 0};
            if (::poll(&wait, 1, 0) == 0) {
                loop.restart();
                loop.run_one_for(std::chrono::milliseconds{5});
                continue;
            }
            std::array<char, 4096> room{};
            const auto got = ::read(client.get(), room.data(), room.size());
            if (got <= 0) return all;
            all.append(room.data(), static_cast<std::size_t>(got));
        }
        return "no end";
    }
    std::string answer(const std::string& request) {
        const auto client = connected();
        REQUIRE(client);
        REQUIRE(::send(client.get(), request.data(), request.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(request.size()));
        return heard(client);
    }
    // The code of the answer to a GET /status with these fields.
    std::string get(const std::string& fields = {}, const std::string& host = "127.0.0.1") {
        return answer("GET /status HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n").substr(9, 3);
    }
    std::string get_as(const std::string& authorization) { return get("Authorization: " + authorization + "\r\n"); }
    std::string post_as(const std::string& authorization, const std::string& more = {}) {
        return answer("POST /do HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: " + authorization +
                      "\r\nContent-Type: application/json\r\nContent-Length: 2\r\n" + more + "\r\n{}")
            .substr(9, 3);
    }
};

// The answer to a GET over TLS; the error's text, when there is none. `own`: the client's certificate and key.
inline std::string answer_over_tls(Bench& b, const std::pair<std::string, std::string>& own = {}) {
    namespace ssl = boost::asio::ssl;
    ssl::context context{ssl::context::tls_client};
    if (!own.first.empty()) {
        context.use_certificate_chain(boost::asio::buffer(own.first));
        context.use_private_key(boost::asio::buffer(own.second), ssl::context::pem);
    }
    ssl::stream<boost::asio::ip::tcp::socket> stream{b.loop, context};
    std::string request =
        "GET /status HTTP/1.1\r\nHost: lb1\r\nAuthorization: Bearer " + std::string{kToken} + "\r\n\r\n";
    std::string got, error;
    bool over = false;
    std::array<char, 4096> room{};
    std::function<void()> read = [&] {
        stream.async_read_some(boost::asio::buffer(room), [&](boost::system::error_code ec, std::size_t size) {
            got.append(room.data(), size);
            if (!ec) return read();
            error = ec.message();
            over = true;
        });
    };
    stream.lowest_layer().async_connect({boost::asio::ip::make_address("127.0.0.1"), b.port}, [&](auto ec) {
        if (ec) return over = true, void(error = ec.message());
        stream.async_handshake(ssl::stream_base::client, [&](auto failed) {
            if (failed) return over = true, void(error = failed.message());
            boost::asio::async_write(stream, boost::asio::buffer(request), [&](auto, std::size_t) { read(); });
        });
    });
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (!over && std::chrono::steady_clock::now() < end) {
        b.loop.restart();
        b.loop.run_one_for(std::chrono::milliseconds{5});
    }
    return got.size() > 12 ? got : "no answer: " + error;
}
// Its code.
inline std::string get_over_tls(Bench& b, const std::pair<std::string, std::string>& own = {}) {
    const auto answer = answer_over_tls(b, own);
    return answer.starts_with("HTTP/") ? answer.substr(9, 3) : answer;
}

inline void serve_tls(Bench& b, const std::pair<std::string, std::string>& own, const std::string& client_ca = {}) {
    ipc::ApiSettings settings{.listen = {b.at()}, .tls_certificate = "/cert", .tls_key = "/key", .credentials = "/c"};
    if (!client_ca.empty()) settings.tls_client_ca = "/ca";
    b.server->set(settings);
    b.server->take(What::Certificate, own.first);
    b.server->take(What::Key, own.second);
    if (!client_ca.empty()) b.server->take(What::ClientCa, client_ca);
    b.server->take(What::Credentials, credentials());
}

}  // namespace mainstay::role::test
