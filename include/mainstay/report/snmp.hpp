// SNMP's rendering of the state document: object identifiers and their values, and the traps of events. Pure.
//
// KEEPALIVED-MIB (enterprises 9586.100.5) with keepalived's numbers and forms, VRRP-MIB (RFC 2787) and VRRPV3-MIB
// (RFC 6527). Columns that do not apply to an instance are absent, as in keepalived.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mainstay/base/event.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/report/status.hpp"

namespace mainstay::report {

// The SNMP sections that a configuration enables. Pure. The reader uses it to decide whether the process is needed.
struct SnmpParts {
    bool vrrp = false, checker = false, rfc_v2 = false, rfc_v3 = false, traps = false;
    std::string socket;  // of the AgentX master; empty: the library's own
    [[nodiscard]] bool any() const { return vrrp || checker || rfc_v2 || rfc_v3; }
    bool operator==(const SnmpParts&) const = default;
};
// keepalived: -x has the effect of enable_snmp_vrrp and enable_snmp_checker; -A overrides snmp_socket.
[[nodiscard]] SnmpParts snmp_parts(const config::Config& config, bool by_option, const std::string& socket_by_option);

using Oid = std::vector<std::uint32_t>;

// An object identifier that the source names: made by the compiler, so nothing has to allocate before main().
template <std::size_t N>
struct FixedOid {
    std::array<std::uint32_t, N> parts;

    operator Oid() const { return {parts.begin(), parts.end()}; }
};
template <class... Parts>
FixedOid(Parts...) -> FixedOid<sizeof...(Parts)>;

template <std::size_t N, std::size_t M>
[[nodiscard]] constexpr FixedOid<N + M> operator+(const FixedOid<N>& oid, const FixedOid<M>& more) {
    FixedOid<N + M> joined{};
    std::ranges::copy(more.parts, std::ranges::copy(oid.parts, joined.parts.begin()).out);
    return joined;
}
[[nodiscard]] inline Oid operator+(Oid oid, std::initializer_list<std::uint32_t> more) {
    oid.insert(oid.end(), more);
    return oid;
}
[[nodiscard]] inline Oid operator+(Oid oid, const Oid& more) {
    oid.insert(oid.end(), more.begin(), more.end());
    return oid;
}

inline constexpr FixedOid kKeepalivedMib{1, 3, 6, 1, 4, 1, 9586, 100, 5};
inline constexpr FixedOid kVrrpMib{1, 3, 6, 1, 2, 1, 68};
inline constexpr FixedOid kVrrpv3Mib{1, 3, 6, 1, 2, 1, 207};

struct SnmpValue {
    enum class Type : std::uint8_t { Integer, Octets, IpAddress, Counter32, Gauge32, TimeTicks, Counter64, ObjectId };
    Type type = Type::Integer;
    std::uint64_t number = 0;  // Integer: an int32 in two's complement; TimeTicks: hundredths of a second
    std::string octets;        // of Octets, and the four of IpAddress
    Oid oid;                   // of ObjectId
    bool operator==(const SnmpValue&) const = default;
};
using SnmpView = std::map<Oid, SnmpValue>;

// A network interface as the kernel has it now, which is not in the state document.
struct SnmpLink {
    std::uint32_t index = 0;
    std::string mac;                   // six octets, or empty
    std::vector<IpAddress> addresses;  // in the kernel's order, VIPs among them
};

// What an instance's status does not have: the time there is that of the last transition, and its cause.
struct InstanceHistory {
    std::optional<WallTime> up_since;    // unless it is in INIT or FAULT
    std::optional<Cause> became_master;  // for which it became MASTER last
};

// The inputs of a view. The references are valid only during the call.
struct SnmpFacts {
    const config::Config& config;  // with the devices of vrrp::plan_devices()
    const VrrpStatus& status;
    const LvsStatus& lvs;
    const std::map<std::string, SnmpLink>& links;           // by the interface's name
    std::string version;                                    // "mainstay v0.1.0"
    std::string router_id;                                  // resolved
    WallTime now, started;                                  // `started`: when SNMP's own clock began
    std::map<std::string, InstanceHistory> histories = {};  // by the instance's name
    std::string net_namespace = {};                         // from the command line
    // Services as they were before the last reload, which removed or changed them: its events may come after it.
    std::span<const config::VirtualServer> former = {};
};

// The subtrees to register, including empty ones.
[[nodiscard]] std::vector<Oid> snmp_roots(const SnmpParts& parts);
// All values of the enabled parts. What is configured and not in a status yet has the value of a start: INIT, down.
[[nodiscard]] SnmpView snmp_view(const SnmpParts& parts, const SnmpFacts& facts);

struct SnmpTrap {
    Oid oid;
    std::vector<std::pair<Oid, SnmpValue>> objects;  // in the order of the packet
    bool operator==(const SnmpTrap&) const = default;
};
// The notifications of one transition of an instance or a group, in keepalived's order; none for other events, and
// none without `parts.traps`.
[[nodiscard]] std::vector<SnmpTrap> snmp_traps(const SnmpParts& parts, const SnmpFacts& facts, const Event& event);
// The same for an event of a real or virtual server; none if it is not configured, nor was before the last reload.
[[nodiscard]] std::vector<SnmpTrap> snmp_checker_traps(const SnmpParts& parts, const SnmpFacts& facts,
                                                       const Event& event);
// Of all services once the lvs role has stopped, with omega and without; none before that.
[[nodiscard]] std::vector<SnmpTrap> snmp_stop_traps(const SnmpParts& parts, const SnmpFacts& facts);
// Traps for packet errors counted between two states: failed authentication, protocol errors. At most one of each kind
// per instance.
[[nodiscard]] std::vector<SnmpTrap> snmp_packet_traps(const SnmpParts& parts, const SnmpFacts& facts,
                                                      const VrrpStatus& before);

// Updates SnmpFacts::histories for an event.
void update_histories(std::map<std::string, InstanceHistory>& histories, const Event& event);

}  // namespace mainstay::report
