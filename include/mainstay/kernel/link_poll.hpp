// Asks a network device whether it has a link. Some drivers take their time over it, and may hold the lock that every
// change of an address needs: this is the watcher process's, and stays off the way of a takeover.
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
        vrrp::PolledLink::Method method = vrrp::PolledLink::Method::Any;  // the one that answered
    };
    // Errc::Unsupported: the device does not answer this way. Errc::NotFound: there is no such device.
    [[nodiscard]] Result<Answer> ask(const vrrp::PolledLink& link) const;

private:
    explicit LinkPoller(UniqueFd fd) : fd_{std::move(fd)} {}
    UniqueFd fd_;
};

[[nodiscard]] const char* to_string(vrrp::PolledLink::Method method);  // "MII", "ETHTOOL", "IOCTL"

}  // namespace mainstay::kernel
