// The IPVS table as typed values (uapi linux/ip_vs.h). What the planner compares and the codec turns into bytes.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "mainstay/base/ip.hpp"

namespace mainstay::netlink {

// Identity of a service: the family and either a firewall mark or protocol + address + port.
struct IpvsServiceKey {
    Family family = Family::V4;
    std::uint32_t fwmark = 0;    // not 0: the other three are unused
    std::uint8_t protocol = 0;   // 6 TCP, 17 UDP, 132 SCTP
    IpAddress address;
    std::uint16_t port = 0;      // host order; 0 = any, persistent services only
    auto operator<=>(const IpvsServiceKey&) const = default;
};

inline constexpr std::uint32_t kIpvsPersistent = 0x1;
inline constexpr std::uint32_t kIpvsHashed = 0x2;  // set by the kernel itself: masked out of what a dump gives
inline constexpr std::uint32_t kIpvsOnePacket = 0x4;

struct IpvsService {
    IpvsServiceKey key;
    std::string scheduler = "wlc";
    std::uint32_t flags = 0;  // without kIpvsHashed
    std::uint32_t timeout_s = 0;
    std::uint32_t netmask = 0xffffffff;  // IPv4: host order here; IPv6: prefix length, default 128
    std::string engine;
    bool operator==(const IpvsService&) const = default;
};

struct IpvsDestination {
    Endpoint endpoint;
    std::uint32_t forwarding = 0;  // 0 NAT, 2 tunnel, 3 direct route
    std::int32_t weight = 1;
    std::uint32_t upper_threshold = 0, lower_threshold = 0;
    bool operator==(const IpvsDestination&) const = default;
};

struct IpvsStats {
    std::uint64_t connections = 0, in_packets = 0, out_packets = 0, in_bytes = 0, out_bytes = 0;
    std::uint64_t cps = 0, in_pps = 0, out_pps = 0, in_bps = 0, out_bps = 0;
    bool operator==(const IpvsStats&) const = default;
};

// What a dump gives beyond the configuration.
struct IpvsServiceEntry {
    IpvsService service;
    IpvsStats stats;
};
struct IpvsDestinationEntry {
    IpvsDestination destination;
    std::uint32_t active = 0, inactive = 0, persistent = 0;
    IpvsStats stats;
};

// One write to the table.
struct IpvsOperation {
    enum class Kind : std::uint8_t {
        AddService, SetService, DeleteService, AddDestination, SetDestination, DeleteDestination
    } kind = Kind::AddService;
    IpvsService service;          // destination operations and DeleteService use only its key
    IpvsDestination destination;  // destination operations only; DeleteDestination uses only its endpoint
    bool operator==(const IpvsOperation&) const = default;
};

// For errors and logs: "TCP 10.0.0.1:80", "FWM 5", "FWM 5 IPv6"; "add TCP 10.0.0.1:80 -> 10.0.0.11:80".
[[nodiscard]] std::string describe(const IpvsServiceKey& key);
[[nodiscard]] std::string describe(const IpvsOperation& operation);

}  // namespace mainstay::netlink
