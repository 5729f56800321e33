// The SNMP sections that a configuration enables. Pure. The reader uses it to decide whether the process is needed.
#pragma once

#include <string>

#include "mainstay/config/model.hpp"

namespace mainstay::report {

struct SnmpParts {
    bool vrrp = false, checker = false, rfc_v2 = false, rfc_v3 = false, traps = false;
    std::string socket;  // of the AgentX master; empty: the library's own
    [[nodiscard]] bool any() const { return vrrp || checker || rfc_v2 || rfc_v3; }
    bool operator==(const SnmpParts&) const = default;
};
// keepalived: -x has the effect of enable_snmp_vrrp and enable_snmp_checker; -A overrides snmp_socket.
[[nodiscard]] SnmpParts snmp_parts(const config::Config& config, bool by_option, const std::string& socket_by_option);

}  // namespace mainstay::report
