#include "connect.hpp"

#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cctype>
#include <cerrno>
#include <cstring>

#include "mainstay/base/error.hpp"

namespace mainstay::probe {

namespace asio = boost::asio;
using asio::ip::tcp;

void TcpAttempt::State::guard(Micros limit) {
    watchdog.expires_after(limit);
    watchdog.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        const auto alive = weak.lock();
        if (error || !alive) return;
        alive->expired = true;
        alive->close();  // wakes the coroutine
    });
}

namespace {

tcp::endpoint to_asio(const Endpoint& endpoint) {
    const auto bytes = endpoint.address.bytes();
    if (endpoint.address.is_v6()) {
        asio::ip::address_v6::bytes_type raw{};
        std::memcpy(raw.data(), bytes.data(), raw.size());
        return {asio::ip::address_v6{raw}, endpoint.port};
    }
    return {asio::ip::address_v4{endpoint.address.v4_host_order()}, endpoint.port};
}

// Opens and binds. An error here is this host's, not the server's.
Result<void> prepare(tcp::socket& socket, const TcpCheck& check) {
    boost::system::error_code error;
    socket.open(check.target.address.is_v6() ? tcp::v6() : tcp::v4(), error);
    if (error) return fail_system("socket", error.value());
    const int fd = socket.native_handle();
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
    socket.bind(to_asio(*check.bind), error);
    if (error) return fail_system(fmt::format("bind to {}", check.bind->to_string()), error.value());
    return {};
}

bool is_servers_fault(int sys_errno) {
    switch (sys_errno) {
        case ECONNREFUSED:
        case ECONNRESET:
        case EHOSTUNREACH:
        case EHOSTDOWN:
        case ENETUNREACH:
        case ENETDOWN:
        case EPIPE:
        case ETIMEDOUT:
            return true;
        default:
            return false;
    }
}

std::string words_of(const boost::system::error_code& error) {
    std::string text = error.message();
    if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    return text;
}

}  // namespace

Finding finding_of(const TcpAttempt::State& state, const boost::system::error_code& error, Micros limit,
                   const char* attempted) {
    if (state.cancelled) return {lvs::Outcome::NotRun, "cancelled", {}, {}};
    if (state.expired) {
        const double seconds = std::chrono::duration<double>(limit).count();
        return {lvs::Outcome::TimedOut, fmt::format("timed out after {:g} s", seconds), {}, {}};
    }
    if (!error) return {lvs::Outcome::Passed, "connected", {}, {}};
    if (error.value() == ETIMEDOUT) return {lvs::Outcome::TimedOut, words_of(error), {}, {}};
    if (is_servers_fault(error.value())) return {lvs::Outcome::Failed, words_of(error), {}, {}};
    return {lvs::Outcome::NotRun, fmt::format("{}: {}", attempted, words_of(error)), {}, {}};
}

asio::awaitable<Finding> connect(TcpCheck check, std::shared_ptr<TcpAttempt::State> state) {
    if (state->cancelled) co_return Finding{lvs::Outcome::NotRun, "cancelled", {}, {}};
    if (const auto ready = prepare(state->socket, check); !ready)
        co_return Finding{lvs::Outcome::NotRun, ready.error().text(), {}, {}};
    state->guard(check.connect_timeout);
    boost::system::error_code error;
    co_await state->socket.async_connect(to_asio(check.target), asio::redirect_error(asio::use_awaitable, error));
    state->watchdog.cancel();
    co_return finding_of(*state, error, check.connect_timeout, "connect");
}

}  // namespace mainstay::probe
