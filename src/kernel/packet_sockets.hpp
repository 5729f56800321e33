// What the sockets of VRRP and BFD share. Private to the kernel module.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "mainstay/base/error.hpp"

namespace mainstay::kernel {

inline constexpr int kTrafficClass = 0xc0;           // RFC 9568 5.1: internetwork control
inline constexpr std::size_t kControlBytes = 128;    // of a received datagram: TTL, interface and time stamp
inline constexpr std::size_t kDatagramsAtOnce = 64;  // that one system call receives

// `what` is for the error's text: "set IP_TTL".
[[nodiscard]] Result<void> option(int fd, int level, int name, const auto& value, std::string_view what) {
    if (setsockopt(fd, level, name, &value, sizeof value) != 0) return fail_system(what, errno);
    return {};
}

// Up to kDatagramsAtOnce datagrams of one recvmmsg(2), each with its sender, an Address, and its control data.
template <class Address>
class ReceivedBatch {
public:
    // Each datagram gets `each` bytes of `room`, which has kDatagramsAtOnce times as many and outlives this object.
    ReceivedBatch(std::span<std::byte> room, std::size_t each) : room_{room}, each_{each} {
        for (std::size_t i = 0; i < kDatagramsAtOnce; ++i) {
            pieces_[i] = {.iov_base = room_.data() + i * each_, .iov_len = each_};
            msghdr& header = messages_[i].msg_hdr;
            header.msg_iov = &pieces_[i];
            header.msg_iovlen = 1;
            header.msg_name = &senders_[i];
            header.msg_namelen = sizeof senders_[i];
            header.msg_control = controls_[i].bytes.data();
            header.msg_controllen = kControlBytes;
        }
    }
    ReceivedBatch(const ReceivedBatch&) = delete;
    ReceivedBatch& operator=(const ReceivedBatch&) = delete;

    // The number of datagrams, 0 where none waits. None: it failed, and errno says why. Never blocks.
    [[nodiscard]] std::optional<std::size_t> receive(int fd) {
        int count = 0;
        do {
            count = ::recvmmsg(fd, messages_.data(), kDatagramsAtOnce, MSG_DONTWAIT, nullptr);
        } while (count < 0 && errno == EINTR);
        if (count >= 0) return static_cast<std::size_t>(count);
        if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
        return std::nullopt;
    }
    [[nodiscard]] msghdr& header(std::size_t i) { return messages_[i].msg_hdr; }
    [[nodiscard]] std::span<const std::byte> bytes(std::size_t i) const {
        return room_.subspan(i * each_, std::min<std::size_t>(messages_[i].msg_len, each_));
    }

private:
    struct alignas(cmsghdr) Control {
        std::array<std::byte, kControlBytes> bytes;
    };
    std::span<std::byte> room_;
    std::size_t each_;
    std::array<mmsghdr, kDatagramsAtOnce> messages_{};
    std::array<iovec, kDatagramsAtOnce> pieces_{};
    std::array<Address, kDatagramsAtOnce> senders_{};
    std::array<Control, kDatagramsAtOnce> controls_;
};

}  // namespace mainstay::kernel
