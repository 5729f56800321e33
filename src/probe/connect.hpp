// The beginning of every check over a connection: a socket as configured, an answer in time, and what failure means.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>

#include "mainstay/base/error.hpp"
#include "mainstay/probe/attempt.hpp"
#include "mainstay/probe/finding.hpp"

namespace mainstay::probe {

struct Attempt::State : std::enable_shared_from_this<Attempt::State> {
    explicit State(const boost::asio::any_io_executor& executor)
        : socket{executor}, datagrams{executor}, watchdog{executor} {}
    void close() {
        boost::system::error_code ignored;
        socket.close(ignored);
        datagrams.close(ignored);
    }
    // From now on the coroutine is woken after `limit`, with `expired`; a later call replaces an earlier one.
    void guard(Micros limit);

    boost::asio::ip::tcp::socket socket;
    boost::asio::posix::stream_descriptor datagrams;  // of checks without TCP: waited for, then read by its number
    boost::asio::steady_timer watchdog;
    bool expired = false;
    bool cancelled = false;
};

// mark, bind_if, bindto and bind_port, on a fresh socket. An error here is this host's, not the server's.
[[nodiscard]] Result<void> dress_socket(int fd, const Connection& check);

// Leaves the socket open when it passed, and the watchdog off.
[[nodiscard]] boost::asio::awaitable<Finding> connect(Connection check, std::shared_ptr<Attempt::State> state);

// What an error on a connection means; `limit` is the one the watchdog guards.
[[nodiscard]] Finding finding_of(const Attempt::State& state, const boost::system::error_code& error, Micros limit,
                                 const char* attempted);

}  // namespace mainstay::probe
