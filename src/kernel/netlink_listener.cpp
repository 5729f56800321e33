#include "netlink_listener.hpp"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "mainstay/kernel/netlink_socket.hpp"

namespace mainstay::kernel {
namespace {

using Take = std::function<bool(const netlink::Message&)>;

// False when the datagram is damaged.
bool take_all(std::span<const std::byte> datagram, const Take& take) {
    netlink::MessageReader reader{datagram};
    for (;;) {
        const auto message = reader.next();
        if (!message) return false;
        if (!*message) return true;
        if (!take(**message)) return false;
    }
}

}  // namespace

Result<UniqueFd> open_netlink_listener(const Listening& wanted) {
    UniqueFd fd{socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, wanted.protocol)};
    if (!fd) return fail_system("open the " + wanted.what + " notification socket", errno);
    if (wanted.filter != nullptr &&
        setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, wanted.filter, sizeof *wanted.filter) != 0)
        return fail_system("filter the " + wanted.what + " notifications", errno);
    if (wanted.buffer != 0) (void)size_receive_buffer(fd.get(), wanted.buffer);
    sockaddr_nl local{};
    local.nl_family = AF_NETLINK;
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0)
        return fail_system("bind the " + wanted.what + " notification socket", errno);
    for (const int group : wanted.groups)
        if (setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
            return fail_system("listen to " + wanted.what + " notifications", errno);
    return fd;
}

Result<void> read_notifications(int fd, std::span<std::byte> buffer, int most, const std::string& what,
                                const Take& take, const std::function<void()>& lost, bool& lossy) {
    if (lossy) most += kReadAfterLoss;
    for (; most > 0; --most) {
        sockaddr_nl from{};
        iovec piece{.iov_base = buffer.data(), .iov_len = buffer.size()};
        msghdr header{};
        header.msg_name = &from;
        header.msg_namelen = sizeof from;
        header.msg_iov = &piece;
        header.msg_iovlen = 1;
        const ssize_t size = recvmsg(fd, &header, MSG_DONTWAIT);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno == EAGAIN) {
            if (std::exchange(lossy, false)) lost();
            return {};
        }
        if (size < 0 && errno != ENOBUFS) return fail_system("read " + what + " notifications", errno);
        if (size >= 0 && from.nl_pid != 0) continue;  // not from the kernel
        const bool whole = size >= 0 && (header.msg_flags & MSG_TRUNC) == 0;
        if (whole && take_all(buffer.first(static_cast<std::size_t>(size)), take)) continue;
        if (!std::exchange(lossy, true)) most += kReadAfterLoss;
    }
    if (lossy) lost();
    return {};
}

}  // namespace mainstay::kernel
