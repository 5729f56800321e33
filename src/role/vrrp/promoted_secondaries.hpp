// With a primary IPv4 address the kernel deletes the secondary ones of its subnet, whoever they belong to, unless the
// interface promotes them. While one of these lives, the interfaces where an address that stays would go do so.
#pragma once

#include <string>
#include <vector>

#include "links.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/kernel/rtnetlink.hpp"

namespace mainstay::role {

// The setting of an interface by which it promotes them (kernel/sysctl.hpp).
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
