// The kernel's settings beside its table: connection synchronisation daemons (lvs_sync_daemon) and the timeouts of
// connections (lvs_timeouts). What is wanted, and the way there from what is.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/config/validate/sync_daemon_settings.hpp"
#include "mainstay/netlink/ipvs_types.hpp"

namespace mainstay::lvs {

// The daemons that are to run: the master's while the VRRP instance is master, else the backup's; without an instance
// both. `master`: whether the instance is; none: nobody has told yet, and what runs is left as it is (none).
[[nodiscard]] std::optional<std::vector<netlink::IpvsDaemon>> wanted_daemons(const config::SyncDaemon& settings,
                                                                             std::optional<bool> master);

struct DaemonStep {
    enum class Kind : std::uint8_t { Stop, Start } kind = Kind::Stop;
    netlink::IpvsDaemon daemon;  // Stop: what runs
    bool operator==(const DaemonStep&) const = default;
};
// What is not wanted, or runs otherwise, stops before anything starts. `renew`: what runs is of no use any more, even
// if it looks the same.
[[nodiscard]] std::vector<DaemonStep> plan_daemons(std::span<const netlink::IpvsDaemon> wanted,
                                                   std::span<const netlink::IpvsDaemon> actual, bool renew);

// lvs_timeouts; 0 where nothing is said, or 0 is, which means the same.
[[nodiscard]] netlink::IpvsTimeouts wanted_timeouts(const config::Global& global);
// What is to be set so that each is as wanted, or as it was `original`ly; 0 where it is so already.
[[nodiscard]] netlink::IpvsTimeouts timeouts_to_set(const netlink::IpvsTimeouts& wanted,
                                                    const netlink::IpvsTimeouts& original,
                                                    const netlink::IpvsTimeouts& actual);

}  // namespace mainstay::lvs
