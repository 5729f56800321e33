#include "mainstay/netlink/ipvs_types.hpp"

namespace mainstay::netlink {
namespace {

std::string kind_name(IpvsOperation::Kind kind) {
    using enum IpvsOperation::Kind;
    switch (kind) {
        case AddService:
        case AddDestination:
            return "add ";
        case SetService:
        case SetDestination:
            return "change ";
        case DeleteService:
        case DeleteDestination:
            return "delete ";
    }
    return {};
}

}  // namespace

std::string_view protocol_name(std::uint8_t protocol) {
    switch (protocol) {
        case 6:
            return "TCP";
        case 17:
            return "UDP";
        case 132:
            return "SCTP";
        default:
            return {};
    }
}

std::string describe(const IpvsServiceKey& key) {
    if (key.fwmark != 0) return "FWM " + std::to_string(key.fwmark) + (key.family == Family::V6 ? " IPv6" : "");
    const std::string_view name = protocol_name(key.protocol);
    const std::string protocol = name.empty() ? "protocol " + std::to_string(key.protocol) : std::string{name};
    return protocol + " " + Endpoint{key.address, key.port}.to_string();
}

std::string describe(const IpvsDaemon& daemon) {
    const bool master = daemon.state == IpvsDaemon::State::Master;
    return std::string{"IPVS "} + (master ? "master" : "backup") + " sync daemon on " + daemon.interface + ", id " +
           std::to_string(daemon.sync_id);
}

std::string describe(const IpvsOperation& operation) {
    using enum IpvsOperation::Kind;
    std::string text = kind_name(operation.kind) + describe(operation.service.key);
    switch (operation.kind) {
        case AddDestination:
        case SetDestination:
        case DeleteDestination:
            return text + " -> " + operation.destination.endpoint.to_string();
        default:
            return text;
    }
}

}  // namespace mainstay::netlink
