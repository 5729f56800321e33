// Commands for instances and for the whole director, as mainstayctl failover and maintenance give them.
#pragma once

#include "api_routes.hpp"

namespace mainstay::role::http {

// POST /api/v1/instances/failover and failback: {"name": "VI_1", "dry_run": false}.
void command_instances(const ApiSources& sources, const Request& request, const Done& done);
// POST /api/v1/maintenance/on and off: {"seconds": 3600, "reason": "kernel update", "dry_run": false}.
void command_maintenance(const ApiSources& sources, const Request& request, const Done& done);

}  // namespace mainstay::role::http
