// Short ways to write configurations and table entries in tests.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/lvs/desired.hpp"
#include "mainstay/lvs/table.hpp"

namespace mainstay::lvs::test {

inline IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
inline Endpoint at(std::string_view address, std::uint16_t port = 80) { return {ip(address), port}; }

inline netlink::IpvsServiceKey tcp_key(std::string_view address, std::uint16_t port = 80) {
    netlink::IpvsServiceKey key;
    key.address = ip(address);
    key.family = key.address.family();
    key.protocol = 6;
    key.port = port;
    return key;
}

inline netlink::IpvsService tcp_service(std::string_view address, std::uint16_t port = 80) {
    netlink::IpvsService service;
    service.key = tcp_key(address, port);
    service.scheduler = "wrr";
    return service;
}

inline netlink::IpvsDestination to(std::string_view address, std::int32_t weight = 1) {
    netlink::IpvsDestination destination;
    destination.endpoint = at(address, 80);
    destination.weight = weight;
    return destination;
}

inline config::Checker tcp_check(const Endpoint& target) {
    config::Checker checker;
    checker.target = target;
    checker.retry = 3;
    checker.delay_before_retry = Seconds{3};
    checker.delay_loop = Seconds{6};
    checker.warmup = Seconds{6};
    return checker;
}

inline config::Checker misc_check(const Endpoint& target) {
    config::Checker checker = tcp_check(target);
    checker.type = config::Checker::Type::Misc;
    checker.misc_path.edit().argv = {"/etc/check", "web"};
    checker.retry = 0;
    return checker;
}

inline config::RealServer server(std::string_view address, std::uint32_t weight = 1) {
    config::RealServer server;
    server.endpoint = at(address, 80);
    server.weight = weight;
    return server;
}

inline config::RealServer checked(std::string_view address, std::uint32_t weight = 1) {
    config::RealServer one = server(address, weight);
    one.checkers.push_back(tcp_check(one.endpoint));
    return one;
}

inline config::VirtualServer service(std::vector<config::RealServer> servers, std::string_view address = "10.0.0.1") {
    config::VirtualServer service;
    service.endpoint = at(address, 80);
    service.scheduler = "wrr";
    service.real_servers = std::move(servers);
    return service;
}

inline config::GroupEntry range(std::string_view first, std::string_view last, std::uint16_t port = 80) {
    return {.first = ip(first), .last = ip(last), .port = port, .fwmark = 0, .family = ip(first).family()};
}

inline config::GroupEntry mark(std::uint32_t number, Family family = Family::V4) {
    return {.first = {}, .last = {}, .port = 0, .fwmark = number, .family = family};
}

inline config::VirtualServer grouped(std::vector<config::RealServer> servers, std::vector<config::GroupEntry> entries) {
    config::VirtualServer grouped = service(std::move(servers));
    grouped.endpoint = {};
    grouped.group = "web";
    grouped.membership.edit().entries = std::move(entries);
    return grouped;
}

inline config::SorryServer sorry(std::string_view address) {
    config::SorryServer sorry;
    sorry.endpoint = at(address, 80);
    return sorry;
}

inline ServiceVerdict all_alive(const config::VirtualServer& service) {
    ServiceVerdict verdict;
    for (const auto& one : service.real_servers) verdict.servers.push_back({true, one.weight});
    return verdict;
}

// Of a service that is one service of the kernel.
inline ServiceTable desired(const config::VirtualServer& service, const ServiceVerdict& verdict) {
    return lvs::desired(service, keys_of(service), verdict).at(0);
}

}  // namespace mainstay::lvs::test
