// Sets the receive buffer sizes of netlink sockets from global_defs: PREFIX_netlink_cmd_rcv_bufs and
// PREFIX_netlink_monitor_rcv_bufs, each with its _force variant.
#pragma once

#include <string>

#include "mainstay/base/log.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::role {

// `keyword` without _rcv_bufs: "vrrp_netlink_cmd". If the setting is absent or 0, the size is unchanged.
void size_netlink_buffer(int fd, const config::Global& global, const std::string& keyword, Log& log);

}  // namespace mainstay::role
