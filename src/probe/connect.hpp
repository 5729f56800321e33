// The common start of checks over a connection: a configured socket, a deadline, and the meaning of errors.
#pragma once

#include <sys/socket.h>

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/lvs/judge.hpp"
#include "mainstay/probe/attempt.hpp"
#include "mainstay/probe/cached_clock.hpp"
#include "mainstay/probe/finding.hpp"

// In all coroutines of this module: GCC 12 inlines only one of Asio's allocation functions for coroutine frames, and
// then warns of a mismatch.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace mainstay::probe {

// Waits until connections are established, with a separate epoll set per loop: a connection costs one system call here,
// but three in Asio's reactor.

// One per io_context: boost::asio::use_service<ConnectReactor>(context).
class ConnectReactor final : public boost::asio::execution_context::service {
public:
    using key_type = ConnectReactor;
    static boost::asio::execution_context::id id;
    // Called once, on the loop, when the connection is established or has failed; SO_ERROR then has the reason.
    using Arrived = std::function<void(bool failed)>;

    explicit ConnectReactor(boost::asio::execution_context& context);

    // Waits for `fd`, which is connecting. Returns a number for forget(); 0: an error, see errno.
    [[nodiscard]] std::uint64_t watch(int fd, Arrived arrived);
    // Call it before closing the descriptor. No effect after the callback.
    void forget(std::uint64_t number);

private:
    void shutdown() override;
    void arm();
    void look();

    boost::asio::posix::stream_descriptor set_;
    std::unordered_map<std::uint64_t, Arrived> waiting_;
    std::uint64_t last_ = 0;
    bool armed_ = false;
};

// A loop that was stopped for long, as with its virtual machine, finds deadlines that have passed, and answers that
// came in time. What is there is read in so many more turns at most; each reads of 128 sockets.
inline constexpr int kLastTurns = 64;

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
    // A check over a connection begins: it ends kCheckWaitsMax times connect_timeout from now, whatever comes.
    void begin(std::chrono::steady_clock::time_point now, Micros connect_timeout);
    // Resumes the coroutine when `limit` has passed, since then or since `since`, or at the end of the whole check,
    // with `expired` set; a later call replaces an earlier one.
    void guard(Micros limit) { guard(limit, std::chrono::steady_clock::now()); }
    void guard(Micros limit, std::chrono::steady_clock::time_point since);
    // Nothing that guard() has begun ends the coroutine any more.
    void disarm() {
        ++wait;
        watchdog.cancel();
    }

    UniqueFd connecting;  // the connecting socket; stays here in checks that only connect
    ConnectReactor* arrivals = nullptr;
    std::uint64_t arrival = 0;  // its number in the ConnectReactor; 0: not waiting
    boost::asio::ip::tcp::socket socket;
    boost::asio::posix::stream_descriptor datagrams;  // the socket of checks without TCP
    boost::asio::steady_timer watchdog;
    std::chrono::steady_clock::time_point begun{};  // when make_connection() was called
    std::chrono::steady_clock::time_point end = std::chrono::steady_clock::time_point::max();  // of the whole check
    Micros timeout{0};  // what expires, for people
    bool expired = false;
    bool cancelled = false;

private:
    void wait_is_over(std::uint64_t which, bool looked);

    std::uint64_t wait = 0;  // which one guard() has begun: the handler of an earlier one may be queued already
    int turns_left = kLastTurns;
};

[[nodiscard]] sockaddr_storage to_sockaddr(const Endpoint& endpoint, socklen_t& size);

// Sets mark, bind_if, bindto and bind_port on a new socket. An error is a problem of this host, not of the server.
[[nodiscard]] Result<void> dress_socket(int fd, const Connection& check);

// The cached time of the current loop.
[[nodiscard]] CachedClock& clock_of(Attempt::State& state);
// Connects. If it passes, the connection is in `connecting` and the timeout is disarmed.
[[nodiscard]] boost::asio::awaitable<Finding> make_connection(Connection check, std::shared_ptr<Attempt::State> state);
// The same for reading and writing; the connection is in `socket`.
[[nodiscard]] boost::asio::awaitable<Finding> connect(Connection check, std::shared_ptr<Attempt::State> state);

// Runs a whole attempt: after `work` it disarms the timeout, closes the sockets and adds the duration to the finding.
[[nodiscard]] boost::asio::awaitable<Finding> complete(boost::asio::awaitable<Finding> work,
                                                       std::shared_ptr<Attempt::State> state);

// The finding for an error on a connection.
[[nodiscard]] Finding finding_of(const Attempt::State& state, const boost::system::error_code& error,
                                 const char* attempted);

}  // namespace mainstay::probe

namespace mainstay::probe {

// What an error of the kernel says about the server that is checked: the one table for every kind of check, and for
// each call that reaches for the server (connect, send, receive, the error queue of a datagram socket). What fails
// before that (socket, bind, an option) is this host's own, whatever the number, and is not looked up here.
struct ErrorMeaning {
    lvs::Outcome outcome = lvs::Outcome::Failed;
    bool plain = false;          // the error's own text is reason enough: "connection refused"
    std::string_view hint = {};  // where on this host to look
};
[[nodiscard]] ErrorMeaning meaning_of(int sys_errno);

// `text`, which ends with the error's own words, and the hint: "connect: invalid argument (a blackhole route?)".
[[nodiscard]] std::string with_hint(std::string text, int sys_errno);

}  // namespace mainstay::probe
