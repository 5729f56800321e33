// Routes that the kernel creates with an address, and does not remove with it while another address stays:
// - to the broadcast address, when that is the first one of the subnet ("brd -");
// - of an IPv6 prefix, when the other address of the prefix is permanent and has no prefix route (noprefixroute).
// Construct a LeftRoutes before removing addresses; its destructor removes these routes, if `links` no longer has the
// addresses.
#pragma once

#include <vector>

#include "links.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/kernel/rtnetlink.hpp"

namespace mainstay::role {

class LeftRoutes {
public:
    LeftRoutes(const std::vector<kernel::Address>& removals, const Links& links, Log& log);
    ~LeftRoutes();
    LeftRoutes(const LeftRoutes&) = delete;
    LeftRoutes& operator=(const LeftRoutes&) = delete;

private:
    [[nodiscard]] Result<void> remove() const;

    const Links& links_;
    Log& log_;
    std::vector<kernel::Address> suspects_;
};

}  // namespace mainstay::role
