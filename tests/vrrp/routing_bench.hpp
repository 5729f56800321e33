// Instances with routes and rules, and static ones, as the tests of routing have them.
#pragma once

#include "bench.hpp"
#include "mainstay/vrrp/routing.hpp"

namespace mainstay::vrrp::test {

using config::WordList;

inline config::VirtualRoute route(const char* to, const char* via = "10.0.0.2", const char* dev = "eth0",
                                  bool no_track = false) {
    config::VirtualRoute line;
    line.more.edit().values = {{"to", *Prefix::parse(to)}, {"via", ip(via)}};
    if (*dev != '\0') line.more.edit().values.push_back({"dev", WordList{dev}});
    if (no_track) line.more.edit().values.push_back({"no_track", true});
    return line;
}

inline config::Section rule(std::int64_t preference, std::int64_t table, const char* iif = "") {
    config::Section line{.values = {{"preference", preference}, {"table", table}}};
    if (*iif != '\0') line.values.push_back({"iif", WordList{iif}});
    return line;
}

inline config::Instance routed() {
    auto c = instance();
    c.routes = {route("10.1.0.0/16"), route("10.2.0.0/16")};
    c.more.edit().sections.push_back({.keyword = "virtual_rules", .sections = {rule(100, 5)}});
    return c;
}

inline netlink::Routing gone(const char* destination) {
    return netlink::Route{.destination = *Prefix::parse(destination)};
}

inline config::Config with_statics(config::Config c) {
    config::Section addresses{.keyword = "static_ipaddress"};
    addresses.sections.push_back({.values = {{"address", *Prefix::parse("10.7.0.1/24")}, {"dev", WordList{"eth1"}}}});
    config::Section routes{.keyword = "static_routes"};
    routes.sections.push_back({.values = {{"dev", WordList{"eth1"}}, {"to", *Prefix::parse("10.8.0.0/16")}}});
    config::Section rules{.keyword = "static_rules"};
    rules.sections.push_back(rule(200, 9));
    c.more.edit().sections = {addresses, routes, rules};
    return c;
}

inline constexpr const char* kRoutes = "[10.1.0.0/16 via 10.0.0.2 dev eth0] [10.2.0.0/16 via 10.0.0.2 dev eth0]";
inline constexpr const char* kRule = "[from all lookup 5 preference 100]";

}  // namespace mainstay::vrrp::test
