#include "tls_context.hpp"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <boost/asio/buffer.hpp>

namespace mainstay::role::http {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

Result<void> checked(error_code ec, const char* what) {
    if (!ec) return {};
    return fail(Errc::Invalid, std::string{what} + ": " + ec.message());
}

std::string warning_about(ssl::context& context) {
    const X509* certificate = ::SSL_CTX_get0_certificate(context.native_handle());
    if (certificate == nullptr) return "there is no certificate";
    if (::X509_cmp_current_time(::X509_get0_notAfter(certificate)) < 0) return "the certificate has ended";
    if (::X509_cmp_current_time(::X509_get0_notBefore(certificate)) > 0) return "the certificate is not valid yet";
    return {};
}

}  // namespace

Result<TlsMade> make_tls(const TlsTexts& texts) {
    TlsMade made{.context = std::make_shared<ssl::context>(ssl::context::tls_server), .warning = {}};
    auto& context = *made.context;
    error_code ec;
    context.set_options(ssl::context::default_workarounds | ssl::context::no_compression, ec);
    if (::SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION) != 1)
        return fail(Errc::Unsupported, "OpenSSL has no TLS 1.2");
    // Without it OpenSSL would ask for the passphrase of an encrypted key at a terminal.
    context.set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string{}; }, ec);
    context.use_certificate_chain(boost::asio::buffer(texts.certificate), ec);
    if (auto ok = checked(ec, "tls_certificate"); !ok) return error_of(ok);
    context.use_private_key(boost::asio::buffer(texts.key), ssl::context::pem, ec);
    if (auto ok = checked(ec, "tls_key"); !ok) return error_of(ok);
    if (::SSL_CTX_check_private_key(context.native_handle()) != 1)
        return fail(Errc::Invalid, "tls_key is not the key of tls_certificate");
    if (texts.wants_client_ca) {
        context.add_certificate_authority(boost::asio::buffer(texts.client_ca), ec);
        if (auto ok = checked(ec, "tls_client_ca"); !ok) return error_of(ok);
        context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, ec);
    }
    made.warning = warning_about(context);
    return made;
}

}  // namespace mainstay::role::http
