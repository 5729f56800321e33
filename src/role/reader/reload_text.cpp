// What a reload changes, for people, for the log and as JSON.

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <utility>

#include "mainstay/base/text.hpp"
#include "mainstay/lvs/desired.hpp"
#include "mainstay/role/reader/reload_diff.hpp"

namespace mainstay::role {
namespace {

constexpr const char* kActions[] = {"keep", "change", "add", "remove"};

// Not in the log, whose lines begin with the action.
const char* mark_of(const ReloadChange& change) {
    return change.worse() && change.action == ReloadChange::Action::Remove ? "worse: " : "";
}

std::string text_of(const ReloadDetail& detail) {
    return detail.place.empty() ? detail.text : fmt::format("{} ({})", detail.text, detail.place);
}

}  // namespace

std::string as_text(const ReloadDiff& diff) {
    std::string out;
    for (const auto& change : diff.changes) {
        out += fmt::format("{}{:<6} {} {}\n", mark_of(change), kActions[static_cast<std::size_t>(change.action)],
                           change.kind, change.name);
        for (const auto& detail : change.details) out += fmt::format("         {}\n", text_of(detail));
    }
    if (diff.empty()) out += "no changes\n";
    return out + fmt::format("unchanged: {}, {}; IPVS table changes: {}\n", counted(diff.instances_kept, "instance"),
                             counted(diff.services_kept, "service"), diff.ipvs_operations);
}

std::vector<std::string> as_log_lines(const ReloadDiff& diff, std::size_t most) {
    std::vector<std::string> lines;
    for (const auto& change : diff.changes) {
        if (lines.size() == most) break;
        std::string line =
            fmt::format("{} {} {}", kActions[static_cast<std::size_t>(change.action)], change.kind, change.name);
        for (const auto& detail : change.details)
            line += (&detail == &change.details.front() ? ": " : "; ") + text_of(detail);
        if (line.size() > kReloadLineBytesMax) line = line.substr(0, kReloadLineBytesMax - 3) + "...";
        lines.push_back(std::move(line));
    }
    return lines;
}

nlohmann::ordered_json as_json(const ReloadDiff& diff) {
    using json = nlohmann::ordered_json;
    auto changes = json::array();
    for (const auto& change : diff.changes) {
        auto details = json::array(), places = json::array();
        bool any_place = false;
        for (const auto& detail : change.details) {
            any_place = any_place || !detail.place.empty();
            details.push_back(detail.text);
            places.push_back(detail.place.empty() ? json() : json(detail.place));
        }
        json one{{"action", kActions[static_cast<std::size_t>(change.action)]},
                 {"kind", change.kind},
                 {"name", change.name},
                 {"details", std::move(details)},
                 {"worse", change.worse()}};
        if (any_place) one["places"] = std::move(places);  // one for each detail, null: it has none
        changes.push_back(std::move(one));
    }
    return {{"changes", std::move(changes)},
            {"instances_unchanged", diff.instances_kept},
            {"services_unchanged", diff.services_kept},
            {"ipvs_operations", diff.ipvs_operations}};
}

// Finds the running services, servers, instances and addresses that a reload would remove because of broken blocks.

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
