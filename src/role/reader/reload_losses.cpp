// Finds the running services, servers, instances and addresses that a reload would remove because of broken blocks.
#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "mainstay/lvs/desired.hpp"
#include "mainstay/role/reader/reload_diff.hpp"

namespace mainstay::role {
namespace {

using config::Lost;

bool any(const std::vector<Lost>& lost, Lost::Kind kind, const auto& matches) {
    return std::ranges::any_of(lost, [&](const Lost& thing) { return thing.kind == kind && matches(thing.name); });
}

// "10.0.0.11:80", or "10.0.0.11:0" for a server that uses its service's port.
bool is_server(std::string_view endpoint, std::string_view name) {
    if (endpoint == name) return true;
    return name.ends_with(":0") && endpoint.substr(0, endpoint.rfind(':')) == name.substr(0, name.rfind(':'));
}

bool service_lost(const std::vector<Lost>& lost, std::string_view name, const config::Config& running) {
    const auto named = [&](std::string_view service) {
        return service.starts_with("group ") || service == name || name.ends_with(" " + std::string{service}) ||
               name.starts_with(std::string{service} + " ");  // "FWM 5 IPv6"
    };
    if (any(lost, Lost::Kind::Service, named)) return true;
    // The service is in the file, but a service without servers is left out.
    return std::ranges::any_of(running.virtual_servers, [&](const config::VirtualServer& service) {
        return netlink::describe(lvs::identity_of(service).key) == name &&
               std::ranges::any_of(service.real_servers, [&](const config::RealServer& server) {
                   return any(lost, Lost::Kind::Server,
                              [&](std::string_view text) { return is_server(server.endpoint.to_string(), text); });
               });
    });
}

// The instance is lost, or another one that runs: its lines then count in a third one, whose place in the network it
// may take, so that this one goes instead.
bool instance_lost(const std::vector<Lost>& lost, std::string_view name, const config::Config& running) {
    return any(lost, Lost::Kind::Instance, [&](std::string_view text) {
        return text == name ||
               std::ranges::find(running.instances, text, &config::Instance::name) != running.instances.end();
    });
}

}  // namespace

std::vector<std::string> removed_by(const ReloadDiff& diff) {
    std::vector<std::string> names;
    for (const ReloadChange& change : diff.changes)
        if (change.action == ReloadChange::Action::Remove && (change.kind == "instance" || change.kind == "service"))
            names.push_back(change.kind + " " + change.name);
    return names;
}

std::vector<std::string> lines_of_losses(const std::vector<std::string>& losses, std::size_t most) {
    std::vector<std::string> lines;
    for (const auto& loss : losses | std::views::take(most)) lines.push_back("would be removed: " + loss);
    if (losses.size() > most) lines.push_back(fmt::format("would be removed: {} more", losses.size() - most));
    return lines;
}

std::vector<std::string> lost_by_fault(const ReloadDiff& diff, const config::Config& running,
                                       const std::vector<Lost>& lost) {
    std::vector<std::string> names;
    for (const ReloadChange& change : diff.changes) {
        if (change.action != ReloadChange::Action::Remove) continue;
        const std::string_view name = change.name;
        const bool gone =
            change.kind == "instance"  ? instance_lost(lost, name, running)
            : change.kind == "address" ? any(lost, Lost::Kind::Address,
                                             [&](const std::string& text) { return name.starts_with(text + " on "); })
            : change.kind == "service" ? service_lost(lost, name, running)
            : change.kind == "server"
                ? any(lost, Lost::Kind::Server,
                      [&](std::string_view text) { return is_server(name.substr(name.rfind(' ') + 1), text); })
                : false;
        if (gone) names.push_back(change.kind + " " + change.name);
    }
    return names;
}

}  // namespace mainstay::role
