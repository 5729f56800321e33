// Queries whether a network device has a link. Some drivers are slow and hold the RTNL lock, which every change of an
// address needs, so only the watcher process uses this, apart from the process that takes over addresses.
#pragma once

#include <string>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/vrrp/watch.hpp"

namespace mainstay::kernel {

class LinkPoller {
public:
    [[nodiscard]] static Result<LinkPoller> open();

    struct Answer {
        bool up = false;
        vrrp::PolledLink::Method method = vrrp::PolledLink::Method::Any;  // the method that worked
    };
    // Errc::Unsupported: the device does not support the method. Errc::NotFound: the device does not exist.
    [[nodiscard]] Result<Answer> ask(const vrrp::PolledLink& link) const;

private:
    explicit LinkPoller(UniqueFd fd) : fd_{std::move(fd)} {}
    UniqueFd fd_;
};

[[nodiscard]] const char* to_string(vrrp::PolledLink::Method method);  // "MII", "ETHTOOL", "IOCTL"

}  // namespace mainstay::kernel
