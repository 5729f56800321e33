// Predicates on states and texts that the parts of the judge share.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "mainstay/config/validate/resolved.hpp"
#include "mainstay/lvs/desired.hpp"
#include "mainstay/lvs/facts.hpp"
#include "mainstay/lvs/service_state.hpp"
#include "mainstay/lvs/settings.hpp"

namespace mainstay::lvs {

[[nodiscard]] inline Intent log_line(LogLevel level, std::string text) {
    return WriteLog{LogLine{level, std::move(text)}};
}

// "[10.0.0.11]:tcp:80"; keepalived: the servers of a mark have the protocol name "none".
[[nodiscard]] inline std::string text_of(const config::VirtualServer& service, const config::RealServer& server) {
    return config::server_name(server.endpoint, service.fwmark != 0 ? config::Protocol::None : service.protocol);
}
[[nodiscard]] inline std::string sorry_text(const config::VirtualServer& service) {
    return config::server_name(service.sorry_server->endpoint,
                               service.fwmark != 0 ? config::Protocol::None : service.protocol);
}

// keepalived: every dynamic check adds the difference between its requested weight and the configured one. An override
// takes precedence over both.
[[nodiscard]] inline std::int64_t effective_weight(const config::RealServer& server, const ServerState& state) {
    if (state.hold == Hold::Weight) return state.between->held_weight;
    if (state.hold == Hold::Drained) return 0;
    const std::int64_t configured = server.weight;
    std::int64_t weight = configured;
    for (const auto& checker : state.checkers) {
        if (const auto& wanted = *checker.dynamic_weight) weight += wanted->of(configured) - configured;
    }
    return weight;
}

[[nodiscard]] inline bool all_up(const ServerState& server) {
    return std::ranges::all_of(server.checkers, [](const CheckerState& checker) { return checker.up; });
}

// Whether its checks and overrides allow new connections.
[[nodiscard]] inline bool serves(const ServerState& server) { return server.alive && server.hold != Hold::Drained; }

// The same sum as alive_weight().
[[nodiscard]] inline std::int64_t weight_of(const ServiceState& service) {
    std::int64_t weight = 0;
    for (const auto& server : service.servers) weight += server.alive ? clamp_weight(server.weight) : 0;
    return weight;
}

// Whether its checks and its override allow it to be up.
[[nodiscard]] inline bool may_live(const ServerState& server) {
    return server.hold != Hold::Disabled && (all_up(server) || server.kept);
}

[[nodiscard]] inline std::string seconds_text(Micros time) {
    return fmt::format("{:g} s", std::chrono::duration<double>(time).count());
}

[[nodiscard]] inline bool persists(const config::VirtualServer& service) {
    return service.persistence_timeout.count() != 0;
}

// Whether a server that a reload removes keeps its connections for a while: it is in the table, and has a
// drain_timeout.
[[nodiscard]] inline bool drains(const config::VirtualServer& service, const config::RealServer& server,
                                 const ServiceState& around, const ServerState& state) {
    if (drain_timeout_of(service, server).count() <= 0) return false;
    if (state.between->leave) return !state.between->leave->over;
    if (state.hold == Hold::Disabled) return false;
    return (state.alive && (!around.sorry_in_use || state.hold == Hold::Drained)) || server.inhibit_on_failure;
}

[[nodiscard]] inline Event server_event(const config::VirtualServer& service, const config::RealServer& server, bool up,
                                        std::string detail) {
    Event event;
    event.kind = Event::Kind::RealServer;
    event.name = text_of(service, server);
    event.parent = config::service_name(service);
    event.source = config::source_words(server);
    event.transition = up ? Transition::Up : Transition::Down;
    event.detail = std::move(detail);
    event.mail = server.smtp_alert;
    return event;
}

[[nodiscard]] inline Event service_event(const config::VirtualServer& service, bool up, std::string detail,
                                         std::string plain = {}) {
    Event event;
    event.kind = Event::Kind::VirtualServer;
    event.name = config::service_name(service);
    event.transition = up ? Transition::Up : Transition::Down;
    event.detail = std::move(detail);
    event.plain = std::move(plain);
    event.mail = service.smtp_alert;
    return event;
}

}  // namespace mainstay::lvs
