#include "walk_config.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "../../lvs/builders.hpp"

namespace mainstay::role::test {
namespace {

using namespace lvs::test;
using config::RealServer;
using config::VirtualServer;

void set(config::KeywordValues& values, const std::string& keyword, config::KeywordData data) {
    std::erase_if(values, [&](const config::KeywordValue& value) { return value.keyword == keyword; });
    const auto at = std::ranges::lower_bound(values, keyword, {}, &config::KeywordValue::keyword);
    values.insert(at, {keyword, std::move(data)});
}

void unset(config::KeywordValues& values, const std::string& keyword) {
    std::erase_if(values, [&](const config::KeywordValue& value) { return value.keyword == keyword; });
}

Endpoint server_endpoint(Dice& dice) {
    const auto port = static_cast<std::uint16_t>(dice.one_in(5) ? 81 : 80);
    return at("10.1.0." + std::to_string(1 + dice.below(6)), port);
}

config::Checker checker_of(Dice& dice, const Endpoint& target) {
    using Type = config::Checker::Type;
    config::Checker checker = dice.one_in(4) ? misc_check(target) : tcp_check(target);
    if (checker.type == Type::Tcp && dice.one_in(4)) {
        checker.type = Type::File;
        checker.more.edit().values.push_back({"track_file", config::WordList{dice.one_in(2) ? "a" : "b"}});
    }
    checker.retry = dice.below(3);
    checker.delay_before_retry = Seconds{1 + dice.below(3)};
    checker.delay_loop = Seconds{3 + dice.below(5)};
    checker.warmup = Seconds{dice.below(4)};
    checker.alpha = dice.one_in(3);
    checker.misc_dynamic = checker.type == Type::Misc && dice.one_in(2);
    return checker;
}

void some_checkers(Dice& dice, RealServer& server) {
    server.checkers.clear();
    for (std::uint32_t i = dice.below(3); i > 0; --i) server.checkers.push_back(checker_of(dice, server.endpoint));
}

config::Tunnel tunnel_of(Dice& dice) {
    using T = config::Tunnel;
    static constexpr std::array kTypes{T::Type::Ipip, T::Type::Gue, T::Type::Gre};
    T tunnel{.type = dice.pick(kTypes), .checksum = dice.one_in(2) ? T::Checksum::None : T::Checksum::Sum, .port = 0};
    if (tunnel.type == T::Type::Gue) tunnel.port = static_cast<std::uint16_t>(6080 + dice.below(2));
    return tunnel;
}

config::Forwarding forwarding_of(Dice& dice) {
    static constexpr std::array kAll{config::Forwarding::Nat, config::Forwarding::DirectRoute,
                                     config::Forwarding::Tunnel};
    return dice.pick(kAll);
}

RealServer random_server(Dice& dice) {
    RealServer server;
    server.endpoint = server_endpoint(dice);
    server.weight = dice.below(5);
    server.forwarding = forwarding_of(dice);
    if (server.forwarding == config::Forwarding::Tunnel) server.tunnel = tunnel_of(dice);
    server.inhibit_on_failure = dice.one_in(6);
    if (dice.one_in(6)) server.upper_threshold = 10 + dice.below(3), server.lower_threshold = dice.below(5);
    some_checkers(dice, server);
    return server;
}

void add_server(Dice& dice, VirtualServer& service, RealServer server) {
    const auto same = std::ranges::find(service.real_servers, server.endpoint, &RealServer::endpoint);
    if (same != service.real_servers.end()) return;  // the front end leaves out the second of two
    const auto place = dice.below(static_cast<std::uint32_t>(service.real_servers.size() + 1));
    service.real_servers.insert(service.real_servers.begin() + place, std::move(server));
}

config::SorryServer random_sorry(Dice& dice) {
    config::SorryServer one;
    one.endpoint = dice.one_in(3) ? server_endpoint(dice) : at("10.1.0.9", 80);
    one.forwarding = forwarding_of(dice);
    if (one.forwarding == config::Forwarding::Tunnel) one.tunnel = tunnel_of(dice);
    one.inhibit = dice.one_in(2);
    return one;
}

config::GroupEntry random_entry(Dice& dice) {
    const Family family = dice.one_in(4) ? Family::V6 : Family::V4;
    if (dice.one_in(4)) return {.first = {}, .last = {}, .port = 0, .fwmark = 1000 + dice.below(4), .family = family};
    const std::uint32_t first = 1 + dice.below(4);
    const std::string net = family == Family::V6 ? "fd00::" : "10.0.0.";
    const auto port = static_cast<std::uint16_t>(80 + dice.below(2));
    return range(net + std::to_string(first), net + std::to_string(first + dice.below(3)), port);
}

void random_identity(Dice& dice, VirtualServer& service) {
    service.endpoint = {};
    service.fwmark = 0;
    service.group.reset();
    service.membership.reset();
    service.family = Family::V4;
    switch (dice.below(5)) {
        case 0:
            service.fwmark = 1000 + dice.below(4);
            return;
        case 1:
        case 2:
            service.group = std::string{dice.one_in(2) ? "web" : "mail"};
            for (std::uint32_t i = 1 + dice.below(3); i > 0; --i)
                service.membership.edit().entries.push_back(random_entry(dice));
            service.protocol = dice.one_in(3) ? config::Protocol::Udp : config::Protocol::Tcp;
            return;
        default:
            service.endpoint = at((dice.one_in(4) ? "fd00::" : "10.0.0.") + std::to_string(1 + dice.below(4)), 80);
            service.family = service.endpoint.address.family();
            service.protocol = dice.one_in(3) ? config::Protocol::Udp : config::Protocol::Tcp;
    }
}

void random_quorum(Dice& dice, VirtualServer& service) {
    service.quorum = 1 + dice.below(6);
    service.hysteresis = dice.one_in(2) ? 0 : dice.below(3);
}

void random_persistence(Dice& dice, VirtualServer& service) {
    service.persistent = dice.one_in(2);
    service.persistence_timeout = Seconds{service.persistent ? 50 + dice.below(2) : 0};
}

// A keyword that is there every other time.
void random_keyword(Dice& dice, VirtualServer& service) {
    auto& values = service.more.edit().values;
    const bool there = dice.one_in(2);
    const auto put = [&](const std::string& keyword, config::KeywordData data) {
        if (there)
            set(values, keyword, std::move(data));
        else
            unset(values, keyword);
    };
    switch (dice.below(5)) {
        case 0:
            return put("min_alive", std::int64_t{1 + dice.below(3)});
        case 1:
            return put("drain_timeout", Micros{1'000'000 * (2 + dice.below(20))});
        case 2:
            return put("slow_start", Micros{1'000'000 * (2 + dice.below(10))});
        case 3:
            return put("ha_suspend", true);
        default:
            return put("share_probe", true);
    }
}

VirtualServer random_service(Dice& dice) {
    static constexpr std::array<const char*, 4> kSchedulers{"rr", "wrr", "wlc", "sh"};
    VirtualServer service;
    random_identity(dice, service);
    service.scheduler = dice.pick(kSchedulers);
    random_quorum(dice, service);
    random_persistence(dice, service);
    service.inhibit_on_failure = dice.one_in(6);
    if (dice.one_in(2)) service.sorry_server = random_sorry(dice);
    for (std::uint32_t i = dice.below(5); i > 0; --i) add_server(dice, service, random_server(dice));
    for (std::uint32_t i = dice.below(3); i > 0; --i) random_keyword(dice, service);
    return service;
}

void change_server(Dice& dice, RealServer& server) {
    switch (dice.below(6)) {
        case 0:
            server.weight = dice.below(5);
            return;
        case 1:
            server.forwarding = forwarding_of(dice);
            return;
        case 2:
            server.inhibit_on_failure = !server.inhibit_on_failure;
            return;
        case 3:
            return some_checkers(dice, server);
        case 4:
            if (server.checkers.empty()) return;
            server.checkers[0].delay_loop = Seconds{2 + dice.below(6)};
            return;
        default:
            server = random_server(dice);
    }
}

void change_servers(Dice& dice, config::Config& config, VirtualServer& service) {
    auto& servers = service.real_servers;
    if (servers.empty() || dice.one_in(4)) return add_server(dice, service, random_server(dice));
    auto& one = dice.pick(servers);
    switch (dice.below(5)) {
        case 0:
            servers.erase(servers.begin() + (&one - servers.data()));
            return;
        case 1:
            std::swap(one, dice.pick(servers));
            return;
        case 2: {  // to another service
            RealServer moved = one;
            servers.erase(servers.begin() + (&one - servers.data()));
            return add_server(dice, dice.pick(config.virtual_servers), std::move(moved));
        }
        default: {
            RealServer next = one;
            change_server(dice, next);
            if (next.endpoint == one.endpoint ||
                std::ranges::find(servers, next.endpoint, &RealServer::endpoint) == servers.end())
                one = std::move(next);
        }
    }
}

void switch_marks(config::Config& config) {
    auto& values = config.global.more.edit().values;
    if (config::find_value(values, config::KeywordName{"nftables_ipvs"}) != nullptr)
        unset(values, "nftables_ipvs");
    else
        set(values, "nftables_ipvs", config::WordList{});
}

void change_service(Dice& dice, config::Config& config, VirtualServer& service) {
    switch (dice.below(9)) {
        case 0:
            return random_identity(dice, service);
        case 1:
            service.scheduler = dice.one_in(2) ? "rr" : "wlc";
            return;
        case 2:
            return random_quorum(dice, service);
        case 3:
            if (service.sorry_server && dice.one_in(2))
                service.sorry_server.reset();
            else
                service.sorry_server = random_sorry(dice);
            return;
        case 4:
            return random_persistence(dice, service);
        case 5:
            return random_keyword(dice, service);
        default:
            return change_servers(dice, config, service);
    }
}

// As the front end does it: the services of a group have its entries, and are numbered.
void settle_groups(config::Config& config) {
    std::map<std::string, config::GroupMembership> groups;
    for (auto& service : config.virtual_servers) {
        if (service.group.empty()) continue;
        const auto known = groups.try_emplace(*service.group, *service.membership).first;
        service.membership = known->second;
        service.membership.edit().position = known->second.position++;
    }
}

void change_once(Dice& dice, config::Config& config) {
    auto& services = config.virtual_servers;
    if (services.empty() || dice.one_in(8)) {
        services.insert(services.begin() + dice.below(static_cast<std::uint32_t>(services.size() + 1)),
                        random_service(dice));
        return;
    }
    auto& one = dice.pick(services);
    if (dice.one_in(10)) {
        services.erase(services.begin() + (&one - services.data()));
    } else if (dice.one_in(10)) {
        std::swap(one, dice.pick(services));
    } else if (dice.one_in(12)) {
        switch_marks(config);
    } else {
        change_service(dice, config, one);
    }
}

}  // namespace

config::Config random_services(Dice& dice) {
    config::Config config;
    for (std::uint32_t i = 1 + dice.below(4); i > 0; --i) config.virtual_servers.push_back(random_service(dice));
    if (dice.one_in(4)) switch_marks(config);
    settle_groups(config);
    return config;
}

config::Config changed(config::Config config, Dice& dice) {
    for (std::uint32_t i = 1 + dice.below(3); i > 0; --i) change_once(dice, config);
    settle_groups(config);
    return config;
}

}  // namespace mainstay::role::test
