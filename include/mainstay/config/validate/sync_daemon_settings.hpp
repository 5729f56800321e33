// lvs_sync_daemon: the kernel's connection synchronisation between directors, as the configuration wants it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mainstay/base/ip.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::config {

struct SyncDaemon {
    std::string interface;
    std::string instance;  // master daemon while this VRRP instance is master, else backup daemon; empty: both, always
    std::uint8_t id = 0;   // resolved: as given, else the VRID of the instance
    std::uint16_t maxlen = 0;        // bytes of a packet; 0: the kernel's choice
    std::uint16_t port = 0;          // 0: 8848
    std::uint8_t ttl = 0;            // 0: 1
    std::optional<IpAddress> group;  // none: 224.0.0.81
    bool operator==(const SyncDaemon&) const = default;
};

// From global_defs, else the first instance's lvs_sync_daemon_interface. None also when it names an instance that is
// not there. Of a slice for the lvs role, which has no instances, as well.
[[nodiscard]] std::optional<SyncDaemon> sync_daemon(const Config& config);
// What the slice for the lvs role has in its global_defs: nothing that only the instances could tell.
void resolve_sync_daemon(const Config& whole, Global& part);

}  // namespace mainstay::config
