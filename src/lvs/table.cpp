#include "mainstay/lvs/table.hpp"

namespace mainstay::lvs {

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

bool same_service(const netlink::IpvsService& left, const netlink::IpvsService& right) {
    constexpr std::uint32_t kCompared = ~netlink::kIpvsHashed;
    if (left.key != right.key || left.scheduler != right.scheduler || left.engine != right.engine) return false;
    if ((left.flags & kCompared) != (right.flags & kCompared)) return false;
    if ((left.flags & netlink::kIpvsPersistent) == 0) return true;
    return left.timeout_s == right.timeout_s && left.netmask == right.netmask;
}

}  // namespace mainstay::lvs
