// mainstayd-snmp: publishes the roles' state to an SNMP master over AgentX, and sends traps. It is a separate process
// because net-snmp's calls block.
//
// Usually only root may open the AgentX socket, so the connection is made before the privileges are dropped. Without a
// connection the process exits with kSnmpAgain, and the supervisor restarts it after kSnmpPause.
#pragma once

#include "mainstay/role/common/runtime.hpp"

namespace mainstay::role {

// Runs the whole process; returns its exit code.
[[nodiscard]] int run_snmp();

}  // namespace mainstay::role
