// Which parts of SNMP a configuration asks for.
#include "mainstay/report/snmp.hpp"

#include <doctest/doctest.h>

#include "mainstay/config/load.hpp"

using namespace mainstay;
using namespace mainstay::report;

namespace {

SnmpParts parts(const std::string& global, bool by_option = false, const std::string& socket = {}) {
    return snmp_parts(config::load_text("x.conf", "global_defs {\n" + global + "\n}\n", {}).config, by_option, socket);
}

}  // namespace

TEST_CASE("each keyword switches its own part of SNMP on") {
    // effect: global_defs: enable_snmp_vrrp enable_snmp_keepalived enable_snmp_rfc enable_snmp_rfcv2 enable_snmp_rfcv3
    // effect: global_defs: enable_traps
    CHECK(parts("") == SnmpParts{});
    CHECK_FALSE(parts("").any());
    CHECK(parts("enable_snmp_vrrp") == SnmpParts{.vrrp = true});
    CHECK(parts("enable_snmp_keepalived") == SnmpParts{.vrrp = true});
    CHECK(parts("enable_snmp_checker") == SnmpParts{.checker = true});
    CHECK(parts("enable_snmp_rfcv2") == SnmpParts{.rfc_v2 = true});
    CHECK(parts("enable_snmp_rfcv3") == SnmpParts{.rfc_v3 = true});
    CHECK(parts("enable_snmp_rfc") == SnmpParts{.rfc_v2 = true, .rfc_v3 = true});
    CHECK(parts("enable_traps") == SnmpParts{.traps = true});
    for (const char* one : {"enable_snmp_vrrp", "enable_snmp_checker", "enable_snmp_rfcv2", "enable_snmp_rfcv3"})
        CHECK(parts(one).any());
    CHECK_FALSE(parts("enable_traps").any());
}

TEST_CASE("-x asks for keepalived's two parts, and -A beats snmp_socket") {
    // effect: global_defs: snmp_socket
    CHECK(parts("", true) == SnmpParts{.vrrp = true, .checker = true});
    CHECK(parts("enable_traps", true) == SnmpParts{.vrrp = true, .checker = true, .traps = true});
    CHECK(parts("snmp_socket unix:/run/agentx").socket == "unix:/run/agentx");
    CHECK_FALSE(parts("snmp_socket unix:/run/agentx").any());
    CHECK(parts("snmp_socket unix:/run/agentx", false, "tcp:127.0.0.1:705").socket == "tcp:127.0.0.1:705");
    CHECK(parts("", false, "tcp:127.0.0.1:705").socket == "tcp:127.0.0.1:705");
}
