#include "mainstay/lvs/table.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace mainstay::lvs {
namespace {

// The numerically next address of the family.
IpAddress next_of(const IpAddress& address) {
    std::array<std::byte, 16> bytes{};
    std::ranges::copy(address.bytes(), bytes.begin());
    for (std::size_t i = address.bytes().size(); i-- > 0;) {
        bytes[i] = static_cast<std::byte>(std::to_integer<unsigned>(bytes[i]) + 1U);
        if (bytes[i] != std::byte{0}) break;
    }
    return address.is_v4() ? IpAddress::v4(std::span{bytes}.first<4>()) : IpAddress::v6(bytes);
}

}  // namespace

bool ServiceTable::operator==(const ServiceTable& other) const {
    const auto same_last_weight = [](const netlink::IpvsDestination& one, const netlink::IpvsDestination& two) {
        return one.last_weight == two.last_weight;
    };
    return service == other.service && destinations == other.destinations && active_active == other.active_active &&
           (!active_active || std::ranges::equal(destinations, other.destinations, same_last_weight));
}

netlink::IpvsServiceKey key_of(const config::VirtualServer& service) {
    netlink::IpvsServiceKey key;
    key.family = service.family;
    if (service.fwmark != 0) {
        key.fwmark = service.fwmark;
        return key;
    }
    if (!service.endpoint.address.empty()) key.family = service.endpoint.address.family();
    key.protocol = static_cast<std::uint8_t>(service.protocol);
    key.address = service.endpoint.address;
    key.port = service.endpoint.port;
    return key;
}

ServiceIdentity identity_of(const config::VirtualServer& service) { return {key_of(service), *service.group}; }

std::vector<netlink::IpvsServiceKey> keys_of(const config::VirtualServer& service) {
    if (service.group.empty()) return {key_of(service)};
    std::vector<netlink::IpvsServiceKey> keys;
    std::set<netlink::IpvsServiceKey> seen;
    const auto add = [&](const netlink::IpvsServiceKey& key) {
        if (seen.insert(key).second) keys.push_back(key);
    };
    for (const auto& entry : service.membership->entries) {
        netlink::IpvsServiceKey key;
        key.family = entry.family;
        if (entry.fwmark != 0) {
            key.fwmark = entry.fwmark;
            add(key);
            continue;
        }
        key.protocol = static_cast<std::uint8_t>(service.protocol);
        key.port = entry.port;
        for (IpAddress address = entry.first; address <= entry.last; address = next_of(address)) {
            key.address = address;
            add(key);
            if (address == entry.last) break;  // the highest address of all has no next one
        }
    }
    return keys;
}

Endpoint endpoint_at(const netlink::IpvsServiceKey& key, const config::VirtualServer& service, const Endpoint& server,
                     config::Forwarding forwarding) {
    if (service.group.empty() || forwarding == config::Forwarding::Nat) return server;
    return {server.address, key.port};
}

bool same_service(const netlink::IpvsService& left, const netlink::IpvsService& right) {
    constexpr std::uint32_t kCompared = ~netlink::kIpvsHashed;
    if (left.key != right.key || left.scheduler != right.scheduler || left.engine != right.engine) return false;
    if ((left.flags & kCompared) != (right.flags & kCompared)) return false;
    if ((left.flags & netlink::kIpvsPersistent) == 0) return true;
    return left.timeout_s == right.timeout_s && left.netmask == right.netmask;
}

}  // namespace mainstay::lvs
