// What the kernel's table says about servers that another program has checked until now, with the same configuration.
#pragma once

#include <string>
#include <vector>

#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/lvs/memory.hpp"
#include "mainstay/lvs/table.hpp"

namespace mainstay::lvs {

struct Adoption {
    Memory memory;
    // The servers in use with a weight that neither the configuration nor a check has given them: a line each, for
    // people.
    std::vector<std::string> weights_set_by_hand;
};

// Of the services that the kernel has; the others start as they always do. A server that the kernel does not have, or
// with weight 0 and inhibit_on_failure, was found down: it starts so until a check finds it up. The weight of one whose
// check decides about it stays until that check has run. Files and BFD sessions decide about theirs by themselves. Of a
// group its first service in the kernel counts. `now`: since when servers are in their state, as far as is known.
[[nodiscard]] Adoption adopt(const config::Config& config, const Table& kernel, WallTime now);
// The services of the configuration as the kernel would have them. Of a group without a mark of its own, nftables_ipvs
// gives one, and two programs that read the same configuration give the same.
[[nodiscard]] std::vector<std::vector<netlink::IpvsServiceKey>> keys_to_adopt(const config::Config& config);

}  // namespace mainstay::lvs
