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

// connect_timeout as keepalived applies it: each read has its own timeout, but with TLS the whole answer has one. From
// the request on there is one deadline for all, however often a little of the answer comes.
class AnswerTime {
public:
    AnswerTime(Micros limit, bool tls);
    void guard_next_wait(Attempt::State& state) const;

private:
    Micros limit_;
    std::chrono::steady_clock::time_point end_;
};

// The finding for a failed transfer, with keepalived's text.
[[nodiscard]] Finding broken(const Attempt::State& state, const Transfer& transfer, Micros limit);

// Connects, with TLS if there is a client, within connect_timeout; then runs `exchange` and returns its finding with
// the server's certificate.
[[nodiscard]] boost::asio::awaitable<Finding> over_stream(
    Connection connection, std::shared_ptr<const TlsClient> client, TlsWish wish, std::shared_ptr<Attempt::State> state,
    std::function<boost::asio::awaitable<Finding>(Stream&)> exchange);

// Sends the request and reads the answer to its end. Passed: the transfer succeeded; check `client` for the result.
[[nodiscard]] boost::asio::awaitable<Finding> converse(Http2Client& client, Stream& stream,
                                                       std::shared_ptr<Attempt::State> state, Micros limit);

}  // namespace mainstay::probe
