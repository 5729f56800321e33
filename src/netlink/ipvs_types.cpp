#include "mainstay/netlink/ipvs_types.hpp"

#include <fmt/format.h>
#include <linux/ip_vs.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

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

namespace {

// keepalived logs the command names of the old setsockopt interface, whichever interface it uses.
std::pair<std::string_view, int> command_of(IpvsOperation::Kind kind) {
    using enum IpvsOperation::Kind;
    switch (kind) {
        case AddService:
            return {"IP_VS_SO_SET_ADD", IP_VS_SO_SET_ADD};
        case SetService:
            return {"IP_VS_SO_SET_EDIT", IP_VS_SO_SET_EDIT};
        case DeleteService:
            return {"IP_VS_SO_SET_DEL", IP_VS_SO_SET_DEL};
        case AddDestination:
            return {"IP_VS_SO_SET_ADDDEST", IP_VS_SO_SET_ADDDEST};
        case SetDestination:
            return {"IP_VS_SO_SET_EDITDEST", IP_VS_SO_SET_EDITDEST};
        case DeleteDestination:
            return {"IP_VS_SO_SET_DELDEST", IP_VS_SO_SET_DELDEST};
    }
    return {"IP_VS_SO_SET_NONE", IP_VS_SO_SET_NONE};
}

bool is_of_a_service(IpvsOperation::Kind kind) {
    using enum IpvsOperation::Kind;
    return kind == AddService || kind == SetService || kind == DeleteService;
}

// As observed with 2.2.7; where keepalived has no text of its own, strerror()'s.
std::string why(IpvsOperation::Kind kind, int sys_errno) {
    using enum IpvsOperation::Kind;
    if ((kind == AddService || kind == SetService) && sys_errno == ENOENT)
        return "Scheduler or persistence engine not found";
    return std::strerror(sys_errno);  // NOLINT(concurrency-mt-unsafe): glibc has a buffer for each thread
}

std::string_view protocol_of(std::uint8_t protocol) {
    return protocol == 6 ? "tcp" : protocol == 17 ? "udp" : protocol == 132 ? "sctp" : "none";
}

std::string place_of(const IpvsServiceKey& key) {
    if (key.fwmark != 0) return fmt::format("Fwm {}", key.fwmark);
    return fmt::format("{}:{}:{}", key.address.to_string(), protocol_of(key.protocol), key.port);
}

}  // namespace

std::string line_of_refusal(const IpvsOperation& operation, int sys_errno) {
    const auto [command, number] = command_of(operation.kind);
    std::string line = fmt::format("IPVS cmd {}({}) error: {}({}) ({}", command, number, why(operation.kind, sys_errno),
                                   sys_errno, place_of(operation.service.key));
    const Endpoint& server = operation.destination.endpoint;
    if (!is_of_a_service(operation.kind)) line += fmt::format(" -> {}:{}", server.address.to_string(), server.port);
    return line + ")";
}

}  // namespace mainstay::netlink
