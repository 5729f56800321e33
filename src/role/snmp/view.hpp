// The values that SNMP shows: object identifiers and their values, from the configuration and the roles' state. Pure.
//
// KEEPALIVED-MIB (enterprises 9586.100.5, sections global and vrrp) with keepalived's numbers and forms, VRRP-MIB
// (RFC 2787) and VRRPV3-MIB (RFC 6527). Columns that do not apply to an instance are absent, as in keepalived.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/base/event.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/ipc/status.hpp"
#include "role/common/snmp_parts.hpp"

namespace mainstay::role {

using Oid = std::vector<std::uint32_t>;

struct SnmpValue {
    enum class Type : std::uint8_t { Integer, Octets, IpAddress, Counter32, Gauge32, TimeTicks, Counter64, ObjectId };
    Type type = Type::Integer;
    std::uint64_t number = 0;  // Integer: an int32 in two's complement
    std::string octets;        // of Octets, and the four of IpAddress
    Oid oid;                   // of ObjectId
    bool operator==(const SnmpValue&) const = default;
};
using SnmpView = std::map<Oid, SnmpValue>;

struct SnmpLink {
    std::uint32_t index = 0;
    std::string mac;                   // six octets, or empty
    std::vector<IpAddress> addresses;  // in the kernel's order, VIPs among them
};

// The inputs of a view. The references are valid only during the call.
struct SnmpFacts {
    const config::Config& config;
    const report::VrrpStatus& status;
    const report::LvsStatus& lvs;
    const std::map<std::string, SnmpLink>& links;
    std::string version;                            // "mainstay v0.1.0"
    std::string router_id;                          // resolved
    WallTime now, started;                          // `started`: when SNMP's own clock began
    std::map<std::string, WallTime> up_since = {};  // of instances that are not in INIT or FAULT
};

// The subtrees to register, including empty ones.
[[nodiscard]] std::vector<Oid> snmp_roots(const SnmpParts& parts);
[[nodiscard]] SnmpView snmp_view(const SnmpParts& parts, const SnmpFacts& facts);
void add_global_mib(SnmpView& view, const SnmpFacts& facts);  // KEEPALIVED-MIB, its three sections
void add_keepalived_mib(SnmpView& view, const SnmpFacts& facts);
void add_checker_mib(SnmpView& view, const SnmpFacts& facts);
void add_vrrp_mib(SnmpView& view, const SnmpFacts& facts);    // RFC 2787: VRRP version 2 on IPv4
void add_vrrpv3_mib(SnmpView& view, const SnmpFacts& facts);  // RFC 6527

struct SnmpTrap {
    Oid oid;
    std::vector<std::pair<Oid, SnmpValue>> objects;
    bool operator==(const SnmpTrap&) const = default;
};
// The notifications of one transition, in keepalived's order.
[[nodiscard]] std::vector<SnmpTrap> snmp_traps(const SnmpParts& parts, const SnmpFacts& facts, const Event& event);

// The same for an event of a real or virtual server.
[[nodiscard]] std::vector<SnmpTrap> snmp_checker_traps(const SnmpParts& parts, const SnmpFacts& facts,
                                                       const Event& event);
// Updates `up_since` for an event.
void note_event(std::map<std::string, WallTime>& up_since, const Event& event);
// Traps for packet errors counted between two states: failed authentication, protocol errors. At most one of each kind
// per instance.
[[nodiscard]] std::vector<SnmpTrap> snmp_packet_traps(const SnmpParts& parts, const SnmpFacts& facts,
                                                      const report::VrrpStatus& before);

// The result of a set request: the change it requests, or the error of the refusal.
struct SnmpRefusal {
    enum class Why : std::uint8_t { NotWritable, WrongValue, NoAccess } why = Why::NotWritable;
};
[[nodiscard]] std::expected<ipc::ControlRequest, SnmpRefusal> snmp_set(const SnmpFacts& facts, const Oid& oid,
                                                                       const SnmpValue& value);

}  // namespace mainstay::role
