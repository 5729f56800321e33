#pragma once

#include "config/parse/parse_context.hpp"

namespace mainstay::config {

// keepalived: one instance per virtual router id, family, interface and multicast group. Unicast instances may share an
// id on one local address, as long as no peer is in both of their lists.
void check_virtual_router_ids(ParseContext& r, const Config& config);

}  // namespace mainstay::config
