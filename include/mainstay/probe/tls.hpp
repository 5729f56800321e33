// What the TLS checks of one configuration share: keepalived's SSL block as one OpenSSL context. Peers are not
// verified, also when `ca` is set: a check asks whether a server answers, not who it is.
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

// The files' contents, which only root may read: the reader puts them beside the paths that name them.
struct TlsMaterial {
    std::string ca, certificate, key;  // PEM; empty: none
    std::string password;              // of the key
    std::string problem;               // why a file could not be read
};
[[nodiscard]] TlsMaterial tls_material_of(const config::Config& config);

class TlsClient {
public:
    // What is wrong names the part of the block: "SSL: certificate: no PEM certificate in it".
    [[nodiscard]] static Result<std::shared_ptr<const TlsClient>> make(const TlsMaterial& material);
    ~TlsClient();
    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;
    [[nodiscard]] ssl_ctx_st* native() const { return context_; }

private:
    explicit TlsClient(ssl_ctx_st* context) : context_{context} {}
    ssl_ctx_st* context_;
};

// How one connection is to be made.
struct TlsWish {
    std::string server_name;  // in the hello; empty: none
    bool h2 = false;          // offers HTTP/2, and nothing else
    bool close_notify = false;
};

// The peer's certificate as it was shown.
struct Certificate {
    std::string fingerprint;  // SHA-256, hexadecimal
    std::string subject;      // its common name, else all of the subject; made printable
    WallTime not_after;
    bool operator==(const Certificate&) const = default;
};
[[nodiscard]] std::optional<Certificate> certificate_of(const ssl_st* connection);

// The oldest error of OpenSSL's queue in words; empties the queue. "protocol version: unsupported protocol"
[[nodiscard]] std::string tls_problem();

}  // namespace mainstay::probe
