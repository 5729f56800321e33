// The expected texts were printed by ipvsadm 1.31 for these tables.
#include "cli/ctl_ipvs.hpp"

#include <doctest/doctest.h>

namespace mainstay::cli {
namespace {

constexpr const char* kHeadline = "IP Virtual Server version 1.2.1 (size=4096)";

IpvsTableEntry service(std::uint8_t protocol, const char* address, std::uint16_t port, const char* scheduler) {
    IpvsTableEntry entry;
    auto& key = entry.service.service.key;
    key.address = *IpAddress::parse(address);
    key.family = key.address.family();
    key.protocol = protocol;
    key.port = port;
    entry.service.service.scheduler = scheduler;
    if (key.family == Family::V6) entry.service.service.netmask = 128;
    return entry;
}

IpvsTableEntry mark(std::uint32_t fwmark, Family family, const char* scheduler) {
    IpvsTableEntry entry;
    entry.service.service.key = {.family = family, .fwmark = fwmark};
    entry.service.service.scheduler = scheduler;
    if (family == Family::V6) entry.service.service.netmask = 128;
    return entry;
}

netlink::IpvsDestinationEntry server(const char* address, std::uint16_t port, std::uint32_t forwarding,
                                     std::int32_t weight) {
    netlink::IpvsDestinationEntry entry;
    entry.destination = {.endpoint = {*IpAddress::parse(address), port}, .forwarding = forwarding, .weight = weight};
    return entry;
}

// In the kernel's order, which is none.
std::vector<IpvsTableEntry> sample() {
    auto wrr = service(6, "10.0.0.1", 80, "wrr");
    wrr.destinations = {server("10.0.0.12", 80, 3, 0), server("10.0.0.11", 8080, 0, 2)};
    auto sh = service(6, "10.0.0.2", 443, "sh");
    sh.service.service.flags = 0x1 | 0x8 | 0x10;
    sh.service.service.timeout_s = 360;
    sh.service.service.netmask = 0xffffff00;
    sh.destinations = {server("192.168.100.111", 443, 2, 100)};
    auto ops = service(17, "10.0.0.3", 53, "rr");
    ops.service.service.flags = 0x4;
    ops.destinations = {server("10.0.0.13", 5353, 0, 1)};
    auto v6 = service(6, "2001:db8::1", 80, "wlc");
    v6.service.service.flags = 0x1;
    v6.service.service.timeout_s = 100;
    v6.service.service.netmask = 64;
    v6.destinations = {server("2001:db8:0:1:2:3:4:11", 8080, 0, 1)};
    auto five = mark(5, Family::V4, "wlc");
    five.service.service.flags = 0x1;
    five.service.service.timeout_s = 360;
    five.destinations = {server("10.0.0.14", 0, 3, 1)};
    auto seven = mark(7, Family::V6, "mh");
    seven.service.service.flags = 0x10;
    return {seven, service(132, "10.0.0.9", 99, "lc"), v6, five, ops, sh, wrr};
}

}  // namespace

TEST_CASE("an empty table is its three headings") {
    CHECK(format_ipvs_table(kHeadline, {}, false) ==
          "IP Virtual Server version 1.2.1 (size=4096)\n"
          "Prot LocalAddress:Port Scheduler Flags\n"
          "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n");
}

TEST_CASE("services and servers are printed as ipvsadm -Ln prints them") {
    CHECK(format_ipvs_table(kHeadline, sample(), false) ==
          "IP Virtual Server version 1.2.1 (size=4096)\n"
          "Prot LocalAddress:Port Scheduler Flags\n"
          "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n"
          "TCP  10.0.0.1:80 wrr\n"
          "  -> 10.0.0.11:8080               Masq    2      0          0         \n"
          "  -> 10.0.0.12:80                 Route   0      0          0         \n"
          "TCP  10.0.0.2:443 sh (sh-fallback,sh-port) persistent 360 mask 255.255.255.0\n"
          "  -> 192.168.100.111:443          Tunnel  100    0          0         \n"
          "UDP  10.0.0.3:53 rr ops\n"
          "  -> 10.0.0.13:5353               Masq    1      0          0         \n"
          "SCTP 10.0.0.9:99 lc\n"
          "TCP  [2001:db8::1]:80 wlc persistent 100 mask 64\n"
          "  -> [2001:db8:0:1:2:3:4:11]:8080 Masq    1      0          0         \n"
          "FWM  5 wlc persistent 360\n"
          "  -> 10.0.0.14:0                  Route   1      0          0         \n"
          "FWM  7 IPv6 mh (mh-port)\n");
}

TEST_CASE("long names and weights push their columns, as with ipvsadm") {
    auto v6 = service(6, "2001:db8:1111:2222:3333:4444:5555:6666", 65535, "rr");
    v6.service.service.flags = 0x1;
    v6.service.service.timeout_s = 300;
    v6.service.service.engine = "sip";
    v6.destinations = {server("2001:db8:1111:2222:3333:4444:5555:7777", 65535, 3, 1),
                       server("2001:db8::1", 65535, 3, 1)};
    auto odd = service(6, "10.0.0.34", 0, "sh");
    odd.service.service.flags = 0x1 | 0x20;
    odd.service.service.timeout_s = 30;
    odd.destinations = {server("192.168.0.1", 80, 0, 2147483647)};
    auto flags = service(6, "10.0.0.35", 0, "rr");
    flags.service.service.flags = 0x1 | 0x8 | 0x10;
    flags.service.service.timeout_s = 30;

    const std::string text = format_ipvs_table(kHeadline, {v6, odd, flags}, false);

    CHECK(text.substr(text.find("TCP")) ==
          "TCP  10.0.0.34:0 sh () persistent 30\n"
          "  -> 192.168.0.1:80               Masq    2147483647 0          0         \n"
          "TCP  10.0.0.35:0 rr (flag-1,flag-2) persistent 30\n"
          "TCP  [2001:db8:1111:2222:3333:4444:5555:6666]:65535 rr persistent 300 pe sip\n"
          "  -> [2001:db8::1]:65535          Route   1      0          0         \n"
          "  -> [2001:db8:1111:2222:3333:4444:5555:7777]:65535 Route   1      0          0         \n");
}

TEST_CASE("IPv4 addresses come in ipvsadm's own order") {
    auto rr = service(6, "10.0.0.20", 80, "rr");
    rr.destinations = {server("10.0.0.9", 79, 0, 1), server("192.168.0.1", 80, 0, 1), server("10.0.0.9", 80, 0, 1)};

    const std::string text = format_ipvs_table(
        kHeadline,
        {rr, service(6, "10.0.0.20", 79, "rr"), service(6, "9.0.0.20", 90, "rr"), service(6, "200.0.0.20", 90, "rr")},
        false);

    CHECK(text.substr(text.find("TCP")) ==
          "TCP  200.0.0.20:90 rr\n"
          "TCP  9.0.0.20:90 rr\n"
          "TCP  10.0.0.20:79 rr\n"
          "TCP  10.0.0.20:80 rr\n"
          "  -> 192.168.0.1:80               Masq    1      0          0         \n"
          "  -> 10.0.0.9:79                  Masq    1      0          0         \n"
          "  -> 10.0.0.9:80                  Masq    1      0          0         \n");
}

TEST_CASE("statistics are printed as ipvsadm -Ln --stats prints them") {
    auto udp = service(17, "10.0.0.1", 5000, "rr");
    udp.service.stats = {.connections = 1, .in_packets = 3600, .in_bytes = 216'100'800};
    udp.destinations = {server("10.0.0.11", 5000, 0, 1)};
    udp.destinations[0].stats = {.connections = 99'999'999,
                                 .in_packets = 100'000'000,
                                 .out_packets = 123'456'789'012,
                                 .in_bytes = 216'100'800,
                                 .out_bytes = 123'456'789'012'345};

    CHECK(format_ipvs_table(kHeadline, {udp, mark(7, Family::V6, "rr")}, true) ==
          "IP Virtual Server version 1.2.1 (size=4096)\n"
          "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n"
          "  -> RemoteAddress:Port\n"
          "UDP  10.0.0.1:5000                       1     3600        0  216100K        0\n"
          "  -> 10.0.0.11:5000               99999999  100000K  123456M  216100K  123456G\n"
          "FWM  7 IPv6                              0        0        0        0        0\n");
}

}  // namespace mainstay::cli
