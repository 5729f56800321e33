#include "mainstay/config/keyword_values.hpp"
#include "mainstay/report/snmp_parts.hpp"

namespace mainstay::report {

SnmpParts snmp_parts(const config::Config& config, bool by_option, const std::string& socket_by_option) {
    const auto& global = config.global.more->values;
    const auto has = [&](std::string_view keyword) { return config::value_of<bool>(global, keyword).value_or(false); };
    SnmpParts parts;
    parts.vrrp = by_option || has("enable_snmp_vrrp") || has("enable_snmp_keepalived");
    parts.checker = by_option || has("enable_snmp_checker");
    parts.rfc_v2 = has("enable_snmp_rfc") || has("enable_snmp_rfcv2");
    parts.rfc_v3 = has("enable_snmp_rfc") || has("enable_snmp_rfcv3");
    parts.traps = has("enable_traps");
    const auto socket = config::value_of<config::WordList>(global, "snmp_socket");
    parts.socket = !socket_by_option.empty() ? socket_by_option : socket && !socket->empty() ? socket->front() : "";
    return parts;
}

}  // namespace mainstay::report
