#include "quorum_changes.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "judge_text.hpp"
#include "mainstay/lvs/quorum.hpp"

namespace mainstay::lvs {
namespace {

void sorry_leaves(const config::VirtualServer& config, const std::string& name, Intents& out) {
    out.push_back(
        log_line(LogLevel::Info, config.sorry_server->inhibit
                                     ? fmt::format("Disabling sorry server {} from VS {}", sorry_text(config), name)
                                     : fmt::format("Removing sorry server {} from VS {}", sorry_text(config), name)));
    out.push_back(log_line(LogLevel::Info, fmt::format("Adding alive servers to the pool for VS {}", name)));
}

void sorry_enters(const config::VirtualServer& config, const std::string& name, Intents& out) {
    out.push_back(
        log_line(LogLevel::Info, config.sorry_server->inhibit
                                     ? fmt::format("Enabling sorry server {} to VS {}", sorry_text(config), name)
                                     : fmt::format("Adding sorry server {} to VS {}", sorry_text(config), name)));
    out.push_back(log_line(LogLevel::Info, fmt::format("Removing alive servers from the pool for VS {}", name)));
}

void gain(Services& services, std::size_t service, std::int64_t weight, QuorumChange when, Intents& out) {
    auto& state = services.states[service];
    const auto& config = services.configs[service];
    const std::string name = services.name(service);
    const std::string sum = gained_text(quorum_of(config), weight);
    state.quorum_up = true;
    out.push_back(log_line(LogLevel::Notice, fmt::format("Gained quorum {} for VS {}", sum, name)));
    if (std::exchange(state.sorry_in_use, false)) {
        sorry_leaves(config, name, out);
        if (when == QuorumChange::Running) out.emplace_back(TableChanged{service});
    }
    const std::string_view words = when == QuorumChange::Start ? "Starting with quorum up" : "Gained quorum";
    out.emplace_back(
        Announce{service_event(config, true, fmt::format("{} {}", words, sum),
                               fmt::format("{}: {}", words, plain_quorum_text(quorum_of(config), weight, true)))});
}

// QuorumChange::Start: it never had quorum.
void lose(Services& services, std::size_t service, std::int64_t weight, QuorumChange when, Intents& out) {
    auto& state = services.states[service];
    const auto& config = services.configs[service];
    const std::string name = services.name(service);
    // One that never had quorum needs as much as one that gains it; keepalived writes that in the words of a loss.
    const bool starts = when == QuorumChange::Start;
    const Quorum quorum = quorum_of(config);
    const std::string_view words = starts ? "Starting with quorum down" : "Lost quorum";
    state.quorum_up = false;
    out.push_back(
        log_line(LogLevel::Warning, fmt::format("{} {} for VS {}", words, lost_text(quorum, weight, starts), name)));
    if (config.sorry_server) {
        state.sorry_in_use = true;
        sorry_enters(config, name, out);
        if (when == QuorumChange::Running) out.emplace_back(TableChanged{service});
    }
    out.emplace_back(
        Announce{service_event(config, false, fmt::format("{} {}", words, lost_mail_text(quorum, weight, starts)),
                               fmt::format("{}: {}", words, plain_quorum_text(quorum, weight, starts)))});
}

}  // namespace

void follow_quorum(Services& services, std::size_t service, QuorumChange when, Intents& out) {
    const auto& state = services.states[service];
    const auto& config = services.configs[service];
    const std::int64_t weight = weight_of(state);
    const bool holds = quorum_holds(quorum_of(config), weight, state.quorum_up);
    if (holds && !state.quorum_up) {
        gain(services, service, weight, when, out);
    } else if (!holds && state.quorum_up) {
        lose(services, service, weight, QuorumChange::Running, out);
    } else if (!holds && when != QuorumChange::Running && config.sorry_server && !state.sorry_in_use) {
        lose(services, service, weight, QuorumChange::Start, out);
    }
}

void settle_quorum(Services& services, std::size_t service) {
    auto& state = services.states[service];
    const auto& config = services.configs[service];
    const bool holds = quorum_holds(quorum_of(config), weight_of(state), state.quorum_up);
    if (holds && !state.quorum_up) state.sorry_in_use = false;
    if (!holds && config.sorry_server) state.sorry_in_use = true;
    state.quorum_up = holds;
}

}  // namespace mainstay::lvs
