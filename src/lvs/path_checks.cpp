#include "mainstay/lvs/path_checks.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "mainstay/base/hash.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "mainstay/lvs/desired.hpp"
#include "mainstay/lvs/firewall_marks.hpp"

namespace mainstay::lvs {
namespace {

using Type = config::Checker::Type;

bool asks_by_ip(Type type) {
    switch (type) {
        case Type::Tcp:
        case Type::Http:
        case Type::Ssl:
        case Type::Smtp:
        case Type::Dns:
        case Type::Udp:
        case Type::Grpc:
            return true;
        case Type::Ping:   // the kernel answers it, whoever serves
        case Type::Agent:  // speaks with the host, not with its service
        case Type::Misc:
        case Type::File:
        case Type::Bfd:
            return false;
    }
    return false;
}

bool can_ask(const config::RealServer& server, const config::Checker& checker) {
    return asks_by_ip(checker.type) && checker.target.address == server.endpoint.address &&
           !config::is_given(checker.more->values, config::keyword::fwmark);
}

std::set<IpAddress> addresses_of(const std::vector<config::VirtualServer>& services) {
    std::set<IpAddress> addresses;
    for (const auto& service : services)
        for (const auto& key : keys_of(service))
            if (key.fwmark == 0) addresses.insert(key.address);
    return addresses;
}

// The same in each incarnation and on each director, unless two servers want the same one.
std::uint32_t first_choice(const std::pair<std::string, std::string>& names) {
    const std::string text = names.first + ' ' + names.second;
    return kPathMarksBegin +
           static_cast<std::uint32_t>(fnv1a(std::as_bytes(std::span{text})) % (kPathMarksEnd - kPathMarksBegin));
}

std::uint32_t free_mark(std::uint32_t from, const std::set<std::uint32_t>& used) {
    while (used.contains(from)) from = from + 1 == kPathMarksEnd ? kPathMarksBegin : from + 1;
    return from;
}

}  // namespace

void PathChecks::apply(std::vector<config::VirtualServer>& services) {
    const auto before = std::exchange(marks_, {});
    ways_.clear();
    addresses_.clear();
    if (std::ranges::none_of(services, config::checks_data_path)) return;
    addresses_ = addresses_of(services);
    auto used = configured_marks(services);
    struct Place {
        config::RealServer* server;
        IpAddress address;
        std::pair<std::string, std::string> names;
    };
    std::vector<Place> places;
    for (auto& service : services) {
        if (!config::checks_data_path(service)) continue;
        for (auto& server : service.real_servers)
            if (const auto address = config::data_path_address(service, server);
                address && std::ranges::any_of(*server.checkers, [&](const auto& one) { return can_ask(server, one); }))
                places.push_back({&server, *address, {config::service_name(service), server.endpoint.to_string()}});
    }
    for (const auto& place : places)
        if (const auto had = before.find(place.names); had != before.end() && used.insert(had->second).second)
            marks_.insert(*had);
    for (const auto& place : places) {
        auto& mark = marks_[place.names];
        if (mark == 0) used.insert(mark = free_mark(first_choice(place.names), used));
        auto way = ways_.try_emplace(mark).first;
        way->second.key.family = place.address.family();
        way->second.key.fwmark = mark;
        way->second.server = *place.server;
        way->second.server.checkers = {};
        for (auto& checker : place.server->checkers.edit()) {
            if (!can_ask(*place.server, checker)) continue;
            checker.target.address = place.address;
            set_value(checker.more.edit().values, config::keyword::fwmark, std::int64_t{mark});
        }
    }
}

bool PathChecks::uses(Family family) const {
    return std::ranges::any_of(ways_, [family](const auto& one) { return one.second.key.family == family; });
}

Table PathChecks::desired() const {
    Table table;
    for (const auto& [mark, way] : ways_) {
        config::VirtualServer service;
        service.fwmark = mark;
        service.family = way.key.family;
        service.scheduler = "rr";
        service.scheduler_flags = config::kOnePacket;  // each datagram is forwarded by its mark
        service.real_servers = {way.server};
        auto& only = service.real_servers.front();
        only.upper_threshold = only.lower_threshold = 0;
        const ServiceVerdict verdict{.sorry_in_use = false, .servers = {ServerVerdict{}}, .leaving = {}};
        std::ranges::move(lvs::desired(service, std::span{&way.key, 1}, verdict), std::back_inserter(table));
    }
    return table;
}

const PathChecks::Way* PathChecks::way_of(const config::Checker& checker) const {
    const auto mark = config::value_of(checker.more->values, config::keyword::fwmark);
    const auto found = mark ? ways_.find(static_cast<std::uint32_t>(*mark)) : ways_.end();
    return found == ways_.end() || found->second.key.fwmark != *mark ? nullptr : &found->second;
}

}  // namespace mainstay::lvs
