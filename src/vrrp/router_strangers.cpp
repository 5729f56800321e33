// Adverts of virtual routers that are not configured here.
#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "mainstay/wire/vrrp.hpp"
#include "mainstay/wire/vrrp_auth.hpp"
#include "router_impl.hpp"

namespace mainstay::vrrp {
namespace {

constexpr std::size_t kUnknownVridsMost = 1024;  // logged ones
constexpr std::uint8_t kHopsOfTheLink = 255;

}  // namespace

// An address of ours with another VRID is a mistake in one of the two configurations, which neither router's protocol
// sees. Only a router on the same link (RFC 9568 5.1.1.3) can hold it there.
void Router::Impl::look_for_own_addresses(Step step, const PacketHeard& packet, std::span<const std::byte> advert) {
    if (packet.ttl != kHopsOfTheLink) return;
    const auto heard = wire::decode_vrrp(advert, packet.source.family());
    if (!heard || heard->priority == 0 || heard->type != wire::kVrrpAdvertisement) return;
    std::vector<InstanceId> named;
    for (const IpAddress& address : heard->addresses)
        for (const auto& [own, id] : std::ranges::equal_range(advertised, address, {}, &AdvertisedBy::first)) {
            if (advert_device(config->instances[id]) != packet.interface || std::ranges::find(named, id) != named.end())
                continue;
            instances[id].hear_other_vrid(step, packet.source, heard->virtual_router_id, address);
            named.push_back(id);
        }
}

// keepalived: only with log_unknown_vrids. Logged once per VRID, because other routers may legitimately use VRRP here.
void Router::Impl::unknown_vrid(Step step, const PacketHeard& packet) {
    const std::size_t at = packet.protocol == wire::kAhProtocol ? wire::kAhLength : 0;
    if (packet.payload.size() < at + wire::kVrrpHeaderLength) return;
    look_for_own_addresses(step, packet, packet.payload.subspan(at));
    if (!config::value_of<bool>(config->global.more->values, "log_unknown_vrids").value_or(false) ||
        unknown_vrids.size() >= kUnknownVridsMost)
        return;
    const auto vrid = std::to_integer<std::uint8_t>(packet.payload[at + 1]);
    if (!unknown_vrids.emplace(packet.interface, packet.source.family(), vrid).second) return;
    step.out.push_back(WriteLog{{LogLevel::Info, fmt::format("unknown VRID {} received from {} on {}", vrid,
                                                             packet.source.to_string(), packet.interface)}});
}

}  // namespace mainstay::vrrp
