// The common start of checks over a connection: a configured socket, a deadline, and the meaning of errors.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <sys/socket.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>

#include "connect_reactor.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/probe/attempt.hpp"
#include "mainstay/probe/cached_clock.hpp"
#include "mainstay/probe/finding.hpp"

namespace mainstay::probe {

struct Attempt::State : std::enable_shared_from_this<Attempt::State> {
    explicit State(const boost::asio::any_io_executor& executor)
        : socket{executor}, datagrams{executor}, watchdog{executor} {}
    ~State() { stop_connecting(); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    void stop_connecting();
    void close() {
        stop_connecting();
        boost::system::error_code ignored;
        socket.close(ignored);
        datagrams.close(ignored);
    }
    // From now on the coroutine is woken after `limit`, with `expired`; a later call replaces an earlier one.
    void guard(Micros limit);

    UniqueFd connecting;  // until the connection is made; after that of checks that need no more than it
    ConnectReactor* arrivals = nullptr;
    std::uint64_t arrival = 0;  // its number there; 0: none is waited for
    boost::asio::ip::tcp::socket socket;
    boost::asio::posix::stream_descriptor datagrams;  // of checks without TCP: waited for, then read by its number
    boost::asio::steady_timer watchdog;
    std::chrono::steady_clock::time_point begun{};  // when make_connection() was
    bool expired = false;
    bool cancelled = false;
};

[[nodiscard]] sockaddr_storage to_sockaddr(const Endpoint& endpoint, socklen_t& size);

// mark, bind_if, bindto and bind_port, on a fresh socket. An error here is this host's, not the server's.
[[nodiscard]] Result<void> dress_socket(int fd, const Connection& check);

// Of the loop that it runs on.
[[nodiscard]] CachedClock& clock_of(Attempt::State& state);
// Ends with the connection made, in `connecting`, and the watchdog off, when it passed.
[[nodiscard]] boost::asio::awaitable<Finding> make_connection(Connection check, std::shared_ptr<Attempt::State> state);
// The same, to read and write: it is in `socket`.
[[nodiscard]] boost::asio::awaitable<Finding> connect(Connection check, std::shared_ptr<Attempt::State> state);

// A whole attempt: when `work` is done the watchdog is off, the sockets are closed, and the finding holds the duration.
[[nodiscard]] boost::asio::awaitable<Finding> complete(boost::asio::awaitable<Finding> work,
                                                       std::shared_ptr<Attempt::State> state);

// What an error on a connection means; `limit` is the one the watchdog guards.
[[nodiscard]] Finding finding_of(const Attempt::State& state, const boost::system::error_code& error, Micros limit,
                                 const char* attempted);

}  // namespace mainstay::probe
