// What the vrrp machine is told, and what it asks for. Plain values: the same ones in a director, in a unit test and
// in the simulator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "mainstay/base/event.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
#include "routing.hpp"

namespace mainstay::vrrp {

enum class State : std::uint8_t { Init = 0, Backup = 1, Master = 2, Fault = 3 };
[[nodiscard]] const char* to_string(State state);  // "INIT", "BACKUP" ...

// Position of an instance in Config::instances of the running configuration. A reload renumbers, and the intents that
// it returns speak of the new configuration.
using InstanceId = std::uint32_t;
// In an intent for an instance that a reload has removed: nothing can be looked up, the intent says it all itself.
inline constexpr InstanceId kNoInstance = 0xffff'ffff;

// An address where it is, or is to be: the interface is resolved (the VIP's own dev, else the instance's interface).
struct HeldAddress {
    std::string interface;
    Prefix prefix;
    bool operator==(const HeldAddress&) const = default;
};

// ---- facts -------------------------------------------------------------------------------------------------------

// The link and its addresses, told at start for every interface that the configuration names (also when it does not
// exist), and again whenever any of it changes.
struct InterfaceFact {
    std::string name;
    std::uint32_t index = 0;  // 0: does not exist
    bool up = false;          // IFF_UP and IFF_RUNNING
    bool loopback = false;
    std::uint32_t mtu = 1500;
    std::vector<IpAddress> addresses;  // usable as source, primaries first; VIPs of our own may be among them
    bool borrows = false;              // some of them are another interface's
    bool operator==(const InterfaceFact&) const = default;
};

// A VRRP packet as it came from a socket: the IP payload, and what the IP header said.
struct PacketHeard {
    std::string interface;  // where the socket hears: the interface, a vrf, or empty: anywhere
    IpAddress source, destination;
    std::uint8_t ttl = 0;
    std::span<const std::byte> payload;    // VRRP header and what follows, borrowed for the call
    Nanos waited{0};                       // since it arrived, by the kernel's stamp; 0: not known
    std::uint8_t protocol = 112;           // 51: the payload begins with an authentication header (RFC 2402)
    std::span<const std::byte> ip_header;  // of such a packet only: the IPv4 header as it came, borrowed as well
};

// What the host's calendar clock says now. Authentication numbers packets by it, so it is told before start() and
// before packets and deadlines; without authentication it may be left out.
struct ClockTold {
    WallTime at;
};

// An address that an instance holds was removed by somebody else.
struct AddressLost {
    std::string interface;
    Prefix address;
};

// A RestoreAddress could not be carried out. Tried again a bounded number of times; then the master resigns.
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

// A route or a rule that may be one of ours is not there any more; Uncertain: any may be gone.
struct RoutingLost {
    netlink::Routing what;
};
struct RoutingUncertain {};

// What became of a SetRouting. Told when something was refused, and unless `how` was First when something was added.
struct RoutingOutcome {
    InstanceId owner = 0;
    // Again: after addresses went by our own doing, which may have taken it along.
    enum class How : std::uint8_t { First, Audit, Restore, Again } how = How::First;
    std::vector<std::size_t> added;                            // positions that were not there before
    std::vector<std::pair<std::size_t, std::string>> refused;  // and why
};

struct ScriptDone {
    std::string script;  // name of the vrrp_script
    enum class How : std::uint8_t { Exited, Signalled, TimedOut, NotRun } how = How::Exited;
    int status = 0;  // exit status or signal number
};

// A BFD session came up or went down, or is as it is: told at the start and whenever it changes.
struct BfdFact {
    std::string name;  // of the bfd_instance
    bool up = false;
};

// What a tracked file holds: the integer of its first line, 0 without one or without the file.
struct FileFact {
    std::string file;  // name of the track_file
    std::int64_t value = 0;
};

// How many processes run that a vrrp_track_process looks for.
struct ProcessFact {
    std::string process;  // name of the vrrp_track_process
    std::uint32_t count = 0;
};

// Whether this host has the address that unicast instances are told to send from; until it is told, it has.
struct SourceFact {
    IpAddress address;
    bool here = true;
};

struct DeadlineReached {};  // early or stale ones are harmless
struct Shutdown {};         // resign in order; the machine is finished afterwards

using Fact = std::variant<InterfaceFact, PacketHeard, AddressLost, RestoreFailed, ScriptDone, DeadlineReached, Shutdown,
                          BfdFact, FileFact, ProcessFact, ClockTold, RoutingLost, RoutingUncertain, RoutingOutcome,
                          DuplicateAddress, SourceFact>;

// ---- intents -----------------------------------------------------------------------------------------------------
// Carried out in the order given. The role looks the instance up in the configuration it shares with the router; what
// can also concern an instance that a reload has removed (SendAdvert, RemoveAddresses, Announce, Say) needs no lookup.

// Send this advert now: to the multicast group, or to each unicast peer. A payload is the VRRP packet complete with
// its checksum, which for v3 and IPv6 depends on the destination; hence one per destination.
struct SendAdvert {
    InstanceId instance = 0;  // or kNoInstance
    std::string interface;    // where it goes out; empty: as the routes say (unicast without an interface)
    IpAddress source;
    std::vector<IpAddress> destinations;
    std::vector<std::vector<std::byte>> payloads;  // one per destination
    std::uint8_t ttl = 255;
    bool system_hop_limit = false;  // IPv6 unicast: the kernel's own hop limit instead of `ttl`
    bool in_vrf = false;            // unicast that is tied to `interface`, unless that is empty
    std::uint8_t protocol = 112;    // 51: the payloads begin with an authentication header
    std::uint16_t ip_id = 0;        // of the IPv4 header, which such a payload vouches for; 0: the socket counts
    bool operator==(const SendAdvert&) const = default;
};
struct AddAddresses {  // VIPs and excluded VIPs, one netlink batch; present ones are not an error
    InstanceId instance = 0;
    bool operator==(const AddAddresses&) const = default;
};
struct RemoveAddresses {      // absent ones are not an error; one netlink batch
    InstanceId instance = 0;  // or kNoInstance
    std::vector<HeldAddress> addresses;
    bool operator==(const RemoveAddresses&) const = default;
};
// A reload changed the list of a master. Of one intent, removals are carried out before additions. In a reload what is
// new comes first, so that its interface is never without an address; then what is gone goes; then what had to go
// before it comes back otherwise (another scope or label).
struct ChangeAddresses {
    InstanceId instance = 0;
    std::vector<std::size_t> added;  // positions in addresses, then excluded_addresses
    using Gone = HeldAddress;
    std::vector<Gone> removed;
    bool operator==(const ChangeAddresses&) const = default;
};
struct RestoreAddress {  // put back one address that was removed by somebody else
    InstanceId instance = 0;
    std::string interface;
    Prefix prefix;
    bool operator==(const RestoreAddress&) const = default;
};
// Routes and rules, one after the other; present ones are not an error. After the addresses, before they are announced.
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
    bool operator==(const SendGratuitousArp&) const = default;
};
struct AnnounceAddress {  // one gratuitous ARP or NA for an address that is the host's own
    std::string interface;
    IpAddress address;
    bool operator==(const AnnounceAddress&) const = default;
};
struct RunScript {  // a vrrp_script is due
    std::string script;
    bool operator==(const RunScript&) const = default;
};
struct Announce {  // a transition to tell the world about
    Event event;
    bool operator==(const Announce&) const = default;
};
struct Say {  // a log line
    LogLine line;
    bool operator==(const Say&) const = default;
};

