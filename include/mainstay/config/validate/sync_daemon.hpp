// lvs_sync_daemon: the settings of the kernel's connection synchronisation between directors.
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

// From global_defs, else from the first instance's lvs_sync_daemon_interface. None also if it names an instance that
// does not exist. Works on the slice for the lvs role too, which has no instances.
[[nodiscard]] std::optional<SyncDaemon> sync_daemon(const Config& config);
// Puts the values that depend on instances into the global_defs of the slice for the lvs role.
void resolve_sync_daemon(const Config& whole, Global& part);

}  // namespace mainstay::config
