#include "tcp_listeners.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <boost/asio/buffer.hpp>

#include <algorithm>

#include "connection.hpp"

namespace mainstay::role::http {
namespace {

using tcp = boost::asio::ip::tcp;
using boost::system::error_code;

IpAddress address_of(const boost::asio::ip::address& address) {
    if (address.is_v4()) return IpAddress::v4(address.to_v4().to_uint());
    const auto bytes = address.to_v6().to_bytes();
    return IpAddress::v6(std::as_bytes(std::span<const unsigned char, 16>{bytes}));
}

IpAddress source_of(const tcp::socket& socket) {
    error_code ec;
    const auto at = socket.remote_endpoint(ec);
    return ec ? IpAddress{} : address_of(at.address());
}

Result<tcp::acceptor> acceptor_at(boost::asio::io_context& loop, const Endpoint& endpoint) {
    error_code ec;
    const auto address = boost::asio::ip::make_address(endpoint.address.to_string(), ec);
    const tcp::endpoint at{address, endpoint.port};
    tcp::acceptor acceptor{loop};
    if (!ec) acceptor.open(at.protocol(), ec);
    if (!ec) acceptor.set_option(tcp::acceptor::reuse_address{true}, ec);
    if (!ec && endpoint.address.is_v6()) acceptor.set_option(boost::asio::ip::v6_only{true}, ec);
    if (!ec) acceptor.bind(at, ec);
    if (!ec) acceptor.listen(boost::asio::socket_base::max_listen_connections, ec);
    if (ec) return fail(Errc::Io, ec.message(), ec.value());
    return acceptor;
}

}  // namespace

TcpListeners::TcpListeners(std::shared_ptr<Service> service, Authenticator::Clock clock)
    : service_{std::move(service)}, authenticator_{service_->log, service_->counters, std::move(clock)} {}

void TcpListeners::close() {
    for (auto& one : listeners_)
        if (one.listener) one.listener->close();
    listeners_.clear();
}

void TcpListeners::set(const ipc::ApiSettings& settings) {
    settings_ = settings;
    texts_.clear();
    awaited_.clear();
    if (!settings.tls_certificate.empty()) awaited_.insert(What::Certificate);
    if (!settings.tls_key.empty()) awaited_.insert(What::Key);
    if (!settings.tls_client_ca.empty()) awaited_.insert(What::ClientCa);
    if (!settings.credentials.empty()) awaited_.insert(What::Credentials);
    if (awaited_.empty()) apply();
}

void TcpListeners::take(What what, Result<std::string> text) {
    if (awaited_.erase(what) == 0) return;
    texts_.insert_or_assign(what, std::move(text));
    if (awaited_.empty()) apply();
}

// A file that cannot be used leaves what was read before: a certificate that is renewed badly ends nothing at once.
// Credentials are another matter: who is not in the file any more must not come in.
void TcpListeners::apply() {
    authenticator_.require_credentials(!settings_.credentials.empty());
    authenticator_.let_operate(settings_.operate);
    const bool others = read_credentials_text();
    make_context();
    std::vector<One> next;
    for (const auto& at : settings_.listen) {
        const auto endpoint = wire::listening_endpoint(at);
        const auto same = std::ranges::find(listeners_, endpoint, &One::endpoint);
        const bool is_there = endpoint && same != listeners_.end();
        One one = is_there ? std::move(*same) : One{};
        if (is_there) same->endpoint.reset();
        const std::string before = one.shown.problem;
        const bool was_tls = one.is_tls;
        one.shown.at = at;
        one.endpoint = endpoint;
        one.is_tls = !settings_.tls_certificate.empty();
        one.shown.tls = one.is_tls;
        one.shown.problem = problem_of(at, endpoint);
        const bool closes = forbids(one.shown.problem);
        if (closes && one.listener) {
            one.listener->close();
            one.listener.reset();
        } else if (others && one.listener) {
            one.listener->close_connections();  // of clients that may no longer have what they follow
        }
        if (one.listener && one.is_tls != was_tls) report_served(one);
        next.push_back(std::move(one));
        if (!closes && !next.back().listener) open(next.back());
        report_change(next.back(), before);
    }
    for (auto& one : listeners_)
        if (one.listener) one.listener->close();
    listeners_ = std::move(next);
}

bool TcpListeners::read_credentials_text() {
    credentials_problem_.clear();
    const auto text = texts_.find(What::Credentials);
    if (text == texts_.end()) return authenticator_.set({});
    if (!text->second) {
        credentials_problem_ = fmt::format("{}: {}", settings_.credentials, text->second.error().text());
        return authenticator_.set({});
    }
    auto file = wire::credentials_file(*text->second);
    for (const auto& problem : file.problems) service_->log.error("{}: {}", settings_.credentials, problem);
    if (!file.problems.empty())
        credentials_problem_ = fmt::format("{}: {} lines are left out", settings_.credentials, file.problems.size());
    return authenticator_.set(std::move(file.credentials));
}

void TcpListeners::make_context() {
    tls_problem_.clear();
    if (settings_.tls_certificate.empty()) return tls_.reset();
    TlsTexts texts{.wants_client_ca = !settings_.tls_client_ca.empty()};
    const auto take_text = [&](What what, const std::string& path, std::string& to) {
        const auto found = texts_.find(what);
        if (found == texts_.end()) return;
        if (found->second)
            to = *found->second;
        else if (tls_problem_.empty())
            tls_problem_ = fmt::format("{}: {}", path, found->second.error().text());
    };
    take_text(What::Certificate, settings_.tls_certificate, texts.certificate);
    take_text(What::Key, settings_.tls_key, texts.key);
    take_text(What::ClientCa, settings_.tls_client_ca, texts.client_ca);
    if (!tls_problem_.empty()) return;
    auto made = make_tls(texts);
    if (!made) {
        tls_problem_ = made.error().text();
        return;
    }
    tls_ = std::move(made->context);
    tls_problem_ = std::move(made->warning);
}

// Why nothing may listen there; or, with a certificate from before, what is wrong with the new one.
std::string TcpListeners::problem_of(const std::string& at, const std::optional<Endpoint>& endpoint) const {
    if (!endpoint) return fmt::format("{} is no address with a port", at);
    const bool has_tls = !settings_.tls_certificate.empty();
    if (!wire::is_loopback(endpoint->address)) {
        if (settings_.credentials.empty()) return "credentials are needed at an address that is not loopback";
        if (!has_tls) return "tls_certificate is needed at an address that is not loopback";
    }
    if (!has_tls && !settings_.tls_client_ca.empty()) return "tls_client_ca needs tls_certificate";
    return has_tls ? tls_problem_ : "";
}

// What is wrong with a new certificate ends nothing while there is one from before.
bool TcpListeners::forbids(const std::string& problem) const {
    return !problem.empty() && !(tls_ && problem == tls_problem_);
}

void TcpListeners::open(One& one) {
    auto acceptor = acceptor_at(service_->loop, *one.endpoint);
    one.shown.open = acceptor.has_value();
    if (!acceptor) {
        one.shown.problem = acceptor.error().text();
        return;
    }
    one.listener = std::make_shared<Listener<tcp>>(
        service_, std::move(*acceptor), one.shown.at,
        Listener<tcp>::Ways{.connect = [this](tcp::socket socket) { return connect(std::move(socket)); },
                            .client_of = [](const tcp::socket& socket) -> Listener<tcp>::Client {
                                return {.source = source_name(source_of(socket))};
                            }});
    one.listener->accept();
    report_served(one);
}

// The listener is closed before this object goes.
std::shared_ptr<Connection> TcpListeners::connect(tcp::socket socket) {
    const auto source = source_of(socket);
    Identify identify = [this, service = std::weak_ptr{service_},
                         source](const Request& request) -> std::variant<Caller, Answer> {
        const auto held = service.lock();
        if (!held || held->stopped) return refusal(503, "mainstayd is stopping", "ask again later");
        if (request.host.empty() && !request.is_http10) return refusal(400, "there is no Host field", "send one");
        return authenticator_.identify(request, source);
    };
    if (tls_) return make_connection(std::move(socket), tls_, service_, std::move(identify));
    return make_connection(std::move(socket), service_, std::move(identify));
}

void TcpListeners::retry() {
    for (auto& one : listeners_) {
        if (one.listener || !one.endpoint || forbids(problem_of(one.shown.at, one.endpoint))) continue;
        const std::string before = std::exchange(one.shown.problem, problem_of(one.shown.at, one.endpoint));
        open(one);
        report_change(one, before);
    }
}

void TcpListeners::report_served(const One& one) const {
    service_->log.info("the API is served at {}{}", one.shown.at,
                       one.is_tls ? " with TLS, because tls_certificate is set: ask for https://" : "");
}

void TcpListeners::report_change(const One& one, const std::string& before) const {
    if (!one.shown.problem.empty() && one.shown.problem != before)
        service_->log.error("[api] listen {}: {}{}", one.shown.at,
                            one.listener ? "" : "not served: ", one.shown.problem);
}

std::vector<report::ApiListener> TcpListeners::status() const {
    std::vector<report::ApiListener> list;
    for (const auto& one : listeners_) {
        list.push_back(one.shown);
        list.back().open = one.listener != nullptr;
        if (list.back().problem.empty()) list.back().problem = credentials_problem_;
    }
    return list;
}

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
