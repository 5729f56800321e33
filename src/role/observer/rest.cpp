#include "rest.hpp"

#include "mainstay/report/dbus.hpp"

namespace mainstay::role {

bool needs_observer(const config::Config& config) {
    return !config.virtual_servers.empty() || report::dbus_names(config).enabled;
}

}  // namespace mainstay::role
