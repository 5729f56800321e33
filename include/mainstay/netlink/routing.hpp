// Routes and policy rules as typed values, and their rtnetlink messages (rtnetlink(7), uapi/linux/rtnetlink.h,
// uapi/linux/fib_rules.h, uapi/linux/lwtunnel.h). The socket is in kernel/routing.hpp.
//
// Only given attributes are sent: an absent optional selects the kernel's default. Interfaces are names; the caller
// resolves them, because the message contains the index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"
#include "message.hpp"

namespace mainstay::netlink {

inline constexpr std::uint8_t kProtocolKeepalived = 18;  // RTPROT_KEEPALIVED: owner of routes, rules and addresses
inline constexpr std::uint32_t kTableMain = 254;
inline constexpr std::size_t kMostHops = 128;  // of one multipath route; a message has its limit
inline constexpr std::size_t kMostLabels = 16;

// A lightweight tunnel: the encapsulation of packets that take this route.
struct Encapsulation {
    enum class Type : std::uint8_t { None = 0, Mpls = 1, Ip = 2, Ila = 3, Ip6 = 4 };  // LWTUNNEL_ENCAP_*
    Type type = Type::None;
    std::optional<std::uint64_t> id, locator;  // locator: ILA
    std::optional<IpAddress> destination, source;
    std::optional<std::uint8_t> tos, ttl;  // traffic class and hop limit of ip6
    std::optional<std::uint16_t> flags;
    std::vector<std::uint32_t> labels;  // MPLS, outermost first, 20 bits each
    bool operator==(const Encapsulation&) const = default;
};

struct NextHop {
    IpAddress via;                      // empty: directly on the interface
    std::string device;                 // empty: chosen by the kernel
    std::uint32_t interface_index = 0;  // of `device`; 0: not resolved, or none
    std::uint16_t weight = 1;           // 1..256
    bool onlink = false;
    std::optional<std::uint32_t> realms;  // from << 16 | to
    Encapsulation encapsulation;
    bool operator==(const NextHop&) const = default;
};

struct Metric {
    std::uint8_t number = 0;  // RTAX_*: 1..31
    std::uint32_t value = 0;
    bool operator==(const Metric&) const = default;
};

struct Route {
    enum class Placement : std::uint8_t { Add, Prepend, Append };
    Prefix destination;            // its family is the route's; length 0: default
    std::optional<Prefix> source;  // IPv6: only for packets from there
    std::uint8_t type = 1;         // RTN_*; 1: unicast
    std::uint8_t scope = 0;        // RT_SCOPE_*; 0: universe
    std::uint8_t tos = 0;
    std::uint8_t protocol = kProtocolKeepalived;
    std::uint32_t table = kTableMain;
    NextHop hop;                // its weight is unused
    std::vector<NextHop> hops;  // not empty: a multipath route, `hop` is unused
    std::optional<IpAddress> preferred_source;
    std::optional<std::uint32_t> priority;  // the metric
    std::vector<Metric> metrics;            // sorted by number; RTAX_LOCK is not among them
    std::uint32_t locked = 0;               // bits of RTAX_* numbers
    std::string congestion_control;
    std::optional<std::uint32_t> expires;  // seconds, IPv6
    std::optional<std::uint8_t> preference, ttl_propagate;
    Placement placement = Placement::Prepend;
    bool operator==(const Route&) const = default;
};

struct Rule {
    Family family = Family::V4;
    std::optional<Prefix> from, to;
    bool invert = false;
    std::uint8_t tos = 0;
    std::uint8_t protocol = kProtocolKeepalived;
    std::uint8_t action = 1;  // FR_ACT_*; 1: look the table up
    std::uint32_t table = 0;  // of that action; 0 with l3mdev
    bool l3mdev = false;      // the table of the packet's VRF
    std::uint32_t priority = 0;
    std::uint32_t target = 0;  // of FR_ACT_GOTO
    std::optional<std::uint32_t> mark, mask, realms;
    std::optional<std::uint32_t> suppress_prefix_length, suppress_group;
    std::string input, output;  // interfaces, by name in the kernel too
    std::optional<std::uint64_t> tunnel_id;
    std::optional<std::pair<std::uint32_t, std::uint32_t>> users;
    std::optional<std::uint8_t> ip_protocol;
    std::optional<std::pair<std::uint16_t, std::uint16_t>> source_ports, destination_ports;
    bool operator==(const Rule&) const = default;
};

using Routing = std::variant<Route, Rule>;

// Each appends one message with NLM_F_ACK to `out`. On an error `out` is unchanged. Adding an existing rule, or an
// identical route, gives EEXIST; a removal contains every attribute that the kernel compares.
[[nodiscard]] Result<void> append_route_add(std::vector<std::byte>& out, const Route& route, std::uint32_t sequence);
[[nodiscard]] Result<void> append_route_remove(std::vector<std::byte>& out, const Route& route, std::uint32_t sequence);
[[nodiscard]] Result<void> append_rule_add(std::vector<std::byte>& out, const Rule& rule, std::uint32_t sequence);
[[nodiscard]] Result<void> append_rule_remove(std::vector<std::byte>& out, const Rule& rule, std::uint32_t sequence);

// Dumps the routes, or the rules, of both families and of every table.
void append_route_dump(std::vector<std::byte>& out, std::uint32_t sequence);
void append_policy_rule_dump(std::vector<std::byte>& out, std::uint32_t sequence);

// Decodes RTM_NEWROUTE, RTM_DELROUTE, RTM_NEWRULE and RTM_DELRULE of a dump or a notification. No value: something
// else. Encapsulation and metrics are not decoded, because no caller needs them. Errors: damaged bytes.
[[nodiscard]] Result<std::optional<Routing>> decode_routing(const Message& message);

// Whether a message about `reported` may concern `wanted`. Compares family, destination, table, tos and, if `wanted`
// has it, the metric; for rules priority, family, addresses, action, table, tos, mark and interfaces. May return true
// for another entry, never false for the same one.
[[nodiscard]] bool may_be(const Routing& wanted, const Routing& reported);

// The network that an interface address is in: 10.0.0.0/24 of 10.0.0.9/24.
[[nodiscard]] Prefix without_host_bits(const Prefix& prefix);

}  // namespace mainstay::netlink
