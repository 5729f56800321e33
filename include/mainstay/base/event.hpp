// Every transition is one Event. Notify scripts, FIFO lines, mails, JSON, metrics and the log are renderings of it.
#pragma once

#include <cstdint>
#include <string>

#include "time.hpp"

namespace mainstay {

struct Event {
    enum class Kind : std::uint8_t {
        Instance = 1,       // a vrrp_instance changed state
        Group = 2,          // a vrrp_sync_group changed state
        RealServer = 3,     // a real server went up or down
        VirtualServer = 4,  // quorum gained or lost
    };

    Kind kind = Kind::Instance;
    std::string name;    // instance or group name; RS and VS in keepalived's form: "[10.0.0.11]:tcp:80"
    std::string parent;  // the VS of a RS, else empty
    std::string state;   // MASTER BACKUP FAULT STOP DELETED, or UP DOWN
    std::string detail;  // mail body without its arrows: "TCP CHECK failed on service", "VRRP Instance is now ..."
    std::uint32_t priority = 0;  // effective priority; 0 for groups and servers
    bool notify = true;          // run notify scripts, write FIFO lines
    bool mail = false;           // send a mail, according to the smtp_alert settings
    WallTime at;                 // set by the role that publishes it
    std::uint64_t number = 0;    // set by the event ring: 1, 2, 3 ... per role, never reused

    bool operator==(const Event&) const = default;
};

}  // namespace mainstay
