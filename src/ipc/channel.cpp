#include "mainstay/ipc/channel.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <memory>

namespace mainstay::ipc {

Result<std::pair<UniqueFd, UniqueFd>> make_channel() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
        return fail_system("socketpair for a role", errno);
    return std::pair{UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

Result<void> send_message(int fd, const Message& message, int descriptor) {
    const auto bytes = encode_message(message);
    if (bytes.size() > kMessageBytesMax) return fail(Errc::Limit, "a message between processes is too large");
    return send_encoded(fd, bytes, descriptor);
}

Result<void> send_encoded(int fd, std::span<const std::byte> bytes, int descriptor) {
    iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};  // NOLINT(*-const-cast): sendmsg() only reads
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    if (descriptor >= 0) {
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        cmsghdr* c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(c), &descriptor, sizeof descriptor);
    }
    while (::sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == ENOBUFS) return fail(Errc::Limit, "the other process does not read", errno);
        return fail_system("send to another process", errno);
    }
    return {};
}

namespace {

// Converts exceptions of the standard library, mainly std::bad_alloc, to errors.
Result<Message> decode_received(std::span<const std::byte> bytes) {
    try {
        return decode_message(bytes);
    } catch (const std::exception& thrown) {
        return fail(Errc::Invalid, thrown.what());
    }
}

}  // namespace

Result<std::optional<std::variant<Received, Closed>>> receive_message(int fd) {
    // Not cleared, because most messages have about a hundred bytes and only these are read.
    const auto buffer = std::make_unique_for_overwrite<std::byte[]>(kMessageBytesMax);
    iovec part{buffer.get(), kMessageBytesMax};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * 4)> control{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    ssize_t got = 0;
    while ((got = ::recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) < 0) {
        if (errno == EINTR) continue;
        if (errno == EAGAIN) return std::nullopt;
        if (errno == ECONNRESET) return std::variant<Received, Closed>{Closed{}};
        return fail_system("receive from another process", errno);
    }
    UniqueFd descriptor;
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        std::array<int, 4> fds{};
        const std::size_t count = std::min((c->cmsg_len - CMSG_LEN(0)) / sizeof(int), fds.size());
        std::memcpy(fds.data(), CMSG_DATA(c), count * sizeof(int));
        for (std::size_t i = 0; i < count; ++i) {
            if (!descriptor)
                descriptor.reset(fds[i]);
            else
                UniqueFd{fds[i]}.reset();
        }
    }
    if (got == 0) {
        // The end of the connection looks like an empty message.
        if (!is_closed(fd)) return fail(Errc::Invalid, "message from another process: it is empty");
        return std::variant<Received, Closed>{Closed{}};
    }
    auto message = decode_received(std::span{buffer.get(), static_cast<std::size_t>(got)});
    if (!message) return error_of(message, "message from another process");
    return std::variant<Received, Closed>{Received{std::move(*message), std::move(descriptor)}};
}

bool is_closed(int fd) {
    pollfd line{.fd = fd, .events = POLLRDHUP, .revents = 0};
    return ::poll(&line, 1, 0) != 0;
}

}  // namespace mainstay::ipc
