#include "blocks.hpp"

#include "mainstay/config/model.hpp"

namespace mainstay::role {

void fill_in_omitted(report::LvsStatus& status) {
    for (auto& service : status.services) {
        const auto protocol = static_cast<config::Protocol>(service.key.protocol);  // none for a firewall mark
        if (service.name.empty()) service.name = config::server_name({service.key.address, service.key.port}, protocol);
        for (auto& server : service.servers) {
            if (server.name.empty()) server.name = config::server_name(server.endpoint, protocol);
            if (server.forwarding.empty()) server.forwarding = kUsualForwarding;
            for (auto& check : server.checks) {
                if (check.type.empty()) check.type = kUsualCheck;
                if (check.target.empty()) check.target = server.endpoint.to_string();
            }
        }
    }
}

Result<report::LvsStatus> decode_lvs_block(std::span<const std::byte> bytes) {
    auto status = decode<report::LvsStatus>(bytes);
    if (status) fill_in_omitted(*status);
    return status;
}

RunningConfig to_run(const config::Config& config, bool shown) {
    RunningConfig next{{}, alert::NotifyScripts{config}};
    if (!shown) {
        next.config.global = config.global;
        return next;
    }
    next.config = config;
    for (auto& service : next.config.virtual_servers) service.real_servers = {};
    return next;
}

}  // namespace mainstay::role