using Intent =
    std::variant<SendAdvert, AddAddresses, RemoveAddresses, ChangeAddresses, RestoreAddress, SendGratuitousArp,
                 RunScript, Announce, Say, AnnounceAddress, SetRouting, RemoveRouting, SetStaticAddresses>;
using Intents = std::vector<Intent>;

// ---- what survives a crash and what the status page shows ----------------------------------------------------------

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
    std::uint64_t routing_restored = 0;     // routes and rules that somebody else had removed
    std::uint64_t duplicate_addresses = 0;  // addresses that another host was found to have
    bool operator==(const Counters&) const = default;
};

// The highest number that an authenticated packet of this sender carried.
struct HeardSequence {
    IpAddress sender;
    std::uint64_t sequence = 0;
    bool operator==(const HeardSequence&) const = default;
};

// Something that is wrong with the packets of a peer, or with there being one, as it was seen last.
struct PeerProblem {
    std::string kind;  // "advert_interval": for programs
    IpAddress peer;    // the sender of the last such packet
    Instant last{};
    std::uint64_t count = 0;
    std::string text;  // for people, of the first such packet since the instance last changed its state
    bool operator==(const PeerProblem&) const = default;
};

// Everything about one instance that another incarnation needs to go on, and that people want to see.
struct InstanceSnapshot {
    std::string name, interface, group;
    std::uint8_t virtual_router_id = 0, version = 2, base_priority = 100, effective_priority = 100;
    Family family = Family::V4;
    State state = State::Init;
    bool owns_addresses = false;
    Instant deadline{};         // next advert (Master) or master-down (Backup)
    Micros master_interval{0};  // learned from the master (v3)
    IpAddress master;           // last master heard, or our own source when Master
    std::uint8_t master_priority = 0;
    WallTime since;           // of the last transition; filled in by the role
    std::string fault;        // why it is in Fault, for people
    std::string last_mailed;  // state of the last mail
    Counters counters;
    std::uint64_t auth_sent = 0;            // number of the last authenticated packet: the next one's is greater
    std::vector<HeardSequence> auth_heard;  // least recently heard first
    bool reduced = false;                   // an address owner that gave way to another one: priority 254 for now
    std::vector<PeerProblem> problems;      // one of each kind that was seen
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
    bool operator==(const ScriptSnapshot&) const = default;
};

struct GroupSnapshot {
    std::string name;
    State state = State::Init;
    std::string last_mailed;
    bool operator==(const GroupSnapshot&) const = default;
};

struct BfdSnapshot {  // what was told last
    std::string name;
    bool up = false;
    bool operator==(const BfdSnapshot&) const = default;
};

struct TrackerSnapshot {  // a tracked file or process of which something is known
    enum class Kind : std::uint8_t { File = 0, Process = 1 } kind = Kind::File;
    std::string name;
    std::int64_t value = 0;  // what the file holds, how many processes there are
    bool up = true;          // of processes: the quorum, delays and all
    bool operator==(const TrackerSnapshot&) const = default;
};

struct RouterSnapshot {
    std::vector<InstanceSnapshot> instances;
    std::vector<GroupSnapshot> groups;
    std::vector<ScriptSnapshot> scripts;
    std::vector<BfdSnapshot> bfds;
    std::vector<TrackerSnapshot> trackers;
    bool operator==(const RouterSnapshot&) const = default;
};

}  // namespace mainstay::vrrp
