// Checks whether this host has the source addresses of its unicast instances.
#pragma once

#include <map>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::role {

class VrrpSources {
public:
    // Facts about new sources and about sources that were missing. A source that existed once is not checked again:
    // as in keepalived, its loss is a fault only with track_src_ip.
    [[nodiscard]] std::vector<vrrp::SourceFact> look(const config::Config& config);

private:
    std::map<IpAddress, bool> here_;
};

}  // namespace mainstay::role
