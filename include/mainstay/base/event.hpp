// Every transition is one Event. Notify scripts, FIFO lines, mails, JSON, metrics and the log are renderings of it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "compact.hpp"
#include "time.hpp"

namespace mainstay {

// What happened. Instances: Master to LowerPriorityHeard; groups: Master to Stop; servers and services: Up and Down.
enum class Transition : std::uint8_t {
    Master,
    Backup,
    Fault,
    Stop,
    Deleted,  // by a reload
    MasterPriority,
    BackupPriority,
    LowerPriorityHeard,  // a master heard another one, whose priority is lower
    Up,
    Down,
};

// keepalived's words, which scripts and FIFO readers get.
inline constexpr std::array<std::pair<Transition, const char*>, 10> kTransitionWords{{
    {Transition::Master, "MASTER"},
    {Transition::Backup, "BACKUP"},
    {Transition::Fault, "FAULT"},
    {Transition::Stop, "STOP"},
    {Transition::Deleted, "DELETED"},
    {Transition::MasterPriority, "MASTER_PRIORITY"},
    {Transition::BackupPriority, "BACKUP_PRIORITY"},
    {Transition::LowerPriorityHeard, "MASTER_RX_LOWER_PRI"},
    {Transition::Up, "UP"},
    {Transition::Down, "DOWN"},
}};

[[nodiscard]] constexpr const char* to_string(Transition transition) {
    const auto* found = std::ranges::find(kTransitionWords, transition, &std::pair<Transition, const char*>::first);
    return found == kTransitionWords.end() ? "UNKNOWN" : found->second;
}

[[nodiscard]] constexpr std::optional<Transition> transition_from(std::string_view word) {
    for (const auto& [transition, text] : kTransitionWords)
        if (word == text) return transition;
    return std::nullopt;
}

// For people who read events: keepalived's word where that is a state, a phrase where that is a riddle.
[[nodiscard]] constexpr const char* plain_word(Transition transition) {
    switch (transition) {
        case Transition::MasterPriority:
            return "MASTER with a new priority";
        case Transition::BackupPriority:
            return "BACKUP with a new priority";
        case Transition::LowerPriorityHeard:
            return "MASTER, heard another MASTER with a lower priority";
        default:
            return to_string(transition);
    }
}

// False for what is only reported in passing: the state stays.
[[nodiscard]] constexpr bool changes_state(Transition transition) {
    return transition != Transition::MasterPriority && transition != Transition::BackupPriority &&
           transition != Transition::LowerPriorityHeard;
}

// Why an instance changed its state, set at the step that decides it. The reason of an event is the sentence for
// people.
enum class Cause : std::uint8_t {
    None,  // not known, or not of an instance
    Start,
    Stop,         // of servers and services, too
    Operator,     // failover
    Maintenance,  // of this director
    PriorityZero,
    Advert,      // of a router with a higher priority, or the same and a higher address
    Preemption,  // of a router with a lower priority
    Timeout,     // no advert that counts
    Track,       // a tracked interface, script, file, process or BFD session
    Link,        // the instance's own interface, or that of an address or a route
    Address,     // the source address, or addresses and routes that cannot be kept
    Group,       // another member of the sync group
    Reload,      // that removed the instance
    Pause,       // this process did not run
    Takeover,    // from another program on this host
    Upgrade,     // of the daemon
    Crash,       // of the process, which was restarted
};

inline constexpr std::array<const char*, 18> kCauseWords{
    "",      "start", "stop",    "operator", "maintenance", "priority_0", "advert",   "preemption", "timeout",
    "track", "link",  "address", "group",    "reload",      "pause",      "takeover", "upgrade",    "crash"};
static_assert(kCauseWords.size() == static_cast<std::size_t>(Cause::Crash) + 1);

// For programs; what is no cause is "".
[[nodiscard]] constexpr const char* to_string(Cause cause) {
    const auto at = static_cast<std::size_t>(cause);
    return at < kCauseWords.size() ? kCauseWords[at] : "";
}

[[nodiscard]] constexpr Cause cause_from(std::string_view word) {
    for (std::size_t at = 0; at < kCauseWords.size(); ++at)
        if (word == kCauseWords[at]) return static_cast<Cause>(at);
    return Cause::None;
}

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
    Transition transition = Transition::Backup;
    std::string detail;  // mail body without its arrows: "TCP CHECK failed on service", "VRRP Instance is now ..."
    std::string reason;  // why, in one sentence for people: "192.0.2.1 resigned (priority 0)"; empty: not known
    Cause cause = Cause::None;   // the same for programs; of a group: that of the member which decided
    std::uint32_t priority = 0;  // effective priority; 0 for groups and servers
    bool notify = true;          // run notify scripts, write FIFO lines, send traps and signals
    bool mail = false;           // send a mail, according to the smtp_alert settings
    WallTime at;                 // set by the role that publishes it
    std::uint64_t number = 0;    // set by the event ring: 1, 2, 3 ... per role, never reused
    std::string plain;           // `detail` in plain words, where that is a formula of keepalived's; else empty
    // Of a RS from real_server_dns or real_server_file: whose scripts it has; else empty.
    CompactOptional<std::string> source = {};
    // The configuration has the object no more, and another one may have its name: its scripts are those of the
    // configuration before. Not kept in the ring.
    bool removed = false;

    bool operator==(const Event&) const = default;
};

// What has happened, for people who read no mails of keepalived's.
[[nodiscard]] inline const std::string& plain_detail(const Event& event) {
    return event.plain.empty() ? event.detail : event.plain;
}

}  // namespace mainstay
