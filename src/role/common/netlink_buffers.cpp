#include "netlink_buffers.hpp"

#include <algorithm>
#include <climits>

#include "mainstay/config/schema/keyword_values.hpp"
#include "mainstay/kernel/scheduling.hpp"

namespace mainstay::role {

void size_netlink_buffer(int fd, const config::Global& global, const std::string& keyword, Log& log) {
    const auto& values = global.more->values;
    const auto bytes = config::value_of<std::int64_t>(values, keyword + "_rcv_bufs").value_or(0);
    if (fd < 0 || bytes == 0) return;
    const bool force = config::value_of<bool>(values, keyword + "_rcv_bufs_force").value_or(false);
    const auto sized = kernel::size_buffer(fd, static_cast<int>(std::min<std::int64_t>(bytes, INT_MAX)), force);
    if (!sized) log.warning("{}_rcv_bufs: {}", keyword, sized.error().text());
}

}  // namespace mainstay::role
