#include "cli/ipvs_mtu.hpp"

#include <doctest/doctest.h>

#include <cerrno>

namespace mainstay::cli {
namespace {

constexpr std::uint8_t kIpip = 0, kGue = 1, kGre = 2;
constexpr std::uint8_t kTcp = 6, kUdp = 17;

IpvsTableEntry service(std::uint8_t protocol, const char* address, std::uint16_t port) {
    IpvsTableEntry entry;
    auto& key = entry.service.service.key;
    key.address = *IpAddress::parse(address);
    key.family = key.address.family();
    key.protocol = protocol;
    key.port = port;
    return entry;
}

netlink::IpvsDestinationEntry server(const char* address, std::uint16_t port, std::uint32_t forwarding,
                                     netlink::IpvsTunnel tunnel = {}) {
    netlink::IpvsDestinationEntry entry;
    entry.destination = {.endpoint = {*IpAddress::parse(address), port}, .forwarding = forwarding, .tunnel = tunnel};
    return entry;
}

// 10.0.0.66 cannot be reached, 10.0.0.9 has jumbo frames on the way.
Result<std::uint32_t> route(const IpAddress& target) {
    if (target == *IpAddress::parse("10.0.0.66")) return fail_system("no route", ENETUNREACH);
    return target == *IpAddress::parse("10.0.0.9") ? 9000 : 1500;
}

}  // namespace

TEST_CASE("what a tunnel puts in front: the outer header, and its own") {
    const auto bytes = [](std::uint8_t type, std::uint16_t flags, Family outer) {
        return tunnel_bytes({.type = type, .flags = flags}, outer);
    };
    CHECK(bytes(kIpip, 0, Family::V4) == 20);
    CHECK(bytes(kIpip, 0, Family::V6) == 40);
    CHECK(bytes(kGue, 0, Family::V4) == 32);
    CHECK(bytes(kGue, 1, Family::V4) == 32);
    CHECK(bytes(kGue, 2, Family::V4) == 40);
    CHECK(bytes(kGue, 0, Family::V6) == 52);
    CHECK(bytes(kGre, 0, Family::V4) == 24);
    CHECK(bytes(kGre, 1, Family::V4) == 28);
    CHECK(bytes(kGre, 1, Family::V6) == 48);
}

TEST_CASE("a table without tunnels is its sizes alone") {
    auto web = service(kTcp, "192.0.2.10", 80);
    web.destinations = {server("10.0.0.66", 80, 3), server("10.0.0.9", 8080, 0)};
    auto dns = service(kUdp, "192.0.2.10", 53);
    dns.destinations = {server("10.0.0.3", 53, 3)};
    CHECK(format_ipvs_mtu({web, dns}, route) ==
          "Prot LocalAddress:Port\n"
          "  -> RemoteAddress:Port           Forward       Route Usable   MSS\n"
          "TCP  192.0.2.10:80\n"
          "  -> 10.0.0.9:8080                Masq           9000   9000  8960\n"
          "  -> 10.0.0.66:80                 Route        no route: Network is unreachable\n"
          "UDP  192.0.2.10:53\n"
          "  -> 10.0.0.3:53                  Route          1500   1500     -\n");
}

TEST_CASE("for tunnels that take less than their route the command follows") {
    auto web = service(kTcp, "192.0.2.10", 80);
    web.destinations = {server("10.0.0.1", 80, 2, {.type = kIpip}),
                        server("10.0.0.2", 80, 2, {.type = kGue, .port = 6080}),
                        server("10.0.0.3", 80, 2, {.type = kGre, .flags = 1})};
    auto six = service(kTcp, "2001:db8::10", 443);
    six.destinations = {server("10.0.0.1", 443, 2), server("fd00::2", 443, 2)};
    IpvsTableEntry mark;
    mark.service.service.key = {.family = Family::V4, .fwmark = 5};
    mark.destinations = {server("10.0.0.1", 0, 2)};
    auto dns = service(kUdp, "192.0.2.10", 53);
    dns.destinations = {server("10.0.0.1", 53, 2)};
    CHECK(format_ipvs_mtu({web, six, mark, dns}, route) ==
          "Prot LocalAddress:Port\n"
          "  -> RemoteAddress:Port           Forward       Route Usable   MSS\n"
          "TCP  192.0.2.10:80\n"
          "  -> 10.0.0.1:80                  Tunnel IPIP    1500   1480  1440\n"
          "  -> 10.0.0.2:80                  Tunnel GUE     1500   1468  1428\n"
          "  -> 10.0.0.3:80                  Tunnel GRE     1500   1472  1432\n"
          "UDP  192.0.2.10:53\n"
          "  -> 10.0.0.1:53                  Tunnel IPIP    1500   1480     -\n"
          "TCP  [2001:db8::10]:443\n"
          "  -> 10.0.0.1:443                 Tunnel IPIP    1500   1480  1420\n"
          "  -> [fd00::2]:443                Tunnel IPIP    1500   1460  1400\n"
          "FWM  5\n"
          "  -> 10.0.0.1:0                   Tunnel IPIP    1500   1480  1440\n"
          "Larger packets of clients are dropped, and answered with ICMP \"too big\". Where that may get lost, let the "
          "servers\n"
          "ask for smaller ones; on each of them:\n"
          "    mainstay-realserver mss 1400 192.0.2.10 2001:db8::10 VIP_OF_MARK_5 | nft -f -\n");
}

}  // namespace mainstay::cli
