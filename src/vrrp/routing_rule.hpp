// Parses lines of virtual_rules and static_rules.
#pragma once

#include <optional>

#include "mainstay/vrrp/routing.hpp"
#include "routing_words.hpp"

namespace mainstay::vrrp {

[[nodiscard]] std::optional<RoutingEntry> rule_entry(const Words& words);

}  // namespace mainstay::vrrp
