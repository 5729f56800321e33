// The IPVS table as typed values (uapi linux/ip_vs.h), which the planner compares and the codec encodes.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "mainstay/base/ip.hpp"

namespace mainstay::netlink {

// Identity of a service: the family and either a firewall mark or protocol + address + port.
struct IpvsServiceKey {
    Family family = Family::V4;
    std::uint32_t fwmark = 0;   // not 0: the other three are unused
    std::uint8_t protocol = 0;  // 6 TCP, 17 UDP, 132 SCTP
    IpAddress address;
    std::uint16_t port = 0;  // host order; 0 = any, persistent services only
    auto operator<=>(const IpvsServiceKey&) const = default;
};
// The members (base/archive.hpp).
template <class A>
void fields(A& a, IpvsServiceKey& k) {
    a(k.family, k.fwmark, k.protocol, k.address, k.port);
}

inline constexpr std::uint32_t kIpvsPersistent = 0x1;
inline constexpr std::uint32_t kIpvsHashed = 0x2;  // set by the kernel itself: masked out of dumps
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

// The encapsulation of packets to a tunnelled destination.
struct IpvsTunnel {
    std::uint8_t type = 0;    // 0 IPIP, 1 GUE, 2 GRE
    std::uint16_t port = 0;   // of GUE
    std::uint16_t flags = 0;  // 1 checksum, 2 remote checksum offload; not of IPIP
    bool operator==(const IpvsTunnel&) const = default;
};

inline constexpr std::uint32_t kIpvsTunnel = 2;  // IpvsDestination::forwarding

struct IpvsDestination {
    Endpoint endpoint;
    std::uint32_t forwarding = 0;  // 0 NAT, 2 tunnel, 3 direct route
    std::int32_t weight = 1;
    std::uint32_t upper_threshold = 0, lower_threshold = 0;
    IpvsTunnel tunnel{};  // of tunnels; otherwise all zero
    // The kernel's `last_weight`: the weight given when it was added, or the last one since that was not 0. mh shares
    // its slots by it. The kernel does not show it, so it is not sent, not read, and not compared.
    std::uint32_t last_weight = 0;
    bool operator==(const IpvsDestination& other) const {
        return endpoint == other.endpoint && forwarding == other.forwarding && weight == other.weight &&
               upper_threshold == other.upper_threshold && lower_threshold == other.lower_threshold &&
               tunnel == other.tunnel;
    }
};

struct IpvsStats {
    std::uint64_t connections = 0, in_packets = 0, out_packets = 0, in_bytes = 0, out_bytes = 0;
    std::uint64_t cps = 0, in_pps = 0, out_pps = 0, in_bps = 0, out_bps = 0;
    bool operator==(const IpvsStats&) const = default;
};

// A service as a dump reports it, with its counters.
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
        AddService,
        SetService,
        DeleteService,
        AddDestination,
        SetDestination,
        DeleteDestination
    } kind = Kind::AddService;
    IpvsService service;          // destination operations and DeleteService use only its key
    IpvsDestination destination;  // destination operations only; DeleteDestination uses only its endpoint
    bool operator==(const IpvsOperation&) const = default;
};

// A connection synchronisation daemon of the kernel; there is at most one of each state.
struct IpvsDaemon {
    enum class State : std::uint32_t { Master = 1, Backup = 2 } state = State::Master;  // NOLINT: of the kernel's size
    std::string interface;
    std::uint32_t sync_id = 0;  // a backup with 0 accepts every id
    std::uint16_t maxlen = 0;   // bytes; 0 in a request: the kernel's choice
    std::uint16_t port = 0;     // 0 in a request: 8848
    std::uint8_t ttl = 0;       // 0 in a request: 1
    IpAddress group;            // empty in a request: 224.0.0.81
    bool operator==(const IpvsDaemon&) const = default;
};

struct IpvsTimeouts {  // of connections, in seconds; 0 in a request: unchanged
    std::uint32_t tcp = 0, tcp_fin = 0, udp = 0;
    bool operator==(const IpvsTimeouts&) const = default;
};

// "TCP", "UDP" or "SCTP"; empty for any other, which IPVS does not balance.
[[nodiscard]] std::string_view protocol_name(std::uint8_t protocol);

// For errors and logs: "TCP 10.0.0.1:80", "FWM 5", "FWM 5 IPv6"; "add TCP 10.0.0.1:80 -> 10.0.0.11:80".
[[nodiscard]] std::string describe(const IpvsServiceKey& key);
[[nodiscard]] std::string describe(const IpvsOperation& operation);
[[nodiscard]] std::string describe(const IpvsDaemon& daemon);  // "IPVS master sync daemon on eth0, id 51"

// keepalived's log line for an IPVS operation that the kernel refused. Kept to the letter, because monitoring matches
// it.

// "IPVS cmd IP_VS_SO_SET_ADD(1154) error: Scheduler or persistence engine not found(2) (10.0.0.1:tcp:80)"
[[nodiscard]] std::string line_of_refusal(const IpvsOperation& operation, int sys_errno);

}  // namespace mainstay::netlink
