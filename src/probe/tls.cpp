#include "mainstay/probe/tls.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <cstring>
#include <ctime>

#include "mainstay/config/keywords.hpp"
#include "mainstay/probe/finding.hpp"

namespace mainstay::probe {

namespace keyword = config::keyword;

namespace {

struct Freed {
    void operator()(BIO* object) const { ::BIO_free_all(object); }
    void operator()(SSL_CTX* object) const { ::SSL_CTX_free(object); }
    void operator()(X509* object) const { ::X509_free(object); }
    void operator()(EVP_PKEY* object) const { ::EVP_PKEY_free(object); }
};
using Bio = std::unique_ptr<BIO, Freed>;
using Context = std::unique_ptr<SSL_CTX, Freed>;
using X509Ptr = std::unique_ptr<X509, Freed>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed>;

constexpr std::size_t kSubjectMax = 128;

Bio bytes_of(const std::string& text) { return Bio{::BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))}; }

std::unexpected<Error> unusable(std::string_view part) {
    return fail(Errc::Invalid, fmt::format("SSL: {}: {}", part, tls_problem()));
}

int give_password(char* buffer, int size, int, void* password) {
    const auto& text = *static_cast<const std::string*>(password);
    if (size < 0 || text.size() > static_cast<std::size_t>(size)) return -1;
    std::memcpy(buffer, text.data(), text.size());
    return static_cast<int>(text.size());
}

// The first one is the client's own, the others its chain.
Result<void> use_certificates(SSL_CTX* context, const std::string& pem) {
    const Bio bio = bytes_of(pem);
    const X509Ptr own{::PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr)};
    if (!own || ::SSL_CTX_use_certificate(context, own.get()) != 1) return unusable("certificate");
    while (X509* further = ::PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
        if (::SSL_CTX_ctrl(context, SSL_CTRL_CHAIN_CERT, 0, further) != 1) {
            ::X509_free(further);
            return unusable("certificate");
        }
    }
    ::ERR_clear_error();  // OpenSSL reports the end of the file as an error
    return {};
}

Result<void> use_key(SSL_CTX* context, const TlsMaterial& material) {
    const Bio bio = bytes_of(material.key);
    std::string password = material.password;
    const KeyPtr key{::PEM_read_bio_PrivateKey(bio.get(), nullptr, give_password, &password)};
    if (!key || ::SSL_CTX_use_PrivateKey(context, key.get()) != 1) return unusable("key");
    if (!material.certificate.empty() && ::SSL_CTX_check_private_key(context) != 1) return unusable("key");
    return {};
}

Result<void> use_authorities(SSL_CTX* context, const std::string& pem) {
    const Bio bio = bytes_of(pem);
    X509_STORE* store = ::SSL_CTX_get_cert_store(context);
    std::size_t count = 0;
    while (const X509Ptr one{::PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
        if (::X509_STORE_add_cert(store, one.get()) != 1) return unusable("ca");
        ++count;
    }
    if (count == 0) return unusable("ca");
    ::ERR_clear_error();
    return {};
}

// Nothing is verified, so no time is spent on it either.
int accept_any(X509_STORE_CTX*, void*) { return 1; }

std::string subject_of(const X509* certificate) {
    const X509_NAME* name = ::X509_get_subject_name(certificate);
    std::array<char, 2 * kSubjectMax> text{};
    if (::X509_NAME_get_text_by_NID(name, NID_commonName, text.data(), static_cast<int>(text.size())) <= 0)
        ::X509_NAME_oneline(name, text.data(), static_cast<int>(text.size()));
    return printable(text.data(), kSubjectMax);
}

}  // namespace

std::string tls_problem() {
    const unsigned long code = ::ERR_get_error();
    const char* reason = code == 0 ? nullptr : ::ERR_reason_error_string(code);
    std::string text = reason != nullptr ? reason : code == 0 ? "nothing usable in it" : fmt::format("error {}", code);
    ::ERR_clear_error();
    return text;
}

TlsMaterial tls_material_of(const config::Config& config) {
    TlsMaterial material;
    const config::Section* block = config::find_section(config.more->sections, keyword::ssl);
    if (block == nullptr) return material;
    material.ca = first_word(block->values, keyword::ca_contents);
    material.certificate = first_word(block->values, keyword::certificate_contents);
    material.key = first_word(block->values, keyword::key_contents);
    material.password = first_word(block->values, keyword::password);
    material.problem = first_word(block->values, keyword::problem);
    return material;
}

Result<std::shared_ptr<const TlsClient>> TlsClient::make(const TlsMaterial& material) {
    if (!material.problem.empty()) return fail(Errc::NotFound, material.problem);
    ::ERR_clear_error();
    Context context{::SSL_CTX_new(::TLS_client_method())};
    if (!context) return unusable("OpenSSL");
    ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
    ::SSL_CTX_set_cert_verify_callback(context.get(), accept_any, nullptr);
    // Servers that close without a close_notify are common; as in keepalived, that is the end of the answer.
    ::SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
    ::SSL_CTX_ctrl(context.get(), SSL_CTRL_MODE,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER,
                   nullptr);
    ::SSL_CTX_ctrl(context.get(), SSL_CTRL_SET_READ_AHEAD, 1, nullptr);  // one system call for a record, not two
    ::SSL_CTX_ctrl(context.get(), SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, nullptr);
    if (!material.certificate.empty())
        if (auto used = use_certificates(context.get(), material.certificate); !used) return error_of(used);
    if (!material.key.empty())
        if (auto used = use_key(context.get(), material); !used) return error_of(used);
    if (!material.ca.empty())
        if (auto used = use_authorities(context.get(), material.ca); !used) return error_of(used);
    return std::shared_ptr<const TlsClient>{new TlsClient{context.release()}};
}

TlsClient::~TlsClient() { ::SSL_CTX_free(context_); }

std::optional<Certificate> certificate_of(const ssl_st* connection) {
    const X509* shown = ::SSL_get0_peer_certificate(connection);
    if (shown == nullptr) return std::nullopt;
    Certificate seen;
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    std::tm ends{};
    if (::X509_digest(shown, ::EVP_sha256(), digest.data(), &size) != 1 ||
        ::ASN1_TIME_to_tm(::X509_get0_notAfter(shown), &ends) != 1) {
        ::ERR_clear_error();
        return std::nullopt;
    }
    for (unsigned i = 0; i < size; ++i) seen.fingerprint += fmt::format("{:02x}", digest[i]);
    seen.subject = subject_of(shown);
    seen.not_after.unix_us = std::int64_t{::timegm(&ends)} * 1'000'000;
    return seen;
}

}  // namespace mainstay::probe
