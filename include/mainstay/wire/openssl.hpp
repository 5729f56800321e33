// OpenSSL's functions, of a library that is loaded when one is needed first. Most directors check nothing over TLS and
// authenticate nothing, and linked libraries are mapped and relocated by each process that starts: libcrypto and
// libssl took a quarter of the time until main(), and 400 KB of memory of each process.
//
// A function has the type that OpenSSL's headers give it. None may be called where there is no library:
// crypto_there(), tls_there() say so, and load it; a role asks while it prepares.
#pragma once

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace mainstay::wire {

#define MAINSTAY_LIBCRYPTO(X)                                                                                  \
    X(ASN1_TIME_to_tm) X(BIO_clear_flags) X(BIO_free_all) X(BIO_get_data) X(BIO_get_new_index) X(BIO_meth_new) \
    X(BIO_meth_set_create) X(BIO_meth_set_ctrl) X(BIO_meth_set_read) X(BIO_meth_set_write) X(BIO_new)          \
    X(BIO_new_mem_buf) X(BIO_set_data) X(BIO_set_flags) X(BIO_set_init) X(BIO_test_flags) X(CRYPTO_memcmp)     \
    X(ERR_clear_error) X(ERR_get_error) X(ERR_reason_error_string) X(EVP_DigestFinal_ex) X(EVP_DigestInit_ex)  \
    X(EVP_DigestUpdate) X(EVP_MD_CTX_free) X(EVP_MD_CTX_new) X(EVP_PKEY_free) X(EVP_md5) X(EVP_sha256) X(HMAC) \
    X(PEM_read_bio_PrivateKey) X(PEM_read_bio_X509) X(PEM_read_bio_X509_AUX) X(X509_NAME_get_text_by_NID)      \
    X(X509_NAME_oneline) X(X509_STORE_add_cert) X(X509_digest) X(X509_free) X(X509_get0_notAfter)              \
    X(X509_get_subject_name)
#define MAINSTAY_LIBSSL(X)                                                                                         \
    X(SSL_CTX_check_private_key) X(SSL_CTX_ctrl) X(SSL_CTX_free) X(SSL_CTX_get_cert_store) X(SSL_CTX_new)          \
    X(SSL_CTX_set_cert_verify_callback) X(SSL_CTX_set_options) X(SSL_CTX_set_verify) X(SSL_CTX_use_PrivateKey)     \
    X(SSL_CTX_use_certificate) X(SSL_connect) X(SSL_ctrl) X(SSL_free) X(SSL_get0_alpn_selected)                    \
    X(SSL_get0_peer_certificate) X(SSL_get_error) X(SSL_new) X(SSL_read_ex) X(SSL_set_alpn_protos) X(SSL_set_bio)  \
    X(SSL_shutdown) X(SSL_write_ex) X(TLS_client_method)

#define MAINSTAY_FUNCTION(name) decltype(&::name) name = nullptr;
struct Libcrypto {
    bool there = false;
    MAINSTAY_LIBCRYPTO(MAINSTAY_FUNCTION)
};
struct Libssl {
    bool there = false;
    MAINSTAY_LIBSSL(MAINSTAY_FUNCTION)
};
#undef MAINSTAY_FUNCTION

[[nodiscard]] const Libcrypto& crypto();
[[nodiscard]] const Libssl& ssl();
inline bool crypto_there() { return crypto().there; }
inline bool tls_there() { return crypto_there() && ssl().there; }

}  // namespace mainstay::wire
