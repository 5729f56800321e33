// Facts that arise while intents are carried out. They are given to the router afterwards.
#pragma once

#include <vector>

#include "mainstay/vrrp/facts.hpp"

namespace mainstay::role {

class WaitingFacts {
public:
    // Of several facts about an interface that differ only in its addresses, only the last one is kept, at the position
    // of the first one: an address that was removed and set again meanwhile counts as never removed.
    void add(vrrp::Fact fact);
    [[nodiscard]] bool empty() const { return facts_.empty(); }
    [[nodiscard]] bool has_interfaces() const;
    [[nodiscard]] std::vector<vrrp::Fact> take();

private:
    std::vector<vrrp::Fact> facts_;
};

}  // namespace mainstay::role
