// IPVS settings outside the table: connection synchronisation daemons (lvs_sync_daemon) and the timeouts of connections
// (lvs_timeouts). Computes the desired settings and the steps that lead to them.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "mainstay/netlink/ipvs_types.hpp"

namespace mainstay::lvs {

// The desired daemons: the master daemon while the VRRP instance is master, else the backup daemon; without an instance
// both. `master`: whether the instance is; none: not known yet, then the result is none and daemons stay as they are.
[[nodiscard]] std::optional<std::vector<netlink::IpvsDaemon>> wanted_daemons(const config::SyncDaemon& settings,
                                                                             std::optional<bool> master);

struct DaemonStep {
    enum class Kind : std::uint8_t { Stop, Start } kind = Kind::Stop;
    netlink::IpvsDaemon daemon;  // for Stop: the running one
    bool operator==(const DaemonStep&) const = default;
};
// Daemons that are not desired or have other settings stop before any starts. `renew`: restart also daemons whose
// settings look the same.
[[nodiscard]] std::vector<DaemonStep> plan_daemons(std::span<const netlink::IpvsDaemon> wanted,
                                                   std::span<const netlink::IpvsDaemon> actual, bool renew);

// lvs_timeouts; 0 for a timeout that is not configured or configured as 0.
[[nodiscard]] netlink::IpvsTimeouts wanted_timeouts(const config::Global& global);
// The timeouts to set so that each has its desired value, else its `original` one; 0 for those that need no change.
[[nodiscard]] netlink::IpvsTimeouts timeouts_to_set(const netlink::IpvsTimeouts& wanted,
                                                    const netlink::IpvsTimeouts& original,
                                                    const netlink::IpvsTimeouts& actual);

}  // namespace mainstay::lvs
