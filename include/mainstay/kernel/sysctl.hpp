// Kernel settings below /proc/sys, by their paths there: "net/ipv4/conf/lo/arp_ignore". Network settings are those of
// the caller's network namespace; writing them needs CAP_NET_ADMIN.
//
// Containers have /proc/sys read-only. What rtnetlink can set (netlink::ipv4_setting_number, of one interface) is
// therefore set by it, and by the file only if it refuses; all else has only the file: "all", "default", IPv6.
#pragma once

#include <string>
#include <string_view>

#include "mainstay/base/error.hpp"

namespace mainstay::kernel {

// Without the final newline. Errc::NotFound: this kernel or namespace does not have the setting.
[[nodiscard]] Result<std::string> read_sysctl(std::string_view name);
// Both ways were tried if the error begins with an interface's.
[[nodiscard]] Result<void> write_sysctl(std::string_view name, std::string_view value);
// Writes only what differs: where /proc/sys is read-only, what is as it shall be is no trouble.
[[nodiscard]] Result<void> keep_sysctl(std::string_view name, std::string_view value);
[[nodiscard]] Result<int> read_sysctl_number(std::string_view name);

}  // namespace mainstay::kernel
