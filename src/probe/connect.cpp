#include "connect.hpp"

#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "mainstay/base/error.hpp"
#include "mainstay/config/keywords.hpp"

namespace mainstay::probe {

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

Attempt::Attempt(const asio::any_io_executor& executor) : state_{std::make_shared<State>(executor)} {}
Attempt::~Attempt() = default;

void Attempt::cancel() {
    state_->cancelled = true;
    state_->close();
    state_->watchdog.cancel();
}

void Attempt::State::begin(Clock::time_point now, Micros connect_timeout) {
    begun = now;
    timeout = connect_timeout;
    end = now + kCheckWaitsMax * connect_timeout;
    disarm();
}

void Attempt::State::guard(Micros limit, Clock::time_point since) {
    const auto due = since + limit;
    timeout = due <= end ? limit : std::chrono::duration_cast<Micros>(end - begun);
    const auto expiry = std::min(due, end);
    // A deadline that stays where it was gets no more of them, and the end of the whole check none: a server may answer
    // each turn.
    if (expiry != watchdog.expiry()) turns_left = due < end ? kLastTurns : 0;
    watchdog.expires_at(expiry);
    watchdog.async_wait([weak = weak_from_this(), which = ++wait](const boost::system::error_code& error) {
        const auto alive = weak.lock();
        if (!error && alive) alive->wait_is_over(which, false);
    });
}

namespace {

// Of a socket: whether any of these has happened to it, and which.
short events_at(int fd, short wanted) {
    pollfd one{.fd = fd, .events = wanted, .revents = 0};
    return ::poll(&one, 1, 0) > 0 ? one.revents : short{0};
}

}  // namespace

// One more turn in any case: what was read already may be queued behind this.
void Attempt::State::wait_is_over(std::uint64_t which, bool looked) {
    if (which != wait) return;
    const int fd = socket.is_open() ? socket.native_handle() : datagrams.is_open() ? datagrams.native_handle() : -1;
    if (turns_left > 0 && (!looked || events_at(fd, POLLIN) != 0)) {
        --turns_left;
        asio::post(watchdog.get_executor(), [weak = weak_from_this(), which] {
            if (const auto alive = weak.lock()) alive->wait_is_over(which, true);
        });
        return;
    }
    expired = true;
    close();  // resumes the coroutine
}

namespace {

std::string words_of(const boost::system::error_code& error) {
    std::string text = error.message();
    if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    return text;
}

}  // namespace

sockaddr_storage to_sockaddr(const Endpoint& endpoint, socklen_t& size) {
    sockaddr_storage storage{};
    const auto bytes = endpoint.address.bytes();
    if (endpoint.address.is_v6()) {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(endpoint.port);
        std::memcpy(&v6.sin6_addr, bytes.data(), sizeof v6.sin6_addr);
        std::memcpy(&storage, &v6, size = sizeof v6);
    } else {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(endpoint.port);
        std::memcpy(&v4.sin_addr, bytes.data(), sizeof v4.sin_addr);
        std::memcpy(&storage, &v4, size = sizeof v4);
    }
    return storage;
}

namespace {

// TCP has the number of "no address of this host reaches it" for "no local port is left", too. A datagram socket has
// another one for that.
bool lacks_ports_only(const Connection& check) {
    const UniqueFd fd{::socket(check.target.address.is_v6() ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    Connection any_port = check;
    if (any_port.bind) any_port.bind->port = 0;
    if (!fd || !dress_socket(fd.get(), any_port)) return true;
    socklen_t size = 0;
    const sockaddr_storage target = to_sockaddr(check.target, size);
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&target), size) == 0 || errno != EADDRNOTAVAIL;
}

// Opens, configures and connects the socket. 0: connected; EINPROGRESS: connecting; another number: why the server is
// not reached. An error: what this host lacks.
Result<int> begin(Attempt::State& state, const Connection& check) {
    const int family = check.target.address.is_v6() ? AF_INET6 : AF_INET;
    state.connecting = UniqueFd{::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!state.connecting) return fail_system("socket", errno);
    if (auto dressed = dress_socket(state.connecting.get(), check); !dressed) return error_of(dressed);
    socklen_t size = 0;
    const sockaddr_storage target = to_sockaddr(check.target, size);
    if (::connect(state.connecting.get(), reinterpret_cast<const sockaddr*>(&target), size) == 0) return 0;
    const int error = errno;
    if (error == EADDRNOTAVAIL && lacks_ports_only(check)) return fail_system("no local port, connect", error);
    return error;
}

int socket_error(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace

Connection connection_of(const config::Checker& checker) {
    return {.target = checker.target,
            .bind = *checker.bind,
            .bind_if = checker.bind_if,
            .connect_timeout = checker.connect_timeout,
            .mark = static_cast<std::uint32_t>(
                config::value_of(checker.more->values, config::keyword::fwmark).value_or(0))};
}

Result<void> dress_socket(int fd, const Connection& check) {
    if (check.mark != 0 && ::setsockopt(fd, SOL_SOCKET, SO_MARK, &check.mark, sizeof check.mark) != 0)
        return fail_system(fmt::format("set mark {}", check.mark), errno);
    if (!check.bind_if.empty() && ::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, check.bind_if.c_str(),
                                               static_cast<socklen_t>(check.bind_if.size() + 1)) != 0) {
        return fail_system(fmt::format("bind to interface {}", check.bind_if), errno);
    }
    if (!check.bind) return {};
    const int on = 1;
    if (check.bind->port == 0) {
        // The port is chosen at connect, so that one per destination is enough. Only an optimisation.
        static_cast<void>(::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on));
    } else {
        static_cast<void>(::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    }
    socklen_t size = 0;
    const sockaddr_storage source = to_sockaddr(*check.bind, size);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&source), size) != 0)
        return fail_system(fmt::format("bind to {}", check.bind->to_string()), errno);
    return {};
}

