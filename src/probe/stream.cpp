#include "stream.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>

namespace mainstay::probe {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// OpenSSL's own socket BIO raises SIGPIPE when the server has closed the connection.
int bio_write(BIO* bio, const char* bytes, int size) {
    ::BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
    const auto sent = ::send(static_cast<int>(reinterpret_cast<std::intptr_t>(::BIO_get_data(bio))), bytes,
                             static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) ::BIO_set_flags(bio, BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY);
    return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* bytes, int size) {
    ::BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
    const auto got = ::recv(static_cast<int>(reinterpret_cast<std::intptr_t>(::BIO_get_data(bio))), bytes,
                            static_cast<std::size_t>(size), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) ::BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
    if (got == 0) ::BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return static_cast<int>(got);
}

long bio_control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF) return ::BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int bio_create(BIO* bio) {
    ::BIO_set_init(bio, 1);
    return 1;
}

// OpenSSL keeps such tables for the life of the process.
const BIO_METHOD* socket_method() {
    static const BIO_METHOD* const kMethod = [] {
        BIO_METHOD* made = ::BIO_meth_new(::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "probe");
        if (made == nullptr) return made;
        ::BIO_meth_set_write(made, bio_write);
        ::BIO_meth_set_read(made, bio_read);
        ::BIO_meth_set_ctrl(made, bio_control);
        ::BIO_meth_set_create(made, bio_create);
        return made;
    }();
    return kMethod;
}

long set_host_name(SSL* tls, std::string name) {
    return ::SSL_ctrl(tls, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
}

constexpr std::array<unsigned char, 3> kOfferH2{2, 'h', '2'};

}  // namespace

Stream::~Stream() {
    if (tls_ != nullptr) ::SSL_free(tls_);
}

asio::awaitable<Transfer> Stream::handshake(std::shared_ptr<const TlsClient> client, TlsWish wish) {
    Transfer transfer;
    ::ERR_clear_error();
    close_notify_ = wish.close_notify;
    tls_ = ::SSL_new(client->native());
    BIO* bio = tls_ == nullptr ? nullptr : ::BIO_new(socket_method());
    if (bio == nullptr) {
        transfer.error = error_code{ENOMEM, boost::system::system_category()};
        co_return transfer;
    }
    // The descriptor stands where others have a pointer. NOLINTNEXTLINE(performance-no-int-to-ptr)
    ::BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(state_->socket.native_handle())));
    ::SSL_set_bio(tls_, bio, bio);
    if (!wish.server_name.empty() && set_host_name(tls_, wish.server_name) != 1) {
        transfer.tls = "the server name cannot be sent: " + tls_problem();
        co_return transfer;
    }
    if (wish.h2) ::SSL_set_alpn_protos(tls_, kOfferH2.data(), kOfferH2.size());
    for (;;) {
        ::ERR_clear_error();
        errno = 0;
        const int done = ::SSL_connect(tls_);
        if (done == 1) co_return transfer;
        const bool again = co_await go_on(done, transfer);
        if (!again) break;
    }
    if (transfer.good()) transfer.tls = "the server closed the connection";  // in the middle of it
    co_return transfer;
}

// The transfer is in the frame of the coroutine that waits for this one.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
asio::awaitable<bool> Stream::go_on(int returned, Transfer& transfer) {
    const int saved = errno;
    const int what = ::SSL_get_error(tls_, returned);
    error_code error;
    switch (what) {
        case SSL_ERROR_WANT_READ:
            co_await state_->socket.async_wait(asio::ip::tcp::socket::wait_read,
                                               asio::redirect_error(asio::use_awaitable, error));
            break;
        case SSL_ERROR_WANT_WRITE:
            co_await state_->socket.async_wait(asio::ip::tcp::socket::wait_write,
                                               asio::redirect_error(asio::use_awaitable, error));
            break;
        case SSL_ERROR_ZERO_RETURN:
            transfer.ended = true;
            co_return false;
        case SSL_ERROR_SYSCALL:
            if (saved == 0)
                transfer.ended = true;
            else
                transfer.error = error_code{saved, boost::system::system_category()};
            ::ERR_clear_error();
            co_return false;
        default:
            transfer.tls = tls_problem();
            co_return false;
    }
    if (!error && (state_->expired || state_->cancelled)) error = asio::error::operation_aborted;
    transfer.error = error;
    co_return !error;
}

asio::awaitable<Transfer> Stream::read_some(std::span<char> into) {
    Transfer transfer;
    if (tls_ == nullptr) {
        transfer.size = co_await state_->socket.async_read_some(
            asio::buffer(into.data(), into.size()), asio::redirect_error(asio::use_awaitable, transfer.error));
        if (transfer.error == asio::error::eof) {
            transfer.ended = true;
            transfer.error = {};
        }
        co_return transfer;
    }
    for (;;) {
        ::ERR_clear_error();
        errno = 0;
        const int done = ::SSL_read_ex(tls_, into.data(), into.size(), &transfer.size);
        if (done == 1) {
            // A server that is faster than this host never makes a read wait, so the loop yields to timers and other
            // checks.
            co_await asio::post(state_->socket.get_executor(), asio::use_awaitable);
            co_return transfer;
        }
        const bool again = co_await go_on(done, transfer);
        if (!again) co_return transfer;
    }
}

asio::awaitable<Transfer> Stream::write_all(std::string bytes) {
    Transfer transfer;
    if (tls_ == nullptr) {
        transfer.size = co_await asio::async_write(state_->socket, asio::buffer(bytes),
                                                   asio::redirect_error(asio::use_awaitable, transfer.error));
        co_return transfer;
    }
    while (transfer.size < bytes.size()) {
        ::ERR_clear_error();
        errno = 0;
        std::size_t sent = 0;
        const int done = ::SSL_write_ex(tls_, bytes.data() + transfer.size, bytes.size() - transfer.size, &sent);
        transfer.size += sent;
        if (done == 1) continue;
        const bool again = co_await go_on(done, transfer);
        if (!again) break;
    }
    co_return transfer;
}

void Stream::finish() {
    if (tls_ == nullptr || !close_notify_) return;
    ::SSL_shutdown(tls_);
    ::ERR_clear_error();
}

bool Stream::speaks_h2() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    if (tls_ != nullptr) ::SSL_get0_alpn_selected(tls_, &name, &size);
    return size == 2 && name[0] == 'h' && name[1] == '2';
}

std::optional<Certificate> Stream::certificate() const { return tls_ == nullptr ? std::nullopt : certificate_of(tls_); }

}  // namespace mainstay::probe
