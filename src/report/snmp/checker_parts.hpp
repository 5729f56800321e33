// What the tables and the traps of KEEPALIVED-MIB's section check share.
#pragma once

#include "keepalived_parts.hpp"
#include "mainstay/config/model.hpp"
#include "table.hpp"

namespace mainstay::report {

inline constexpr auto kCheck = kKeepalivedMib + FixedOid{3};
inline constexpr auto kServices = kCheck + FixedOid{3, 1}, kServers = kCheck + FixedOid{4, 1};

// The columns that identify a service by its type, as put(column, value), in the order that traps have.
void add_identity(const config::VirtualServer& service, const auto& put) {
    constexpr int kMark = 1, kAddress = 2, kGroup = 3;
    const int type = service.fwmark != 0 ? kMark : service.group.empty() ? kAddress : kGroup;
    put(2, snmp::integer(type));
    if (!service.group.empty()) put(3, snmp::text(*service.group));
    if (service.fwmark != 0) put(4, snmp::gauge(service.fwmark));
    if (type != kAddress) return;
    put(5, snmp::address_type(service.endpoint.address.is_v4()));
    put(6, snmp::address(service.endpoint.address));
    put(7, snmp::gauge(service.endpoint.port));
}

// tcp(1) udp(2) sctp(3); 0: a firewall mark has none
[[nodiscard]] inline int protocol_number(const config::VirtualServer& service) {
    switch (service.protocol) {
        case config::Protocol::Tcp:
            return 1;
        case config::Protocol::Udp:
            return 2;
        case config::Protocol::Sctp:
            return 3;
        case config::Protocol::None:
            break;
    }
    return 0;
}

}  // namespace mainstay::report