Finding finding_of(const Attempt::State& state, const boost::system::error_code& error, const char* attempted) {
    if (state.cancelled) return {lvs::Outcome::NotRun, "cancelled", {}, {}};
    if (state.expired) {
        const double seconds = std::chrono::duration<double>(state.timeout).count();
        return {lvs::Outcome::TimedOut, fmt::format("timed out after {:g} s", seconds), {}, {}};
    }
    if (!error) return {lvs::Outcome::Passed, "connected", {}, {}};
    // Asio's own numbers ("end of file") are not the kernel's.
    const int sys_errno = error.category() == boost::system::system_category() ? error.value() : 0;
    const ErrorMeaning meaning = meaning_of(sys_errno);
    if (meaning.plain) return {meaning.outcome, words_of(error), {}, {}};
    return {meaning.outcome, with_hint(fmt::format("{}: {}", attempted, words_of(error)), sys_errno), {}, {}};
}

void Attempt::State::stop_connecting() {
    if (arrival != 0) arrivals->forget(std::exchange(arrival, 0));
    connecting.reset();
}

CachedClock& clock_of(Attempt::State& state) {
    return asio::use_service<CachedClock>(asio::query(state.watchdog.get_executor(), asio::execution::context));
}

// One timer serves both as the timeout and to resume the coroutine when the connection is made.
asio::awaitable<Finding> make_connection(Connection check, std::shared_ptr<Attempt::State> state) {
    state->begin(clock_of(*state).now(), check.connect_timeout);
    if (state->cancelled) co_return Finding{lvs::Outcome::NotRun, "cancelled", {}, {}};
    const auto begun = begin(*state, check);
    if (!begun) co_return Finding{lvs::Outcome::NotRun, begun.error().text(), {}, {}};
    int error = *begun;
    if (error == EINPROGRESS) {
        bool arrived = false, failed = false;
        state->arrivals =
            &asio::use_service<ConnectReactor>(asio::query(state->watchdog.get_executor(), asio::execution::context));
        state->arrival = state->arrivals->watch(state->connecting.get(), [&, raw = state.get()](bool in_vain) {
            arrived = true;
            failed = in_vain;
            raw->arrival = 0;
            raw->watchdog.cancel();
        });
        if (state->arrival == 0)
            co_return Finding{lvs::Outcome::NotRun, Error::system("watch a connection", errno).text(), {}, {}};
        boost::system::error_code woken;
        state->watchdog.expires_at(state->begun + check.connect_timeout);
        co_await state->watchdog.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        if (!arrived && !state->cancelled) {  // it may be among those that this turn did not look at
            state->arrivals->forget(std::exchange(state->arrival, 0));
            const short events = events_at(state->connecting.get(), POLLOUT);
            arrived = events != 0;
            failed = (events & (POLLERR | POLLHUP)) != 0;
        }
        state->expired = !arrived;  // unless it was cancelled, which counts before
        error = failed ? socket_error(state->connecting.get()) : 0;
    }
    Finding finding = finding_of(*state, {error, boost::system::system_category()}, "connect");
    if (finding.outcome != lvs::Outcome::Passed) state->stop_connecting();
    co_return finding;
}

asio::awaitable<Finding> connect(Connection check, std::shared_ptr<Attempt::State> state) {
    const bool v6 = check.target.address.is_v6();
    Finding finding = co_await make_connection(std::move(check), state);
    if (finding.outcome != lvs::Outcome::Passed) co_return finding;
    boost::system::error_code error;
    state->socket.assign(v6 ? tcp::v6() : tcp::v4(), state->connecting.get(), error);
    if (error) co_return Finding{lvs::Outcome::NotRun, "connect: " + words_of(error), {}, {}};
    static_cast<void>(state->connecting.release());
    co_return finding;
}

