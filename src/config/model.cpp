#include "mainstay/config/model.hpp"

#include <fmt/format.h>

#include <string_view>

#include "mainstay/config/load.hpp"

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
    // keepalived numbers the services of one group from 0; a name with that number needs the whole list.
    if (!service.group.empty()) return fmt::format("[{}]:0", service.group);
    return server_name(service.endpoint, service.protocol);
}

Config slice(const Config& config, Audience audience) {
    Config part;
    const auto clear_mail = [](Global& global) {
        global.notification_email.clear();
        global.notification_email_from.clear();
        global.smtp_server.clear();
        global.smtp_helo_name.clear();
    };
    switch (audience) {
        case Audience::Vrrp:
            part.global = config.global;
            clear_mail(part.global);
            part.scripts = config.scripts;
            part.instances = config.instances;
            part.sync_groups = config.sync_groups;
            break;
        case Audience::Lvs:
            part.global = config.global;
            clear_mail(part.global);
            part.virtual_servers = config.virtual_servers;
            break;
        case Audience::Observer:
            part = config;
            for (Instance& instance : part.instances) instance.auth_pass.clear();
            break;
    }
    return part;
}

}  // namespace mainstay::config
