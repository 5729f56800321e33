// keepalived's log line for an IPVS operation that the kernel refused. Kept to the letter, because monitoring matches
// it.
#pragma once

#include <string>

#include "ipvs_types.hpp"

namespace mainstay::netlink {

// "IPVS cmd IP_VS_SO_SET_ADD(1154) error: Scheduler or persistence engine not found(2) (10.0.0.1:tcp:80)"
[[nodiscard]] std::string line_of_refusal(const IpvsOperation& operation, int sys_errno);

}  // namespace mainstay::netlink
