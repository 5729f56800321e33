// A rule for the routing table that the tests use.
#pragma once

#include <cstdint>

#include "mainstay/netlink/routing.hpp"

namespace mainstay::test {

inline netlink::Rule rule(std::uint32_t priority) {
    netlink::Rule made;
    made.table = 100;
    made.priority = priority;
    return made;
}

}  // namespace mainstay::test
