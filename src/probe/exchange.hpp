// Code that the HTTP checks share: connecting, the deadline of the answer, and the reason of a failure.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "http2.hpp"
#include "stream.hpp"

namespace mainstay::probe {

inline constexpr std::size_t kReadBytes = 4096;  // of an answer at a time

// connect_timeout as keepalived applies it to an answer: each read has its own, but with TLS all have one from the
// request on.
class AnswerTime {
public:
    AnswerTime(Micros limit, bool tls) : limit_{limit}, tls_{tls} {}
    void guard_next_wait(Attempt::State& state) const;

private:
    Micros limit_;
    bool tls_;
    std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

// The server has closed the connection before it read all that was sent. Some servers answer without reading the
// request: what they sent before is still valid.
[[nodiscard]] bool closed_by_server(const Attempt::State& state, const Transfer& transfer);

// The finding for a failed transfer, with keepalived's text.
[[nodiscard]] Finding broken(const Attempt::State& state, const Transfer& transfer);

// Connects, with TLS if there is a client, within connect_timeout; then runs `exchange` and returns its finding with
// the server's certificate.
[[nodiscard]] boost::asio::awaitable<Finding> over_stream(
    Connection connection, std::shared_ptr<const TlsClient> client, TlsWish wish, std::shared_ptr<Attempt::State> state,
    std::function<boost::asio::awaitable<Finding>(Stream&)> exchange);

// Sends the request and reads the answer to its end. Passed: the transfer succeeded; check `client` for the result.
[[nodiscard]] boost::asio::awaitable<Finding> converse(Http2Client& client, Stream& stream,
                                                       std::shared_ptr<Attempt::State> state, Micros limit);

}  // namespace mainstay::probe
