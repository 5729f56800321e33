#include <algorithm>

#include "mainstay/config/addresses.hpp"
#include "mainstay/config/keyword_values.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/report/snmp.hpp"
#include "mainstay/vrrp/devices.hpp"
#include "table.hpp"

namespace mainstay::report {

namespace snmp {

std::string bytes_of(const IpAddress& address) {
    std::string octets;
    for (const std::byte byte : address.bytes()) octets += static_cast<char>(byte);
    return octets;
}

SnmpValue ip_address(const IpAddress& value) {
    auto octets = value.is_v4() ? bytes_of(value) : std::string(4, '\0');
    return {.type = Type::IpAddress, .number = 0, .octets = std::move(octets), .oid = {}};
}

const SnmpLink& link_of(const SnmpFacts& facts, const std::string& interface) {
    static const SnmpLink kNone;
    const auto found = facts.links.find(interface);
    return found != facts.links.end() ? found->second : kNone;
}

// The configured one; else the first of the interface that is not a VIP: for IPv6 a link-local one.
IpAddress own_address(const SnmpFacts& facts, const config::Instance& instance) {
    if (instance.source) return *instance.source;
    const auto is_vip = [&](const IpAddress& address) {
        const auto same = [&](const config::VirtualAddress& vip) { return vip.prefix.address == address; };
        return std::ranges::any_of(facts.config.instances, [&](const config::Instance& other) {
            return std::ranges::any_of(config::all_addresses(other), same);
        });
    };
    // IPv4 adverts of a VMAC have the address of its parent.
    for (const auto* interface : {&instance.interface, &vrrp::base_interface(instance)})
        for (const auto& address : link_of(facts, *interface).addresses)
            if (address.family() == instance.family && (address.is_v4() || address.is_link_local_v6()) &&
                !is_vip(address))
                return address;
    return {};
}

}  // namespace snmp

std::vector<Oid> snmp_roots(const SnmpParts& parts) {
    std::vector<Oid> roots;
    if (parts.vrrp || parts.checker) roots.push_back(kKeepalivedMib);
    if (parts.rfc_v2) roots.push_back(kVrrpMib);
    if (parts.rfc_v3) roots.push_back(kVrrpv3Mib);
    return roots;
}

SnmpView snmp_view(const SnmpParts& parts, const SnmpFacts& facts) {
    SnmpView view;
    if (parts.vrrp || parts.checker) add_global_mib(view, facts);
    if (parts.vrrp) add_keepalived_mib(view, facts);
    if (parts.checker) add_checker_mib(view, facts);
    if (parts.rfc_v2) add_vrrp_mib(view, facts);
    if (parts.rfc_v3) add_vrrpv3_mib(view, facts);
    return view;
}

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
    parts.socket = !socket_by_option.empty() ? socket_by_option : first_word(global, keyword::snmp_socket);
    return parts;
}

}  // namespace mainstay::report
