#include "vrrp_announcer.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "mainstay/wire/arp.hpp"
#include "mainstay/wire/nd.hpp"
#include "vrrp_addresses.hpp"

namespace mainstay::role {

namespace {

using Frames = std::vector<std::vector<std::byte>>;

Frames repeated(const Frames& round, std::uint32_t rounds) {
    Frames all;
    all.reserve(round.size() * rounds);
    for (; rounds > 0; --rounds) all.insert(all.end(), round.begin(), round.end());
    return all;
}

}  // namespace

void Announcer::announce(std::span<const kernel::Address> addresses, std::uint32_t rounds,
                         const config::Global& global) {
    struct Told {
        const kernel::Link* link;
        const IpAddress* address;
    };
    std::vector<Told> told;
    std::map<std::uint32_t, Frames> arps, advertisements;  // one round of them, by interface
    std::map<std::uint32_t, bool> routers;
    for (const auto& address : addresses) {
        const auto* link = links_.find(address.interface_index);
        wire::MacAddress mac{};
        if (link == nullptr || link->no_arp || link->hardware_address.size() != mac.size()) continue;
        std::ranges::copy(link->hardware_address, mac.begin());
        const IpAddress& ip = address.prefix.address;
        if (ip.is_v6() && !routers.contains(link->index)) routers[link->index] = forwards_ipv6(link->name);
        const auto keep = [&](const auto& frame) {
            if (!frame) return;
            (ip.is_v4() ? arps : advertisements)[link->index].emplace_back(frame->begin(), frame->end());
            told.push_back({link, &ip});
        };
        if (ip.is_v4())
            keep(wire::gratuitous_arp(mac, ip));
        else
            keep(wire::unsolicited_na(mac, ip, routers[link->index]));
    }
    for (const auto& [index, round] : arps)
        transport_.send_frames(index, repeated(round, rounds), global.vrrp_garp_interval);
    for (const auto& [index, round] : advertisements)
        transport_.send_frames(index, repeated(round, rounds), global.vrrp_gna_interval);
    for (const auto& [link, ip] : told)  // after they went out: a line per address takes its time
        log_.debug("Sending {} on {} for {}", ip->is_v4() ? "gratuitous ARP" : "unsolicited Neighbour Advert",
                   link->name, ip->to_string());
}

}  // namespace mainstay::role
