// The facts that the judge gets, and the intents that it returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "checker_index.hpp"
#include "mainstay/base/event.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::lvs {

struct Moment {
    Instant now;
    WallTime wall;  // for people, never compared
};

enum class Outcome : std::uint8_t {
    Passed,
    Failed,    // refused, unreachable, reset
    TimedOut,  // a failure too
    NotRun,    // a local problem (socket, bind): no information about the server
};

// ---- facts ----
struct CheckFinished {
    CheckerId checker = 0;
    Outcome outcome = Outcome::Passed;
    std::string reason;  // for people: "connected", "connection refused"
    Micros duration{0};
    std::optional<std::int64_t> weight;                // requested by a passed dynamic check; none: the configured one
    std::string words = {};                            // keepalived's text for a failure: "MD5 digest error to server"
    std::optional<std::uint32_t> weight_percent = {};  // instead of `weight`: a percentage of the configured one
};
struct DeadlineReached {};
struct ConnectionsCounted {  // the answer to CountConnections, for all of the service's destinations
    std::size_t service = 0;
    struct Destination {
        Endpoint endpoint;
        std::uint64_t active = 0, inactive = 0;
    };
    std::vector<Destination> destinations;
};
struct AddressesChanged {  // all addresses of the host, for ha_suspend
    std::set<IpAddress> addresses;
};

// The settings of a track_file block that decide how the file's number counts.
struct FileRule {
    std::int64_t weight = 1;
    bool reverse = false;
};
struct FileNumber {
    std::string name;  // of the track_file block
    FileRule rule;
    std::int64_t number = 0;
};
// What is known of the host when a configuration takes effect, so that what is new in it starts in its true state.
struct HostFacts {
    std::optional<std::set<IpAddress>> addresses;  // none: nothing new; until they are known, nothing is suspended
    std::vector<FileNumber> files;
};

using Fact = std::variant<CheckFinished, DeadlineReached, ConnectionsCounted, AddressesChanged>;

// ---- intents, to be carried out in order ----
struct StartCheck {
    CheckerId checker = 0;
    bool operator==(const StartCheck&) const = default;
};
struct CancelCheck {  // its result would be ignored
    CheckerId checker = 0;
    bool operator==(const CancelCheck&) const = default;
};
struct Announce {
    Event event;
    bool operator==(const Announce&) const = default;
};
struct WriteLog {
    LogLine line;
    bool operator==(const WriteLog&) const = default;
};
struct TableChanged {  // the desired table of this service has changed
    std::size_t service = 0;
    bool operator==(const TableChanged&) const = default;
};
struct CountConnections {  // servers of this service are draining
    std::size_t service = 0;
    bool operator==(const CountConnections&) const = default;
};
using Intent = std::variant<StartCheck, CancelCheck, Announce, WriteLog, TableChanged, CountConnections>;
using Intents = std::vector<Intent>;

// How many connections a server has, of those that keep it from being drained.

// Over all kernel services of a group. For TCP and SCTP only active connections count, which excludes TIME_WAIT; for
// other protocols the kernel reports all connections as inactive.
[[nodiscard]] std::uint64_t connections_to(const ConnectionsCounted& counted, const config::VirtualServer& service,
                                           const Endpoint& server);

}  // namespace mainstay::lvs
