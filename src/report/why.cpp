// Which object a name means, and the answer as JSON.
#include "mainstay/report/why.hpp"
#include "mainstay/base/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <set>

#include "mainstay/config/schema/schema.hpp"
#include "mainstay/lvs/overrides.hpp"
#include "why_text.hpp"

namespace mainstay::report {
namespace {

constexpr std::size_t kSeveralNamedMax = 8;
constexpr std::size_t kNameBytesMax = 512;  // of a question: the nearest name is searched among thousands

struct ServerRef {
    const ServiceStatus* service;
    const ServerStatus* server;
};

const vrrp::RouterSnapshot* known_router(const WhySource& source) {
    return source.status.vrrp ? &source.status.vrrp->router : nullptr;
}

bool is_called(const ServiceStatus& service, std::string_view pattern) {
    if (is_like(service.name, pattern)) return true;
    if (service.key.fwmark != 0) return is_like(fmt::format("fwmark {}", service.key.fwmark), pattern);
    if (!service.group.empty()) return is_like(service.group, pattern);
    return lvs::is_endpoint({service.key.address, service.key.port}, pattern);
}

bool is_called(const ServerStatus& server, std::string_view pattern) {
    return is_like(server.name, pattern) || lvs::is_endpoint(server.endpoint, pattern);
}

std::set<std::string> tracked_interfaces(const VrrpStatus& vrrp) {
    constexpr std::string_view kKind = "track_interface ";
    std::set<std::string> names;
    for (const auto& list : vrrp.tracked)
        for (const auto& one : list)
            if (one.kind == vrrp::TrackedObject::Kind::Interface) names.insert(one.name);
    for (const auto& instance : vrrp.router.instances) {
        if (!instance.interface.empty()) names.insert(instance.interface);
        for (const auto& fault : instance.faults)  // also of a device of an address
            if (fault.what == vrrp::Fault::What::Interface) names.insert(fault.name);
        for (const auto& part : instance.priority_parts)
            if (part.tracker.starts_with(kKind)) names.insert(part.tracker.substr(kKind.size()));
    }
    return names;
}

// Instances, groups and what they track, in this order.
std::optional<Explanation> find_in_vrrp(const WhySource& source, std::string_view name) {
    const auto* router = known_router(source);
    if (router == nullptr) return std::nullopt;
    std::optional<Explanation> found;
    const auto look_in = [&](const auto& list) {
        for (const auto& one : list)
            if (!found && one.name == name) found = explain(source, one);
    };
    look_in(router->instances);
    look_in(router->groups);
    look_in(router->scripts);
    look_in(router->bfds);
    look_in(router->trackers);
    if (!found && tracked_interfaces(*source.status.vrrp).contains(std::string{name}))
        found = explain_interface(source, name);
    return found;
}

std::optional<IpAddress> address_in(std::string_view text) { return IpAddress::parse(text.substr(0, text.find('/'))); }

WhyAnswer several(std::string_view name, std::vector<std::string> names) {
    const std::size_t count = names.size();
    if (names.size() > kSeveralNamedMax) names.resize(kSeveralNamedMax);
    return {.found = {},
            .problem = fmt::format("{} matches {} objects, name one of them: {}{}", name, count, fmt::join(names, ", "),
                                   count > names.size() ? " ..." : ""),
            .nearest = names.front()};
}

// The instance that has this virtual address; a link-local one may be on several interfaces.
WhyAnswer find_by_address(const WhySource& source, std::string_view name) {
    const auto* router = known_router(source);
    const auto address = address_in(name);
    if (router == nullptr || !address) return {};
    const auto& addresses = source.status.vrrp->addresses;
    std::vector<std::string> names;
    const vrrp::InstanceSnapshot* holder = nullptr;
    for (std::size_t i = 0; i < std::min(addresses.size(), router->instances.size()); ++i)
        if (std::ranges::find(addresses[i], address, address_in) != addresses[i].end()) {
            holder = &router->instances[i];
            names.push_back(holder->name);
        }
    if (names.size() > 1) return several(name, std::move(names));
    if (holder == nullptr) return {};
    return {.found = explain(source, *holder), .problem = {}, .nearest = {}};
}

// Before its services: there may be several.
std::optional<Explanation> find_announced(const WhySource& source, std::string_view name) {
    const auto address = IpAddress::parse(name);
    if (!address || !source.status.lvs) return std::nullopt;
    const auto& all = source.status.lvs->announced;
    const auto found = std::ranges::find(all, *address, &AnnouncedStatus::address);
    return found == all.end() ? std::nullopt : std::optional{explain(source, *found)};
}

std::vector<const ServiceStatus*> services_called(const WhySource& source, std::string_view name) {
    std::vector<const ServiceStatus*> found;
    if (source.status.lvs)
        for (const auto& service : source.status.lvs->services)
            if (is_called(service, name)) found.push_back(&service);
    return found;
}

std::vector<ServerRef> servers_called(const WhySource& source, std::string_view name) {
    const auto pattern = lvs::pattern_of(name);
    std::vector<ServerRef> found;
    if (!source.status.lvs) return found;
    for (const auto& service : source.status.lvs->services) {
        if (!is_called(service, pattern.services)) continue;
        for (const auto& server : service.servers)
            if (is_called(server, pattern.servers)) found.push_back({&service, &server});
    }
    return found;
}

WhyAnswer find_in_lvs(const WhySource& source, std::string_view name) {
    if (name.find('/') == std::string_view::npos) {
        const auto services = services_called(source, name);
        std::vector<std::string> names;
        for (const auto* service : services) names.push_back(service->name);
        if (services.size() > 1) return several(name, std::move(names));
        if (!services.empty()) return {.found = explain(source, *services.front()), .problem = {}, .nearest = {}};
    }
    const auto servers = servers_called(source, name);
    std::vector<std::string> names;
    for (const auto& one : servers) names.push_back(one.service->name + "/" + one.server->name);
    if (servers.size() > 1) return several(name, std::move(names));
    if (servers.empty()) return {};
    return {.found = explain(source, *servers.front().service, *servers.front().server), .problem = {}, .nearest = {}};
}

// All that could have been meant, for the nearest one.
std::vector<std::string> all_names(const WhySource& source) {
    std::vector<std::string> names;
    const auto add = [&](const auto& list) {
        for (const auto& one : list) names.push_back(one.name);
    };
    if (const auto* router = known_router(source)) {
        add(router->instances), add(router->groups), add(router->scripts), add(router->bfds), add(router->trackers);
        for (auto& interface : tracked_interfaces(*source.status.vrrp)) names.push_back(interface);
    }
    if (!source.status.lvs) return names;
    for (const auto& one : source.status.lvs->announced) names.push_back(one.address.to_string());
    for (const auto& service : source.status.lvs->services) {
        names.push_back(service.name);
        if (!service.group.empty()) names.push_back(service.group);
        if (!service.key.address.empty()) names.push_back(Endpoint{service.key.address, service.key.port}.to_string());
        for (const auto& server : service.servers) {
            names.push_back(server.name);
            names.push_back(server.endpoint.to_string());
        }
    }
    return names;
}

WhyAnswer nothing(const WhySource& source, std::string_view name) {
    WhyAnswer answer;
    answer.nearest = config::nearest_choice(fmt::format("{}", fmt::join(all_names(source), "|")), name);
    answer.problem = fmt::format("nothing here is called {}", name);
    if (!answer.nearest.empty()) answer.problem += fmt::format("; did you mean {}?", answer.nearest);
    return answer;
}

}  // namespace

WhyAnswer why(const WhySource& source, std::string_view name) {
    if (name.size() > kNameBytesMax)
        return {.found = {}, .problem = fmt::format("a name has at most {} bytes", kNameBytesMax), .nearest = {}};
    if (auto found = find_in_vrrp(source, name)) return {.found = std::move(found), .problem = {}, .nearest = {}};
    if (auto found = find_announced(source, name)) return {.found = std::move(found), .problem = {}, .nearest = {}};
    if (auto answer = find_in_lvs(source, name); answer.found || !answer.problem.empty()) return answer;
    if (auto answer = find_by_address(source, name); answer.found || !answer.problem.empty()) return answer;
    return nothing(source, name);
}

std::string why_json(const WhyAnswer& answer) {
    using json = nlohmann::ordered_json;
    json out;
    if (answer.found) {
        const auto& found = *answer.found;
        out = {{"name", found.name},
               {"kind", found.kind},
               {"state", found.state},
               {"since", iso_time(found.since)},
               {"since_unix_us", found.since.unix_us},
               {"reasons", found.reasons}};
    } else {
        out = {{"error", answer.problem}, {"nearest", answer.nearest}};
    }
    return out.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace mainstay::report
