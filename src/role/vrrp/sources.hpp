// Whether this host has the source addresses of its unicast instances.
#pragma once

#include <map>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::role {

class VrrpSources {
public:
    // What is new: of sources that were not asked for before, and of those that were missing. One that was here once
    // is not looked at again: as with keepalived its loss is a fault with track_src_ip only.
    [[nodiscard]] std::vector<vrrp::SourceFact> look(const config::Config& config);

private:
    std::map<IpAddress, bool> here_;
};

}  // namespace mainstay::role
