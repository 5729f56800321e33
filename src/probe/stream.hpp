// A connected stream to a server, plain or with TLS.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "connect.hpp"
#include "mainstay/probe/tls.hpp"

namespace mainstay::probe {

// The result of one transfer. Whether it timed out or was cancelled is in the attempt's state.
struct Transfer {
    std::size_t size = 0;
    bool ended = false;               // the server sends no more
    boost::system::error_code error;  // of the connection
    std::string tls;                  // OpenSSL's error
    [[nodiscard]] bool good() const { return !error && tls.empty(); }
};

// Lives on the frame of the coroutine that owns the attempt.
class Stream {
public:
    explicit Stream(std::shared_ptr<Attempt::State> state) : state_{std::move(state)} {}
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    // Starts TLS. The caller's timeout applies here and below.
    [[nodiscard]] boost::asio::awaitable<Transfer> handshake(std::shared_ptr<const TlsClient> client, TlsWish wish);
    [[nodiscard]] boost::asio::awaitable<Transfer> read_some(std::span<char> into);
    [[nodiscard]] boost::asio::awaitable<Transfer> write_all(std::string bytes);
    // A close_notify, if requested and if it can be sent without waiting.
    void finish();

    [[nodiscard]] bool secured() const { return tls_ != nullptr; }
    [[nodiscard]] bool speaks_h2() const;  // as agreed by ALPN
    [[nodiscard]] std::optional<Certificate> certificate() const;

private:
    // Waits for what OpenSSL needs next; true: try again.
    [[nodiscard]] boost::asio::awaitable<bool> go_on(int returned, Transfer& transfer);

    std::shared_ptr<Attempt::State> state_;
    ssl_st* tls_ = nullptr;
    bool close_notify_ = false;
};

}  // namespace mainstay::probe
