// Kernel settings below /proc/sys, named as there: "net/ipv4/conf/lo/arp_ignore". Those of the network are the ones
// of the caller's network namespace; writing them needs CAP_NET_ADMIN.
#pragma once

#include <string>
#include <string_view>

#include "mainstay/base/error.hpp"

namespace mainstay::kernel {

// Without the final newline. NotFound: this kernel, or this namespace, has no such setting.
[[nodiscard]] Result<std::string> read_sysctl(std::string_view name);
[[nodiscard]] Result<void> write_sysctl(std::string_view name, std::string_view value);
[[nodiscard]] Result<int> read_sysctl_number(std::string_view name);

}  // namespace mainstay::kernel
