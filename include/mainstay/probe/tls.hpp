// What the TLS checks of one configuration share: keepalived's SSL block as one OpenSSL context. Peers are not
// verified, even if `ca` is set: a check tests whether a server answers, not its identity.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "mainstay/base/error.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace mainstay::probe {

// The contents of the SSL block's files. Only root may read them, so the reader adds them to the configuration.
struct TlsMaterial {
    std::string ca, certificate, key;  // PEM; empty: none
    std::string password;              // of the key
    std::string problem;               // why a file could not be read
};
[[nodiscard]] TlsMaterial tls_material_of(const config::Config& config);

class TlsClient {
public:
    // An error names the part of the block: "SSL: certificate: no PEM certificate in it".
    [[nodiscard]] static Result<std::shared_ptr<const TlsClient>> make(const TlsMaterial& material);
    ~TlsClient();
    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;
    [[nodiscard]] ssl_ctx_st* native() const { return context_; }

private:
    explicit TlsClient(ssl_ctx_st* context) : context_{context} {}
    ssl_ctx_st* context_;
};

// Options of one TLS connection.
struct TlsWish {
    std::string server_name;  // SNI; empty: none
    bool h2 = false;          // ALPN offers only HTTP/2
    bool close_notify = false;
};

// The peer's certificate.
struct Certificate {
    std::string fingerprint;  // SHA-256, hexadecimal
    std::string subject;      // its common name, else the whole subject; unprintable characters are replaced
    WallTime not_after;
    bool operator==(const Certificate&) const = default;
};
[[nodiscard]] std::optional<Certificate> certificate_of(const ssl_st* connection);

// The oldest error in OpenSSL's queue as text, "protocol version: unsupported protocol"; clears the queue.
[[nodiscard]] std::string tls_problem();

}  // namespace mainstay::probe
