// The kernel has a route to the broadcast address of each address. When that is the first address of the subnet
// ("brd -") the kernel leaves the route behind where another address of the subnet stays. One of these is made before
// addresses are removed; when it ends, and `links` knows that they are gone, these routes go, too.
#pragma once

#include <vector>

#include "mainstay/base/log.hpp"
#include "mainstay/kernel/rtnetlink.hpp"
#include "vrrp_links.hpp"

namespace mainstay::role {

class LeftBroadcasts {
public:
    LeftBroadcasts(const std::vector<kernel::Address>& removals, const Links& links, Log& log);
    ~LeftBroadcasts();
    LeftBroadcasts(const LeftBroadcasts&) = delete;
    LeftBroadcasts& operator=(const LeftBroadcasts&) = delete;

private:
    [[nodiscard]] Result<void> remove() const;

    const Links& links_;
    Log& log_;
    std::vector<kernel::Address> suspects_;
};

}  // namespace mainstay::role
