// KEEPALIVED-MIB: virtual routes and rules.
#include "keepalived_parts.hpp"

namespace mainstay::report {

void add_routing(SnmpView&, const SnmpFacts&, std::uint32_t, const config::Instance&) {}

}  // namespace mainstay::report
