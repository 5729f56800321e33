// mainstayctl announced --follow: what stands on the announced interfaces of this host, as lines for a routing daemon
// that cannot watch an interface itself. docs/announcing.md describes the lines. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "mainstay/base/ip.hpp"

namespace mainstay::cli {

struct Announcement {
    IpAddress address;
    bool drains = false;  // on the drain interface: a last resort
};

enum class AnnouncementForm : std::uint8_t {
    Lines,   // "announce 10.50.0.1/32", "announce 10.50.0.1/32 drain", "withdraw 10.50.0.1/32", "alive"
    Exabgp,  // ExaBGP's commands: MED 1000 and graceful-shutdown (RFC 8326) for one that drains
};

class AnnouncementFeed {
public:
    explicit AnnouncementFeed(AnnouncementForm form) : form_{form} {}
    // The lines for what has changed since the last call. An address on both interfaces does not drain.
    [[nodiscard]] std::string update(const std::vector<Announcement>& now);
    [[nodiscard]] std::string withdraw_all() { return update({}); }
    [[nodiscard]] std::string heartbeat() const;  // each second; empty in a form that has none

private:
    AnnouncementForm form_;
    std::map<IpAddress, bool> announced_;  // whether it drains
};

}  // namespace mainstay::cli
