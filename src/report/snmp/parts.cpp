#include "mainstay/config/keyword_values.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/report/snmp_parts.hpp"

namespace mainstay::report {

namespace keyword = config::keyword;

SnmpParts snmp_parts(const config::Config& config, bool by_option, const std::string& socket_by_option) {
    const auto& global = config.global.more->values;
    const auto has = [&](const config::Keyword<bool>& keyword) { return config::flag(global, keyword); };
    SnmpParts parts;
    parts.vrrp = by_option || has(keyword::enable_snmp_vrrp) || has(keyword::enable_snmp_keepalived);
    parts.checker = by_option || has(keyword::enable_snmp_checker);
    parts.rfc_v2 = has(keyword::enable_snmp_rfc) || has(keyword::enable_snmp_rfcv2);
    parts.rfc_v3 = has(keyword::enable_snmp_rfc) || has(keyword::enable_snmp_rfcv3);
    parts.traps = has(keyword::enable_traps);
    const auto socket = config::value_of(global, keyword::snmp_socket);
    parts.socket = !socket_by_option.empty() ? socket_by_option : socket && !socket->empty() ? socket->front() : "";
    return parts;
}

}  // namespace mainstay::report
