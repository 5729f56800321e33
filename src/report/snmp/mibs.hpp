// The parts of a view, each in a file of its own.
#pragma once

#include "mainstay/report/snmp.hpp"

namespace mainstay::report {

void add_global_mib(SnmpView& view, const SnmpFacts& facts);  // KEEPALIVED-MIB, its three sections
void add_keepalived_mib(SnmpView& view, const SnmpFacts& facts);
void add_checker_mib(SnmpView& view, const SnmpFacts& facts);
void add_vrrp_mib(SnmpView& view, const SnmpFacts& facts);    // RFC 2787: VRRP version 2 on IPv4
void add_vrrpv3_mib(SnmpView& view, const SnmpFacts& facts);  // RFC 6527

}  // namespace mainstay::report
