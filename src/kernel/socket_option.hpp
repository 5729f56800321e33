// What the sockets of VRRP and BFD share. Private to the kernel module.
#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <string_view>

#include "mainstay/base/error.hpp"

namespace mainstay::kernel {

inline constexpr int kTrafficClass = 0xc0;         // RFC 9568 5.1: internetwork control
inline constexpr std::size_t kControlBytes = 128;  // of a received datagram: TTL, interface and time stamp

// `what` is for the error's text: "set IP_TTL".
[[nodiscard]] Result<void> option(int fd, int level, int name, const auto& value, std::string_view what) {
    if (setsockopt(fd, level, name, &value, sizeof value) != 0) return fail_system(what, errno);
    return {};
}

}  // namespace mainstay::kernel
