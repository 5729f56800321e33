// A TLS server on loopback in a thread of its own, with a certificate made for it.
#pragma once

#include <doctest/doctest.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "loopback.hpp"

namespace mainstay::probe::test {

struct Pair {
    std::string certificate, key;  // PEM
};

inline std::string text_of(BIO* bio) {
    char* bytes = nullptr;
    const auto size = BIO_get_mem_data(bio, &bytes);
    std::string text{bytes, static_cast<std::size_t>(size)};
    BIO_free(bio);
    return text;
}

// A name that a certificate has, and that is empty.
inline const std::string kEmptyName{"\0", 1};

// Ends `seconds` from now, which may lie in the past; the key is encrypted if there is a password. An empty name: none.
inline Pair make_certificate(const std::string& name, long seconds, const std::string& password = {},
                             const std::vector<std::string>& organisations = {}) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -1'000'000);
    X509_gmtime_adj(X509_getm_notAfter(certificate), seconds);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    const auto add = [subject](const char* part, const std::string& text) {
        X509_NAME_add_entry_by_txt(subject, part, MBSTRING_ASC, reinterpret_cast<const unsigned char*>(text.c_str()),
                                   -1, -1, 0);
    };
    for (const std::string& one : organisations) add("O", one);
    if (name == kEmptyName)
        X509_NAME_add_entry_by_NID(subject, NID_commonName, V_ASN1_UTF8STRING,
                                   reinterpret_cast<const unsigned char*>(""), 0, -1, 0);
    else if (!name.empty())
        add("CN", name);
    X509_set_issuer_name(certificate, subject);
    REQUIRE(X509_sign(certificate, key, EVP_sha256()) > 0);
    BIO* certificate_pem = BIO_new(BIO_s_mem());
    BIO* key_pem = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(certificate_pem, certificate);
    PEM_write_bio_PrivateKey(key_pem, key, password.empty() ? nullptr : EVP_aes_256_cbc(), nullptr, 0, nullptr,
                             password.empty() ? nullptr : const_cast<char*>(password.c_str()));
    X509_free(certificate);
    EVP_PKEY_free(key);
    return {text_of(certificate_pem), text_of(key_pem)};
}

// What the client showed of itself.
struct Seen {
    std::string server_name, client, request;
    bool close_notify = false;
};

class TlsServer {
public:
    struct Options {
        std::string name = "localhost";
        long seconds = 1'000'000;  // until the certificate ends
        bool wants_certificate = false;
        std::string alpn = {};                        // "h2": agrees to it when it is offered
        bool reads = true;                            // false: answers, and closes without having read anything
        std::vector<std::string> organisations = {};  // of the certificate's subject
    };
    using Answer = std::function<void(SSL*)>;

    TlsServer(Options options, Answer answer) : options_{std::move(options)} {
        ::signal(SIGPIPE, SIG_IGN);  // SSL_write to a client that has gone
        context_ = SSL_CTX_new(TLS_server_method());
        const Pair pair = make_certificate(options_.name, options_.seconds, {}, options_.organisations);
        load(pair);
        if (options_.wants_certificate)
            SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                               [](int, X509_STORE_CTX*) { return 1; });
        SSL_CTX_set_alpn_select_cb(context_, select_alpn, this);
        thread_ = std::thread{[this, answer = std::move(answer)] { serve(answer); }};
    }
    ~TlsServer() {
        join();
        SSL_CTX_free(context_);
    }
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;
    [[nodiscard]] Endpoint endpoint() const { return bound_to(listener_); }
    [[nodiscard]] const Seen& seen() {
        join();
        return seen_;
    }

private:
    void join() {
        if (thread_.joinable()) thread_.join();
    }
    void load(const Pair& pair) {
        BIO* certificate_pem = BIO_new_mem_buf(pair.certificate.data(), -1);
        BIO* key_pem = BIO_new_mem_buf(pair.key.data(), -1);
        X509* certificate = PEM_read_bio_X509(certificate_pem, nullptr, nullptr, nullptr);
        EVP_PKEY* key = PEM_read_bio_PrivateKey(key_pem, nullptr, nullptr, nullptr);
        REQUIRE(SSL_CTX_use_certificate(context_, certificate) == 1);
        REQUIRE(SSL_CTX_use_PrivateKey(context_, key) == 1);
        X509_free(certificate);
        EVP_PKEY_free(key);
        BIO_free(certificate_pem);
        BIO_free(key_pem);
    }
    static int select_alpn(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                           unsigned length, void* self) {
        const std::string& wanted = static_cast<TlsServer*>(self)->options_.alpn;
        for (unsigned at = 0; at < length; at += offered[at] + 1U) {
            const std::string one{reinterpret_cast<const char*>(offered + at + 1), offered[at]};
            if (wanted.empty() || one != wanted) continue;
            *out = offered + at + 1;
            *size = offered[at];
            return SSL_TLSEXT_ERR_OK;
        }
        return SSL_TLSEXT_ERR_NOACK;
    }
    void serve(const Answer& answer) {
        const UniqueFd peer{::accept(listener_.get(), nullptr, nullptr)};
        const int at_once = 1;  // what waits for an ACK would be lost with a connection that is reset
        ::setsockopt(peer.get(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
        SSL* ssl = SSL_new(context_);
        SSL_set_fd(ssl, peer.get());
        if (SSL_accept(ssl) == 1) {
            if (const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) seen_.server_name = name;
            if (const X509* client = SSL_get0_peer_certificate(ssl)) {
                char text[100] = {};
                X509_NAME_get_text_by_NID(X509_get_subject_name(client), NID_commonName, text, sizeof text);
                seen_.client = text;
            }
            if (options_.alpn != "h2" && options_.reads) read_request(ssl);
            answer(ssl);
            char byte = 0;
            while (options_.reads && SSL_read(ssl, &byte, 1) > 0) {
            }
            seen_.close_notify = (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
        }
        SSL_free(ssl);
    }
    void read_request(SSL* ssl) {
        char bytes[4096];
        while (seen_.request.find("\r\n\r\n") == std::string::npos) {
            const int got = SSL_read(ssl, bytes, sizeof bytes);
            if (got <= 0) return;
            seen_.request.append(bytes, static_cast<std::size_t>(got));
        }
    }

    Options options_;
    UniqueFd listener_ = listen_on_any();
    SSL_CTX* context_ = nullptr;
    Seen seen_;
    std::thread thread_;
};

inline void send_all(SSL* ssl, std::string_view bytes) {
    while (!bytes.empty()) {
        const int sent = SSL_write(ssl, bytes.data(), static_cast<int>(bytes.size()));
        if (sent <= 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

}  // namespace mainstay::probe::test
