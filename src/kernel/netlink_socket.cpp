#include "mainstay/kernel/netlink_socket.hpp"

#include <fmt/format.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "netlink_listener.hpp"

namespace mainstay::kernel {
namespace {

// The kernel fills at most 32 KiB per datagram of a dump; one that is cut off all the same is an error.
constexpr std::size_t kReceiveBytes = 64UL * 1024U;
constexpr std::size_t kSocketBuffer = 2UL * 1024U * 1024U;
// The space that one acknowledgement takes in the receive buffer. Capped ones (NETLINK_CAP_ACK) take 0.8 to 1.3 KiB
// with the kernel's overhead; an error text makes them longer.
constexpr std::size_t kAnswerCost = 4096;
// The request before the first one, as a distance from that.
constexpr std::uint32_t kOfBegin = 0xFFFFFFFF;

Result<void> set_option(int fd, int level, int option, int value) {
    if (setsockopt(fd, level, option, &value, sizeof value) != 0) return fail_system("setsockopt netlink", errno);
    return {};
}

}  // namespace

std::size_t size_receive_buffer(int fd, std::size_t bytes) {
    const int wanted = static_cast<int>(bytes);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) != 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted);
    }
    int actual = 0;
    socklen_t length = sizeof actual;
    if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &actual, &length) != 0 || actual < 0) return 0;
    return static_cast<std::size_t>(actual);
}

NetlinkSocket::NetlinkSocket(UniqueFd fd, std::size_t batch_limit)
    : fd_{std::move(fd)}, batch_limit_{batch_limit}, buffer_(kReceiveBytes) {}

Result<NetlinkSocket> NetlinkSocket::open(int protocol) {
    UniqueFd fd{socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)};
    if (!fd) return fail_system("open a netlink socket", errno);
    return from(std::move(fd));
}

Result<NetlinkSocket> NetlinkSocket::from(UniqueFd fd) {
    sockaddr_nl local{};
    socklen_t length = sizeof local;
    const bool bound = getsockname(fd.get(), reinterpret_cast<sockaddr*>(&local), &length) == 0 && local.nl_pid != 0;
    local = {};
    local.nl_family = AF_NETLINK;  // port 0: the kernel gives one, so that many sockets of a process do not collide
    if (!bound && bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) {
        return fail_system("bind a netlink socket", errno);
    }
    const timeval limit{.tv_sec = kNetlinkAnswerTimeout.count(), .tv_usec = 0};
    if (setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0) {
        return fail_system("set the netlink receive timeout", errno);
    }
    if (auto done = set_option(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, 1); !done) return error_of(done);
    (void)set_option(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, 1);         // optional: error texts
    (void)set_option(fd.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, 0);  // the lenient rules of old kernels
    const std::size_t room = size_receive_buffer(fd.get(), kSocketBuffer);
    return NetlinkSocket{std::move(fd), std::max<std::size_t>(1, room / kAnswerCost)};
}

std::uint32_t NetlinkSocket::take_sequences(std::size_t count) {
    // 0 stays unused, and a batch does not wrap: its sequences are compared as a range.
    if (next_sequence_ == 0 || UINT32_MAX - next_sequence_ < count) next_sequence_ = 1;
    const std::uint32_t first = next_sequence_;
    next_sequence_ += static_cast<std::uint32_t>(count);
    return first;
}

Result<void> NetlinkSocket::send(std::span<const std::byte> bytes) {
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    iovec piece{.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
    msghdr message{};
    message.msg_name = &kernel;
    message.msg_namelen = sizeof kernel;
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    for (;;) {
        ++sendmsg_total_;
        const ssize_t sent = sendmsg(fd_.get(), &message, 0);
        if (sent >= 0 && static_cast<std::size_t>(sent) == bytes.size()) return {};
        if (sent >= 0) return fail(Errc::Io, "netlink took only part of a batch");
        if (errno != EINTR) return fail_system("send to netlink", errno);
    }
}

Result<std::span<const std::byte>> NetlinkSocket::receive(int flags) {
    for (;;) {
        sockaddr_nl from{};
        iovec piece{.iov_base = buffer_.data(), .iov_len = buffer_.size()};
        msghdr message{};
        message.msg_name = &from;
        message.msg_namelen = sizeof from;
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        const ssize_t size = recvmsg(fd_.get(), &message, flags);
        if (size < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN && (flags & MSG_DONTWAIT) == 0) {
                return fail(Errc::Timeout, fmt::format("no netlink answer in {} s", kNetlinkAnswerTimeout.count()));
            }
            if (errno == ENOBUFS) return fail(Errc::Io, "netlink answers were lost (receive buffer full)", ENOBUFS);
            return fail_system("receive from netlink", errno);
        }
        if (from.nl_pid != 0) continue;  // not from the kernel: any process may send to a netlink port
        if ((message.msg_flags & MSG_TRUNC) != 0) return fail(Errc::Io, "netlink answer longer than the buffer");
        return std::span{buffer_}.first(static_cast<std::size_t>(size));
    }
}

