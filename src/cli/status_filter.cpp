#include "status_view.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>

#include "json_view.hpp"
#include "mainstay/base/text.hpp"
#include "mainstay/config/schema/schema.hpp"
#include "mainstay/lvs/overrides.hpp"

namespace mainstay::cli {
namespace {

using nlohmann::json;

struct NamePattern {
    std::string whole;
    lvs::ServerPattern server;
    bool used = false;
};

bool is_selected(std::vector<NamePattern>& patterns, std::string_view name) {
    bool selected = false;
    for (auto& pattern : patterns)
        if (is_called(name, pattern.whole)) selected = pattern.used = true;
    return selected;
}

bool is_server_selected(std::vector<NamePattern>& patterns, std::string_view service, std::string_view server) {
    bool selected = false;
    for (auto& pattern : patterns)
        if (is_called(service, pattern.server.services) && is_called(server, pattern.server.servers))
            selected = pattern.used = true;
    return selected;
}

template <class Keep>
void keep_if(json& object, const char* name, Keep keep) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_array()) return;
    json kept = json::array();
    for (auto& one : *found)
        if (keep(one)) kept.push_back(std::move(one));
    *found = std::move(kept);
}

void keep_services(json& lvs, std::vector<NamePattern>& patterns) {
    keep_if(lvs, "services", [&](json& service) {
        const std::string name = text(service, "name");
        if (is_selected(patterns, name)) return true;
        keep_if(service, "servers",
                [&](const json& server) { return is_server_selected(patterns, name, text(server, "name")); });
        return !list(service, "servers").empty();
    });
    keep_if(lvs, "overrides", [&](const json& one) {
        const std::string service = text(one, "service");
        std::string server = text(one, "server");  // "10.0.0.1:80"; a name has brackets around any address
        if (const auto port = server.rfind(':'); !server.starts_with('[') && port != std::string::npos)
            server = fmt::format("[{}]{}", server.substr(0, port), server.substr(port));
        return is_selected(patterns, service) || is_server_selected(patterns, service, server);
    });
}

std::vector<std::string> all_names(const json& status) {
    std::vector<std::string> names;
    const auto add = [&](const json& objects) {
        for (const auto& one : objects) names.push_back(text(one, "name"));
    };
    for (const char* kind : {"instances", "groups", "scripts", "bfd"}) add(list(part(status, "vrrp"), kind));
    add(list(part(status, "bfd"), "sessions"));
    for (const auto& service : list(part(status, "lvs"), "services")) {
        names.push_back(text(service, "name"));
        add(list(service, "servers"));
    }
    return names;
}

// Those of what is kept, and of what else the patterns name; one without an object is of everything of its part.
void keep_problems(json& status, std::vector<NamePattern>& patterns) {
    const auto names = all_names(status);
    const auto& services = list(part(status, "lvs"), "services");
    const auto is_kept = [&](const json& problem) {
        const auto object = text(problem, "object"), parent = text(problem, "parent");
        if (object.empty()) return text(problem, "part") == "lvs" && !services.empty();
        if (parent.empty()) return std::ranges::find(names, object) != names.end() || is_selected(patterns, object);
        const auto service = std::ranges::find_if(services, [&](const json& s) { return text(s, "name") == parent; });
        if (service == services.end()) return false;
        const auto& servers = list(*service, "servers");
        return std::ranges::any_of(servers, [&](const json& server) { return text(server, "address") == object; });
    };
    keep_if(status, "problems", is_kept);
}

}  // namespace

// "[10.0.0.1]:tcp:80": what is between the brackets, and the port.
bool is_called(std::string_view name, std::string_view pattern) {
    if (is_like(name, pattern)) return true;
    if (name.starts_with("FWM ")) return is_like(fmt::format("fwmark {}", name.substr(4)), pattern);
    const auto end = name.find(']'), port = name.rfind(':');
    if (!name.starts_with('[') || end == std::string_view::npos || port < end) return false;
    const auto address = name.substr(1, end - 1);
    const bool v6 = address.find(':') != std::string_view::npos;
    return is_like(address, pattern) ||
           is_like(fmt::format("{}{}{}{}", v6 ? "[" : "", address, v6 ? "]" : "", name.substr(port)), pattern);
}

void keep_section(json& status, StatusSection section) {
    if (section != StatusSection::All)
        keep_if(status, "problems", [&](const json& problem) {
            return text(problem, "part") == (section == StatusSection::Vrrp ? "vrrp" : "lvs");
        });
    const auto remove = [&](std::initializer_list<const char*> parts) {
        for (const char* part : parts) status.erase(part);
    };
    if (section != StatusSection::All) remove({"mail", "webhooks", "api"});
    if (section == StatusSection::Vrrp) remove({"lvs"});
    if (section == StatusSection::Lvs) remove({"vrrp", "bfd"});
}

Result<void> keep_only(json& status, const std::vector<std::string>& names) {
    if (names.empty()) return {};
    const auto known = all_names(status);
    std::vector<NamePattern> patterns;
    for (const auto& name : names) patterns.push_back({.whole = name, .server = lvs::pattern_of(name), .used = false});
    const auto named = [&](const json& one) { return is_selected(patterns, text(one, "name")); };
    if (auto vrrp = status.find("vrrp"); vrrp != status.end() && vrrp->is_object()) {
        keep_if(*vrrp, "instances", [&](const json& one) {
            const bool by_name = named(one), by_group = is_selected(patterns, text(one, "group"));
            return by_name || by_group;
        });
        for (const char* kind : {"groups", "scripts", "bfd"}) keep_if(*vrrp, kind, named);
    }
    if (auto bfd = status.find("bfd"); bfd != status.end() && bfd->is_object()) keep_if(*bfd, "sessions", named);
    if (auto lvs = status.find("lvs"); lvs != status.end() && lvs->is_object()) keep_services(*lvs, patterns);
    keep_problems(status, patterns);
    for (const auto& pattern : patterns) {
        if (pattern.used) continue;
        const std::string near{config::nearest_choice(fmt::format("{}", fmt::join(known, "|")), pattern.whole)};
        return fail(Errc::NotFound, fmt::format("nothing here is called {}{}", pattern.whole,
                                                near.empty() ? "" : fmt::format("; did you mean {}?", near)));
    }
    return {};
}

}  // namespace mainstay::cli
