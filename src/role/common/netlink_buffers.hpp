// The receive buffers of netlink sockets, as global_defs wants them: PREFIX_netlink_cmd_rcv_bufs and
// PREFIX_netlink_monitor_rcv_bufs with their _force.
#pragma once

#include <string>

#include "mainstay/base/log.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::role {

// `keyword` without _rcv_bufs: "vrrp_netlink_cmd". Nothing happens when it is not given or 0.
void size_netlink_buffer(int fd, const config::Global& global, const std::string& keyword, Log& log);

}  // namespace mainstay::role
