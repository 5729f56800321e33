// The beginning of every check over TCP: a connection in time, and what its failure means.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>

#include "mainstay/probe/tcp_check.hpp"

namespace mainstay::probe {

struct TcpAttempt::State : std::enable_shared_from_this<TcpAttempt::State> {
    explicit State(const boost::asio::any_io_executor& executor) : socket{executor}, watchdog{executor} {}
    void close() {
        boost::system::error_code ignored;
        socket.close(ignored);
    }
    // From now on the coroutine is woken after `limit`, with `expired`; a later call replaces an earlier one.
    void guard(Micros limit);

    boost::asio::ip::tcp::socket socket;
    boost::asio::steady_timer watchdog;
    bool expired = false;
    bool cancelled = false;
};

// Leaves the socket open when it passed, and the watchdog off.
[[nodiscard]] boost::asio::awaitable<Finding> connect(TcpCheck check, std::shared_ptr<TcpAttempt::State> state);

// What an error on a connection means; `limit` is the one the watchdog guards.
[[nodiscard]] Finding finding_of(const TcpAttempt::State& state, const boost::system::error_code& error, Micros limit,
                                 const char* attempted);

}  // namespace mainstay::probe
