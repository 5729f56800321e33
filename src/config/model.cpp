#include "mainstay/config/model.hpp"

#include <fmt/format.h>

#include <string_view>

namespace mainstay::config {
namespace {

std::string_view word_of(Protocol protocol) {
    switch (protocol) {
        case Protocol::None:
            return "none";
        case Protocol::Tcp:
            return "tcp";
        case Protocol::Udp:
            return "udp";
        case Protocol::Sctp:
            return "sctp";
    }
    return "?";
}

}  // namespace

std::string server_name(const Endpoint& endpoint, Protocol protocol) {
    return fmt::format("[{}]:{}:{}", endpoint.address.to_string(), word_of(protocol), endpoint.port);
}

std::string service_name(const VirtualServer& service) {
    if (service.fwmark != 0) return fmt::format("FWM {}", service.fwmark);
    // keepalived numbers the services of one group from 0.
    if (!service.group.empty()) return fmt::format("[{}]:{}", *service.group, service.membership->position);
    return server_name(service.endpoint, service.protocol);
}

}  // namespace mainstay::config
