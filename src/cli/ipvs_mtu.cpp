#include "ipvs_mtu.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

namespace mainstay::cli {
namespace {

using netlink::IpvsDestination;
using netlink::IpvsServiceKey;

constexpr std::uint32_t kIpv4Header = 20, kIpv6Header = 40, kTcpHeader = 20;
constexpr std::uint8_t kIpip = 0, kGue = 1, kGre = 2;
constexpr std::uint16_t kChecksum = 1, kRemoteChecksum = 2;
constexpr std::uint8_t kTcp = 6;

std::uint32_t ip_header(Family family) { return family == Family::V6 ? kIpv6Header : kIpv4Header; }

bool is_tunnel(const IpvsDestination& server) { return server.forwarding == netlink::kIpvsTunnel; }

std::string way(const IpvsDestination& server) {
    std::string name = forwarding_name(server.forwarding);
    if (!is_tunnel(server)) return name;
    return name + (server.tunnel.type == kGue ? " GUE" : server.tunnel.type == kGre ? " GRE" : " IPIP");
}

// Marks may be of TCP as well.
bool has_mss(const IpvsServiceKey& key) { return key.fwmark != 0 || key.protocol == kTcp; }

struct Fit {
    std::uint32_t route = 0, usable = 0, mss = 0;
};

std::uint32_t less(std::uint32_t whole, std::uint32_t part) { return whole > part ? whole - part : 0; }

Fit fit(const IpvsServiceKey& key, const IpvsDestination& server, std::uint32_t route) {
    const auto usable =
        less(route, is_tunnel(server) ? tunnel_bytes(server.tunnel, server.endpoint.address.family()) : 0);
    return {route, usable, less(usable, ip_header(key.family) + kTcpHeader)};
}

}  // namespace

std::uint32_t tunnel_bytes(const netlink::IpvsTunnel& tunnel, Family outer) {
    constexpr std::uint32_t kUdpHeader = 8, kGueHeader = 4, kGuePrivate = 8, kGreHeader = 4, kGreChecksum = 4;
    std::uint32_t bytes = ip_header(outer);
    if (tunnel.type == kGue)
        bytes += kUdpHeader + kGueHeader + ((tunnel.flags & kRemoteChecksum) != 0 ? kGuePrivate : 0);
    if (tunnel.type == kGre) bytes += kGreHeader + ((tunnel.flags & kChecksum) != 0 ? kGreChecksum : 0);
    return bytes;
}

std::string format_ipvs_mtu(std::vector<IpvsTableEntry> table, const RouteMtu& route_mtu) {
    std::string out =
        "Prot LocalAddress:Port\n"
        "  -> RemoteAddress:Port           Forward       Route Usable   MSS\n";
    std::optional<std::uint32_t> least;  // MSS of all tunnels
    std::vector<std::string> vips;       // whose packets go through them
    sort_like_ipvsadm(table);
    for (const auto& entry : table) {
        const auto& key = entry.service.service.key;
        bool through_tunnel = false;
        out += fmt::format("{:<4} {}\n", protocol_name(key), service_name(key));
        for (const auto& [server, active, inactive, persistent, stats] : entry.destinations) {
            out += fmt::format("  -> {:<28} {:<12}", server.endpoint.to_string(), way(server));
            const auto route = route_mtu(server.endpoint.address);
            if (!route) {
                out += fmt::format(" {}\n", route.error().text());
                continue;
            }
            const Fit found = fit(key, server, *route);
            out += fmt::format("{:>7}{:>7}", found.route, found.usable) +
                   (has_mss(key) ? fmt::format("{:>6}\n", found.mss) : "     -\n");
            if (!has_mss(key) || !is_tunnel(server)) continue;
            least = std::min(least.value_or(found.mss), found.mss);
            through_tunnel = true;
        }
        const std::string vip = key.fwmark != 0 ? fmt::format("VIP_OF_MARK_{}", key.fwmark) : key.address.to_string();
        if (through_tunnel && std::ranges::find(vips, vip) == vips.end()) vips.push_back(vip);
    }
    if (least)
        out += fmt::format(
            "Larger packets of clients are dropped, and answered with ICMP \"too big\". Where that may get lost, let "
            "the "
            "servers\nask for smaller ones; on each of them:\n"
            "    mainstay-realserver mss {} {} | nft -f -\n",
            *least, fmt::join(vips, " "));
    return out;
}

}  // namespace mainstay::cli
