// When a primary IPv4 address is removed, the kernel deletes the secondary addresses of its subnet as well, unless
// promote_secondaries is set. This object sets it, during its lifetime, on interfaces that would lose such an address.
#pragma once

#include <string>
#include <vector>

#include "links.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/kernel/rtnetlink.hpp"

namespace mainstay::role {

// The name of an interface's promote_secondaries setting (kernel/sysctl.hpp).
[[nodiscard]] std::string promotion_of(const std::string& interface);

class PromotedSecondaries {
public:
    PromotedSecondaries(const std::vector<kernel::Address>& removals, const Links& links, Log& log);
    ~PromotedSecondaries();
    PromotedSecondaries(const PromotedSecondaries&) = delete;
    PromotedSecondaries& operator=(const PromotedSecondaries&) = delete;

private:
    Log& log_;
    std::vector<std::string> changed_;  // settings that were 0
};

}  // namespace mainstay::role
