// The state document: all that the daemon says of itself, from the state blocks of its roles. Everything that shows it
// is a rendering of this one. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "deliveries.hpp"
#include "mainstay/base/generator.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/netlink/ipvs_connections.hpp"
#include "mainstay/report/api.hpp"
#include "mainstay/report/status.hpp"
#include "mainstay/report/supervision.hpp"

namespace mainstay::report {

// Servers whose clients ask in vain, by what the kernel lists of their connections.

// Most of these connections of clients to one server wait for its answer.
struct UnansweredServer {
    Endpoint service, server;
    std::size_t waiting = 0, all = 0;  // TCP connections
    bool operator==(const UnansweredServer&) const = default;
};
[[nodiscard]] std::vector<UnansweredServer> unanswered_servers(std::span<const netlink::IpvsConnection> connections);

struct DaemonStatus {
    std::string version, host_name;
    std::uint64_t generation = 0;  // of the running configuration
    int supervisor_pid = 0, observer_pid = 0;
    WallTime now, observer_since;
    Instant clock{};  // the same moment as `now`, on the clock of the roles' instants
    bool mail_enabled = false;
    MailCounters mail;
    std::string mail_problem;                                          // why the last attempt failed; empty: it did not
    std::string mail_disk_problem;                                     // why the spool cannot be written; empty: it can
    std::uint64_t events_lost = 0;                                     // overwritten before the observer read them
    std::string config_path, config_id, net_namespace, settings_path;  // from the daemon's command line
    std::optional<VrrpStatus> vrrp;                                    // none: the role has not published anything
    std::optional<LvsStatus> lvs;
    std::vector<UnansweredServer> unanswered;  // of a sample, and of no service of ours, too
    std::optional<BfdStatus> bfd;
    std::optional<Supervision> supervision;  // none: the supervisor has not sent it yet
    std::optional<ApiStatus> api;            // none: it is not served
    std::optional<WebhooksStatus> webhooks;  // none: there are none
};

// All of it, or the member of this name alone ("vrrp", "lvs", "bfd"): null when the role has not published anything.
enum class StatusPart : std::uint8_t { All, Vrrp, Lvs, Bfd };

// As JSON, in pieces of some ten kilobytes: with tens of thousands of servers it has as many megabytes.
[[nodiscard]] Generator<std::string> status_pieces(std::shared_ptr<const DaemonStatus> status,
                                                   StatusPart part = StatusPart::All);
[[nodiscard]] std::string status_json(const DaemonStatus& status, StatusPart part = StatusPart::All);

// "2026-11-20T08:37:46Z"; empty for 0.
[[nodiscard]] std::string iso_time(WallTime at);

}  // namespace mainstay::report
