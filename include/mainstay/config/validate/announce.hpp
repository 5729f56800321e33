// announce { } of a virtual server: its addresses are announced by a routing daemon on this host while it is up.
#pragma once

#include <optional>
#include <string>

#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::config {

struct AnnounceSettings {
    bool any_service = false;     // of an address with several services: one that is up is enough, else all must be
    std::string interface;        // that the routing daemon watches; not empty
    std::string drain_interface;  // the same while this director drains; not empty
    Seconds lifetime{0};          // 3..3600: after it the kernel removes an address that nobody renews
    bool hold = false;            // the address has no lifetime: it stays when mainstay dies
    Seconds drain_time{0};        // 0..86400: packets are still taken after the address was withdrawn
    bool operator==(const AnnounceSettings&) const = default;
};

// None: the service has no announce block, or is a firewall mark, which has no address.
[[nodiscard]] std::optional<AnnounceSettings> announce_settings(const VirtualServer& service);
[[nodiscard]] bool announces(const VirtualServer& service);
[[nodiscard]] bool announces(const Config& config);

}  // namespace mainstay::config
