// check_data_path of a virtual server: checks of servers with direct routing or a tunnel ask the service's address.
#pragma once

#include <optional>

#include "mainstay/base/ip.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::config {

[[nodiscard]] bool checks_data_path(const VirtualServer& service);

// The address of the service that such checks of this server ask: of the server's family; of a group its first one.
// None: they ask the server itself, because it is reached by NAT, is of another family, or the service has firewall
// marks alone.
[[nodiscard]] std::optional<IpAddress> data_path_address(const VirtualServer& service, const RealServer& server);

}  // namespace mainstay::config
