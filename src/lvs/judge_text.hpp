// The judge's words, shared by its source files.
#pragma once

#include <string>
#include <utility>

#include "mainstay/lvs/judge.hpp"

namespace mainstay::lvs {

[[nodiscard]] inline Intent say(LogLevel level, std::string text) { return Say{LogLine{level, std::move(text)}}; }

// "[10.0.0.11]:tcp:80"; keepalived: the servers of a mark have the protocol word "none".
[[nodiscard]] inline std::string text_of(const config::VirtualServer& service, const config::RealServer& server) {
    return config::server_name(server.endpoint, service.fwmark != 0 ? config::Protocol::None : service.protocol);
}
[[nodiscard]] inline std::string sorry_text(const config::VirtualServer& service) {
    return config::server_name(service.sorry_server->endpoint,
                               service.fwmark != 0 ? config::Protocol::None : service.protocol);
}

// keepalived: every dynamic check adds the difference between what it asks for and what is configured.
[[nodiscard]] inline std::int64_t effective_weight(const config::RealServer& server, const ServerState& state) {
    const std::int64_t configured = server.weight;
    std::int64_t weight = configured;
    for (const auto& checker : state.checkers) {
        if (checker.dynamic_weight) weight += *checker.dynamic_weight - configured;
    }
    return weight;
}

[[nodiscard]] inline bool inhibits(const config::VirtualServer& service, const config::RealServer& server) {
    return service.inhibit_on_failure || server.inhibit_on_failure;
}

[[nodiscard]] inline Event server_event(const config::VirtualServer& service, const config::RealServer& server, bool up,
                                        std::string detail) {
    Event event;
    event.kind = Event::Kind::RealServer;
    event.name = text_of(service, server);
    event.parent = config::service_name(service);
    event.state = up ? "UP" : "DOWN";
    event.detail = std::move(detail);
    event.mail = server.smtp_alert;
    return event;
}

[[nodiscard]] inline Event service_event(const config::VirtualServer& service, bool up, std::string detail) {
    Event event;
    event.kind = Event::Kind::VirtualServer;
    event.name = config::service_name(service);
    event.state = up ? "UP" : "DOWN";
    event.detail = std::move(detail);
    event.mail = service.smtp_alert;
    return event;
}

}  // namespace mainstay::lvs