asio::awaitable<Finding> complete(asio::awaitable<Finding> work, std::shared_ptr<Attempt::State> state) {
    const auto started = std::chrono::steady_clock::now();
    Finding finding = co_await std::move(work);
    state->disarm();
    state->close();
    finding.duration = std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now() - started);
    co_return finding;
}

namespace asio = boost::asio;

asio::execution_context::id ConnectReactor::id;  // NOLINT(cert-err58-cpp): does nothing

ConnectReactor::ConnectReactor(asio::execution_context& context)
    : asio::execution_context::service{context}, set_{static_cast<asio::io_context&>(context)} {
    boost::system::error_code refused;  // without a descriptor the set stays closed, which watch() reports
    set_.assign(::epoll_create1(EPOLL_CLOEXEC), refused);
}

void ConnectReactor::shutdown() {
    waiting_.clear();
    boost::system::error_code ignored;
    set_.close(ignored);
}

std::uint64_t ConnectReactor::watch(int fd, Arrived arrived) {
    epoll_event event{};
    event.events = EPOLLOUT | EPOLLONESHOT;
    event.data.u64 = ++last_;
    if (!set_.is_open()) {
        errno = EMFILE;
        return 0;
    }
    if (::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, fd, &event) != 0) return 0;
    waiting_.emplace(last_, std::move(arrived));
    arm();
    return last_;
}

void ConnectReactor::forget(std::uint64_t number) {
    waiting_.erase(number);
    // Without connections nothing waits on the epoll set, so that a loop without other work ends.
    boost::system::error_code ignored;
    if (waiting_.empty()) set_.cancel(ignored);
}

void ConnectReactor::arm() {
    if (armed_ || waiting_.empty()) return;
    armed_ = true;
    set_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code&) {
        armed_ = false;
        look();
        arm();
    });
}

// What one call does not hold is there at the next wait.
void ConnectReactor::look() {
    std::array<epoll_event, 128> events{};
    const int count = ::epoll_wait(set_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
    for (const epoll_event& event : std::span{events}.first(static_cast<std::size_t>(std::max(count, 0)))) {
        const auto found = waiting_.find(event.data.u64);
        if (found == waiting_.end()) continue;  // forgotten by one that came before it
        const Arrived arrived = std::move(found->second);
        waiting_.erase(found);
        arrived((event.events & (EPOLLERR | EPOLLHUP)) != 0);
    }
}

namespace {

using lvs::Outcome;

struct Row {
    int sys_errno;
    ErrorMeaning meaning;
};

// A number that has no row has failed: who cannot reach a server cannot serve it either, whatever stands in the way.
constexpr std::array kRows{
    Row{ETIMEDOUT, {.outcome = Outcome::TimedOut, .plain = true}},
    Row{ECONNREFUSED, {.plain = true}},
    Row{ECONNRESET, {.plain = true}},
    Row{EPIPE, {.plain = true}},
    Row{EHOSTUNREACH, {.plain = true}},
    Row{EHOSTDOWN, {.plain = true}},
    Row{ENETUNREACH, {.plain = true}},
    Row{ENETDOWN, {.plain = true}},
    // The host itself refuses to send there. From far away comes only EACCES, as ICMPv6 "administratively prohibited".
    Row{EINVAL, {.hint = "a blackhole route?"}},
    Row{EACCES, {.hint = "prohibited by a route or a firewall?"}},
    Row{EPERM, {.hint = "this host's firewall?"}},
    Row{EADDRNOTAVAIL, {.hint = "no address of this host reaches it?"}},
    // A shortage of this host, or a call that was given up: nothing was learnt of the server.
    Row{EMFILE, {.outcome = Outcome::NotRun}},
    Row{ENFILE, {.outcome = Outcome::NotRun}},
    Row{ENOMEM, {.outcome = Outcome::NotRun}},
    Row{ENOBUFS, {.outcome = Outcome::NotRun}},
    Row{EAGAIN, {.outcome = Outcome::NotRun}},  // of a datagram socket: no local port is left
    Row{EINTR, {.outcome = Outcome::NotRun}},
    Row{ECANCELED, {.outcome = Outcome::NotRun}},
};

}  // namespace

ErrorMeaning meaning_of(int sys_errno) {
    const auto* const row = std::ranges::find(kRows, sys_errno, &Row::sys_errno);
    return row == kRows.end() ? ErrorMeaning{} : row->meaning;
}

std::string with_hint(std::string text, int sys_errno) {
    const std::string_view hint = meaning_of(sys_errno).hint;
    if (!hint.empty()) text += fmt::format(" ({})", hint);
    return text;
}

}  // namespace mainstay::probe