void NetlinkSocket::drain() {
    for (int i = 0; i < kDrainLimit; ++i) {
        const auto left = receive(MSG_DONTWAIT);
        if (!left && left.error().sys_errno() != ENOBUFS) return;
    }
}

Result<void> NetlinkSocket::exchange(std::span<const std::byte> requests, std::uint32_t first, std::size_t count,
                                     const OnAnswer& on_answer, const std::function<void()>& meanwhile) {
    if (count == 0) return {};
    if (auto sent = send(requests); !sent) return sent;
    if (meanwhile) meanwhile();
    return collect(first, count, Answered::Each, on_answer);
}

Result<void> NetlinkSocket::exchange_quietly(std::span<const std::byte> requests, std::uint32_t first,
                                             std::size_t count, const OnAnswer& on_answer) {
    if (count == 0) return {};
    if (auto sent = send(requests); !sent) return sent;
    return collect(first, count, Answered::Last, on_answer);
}

Result<void> NetlinkSocket::exchange_batch(std::span<const std::byte> requests, std::uint32_t first, std::size_t count,
                                           const OnAnswer& on_answer) {
    if (count == 0) return {};
    if (auto sent = send(requests); !sent) return sent;
    return collect(first, count, Answered::Batch, on_answer);
}

Result<void> NetlinkSocket::collect(std::uint32_t first, std::size_t count, Answered wanted,
                                    const OnAnswer& on_answer) {
    std::vector<bool> answered(count, false);
    std::size_t open = count;
    while (open > 0) {
        const auto datagram = receive();
        if (!datagram) {
            drain();
            return error_of(datagram);
        }
        netlink::MessageReader reader{*datagram};
        for (;;) {
            const auto message = reader.next();
            if (!message) return error_of(message);
            if (!*message) break;
            const std::uint32_t index = (*message)->sequence - first;  // an older one wraps to something large
            const bool of_begin = wanted == Answered::Batch && index == kOfBegin;
            if ((*message)->type != NLMSG_ERROR || (!of_begin && (index >= count || answered[index]))) continue;
            const auto answer = netlink::decode_acknowledgement(**message);
            if (!answer) return error_of(answer);
            if (of_begin && answer->sys_errno != 0) return fail_system("the whole batch", answer->sys_errno);
            if (of_begin) continue;
            answered[index] = true;
            --open;
            on_answer(index, *answer);
            if (wanted == Answered::Last && index == count - 1) return {};
        }
    }
    return {};
}

Result<bool> NetlinkSocket::dump_once(std::uint32_t sequence, const OnMessage& on_message) {
    bool interrupted = false;
    for (;;) {
        const auto datagram = receive();
        if (!datagram) return error_of(datagram);
        netlink::MessageReader reader{*datagram};
        for (;;) {
            const auto message = reader.next();
            if (!message) return error_of(message);
            if (!*message) break;
            if ((*message)->sequence != sequence) continue;
            interrupted = interrupted || ((*message)->flags & NLM_F_DUMP_INTR) != 0;
            if ((*message)->type == NLMSG_DONE) {
                const auto ended = netlink::decode_done(**message);
                if (!ended) return error_of(ended);
                if (*ended != 0) return fail_system("netlink dump", *ended);
                return !interrupted;
            }
            if ((*message)->type == NLMSG_ERROR) {
                const auto answer = netlink::decode_acknowledgement(**message);
                if (!answer) return error_of(answer);
                if (answer->sys_errno != 0) return fail_system("netlink dump", answer->sys_errno);
                continue;
            }
            if (auto taken = on_message(**message); !taken) return error_of(taken);
        }
    }
}

Result<void> NetlinkSocket::dump(const MakeRequest& make, const std::function<void()>& restart,
                                 const OnMessage& on_message) {
    for (int attempt = 0; attempt < kNetlinkDumpAttempts; ++attempt) {
        restart();
        const std::uint32_t sequence = take_sequences(1);
        std::vector<std::byte> request;
        make(request, sequence);
        if (auto sent = send(request); !sent) return sent;
        const auto whole = dump_once(sequence, on_message);
        if (!whole) {
            drain();  // an unfinished dump would make the next one EBUSY
            return error_of(whole);
        }
        if (*whole) return {};
    }
    return fail(Errc::Limit, fmt::format("netlink dump interrupted by changes {} times", kNetlinkDumpAttempts));
}

Result<void> NetlinkSocket::query(std::span<const std::byte> request, std::uint32_t sequence,
                                  const OnMessage& on_message) {
    if (auto sent = send(request); !sent) return sent;
    for (;;) {
        const auto datagram = receive();
        if (!datagram) {
            drain();
            return error_of(datagram);
        }
        netlink::MessageReader reader{*datagram};
        for (;;) {
            const auto message = reader.next();
            if (!message) return error_of(message);
            if (!*message) break;
            if ((*message)->sequence != sequence) continue;
            if ((*message)->type != NLMSG_ERROR) return on_message(**message);
            const auto answer = netlink::decode_acknowledgement(**message);
            if (!answer) return error_of(answer);
            if (answer->sys_errno != 0) return fail_system("netlink request", answer->sys_errno);
        }
    }
}

}  // namespace mainstay::kernel
