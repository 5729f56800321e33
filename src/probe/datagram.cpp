#include "datagram.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

#include "connect.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::probe {

namespace asio = boost::asio;

namespace {

Opened connect_refused(int sys_errno) {
    const Error error = Error::system("connect", sys_errno);
    return {fail(error.code(), with_hint(error.text(), sys_errno), sys_errno), meaning_of(sys_errno).outcome, true};
}

}  // namespace

lvs::Outcome Sent::outcome() const { return meaning_of(sys_errno).outcome; }
std::string Sent::reason() const { return with_hint(Error::system("send", sys_errno).text(), sys_errno); }

Opened open_datagram(Attempt::State& state, const Connection& check, int type, int protocol) {
    const bool v6 = check.target.address.is_v6();
    UniqueFd fd{::socket(v6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)};
    if (!fd) return {fail_system("socket", errno)};
    if (auto dressed = dress_socket(fd.get(), check); !dressed) return {std::move(dressed)};
    const int on = 1;
    static_cast<void>(v6 ? ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on)
                         : ::setsockopt(fd.get(), IPPROTO_IP, IP_RECVERR, &on, sizeof on));
    socklen_t size = 0;
    const sockaddr_storage target = to_sockaddr(check.target, size);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&target), size) != 0) return connect_refused(errno);
    boost::system::error_code error;
    state.datagrams.assign(fd.get(), error);
    if (error) return {fail_system("wait for the socket", error.value())};
    static_cast<void>(fd.release());
    return {};
}

Sent send_datagram(Attempt::State& state, std::span<const std::byte> bytes) {
    if (!state.datagrams.is_open()) return {ECANCELED};
    for (;;) {
        if (::send(state.datagrams.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL) >= 0) return {};
        if (errno != EINTR) return {errno};
    }
}

asio::awaitable<Heard> hear(std::shared_ptr<Attempt::State> state, std::span<std::byte> into) {
    for (;;) {
        boost::system::error_code error;
        co_await state->datagrams.async_wait(asio::posix::stream_descriptor::wait_read,
                                             asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return Heard{error, 0};
        const auto got = ::recv(state->datagrams.native_handle(), into.data(), into.size(), MSG_TRUNC);
        if (got >= 0) co_return Heard{{}, static_cast<std::size_t>(got)};
        if (errno != EAGAIN && errno != EINTR)
            co_return Heard{boost::system::error_code{errno, boost::system::system_category()}, 0};
    }
}

}  // namespace mainstay::probe
