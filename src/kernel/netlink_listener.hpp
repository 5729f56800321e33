// A netlink socket that listens to notifications: opening it, and reading what waits on it.
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

// In the caller's network namespace, not blocking. `what` names it in errors: "rtnetlink".
struct Listening {
    int protocol = 0;         // NETLINK_ROUTE ...
    std::vector<int> groups;  // RTNLGRP_LINK ...
    std::string what;
    std::size_t buffer = 0;              // bytes; 0: the kernel's own choice
    const sock_fprog* filter = nullptr;  // in force before anything can be heard; borrowed for the call
};
[[nodiscard]] Result<UniqueFd> open_netlink_listener(const Listening& wanted);

// Reads at most `most` datagrams through `buffer`, without blocking, and gives their messages to `take`; false from it
// means that the message is damaged: the rest of its datagram is given up. `lost` is called for each datagram that was
// lost, cut off or damaged: dump again and reconcile. What does not come from the kernel is passed over.
[[nodiscard]] Result<void> read_notifications(int fd, std::span<std::byte> buffer, int most, const std::string& what,
                                              const std::function<bool(const netlink::Message& message)>& take,
                                              const std::function<void()>& lost);

}  // namespace mainstay::kernel
