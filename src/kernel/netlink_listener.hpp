// A netlink socket for notifications: opens it, and reads pending notifications.
#pragma once

#include <linux/filter.h>

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/netlink/message.hpp"

namespace mainstay::kernel {

inline constexpr int kDrainLimit = 4096;       // datagrams: so many at most are discarded at a time
inline constexpr int kReadAfterLoss = 16'384;  // datagrams: so many more are read at a time to empty a full queue

// A non-blocking socket in the caller's network namespace. `what` names it in errors: "rtnetlink".
struct Listening {
    int protocol = 0;         // NETLINK_ROUTE ...
    std::vector<int> groups;  // RTNLGRP_LINK ...
    std::string what;
    std::size_t buffer = 0;              // bytes; 0: the kernel's own choice
    const sock_fprog* filter = nullptr;  // attached before the groups are joined; used only during the call
};
[[nodiscard]] Result<UniqueFd> open_netlink_listener(const Listening& wanted);

// Reads at most `most` datagrams through `buffer`, without blocking, and passes their messages to `take`, which returns
// false for a damaged message; the rest of its datagram is then skipped. Datagrams that are not from the kernel are
// ignored. `lost` is called at the end when a datagram was lost, truncated or damaged: dump again and reconcile.
// `lossy` belongs to the socket, false at first: whether something was lost since the queue was last found empty. Until
// it is empty, the kernel drops what no longer fits without saying so again; so more is read at a time, and `lost` is
// called each time until then.
[[nodiscard]] Result<void> read_notifications(int fd, std::span<std::byte> buffer, int most, const std::string& what,
                                              const std::function<bool(const netlink::Message& message)>& take,
                                              const std::function<void()>& lost, bool& lossy);

}  // namespace mainstay::kernel
