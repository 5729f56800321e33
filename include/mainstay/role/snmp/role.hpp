// mainstayd-snmp: shows what the vrrp role publishes to an SNMP master over AgentX, and sends its traps. A process of
// its own, because net-snmp blocks.
//
// An AgentX socket is root's as a rule, so the connection is made before the privileges are dropped; when it is lost,
// or was never had, the process ends with kSnmpAgain, and the supervisor starts it anew after a while.
#pragma once

#include "mainstay/role/common/runtime.hpp"

namespace mainstay::role {

// The whole process. Its exit code.
[[nodiscard]] int run_snmp();

}  // namespace mainstay::role
