// The facts that the vrrp state machine gets, and the intents that it returns. Plain values, the same in a director, a
// unit test and the simulator.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "mainstay/base/event.hpp"
#include "mainstay/base/histogram.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
#include "routing.hpp"

namespace mainstay::vrrp {

// How late adverts leave: from the moment when one was due to the step that sent it. Summed over all instances of the
// process, because it says whether the host keeps up with its intervals; Counters has the late adverts of each.

// The order and the values are part of the state block: a change would mix old counts with new buckets.
inline constexpr std::array kAdvertLatenessBounds{
    Micros{100},    Micros{250},    Micros{500},     Micros{1'000},   Micros{2'500},   Micros{5'000},    Micros{10'000},
    Micros{25'000}, Micros{50'000}, Micros{100'000}, Micros{250'000}, Micros{500'000}, Micros{1'000'000}};
using AdvertLateness = Histogram<kAdvertLatenessBounds>;

enum class State : std::uint8_t { Init = 0, Backup = 1, Master = 2, Fault = 3 };
[[nodiscard]] const char* to_string(State state);  // "INIT", "BACKUP" ...
// The event of having come to this state; Init is that of a stop.
[[nodiscard]] Transition transition_to(State state);

// Position of an instance in Config::instances of the running configuration. A reload renumbers the instances; the
// intents that it returns use the new numbers.
using InstanceId = std::uint32_t;
// For intents of an instance that a reload has removed: nothing can be looked up, the intent contains everything.
inline constexpr InstanceId kNoInstance = 0xffff'ffff;

// An address and the interface it is, or is to be, set on (the VIP's own dev, else the instance's interface).
struct HeldAddress {
    std::string interface;
    Prefix prefix;
    bool operator==(const HeldAddress&) const = default;
};

// ---- facts -------------------------------------------------------------------------------------------------------

// The link and its addresses. Given at the start for every configured interface, even one that does not exist, and
// whenever it changes.
struct InterfaceFact {
    std::string name;
    std::uint32_t index = 0;  // 0: does not exist
    bool up = false;          // IFF_UP and IFF_RUNNING
    bool loopback = false;
    std::uint32_t mtu = 1500;
    std::vector<IpAddress> addresses;           // usable as source, primaries first; VIPs of our own may be among them
    bool borrows = false;                       // some of them belong to another interface
    CompactOptional<std::string> renamed = {};  // another link had this name before, and has this one now
    std::uint32_t appearance = 0;               // another one: it was gone meanwhile, whatever its index
    bool multicast = true;                      // IFF_MULTICAST
    std::uint32_t times_up = 0;                 // more: it was down meanwhile, and has lost its routes
    bool tentative = false;                     // an IPv6 address of its own is: its DAD (RFC 4862) has not ended
    bool operator==(const InterfaceFact&) const = default;
    // Both exist, as one link that did not go meanwhile.
    [[nodiscard]] bool is_same_link(const InterfaceFact& other) const {
        return index != 0 && index == other.index && appearance == other.appearance;
    }
};

// A VRRP packet as received from a socket: the IP payload and fields of the IP header.
struct PacketHeard {
    std::string interface;  // the socket's device: an interface or a VRF; empty: any
    IpAddress source, destination;
    std::uint8_t ttl = 0;
    std::span<const std::byte> payload;    // VRRP header and what follows, valid during the call
    Nanos waited{0};                       // time since the kernel's receive timestamp; 0: unknown
    std::uint8_t protocol = 112;           // 51: the payload begins with an authentication header (RFC 2402)
    std::span<const std::byte> ip_header;  // for such a packet only: the received IPv4 header, valid during the call
};

// The current calendar time, from which the sequence numbers of authenticated packets are made. Give it before start()
// and before packets and deadlines; without authentication it is not needed.
struct ClockTold {
    WallTime at;
};

// Another program removed an address that an instance holds.
struct AddressLost {
    std::string interface;
    Prefix address;
};

// A RestoreAddress failed. It is retried a bounded number of times; then the master resigns.
struct RestoreFailed {
    InstanceId instance = 0;
    std::string interface;
    Prefix address;
};

// Duplicate address detection found another host that has this address: the kernel keeps it, but does not use it.
struct DuplicateAddress {
    std::string interface;
    Prefix address;
};

// A route or a rule, possibly one of ours, was removed; Uncertain: any may have been removed.
struct RoutingLost {
    netlink::Routing what;
};
struct RoutingUncertain {};

// The outcome of a SetRouting. Given if something was refused, and, unless `how` is First, if something was added.
struct RoutingOutcome {
    InstanceId owner = 0;
    // Again: after mainstay removed addresses, because the kernel may have removed routes with them.
    enum class How : std::uint8_t { First, Audit, Restore, Again } how = How::First;
    std::vector<std::size_t> added;                            // positions that were missing before
    std::vector<std::pair<std::size_t, std::string>> refused;  // and why
};

struct ScriptDone {
    std::string script;  // name of the vrrp_script
    enum class How : std::uint8_t { Exited, Signalled, TimedOut, NotRun } how = How::Exited;
    int status = 0;         // exit status or signal number
    std::uint32_t run = 0;  // RunScript's; 0: the one that is under way
};

// The state of a BFD session. Given at the start and at each change.
struct BfdFact {
    std::string name;  // of the bfd_instance
    bool up = false;
};

// The value of a tracked file: the integer of its first line, 0 if it has none or does not exist.
struct FileFact {
    std::string file;  // name of the track_file
    std::int64_t value = 0;
};

// How many processes match a vrrp_track_process.
struct ProcessFact {
    std::string process;  // name of the vrrp_track_process
    std::uint32_t count = 0;
};

// Whether this host has the configured source address of unicast instances that send on this device: a link-local
// address, or one in a VRF, may be there on one and not on another. Without this fact it counts as present.
struct SourceFact {
    IpAddress address;
    std::string device;  // advert_device()
    bool here = true;
};

// Several of them at once, each interface once: the instances are judged by all of them together. What the host looks
// like at the start, or when a reload takes effect; or what changed at a time, as the VLANs of a trunk that goes down.
struct HostFacts {
    std::vector<InterfaceFact> interfaces;
    std::vector<SourceFact> sources;
};

// An operator's command: the instance, with its whole sync group, hands over once. Its masters send priority 0 and
// become BACKUP; each of them that nobody replaces in time becomes MASTER again. Until it is MASTER for another reason,
// or a FailBack, it respects every other master, as with nopreempt. Does nothing to instances that are not MASTER.
struct FailOver {
    InstanceId instance = 0;
};
// An operator's command: the instance, with its whole sync group, preempts again as configured.
struct FailBack {
    InstanceId instance = 0;
};
// This director steps back, or ends that. While it is on, every instance has priority 1: it hands over at once, and
// takes over only when no other router is heard. Given before start(), it holds from the beginning.
struct Maintenance {
    bool on = false;
};

struct DeadlineReached {};  // early or stale ones are ignored
struct Shutdown {};         // resign in order; the machine is finished afterwards

using Fact = std::variant<InterfaceFact, PacketHeard, AddressLost, RestoreFailed, ScriptDone, DeadlineReached, Shutdown,
                          BfdFact, FileFact, ProcessFact, ClockTold, RoutingLost, RoutingUncertain, RoutingOutcome,
                          DuplicateAddress, SourceFact, FailOver, FailBack, Maintenance, HostFacts>;

// ---- intents -----------------------------------------------------------------------------------------------------
// They are carried out in this order. The role looks the instance up in the router's configuration; intents that may
// concern an instance removed by a reload (SendAdvert, RemoveAddresses, Announce, Say) need no lookup.

// Send this advert now: to the multicast group, or to each unicast peer. A payload is the VRRP packet complete with
// its checksum, which for v3 and IPv6 depends on the destination; hence one per destination.
struct SendAdvert {
    InstanceId instance = 0;  // or kNoInstance
    std::string interface;    // the outgoing interface; empty: chosen by routing (unicast without an interface)
    IpAddress source;
    std::vector<IpAddress> destinations;
    std::vector<std::vector<std::byte>> payloads;  // one per destination
    std::uint8_t ttl = 255;
    bool system_hop_limit = false;  // IPv6 unicast: the kernel's own hop limit instead of `ttl`
    std::uint8_t protocol = 112;    // 51: the payloads begin with an authentication header
    std::uint16_t ip_id = 0;        // IPv4 identification, which AH authenticates; 0: chosen by the kernel
    bool operator==(const SendAdvert&) const = default;
};
struct AddAddresses {  // VIPs and excluded VIPs, one netlink batch; present ones are not an error
    InstanceId instance = 0;
    bool announced = false;  // each once, as it is set: the first round of the SendGratuitousArp that follows
    bool operator==(const AddAddresses&) const = default;
};
struct RemoveAddresses {      // absent ones are not an error; one netlink batch
    InstanceId instance = 0;  // or kNoInstance
    std::vector<HeldAddress> addresses;
    bool operator==(const RemoveAddresses&) const = default;
};
// A reload changed the addresses of a master. Within one intent, removals come before additions. A reload returns three
// of them: first new addresses, so that the interface is never without one; then removed ones; then addresses that have
// to be removed and set again (another scope or label).
struct ChangeAddresses {
    InstanceId instance = 0;
    std::vector<std::size_t> added;  // positions in addresses, then excluded_addresses
    using Gone = HeldAddress;
    std::vector<Gone> removed;
    bool operator==(const ChangeAddresses&) const = default;
};
struct RestoreAddress {  // put back one address that another program removed
    InstanceId instance = 0;
    std::string interface;
    Prefix prefix;
    bool operator==(const RestoreAddress&) const = default;
};
// Routes and rules, in this order; present ones are not an error. Set after the addresses, before the announcement.
struct SetRouting {
    InstanceId owner = 0;  // kNoInstance: the static ones
    using How = RoutingOutcome::How;
    How how = How::First;
    std::vector<std::size_t> positions;  // in the owner's list, one per entry
    std::vector<RoutingEntry> entries;
    bool operator==(const SetRouting&) const = default;
};
struct RemoveRouting {  // in this order; absent ones are not an error
    InstanceId owner = 0;
    std::vector<RoutingEntry> entries;
    bool operator==(const RemoveRouting&) const = default;
};
struct SetStaticAddresses {  // each names its interface; present ones are not an error
    std::vector<config::VirtualAddress> addresses;
    bool operator==(const SetStaticAddresses&) const = default;
};
struct SendGratuitousArp {  // `rounds` per VIP, interleaved round by round (NA for IPv6)
    InstanceId instance = 0;
    std::uint32_t rounds = 1;
    bool begun = false;  // AddAddresses has sent the first of them
    bool operator==(const SendGratuitousArp&) const = default;
};
struct AnnounceAddress {  // one gratuitous ARP or NA for one of the host's own addresses
    std::string interface;
    IpAddress address;
    bool operator==(const AnnounceAddress&) const = default;
};
struct RunScript {  // a vrrp_script is due
    std::string script;
    std::uint32_t run = 0;  // a number of its own
    bool operator==(const RunScript&) const = default;
};
struct Announce {  // publish this transition
    Event event;
    bool operator==(const Announce&) const = default;
};
struct WriteLog {  // a log line
    LogLine line;
    InstanceId instance = kNoInstance;  // that it is about, if it is about one
    bool operator==(const WriteLog&) const = default;
};
// What became of the hand-over of one instance; exactly one for each master that a FailOver or a Maintenance ended.
struct HandOverEnded {
    std::string instance;  // by name, because a reload may have removed it
    enum class How : std::uint8_t {
        TakenOver,    // by `master`
        TakenBack,    // nobody took over: this router is MASTER again
        Incomplete,   // nobody took over this one, but another member of its sync group: may preempt again
        Interrupted,  // by FAULT, a stop, or a reload that removed it
    } how = How::TakenOver;
    IpAddress master;
    Nanos after{0};  // since priority 0 was sent
    bool operator==(const HandOverEnded&) const = default;
};

using Intent = std::variant<SendAdvert, AddAddresses, RemoveAddresses, ChangeAddresses, RestoreAddress,
                            SendGratuitousArp, RunScript, Announce, WriteLog, AnnounceAddress, SetRouting,
                            RemoveRouting, SetStaticAddresses, HandOverEnded>;
using Intents = std::vector<Intent>;

// ---- state that survives a crash and is shown by status ------------------------------------------------------------

struct Counters {  // names of keepalived's statistics
    std::uint64_t advert_rcvd = 0, advert_sent = 0, become_master = 0, release_master = 0;
    std::uint64_t packet_len_err = 0, advert_interval_err = 0, ip_ttl_err = 0, invalid_type_rcvd = 0, addr_list_err = 0;
    std::uint64_t invalid_authtype = 0, authtype_mismatch = 0, auth_failure = 0;
    std::uint64_t pri_zero_rcvd = 0, pri_zero_sent = 0;
    std::uint64_t checksum_err = 0, version_err = 0;
    std::uint64_t rival_masters = 0;  // adverts of another master heard while staying master
    std::uint64_t addresses_restored = 0;
    std::uint64_t deadlines_late = 0;   // adverts sent more than a tenth of the interval after they were due
    std::uint64_t adverts_skipped = 0;  // slots missed in a pause
    // Of the auth_hmac extension.
    std::uint64_t auth_ext_missing = 0, auth_ext_malformed = 0, auth_ext_unknown_key = 0;
    std::uint64_t auth_ext_invalid_hmac = 0, auth_ext_stale = 0, auth_ext_replay = 0;
    std::uint64_t routing_restored = 0;     // routes and rules that other programs had removed
    std::uint64_t duplicate_addresses = 0;  // addresses that another host was found to have
    bool operator==(const Counters&) const = default;
};

// The highest number that an authenticated packet of this sender carried.
struct HeardSequence {
    IpAddress sender;
    std::uint64_t sequence = 0;
    bool operator==(const HeardSequence&) const = default;
};

// The last observation of a problem with a peer's packets, or with the existence of a peer.
struct PeerProblem {
    std::string kind;  // "advert_interval": for programs
    IpAddress peer;    // the sender of the last such packet
    Instant last{};
    std::uint64_t count = 0;
    std::string text;  // for people; from the first such packet since the instance's last change of state
    bool operator==(const PeerProblem&) const = default;
};

// A tracker whose weight changes the priority of an instance at the moment.
struct PriorityPart {
    std::string tracker;  // "track_script chk_http"
    bool up = false;      // of an interface, script, process or BFD session; a file that counts is up
    int weight = 0;       // what it adds to the base priority; never 0
    bool operator==(const PriorityPart&) const = default;
};

// One thing that holds an instance in FAULT.
struct Fault {
    enum class What : std::uint8_t { Other = 0, Interface = 1, Script = 2, File = 3, Process = 4, Bfd = 5, Group = 6 };
    What what = What::Other;
    std::string name;           // of the interface, script, ...; empty: of Other
    std::string value;          // what it is or does: "down", "holds 3"; of Other the whole sentence; empty: of Group
    Cause cause = Cause::None;  // of the change of state that it brings
    bool operator==(const Fault&) const = default;
};
// For people: "interface eth1 down, script chk_http fails".
[[nodiscard]] std::string text_of(const Fault& fault);
[[nodiscard]] std::string text_of(const std::vector<Fault>& faults);

// Everything about one instance that the next incarnation needs to continue, and that status shows.
struct InstanceSnapshot {
    std::string name, interface, group;
    std::uint8_t virtual_router_id = 0, version = 2, base_priority = 100, effective_priority = 100;
    Family family = Family::V4;
    State state = State::Init;
    bool owns_addresses = false;
    Instant deadline{};                // next advert (Master) or master-down (Backup)
    Micros master_interval{0};         // learned from the master (v3)
    IpAddress master;                  // last master heard, or our own source when Master
    std::uint8_t master_priority = 0;  // see names_master()
    WallTime since;                    // of the last transition; filled in by the role
    std::string fault;                 // why it is in Fault, for people: the text of `faults`
    std::string last_mailed;           // state of the last mail
    Counters counters;
    std::uint64_t auth_sent = 0;            // sequence number of the last authenticated packet
    std::vector<HeardSequence> auth_heard;  // least recently heard first
    bool reduced = false;                   // an address owner that yielded to another one: temporarily priority 254
    std::vector<PeerProblem> problems;      // one of each kind that was seen
    std::string reason;  // why it came to its state, for people: "10.0.0.2 advertises priority 150, ours was 100"
    std::vector<PriorityPart> priority_parts;  // of the effective priority, apart from the base
    bool failed_over = false;                  // by an operator: respects every master, as with nopreempt
    Cause cause = Cause::None;                 // of `reason`; an older writer has none
    std::vector<Fault> faults;                 // an older writer has none
    // Whether `master` is one. A BACKUP that was MASTER and has heard nobody since has its own source there, with the
    // priority 0 of its resignation.
    [[nodiscard]] bool names_master() const {
        return !master.empty() && (state == State::Master || master_priority > 0);
    }
    bool operator==(const InstanceSnapshot&) const = default;
};

struct ScriptSnapshot {
    std::string name;
    bool known = false;  // has given a first result
    bool up = false;
    std::uint32_t streak = 0;  // results in a row against the present state
    int last_status = 0;
    std::string last_failure;  // for people: "exited with status 1", "timed_out"
    std::uint64_t runs = 0, failures = 0;
    WallTime since;                     // of its state; filled in by the role
    std::uint32_t failures_in_row = 0;  // up to the last run
    bool running = false;               // has been started and has not ended
    bool operator==(const ScriptSnapshot&) const = default;
};

struct GroupSnapshot {
    std::string name;
    State state = State::Init;
    std::string last_mailed;
    bool operator==(const GroupSnapshot&) const = default;
};

struct BfdSnapshot {  // the last known state
    std::string name;
    bool up = false;
    bool operator==(const BfdSnapshot&) const = default;
};

struct TrackerSnapshot {  // a tracked file or process with a known state
    enum class Kind : std::uint8_t { File = 0, Process = 1 } kind = Kind::File;
    std::string name;
    std::int64_t value = 0;  // the file's value or the number of processes
    bool up = true;          // for processes: has its quorum, after delays
    bool operator==(const TrackerSnapshot&) const = default;
};

struct RouterSnapshot {
    std::vector<InstanceSnapshot> instances;
    std::vector<GroupSnapshot> groups;
    std::vector<ScriptSnapshot> scripts;
    std::vector<BfdSnapshot> bfds;
    std::vector<TrackerSnapshot> trackers;
    AdvertLateness advert_lateness;
    bool operator==(const RouterSnapshot&) const = default;
};

// The context of a step: the time, and the list that collects the intents.

struct Step {
    Instant now;
    Intents& out;
    std::int64_t unix_us = 0;                   // calendar time in microseconds, only for authentication
    AdvertLateness* advert_lateness = nullptr;  // where a sent advert's lateness is counted; null: nowhere
};

}  // namespace mainstay::vrrp
