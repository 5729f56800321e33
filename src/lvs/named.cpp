#include "mainstay/lvs/named.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "mainstay/config/keywords.hpp"

namespace mainstay::lvs {

namespace keyword = config::keyword;

namespace {

config::RealServer made_of(const NamedServers& named, const KnownServer& known) {
    config::RealServer server = named.like;
    server.endpoint.address = known.address;
    if (server.endpoint.port == 0) server.endpoint.port = known.port;
    if (known.weight) server.weight = *known.weight;
    for (config::Checker& checker : server.checkers) {
        if (checker.target.address.empty()) checker.target.address = known.address;
        if (checker.target.port == 0) checker.target.port = server.endpoint.port;
    }
    return server;
}

constexpr std::uint16_t kDnsPort = 53;

// The words were checked when they were read.
std::optional<Endpoint> resolver_of(const config::KeywordValue& value) {
    const auto* words = std::get_if<config::WordList>(&value.data);
    if (value.keyword != keyword::dns_resolver || words == nullptr || words->empty()) return std::nullopt;
    const auto address = IpAddress::parse(words->front());
    if (!address) return std::nullopt;
    std::uint16_t port = kDnsPort;
    if (words->size() > 1) std::from_chars((*words)[1].data(), (*words)[1].data() + (*words)[1].size(), port);
    return Endpoint{*address, port};
}

NamedServers named_of(const config::VirtualServer& service, const config::RealServer& server) {
    using config::value_or_default;
    const auto& values = server.more->values;
    NamedServers named;
    named.like = server;
    named.rules = config::discovery_rules(server);
    named.file = config::server_file_source(service, server);
    if (named.file) return named;
    named.name = first_word(values, keyword::real_server_dns);
    const auto type = words_of(values, keyword::dns_type);
    const char first = type.empty() ? '\0' : type.front().front();
    const bool srv = first == 'S' || first == 's';
    const bool v6 = type.empty() ? service.family == Family::V6 : type.front().size() > 1;
    named.type = srv ? NamedServers::Type::Srv : v6 ? NamedServers::Type::Aaaa : NamedServers::Type::A;
    for (const auto& value : values)
        if (const auto resolver = resolver_of(value)) named.resolvers.push_back(*resolver);
    named.interval = value_or_default(values, keyword::dns_interval);
    named.timeout = value_or_default(values, keyword::dns_timeout);
    named.most = static_cast<std::uint32_t>(value_or_default(values, keyword::dns_servers_max));
    return named;
}

bool fits(const NamedServers& named, Family of_service, const Endpoint& endpoint) {
    if (named.like.endpoint.port != 0 && named.like.endpoint.port != endpoint.port) return false;
    if (named.file) return true;  // it may name servers of both families
    const Family family = named.type == NamedServers::Type::A      ? Family::V4
                          : named.type == NamedServers::Type::Aaaa ? Family::V6
                                                                   : of_service;
    return endpoint.address.family() == family;
}

}  // namespace

std::vector<NamedServers> named_servers(const config::VirtualServer& service) {
    std::vector<NamedServers> all;
    for (const auto& server : service.real_servers)
        if (config::is_template(server)) all.push_back(named_of(service, server));
    return all;
}

config::VirtualServer with_known(config::VirtualServer service, const KnownOf& known) {
    const auto names = named_servers(service);
    if (names.empty()) return service;
    std::erase_if(service.real_servers, config::is_template);
    std::set<Endpoint> there;
    for (const auto& server : service.real_servers) there.insert(server.endpoint);
    for (const NamedServers& named : names) {
        const KnownServers* servers = known(service, named);
        if (servers == nullptr) continue;
        for (const KnownServer& one : *servers) {
            config::RealServer server = made_of(named, one);
            if (there.insert(server.endpoint).second) service.real_servers.push_back(std::move(server));
        }
    }
    return service;
}

config::Config with_known(config::Config config, const KnownOf& known) {
    for (config::VirtualServer& service : config.virtual_servers) service = with_known(std::move(service), known);
    return config;
}

KnownServers remembered(const ServiceMemory& memory, const config::VirtualServer& service, const NamedServers& named) {
    KnownServers known;
    const auto names = named_servers(service);
    for (const ServerMemory& server : memory.servers) {
        const bool configured = std::ranges::any_of(
            service.real_servers, [&](const config::RealServer& one) { return one.endpoint == server.endpoint; });
        if (configured || !fits(named, service.family, server.endpoint)) continue;
        const auto first = std::ranges::find_if(
            names, [&](const NamedServers& one) { return fits(one, service.family, server.endpoint); });
        if (first == names.end() || !(*first == named)) continue;
        // Answers of these types have no port, and are compared with those that follow.
        const bool without_port = !named.file && named.type != NamedServers::Type::Srv;
        known.push_back(
            {server.endpoint.address, without_port ? std::uint16_t{0} : server.endpoint.port, std::nullopt});
    }
    return known;
}

}  // namespace mainstay::lvs
