// Kernel settings below /proc/sys, by their paths there: "net/ipv4/conf/lo/arp_ignore". Network settings are those of
// the caller's network namespace; writing them needs CAP_NET_ADMIN.
#pragma once

#include <string>
#include <string_view>

#include "mainstay/base/error.hpp"

namespace mainstay::kernel {

// Without the final newline. Errc::NotFound: this kernel or namespace does not have the setting.
[[nodiscard]] Result<std::string> read_sysctl(std::string_view name);
[[nodiscard]] Result<void> write_sysctl(std::string_view name, std::string_view value);
[[nodiscard]] Result<int> read_sysctl_number(std::string_view name);

}  // namespace mainstay::kernel
