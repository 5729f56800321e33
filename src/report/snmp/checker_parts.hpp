// What the tables and the traps of KEEPALIVED-MIB's section check share.
#pragma once

#include "keepalived_parts.hpp"
#include "mainstay/config/model.hpp"
#include "table.hpp"

namespace mainstay::report {

inline constexpr auto kCheck = kKeepalivedMib + FixedOid{3};
inline constexpr auto kServices = kCheck + FixedOid{3, 1}, kServers = kCheck + FixedOid{4, 1};

[[nodiscard]] inline int service_type(const config::VirtualServer& service) {
    return service.fwmark != 0 ? 1 : service.group.empty() ? 2 : 3;
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
