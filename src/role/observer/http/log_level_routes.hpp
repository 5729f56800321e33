// The levels at which the daemon's modules log, as mainstayctl loglevel shows and sets them.
#pragma once

#include "api_routes.hpp"

namespace mainstay::role::http {

// GET /api/v1/loglevel: {"levels": {"vrrp": "info", ...}}.
[[nodiscard]] Answer show_log_levels(const ApiSources& sources);
// POST /api/v1/loglevel: {"module": "vrrp", "level": "debug"}; without a module, of all.
void set_log_levels(const ApiSources& sources, const Request& request, const Done& done);

}  // namespace mainstay::role::http
