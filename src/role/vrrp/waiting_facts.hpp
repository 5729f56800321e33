// Facts that arise while intents are carried out. They are given to the router afterwards.
#pragma once

#include <vector>

#include "mainstay/vrrp/facts.hpp"

namespace mainstay::role {

class WaitingFacts {
public:
    // An address that is removed and set anew in the meantime was never missing: of the facts of an interface that
    // differ in its addresses alone, only the last one is kept, in the place of the first one.
    void add(vrrp::Fact fact);
    [[nodiscard]] bool empty() const { return facts_.empty(); }
    [[nodiscard]] bool has_interfaces() const;
    [[nodiscard]] std::vector<vrrp::Fact> take();

private:
    std::vector<vrrp::Fact> facts_;
};

}  // namespace mainstay::role
