// Routes that the kernel makes with an address, and leaves behind where another address stays:
// - to the broadcast address, when that is the first one of the subnet ("brd -");
// - of an IPv6 prefix, when the other address of the prefix is permanent and has none itself (noprefixroute).
// One of these is made before addresses are removed; when it ends, and `links` knows that they are gone, these routes
// go, too.
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
