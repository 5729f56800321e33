// What a new incarnation of the process needs to resume after a crash.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mainstay/base/ip.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/netlink/ipvs_types.hpp"
#include "service_state.hpp"
#include "table.hpp"

namespace mainstay::lvs {

struct CheckerMemory {
    config::Checker::Type type = config::Checker::Type::Tcp;
    std::string target;
    CheckerState state;
};
struct ServerMemory {
    Endpoint endpoint;
    bool alive = true;
    WallTime since;
    std::vector<CheckerMemory> checkers;
    bool kept = false;
    std::optional<DrainState> leave;  // its `until` is not used
    std::optional<WallTime> grows_since;
};
struct ServiceMemory {
    ServiceIdentity identity;
    std::vector<netlink::IpvsServiceKey> keys = {};  // of a group
    bool quorum_up = false;
    bool sorry_in_use = false;
    std::vector<ServerMemory> servers;
    std::vector<LeavingServer> leaving;  // likewise
};
using Memory = std::vector<ServiceMemory>;

}  // namespace mainstay::lvs
