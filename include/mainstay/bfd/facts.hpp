// The facts that the bfd state machine gets, and the intents that it returns. Plain values, the same in a director and
// in a test.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "mainstay/base/ip.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/wire/bfd.hpp"

namespace mainstay::bfd {

using State = wire::BfdState;
using Diagnostic = wire::BfdDiagnostic;

// Uniform over all 32 bits. Discriminators, source ports and jitter are drawn from it.
using Random = std::function<std::uint32_t()>;

// One bfd_instance as configured, defaults resolved.
struct Settings {
    std::string name;
    IpAddress neighbor;
    IpAddress source;                                     // empty: the kernel's choice
    Micros min_rx = config::keyword::min_rx.otherwise;    // 1 ms ..
    Micros min_tx = config::keyword::min_tx.otherwise;    // 1 ms ..
    Micros idle_tx = config::keyword::idle_tx.otherwise;  // 1 s .. : between packets while the session is not up
    std::uint8_t multiplier = config::keyword::multiplier.otherwise;  // 1..
    bool passive = false;                                             // sends nothing before the neighbour does
    std::uint8_t ttl = 255;                                           // of packets sent
    int max_hops = 0;                                         // a packet's TTL must be at least ttl - max_hops; -1: any
    bool multihop = false;                                    // UDP port 4784 instead of 3784
    bool reports_to_vrrp = true, reports_to_checkers = true;  // whose trackers or checks may follow it
    bool operator==(const Settings&) const = default;
};

// ---- facts -------------------------------------------------------------------------------------------------------

// A UDP datagram as received from a socket, with fields of the IP header.
struct PacketHeard {
    IpAddress source, destination;
    std::uint8_t ttl = 0;
    bool multihop = false;               // received on port 4784
    std::span<const std::byte> payload;  // valid during the call
};

// A SendPacket failed because another program uses its source port. The next packet has another one.
struct PortTaken {
    std::uint16_t source_port = 0;
};

struct DeadlineReached {};  // early or stale ones are ignored
struct Shutdown {};         // say Down to every neighbour; the machine is finished afterwards

using Fact = std::variant<PacketHeard, PortTaken, DeadlineReached, Shutdown>;

// ---- intents -----------------------------------------------------------------------------------------------------
// Carried out in this order. None needs a lookup, because each may concern a session that a reload has removed.

// Send this control packet now. A source port belongs to one session for its life, over a restart of the role too
// (RFC 5881 section 4): the role keeps one socket per port of the snapshot.
struct SendPacket {
    IpAddress source;  // empty: the kernel's choice
    IpAddress destination;
    std::uint16_t source_port = 0, destination_port = 0;
    std::uint8_t ttl = 255;
    std::array<std::byte, wire::kBfdLength> payload{};
    bool operator==(const SendPacket&) const = default;
};
// The session came up or went down: report it to the vrrp role, whose status has every session, and to that of the
// checkers if they may follow it. A session that was never reported is down.
struct ReportState {
    std::string session;
    bool up = false;
    bool checkers = true;
    bool operator==(const ReportState&) const = default;
};
struct WriteLog {  // a log line
    LogLine line;
    bool operator==(const WriteLog&) const = default;
};

using Intent = std::variant<SendPacket, ReportState, WriteLog>;
using Intents = std::vector<Intent>;

// ---- state that survives a crash and is shown by status ------------------------------------------------------------

struct Counters {
    std::uint64_t sent = 0, received = 0;
    std::uint64_t discarded = 0;  // invalid packets from the neighbour
    std::uint64_t became_up = 0, went_down = 0;
    std::uint64_t expired = 0;         // of those, because the detection time expired
    std::uint64_t deadlines_late = 0;  // packets sent more than a tenth of the interval after they were due
    bool operator==(const Counters&) const = default;
};

// Everything about one session that the next incarnation needs to resume it, and that status shows. The names are those
// of RFC 5880 6.8.1.
struct SessionSnapshot {
    std::string name;
    IpAddress neighbor, source;
    bool multihop = false;
    State state = State::Down, remote_state = State::Down;
    Diagnostic diagnostic = Diagnostic::None, remote_diagnostic = Diagnostic::None;
    std::uint32_t discriminator = 0, remote_discriminator = 0;
    std::uint16_t source_port = 0;
    std::uint8_t multiplier = 0, remote_multiplier = 0;
    Micros desired_min_tx{0}, required_min_rx{0};  // as announced to the neighbour
    Micros applied_min_tx{0}, applied_min_rx{0};   // in use, until the neighbour has confirmed those
    Micros remote_min_tx{0}, remote_min_rx{1};
    bool remote_demand = false;
    bool polling = false;            // waits for the neighbour's confirmation
    bool polls_again = false;        // the announced intervals changed during the poll
    bool unheard = false;            // no packet was received since this session was adopted
    Micros transmit_interval{0};     // before jitter; 0: sends nothing periodic
    Micros detection_time{0};        // 0: the neighbour is unknown
    Instant next_send{}, expires{};  // the epoch: never
    WallTime since;                  // of the last transition; filled in by the role
    Counters counters;
    bool counts_as_up = false;  // for what tracks it; also of one whose neighbour became administratively down
    bool operator==(const SessionSnapshot&) const = default;
};

struct SessionsSnapshot {
    std::vector<SessionSnapshot> sessions;
    std::uint64_t strangers = 0;  // packets that belong to no session
    bool operator==(const SessionsSnapshot&) const = default;
};

}  // namespace mainstay::bfd
