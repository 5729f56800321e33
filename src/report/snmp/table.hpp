// Helpers that put values into an SnmpView, encoded as SMI types.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "mainstay/report/snmp.hpp"

namespace mainstay::report {

namespace snmp {

using Type = SnmpValue::Type;
[[nodiscard]] inline SnmpValue number(Type type, std::uint64_t value) {
    return {.type = type, .number = value, .octets = {}, .oid = {}};
}
[[nodiscard]] inline SnmpValue integer(std::int64_t value) {
    return number(Type::Integer, static_cast<std::uint64_t>(value));
}
[[nodiscard]] inline SnmpValue gauge(std::uint64_t value) { return number(Type::Gauge32, value & 0xffff'ffff); }
[[nodiscard]] inline SnmpValue counter(std::uint64_t value) { return number(Type::Counter32, value & 0xffff'ffff); }
[[nodiscard]] inline SnmpValue counter64(std::uint64_t value) { return number(Type::Counter64, value); }
[[nodiscard]] inline SnmpValue ticks(std::uint64_t value) { return number(Type::TimeTicks, value & 0xffff'ffff); }
[[nodiscard]] inline SnmpValue text(std::string_view value) {
    return {.type = Type::Octets, .number = 0, .octets = std::string{value}, .oid = {}};
}
// enabled(1) or disabled(2), true(1) or false(2): SMI's switches.
[[nodiscard]] inline SnmpValue yes_no(bool yes) { return integer(yes ? 1 : 2); }

[[nodiscard]] std::string bytes_of(const IpAddress& address);
[[nodiscard]] inline SnmpValue address(const IpAddress& value) { return text(bytes_of(value)); }  // InetAddress
[[nodiscard]] inline SnmpValue address_type(bool v4) { return integer(v4 ? 1 : 2); }              // InetAddressType
[[nodiscard]] SnmpValue ip_address(const IpAddress& value);                                       // IpAddress, v4

// The priority from which trackers add and subtract. One that was set over SNMP is in the state, not in the
// configuration file. `now` may be null.
[[nodiscard]] inline int base_priority(const vrrp::InstanceSnapshot* now, const config::Instance& instance) {
    return now != nullptr ? now->base_priority : instance.priority;
}
// backup(1) or master(2): the state in which an instance begins.
[[nodiscard]] inline int initial_state(const config::Instance& instance) {
    return instance.initial_master || instance.priority == 255 ? 2 : 1;
}

// The address that an instance sends from, as far as it is known.
[[nodiscard]] IpAddress own_address(const SnmpFacts& facts, const config::Instance& instance);
[[nodiscard]] const SnmpLink& link_of(const SnmpFacts& facts, const std::string& interface);

}  // namespace snmp

// A conceptual table: entry.column.index
class SnmpTable {
public:
    SnmpTable(SnmpView& view, Oid entry, Oid index) : view_{view}, entry_{std::move(entry)}, index_{std::move(index)} {}
    void put(std::uint32_t column, SnmpValue value) { view_[entry_ + Oid{column} + index_] = std::move(value); }

private:
    SnmpView& view_;
    Oid entry_, index_;
};

// The parts of a view, each in a file of its own.

void add_global_mib(SnmpView& view, const SnmpFacts& facts);  // KEEPALIVED-MIB, its three sections
void add_keepalived_mib(SnmpView& view, const SnmpFacts& facts);
void add_checker_mib(SnmpView& view, const SnmpFacts& facts);
void add_vrrp_mib(SnmpView& view, const SnmpFacts& facts);    // RFC 2787: VRRP version 2 on IPv4
void add_vrrpv3_mib(SnmpView& view, const SnmpFacts& facts);  // RFC 6527

}  // namespace mainstay::report
