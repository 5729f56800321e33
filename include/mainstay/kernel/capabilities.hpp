// The Linux capabilities (capabilities(7)) that the daemon needs, and what for. A host has them all; a container has
// those that it was given.
#pragma once

#include <string>
#include <vector>

namespace mainstay::kernel {

struct Capability {
    std::string name;     // "CAP_NET_ADMIN"
    std::string purpose;  // "set addresses, routes and IPVS"
};

// Those that no program started by this process could have, because they are not in its bounding set; in the order in
// which they matter.
[[nodiscard]] std::vector<Capability> missing_capabilities();

}  // namespace mainstay::kernel
