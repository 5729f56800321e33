// The typed model of a director's configuration, from keepalived.conf or TOML, with defaults filled in, units converted
// and names unresolved. Values only; the front ends build it with the schema (schema.hpp), the pure modules read it.
// Keywords without a member are in `more` (keyword_values.hpp). The defaults are keepalived's; the schema's rows state
// them for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mainstay/base/compact.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/config/keyword_values.hpp"
#include "mainstay/config/mail_address.hpp"

namespace mainstay::config {

struct Global {
    std::string router_id;  // empty: the local host name
    // Mail
    std::vector<MailAddress> notification_email;
    MailAddress notification_email_from;  // empty: <user>@<host>
    std::string smtp_server;              // address or host name; empty: no mail
    std::uint16_t smtp_port = 25;
    std::string smtp_helo_name;  // empty: the local host name
    Seconds smtp_connect_timeout{30};
    std::optional<bool> smtp_alert, smtp_alert_vrrp, smtp_alert_checker;
    bool no_email_faults = false;
    // VRRP defaults
    std::uint8_t vrrp_version = 2;
    bool vrrp_strict = false;
    bool vrrp_skip_check_adv_addr = false;
    Micros vrrp_garp_master_delay{5'000'000};
    std::uint32_t vrrp_garp_master_repeat = 5;
    Micros vrrp_garp_master_refresh{0};
    std::uint32_t vrrp_garp_master_refresh_repeat = 1;
    std::optional<Micros> vrrp_garp_lower_prio_delay;
    std::optional<std::uint32_t> vrrp_garp_lower_prio_repeat;
    Micros vrrp_garp_interval{0};
    Micros vrrp_gna_interval{0};
    bool vrrp_lower_prio_no_advert = false;
    bool vrrp_higher_prio_send_advert = false;
    std::uint32_t vrrp_down_timer_adverts = 3;
    Micros vrrp_startup_delay{0};
    std::optional<IpAddress> vrrp_mcast_group4, vrrp_mcast_group6;
    std::optional<int> vrrp_rt_priority;
    bool dynamic_interfaces = false;
    std::string default_interface = "eth0";
    // Scripts
    std::string script_user, script_group;  // empty: keepalived_script if that account exists, else root
    bool enable_script_security = false;
    // LVS
    bool lvs_flush = false;
    enum class FlushOnStop : std::uint8_t { No, Services, All } lvs_flush_on_stop = FlushOnStop::No;
    bool checker_log_all_failures = false;
    CompactOptional<ExtraSettings> more{};
    bool operator==(const Global&) const = default;
};

struct VirtualAddress {
    Prefix prefix;
    std::string dev;    // empty: the instance's interface
    std::string label;  // IPv4 only
    std::optional<IpAddress> broadcast;
    bool broadcast_all_ones = false;   // "brd +"
    bool broadcast_all_zeros = false;  // "brd -"
    std::uint8_t scope = 0;            // RT_SCOPE_*: 0 universe
    bool no_track = false;
    bool noprefixroute = false;
    CompactOptional<ExtraSettings> more{};
    bool operator==(const VirtualAddress&) const = default;
};

struct TrackedInterface {
    std::string name;
    int weight = 0;  // 0: down means FAULT
    bool reverse = false;
    bool operator==(const TrackedInterface&) const = default;
};

struct TrackedScript {
    std::string name;
    int weight = 0;  // resolved: the tracker's own weight, else the script's
    bool reverse = false;
    bool operator==(const TrackedScript&) const = default;
};

struct UnicastPeer {
    IpAddress address;
    std::uint8_t min_ttl = 0, max_ttl = 255;
    bool operator==(const UnicastPeer&) const = default;
};

struct Notifies {  // of an instance or a group
    CompactOptional<Command> master, backup, fault, stop, any;
    bool operator==(const Notifies&) const = default;
};

// use_vmac: adverts and VIPs on a private macvlan that carries the virtual MAC.
struct Vmac {
    bool enabled = false;
    std::string name;   // empty: vrrp.<vrid>
    std::string mac;    // as written; empty: the RFC's
    std::string group;  // interface group; empty: the parent's
    bool netlink_notify = false;
    bool operator==(const Vmac&) const = default;
};

struct VirtualRoute {         // installed while MASTER
    std::string destination;  // a prefix, or "default"
    IpAddress via;
    std::string dev;
    std::vector<std::string> words;  // the whole line as written, for options that have no member yet
    CompactOptional<ExtraSettings> more{};
    bool operator==(const VirtualRoute&) const = default;
};

enum class AuthType : std::uint8_t { None = 0, Pass = 1, Ah = 2 };  // the numbers on the wire

inline constexpr std::uint8_t kOwnerPriority = 255;  // of the owner of the addresses

struct Instance {
    std::string name;
    std::string interface;
    std::uint8_t virtual_router_id = 0;
    std::uint8_t priority = 100;
    bool initial_master = false;  // state MASTER
    std::uint8_t version = 2;
    Family family = Family::V4;    // of the VIPs and adverts
    Micros advert_int{1'000'000};  // already rounded for the protocol version
    bool nopreempt = false;
    Micros preempt_delay{0};
    bool strict = false;
    bool skip_check_adv_addr = false;
    bool dont_track_primary = false;
    AuthType auth_type = AuthType::None;
    std::string auth_pass;                             // at most 8 bytes; a secret
    std::vector<VirtualAddress> addresses;             // in the advert, in this order
    CompactVector<VirtualAddress> excluded_addresses;  // set together with `addresses`, not advertised
    std::optional<IpAddress> source;                   // mcast_src_ip or unicast_src_ip
    CompactVector<UnicastPeer> unicast_peers;          // not empty: unicast
    std::optional<IpAddress> multicast_group;          // else 224.0.0.18 / ff02::12
    CompactVector<TrackedInterface> track_interfaces;
    CompactVector<TrackedScript> track_scripts;
    Micros garp_master_delay{5'000'000};
    std::uint32_t garp_master_repeat = 5;
    Micros garp_master_refresh{0};
    std::uint32_t garp_master_refresh_repeat = 1;
    Micros garp_lower_prio_delay{5'000'000};
    std::uint32_t garp_lower_prio_repeat = 5;
    bool lower_prio_no_advert = false;
    bool higher_prio_send_advert = false;
    std::uint32_t down_timer_adverts = 3;
    std::string sync_group;  // resolved: name of the group it is a member of, else empty
    Notifies notify;
    bool smtp_alert = false;  // resolved through the group's and global switches
    CompactOptional<Vmac> vmac;
    CompactVector<VirtualRoute> routes;
    CompactOptional<ExtraSettings> more{};
    bool operator==(const Instance&) const = default;
};

struct SyncGroup {
    std::string name;
    std::vector<std::string> members;  // existing instances only
    std::vector<TrackedInterface> track_interfaces;
    std::vector<TrackedScript> track_scripts;
    Notifies notify;
    bool smtp_alert = false;
    CompactOptional<ExtraSettings> more{};
    bool operator==(const SyncGroup&) const = default;
};

struct TrackScript {  // vrrp_script
    std::string name;
    Command command;
    Micros interval{1'000'000};
    Micros timeout{1'000'000};  // resolved: the interval unless given
    int weight = 0;             // -253..253
    bool reverse = false;
    std::uint32_t rise = 1, fall = 1;
    bool init_fail = false;
    CompactOptional<ExtraSettings> more{};
    bool operator==(const TrackScript&) const = default;
};

enum class Protocol : std::uint8_t { None = 0, Tcp = 6, Udp = 17, Sctp = 132 };
enum class Forwarding : std::uint8_t { Nat = 0, Tunnel = 2, DirectRoute = 3 };  // the kernel's numbers

struct HttpUrl {  // of HTTP_GET and SSL_GET
    std::string path;
    std::string digest;  // 32 hex digits, lower case; empty: not compared
    struct Codes {
        std::uint16_t from = 200, to = 299;  // inclusive
        bool operator==(const Codes&) const = default;
    };
    std::vector<Codes> status_codes;  // never empty
    std::string virtualhost;          // resolved: url, checker, real server, virtual server; may be empty
    CompactOptional<ExtraSettings> more{};
    bool operator==(const HttpUrl&) const = default;
};

// A file may have tens of thousands of checkers and real servers: their members are ordered to avoid padding, and
// rarely set ones are CompactOptional.
struct Checker {
    enum class Type : std::uint8_t {
        Tcp,
        Http,
        Ssl,
        Smtp,
        Dns,
        Udp,
        Ping,
        Misc,
        File,
        Bfd,
        Grpc,
        Agent
    } type = Type::Tcp;
    bool alpha = false;
    bool log_all_failures = false;
    bool misc_dynamic = false;
    bool enable_sni = false;
    Endpoint target;          // resolved: connect_ip/connect_port, else the real server's
    std::uint32_t retry = 1;  // failures tolerated before it counts as failed
    Micros connect_timeout{5'000'000};
    Micros delay_before_retry{1'000'000};
    Micros delay_loop{60'000'000};
    Micros warmup{60'000'000};
    Micros misc_timeout{0};
    CompactOptional<std::optional<Endpoint>> bind;  // bindto, bind_port
    CompactOptional<std::string> bind_if;
    CompactOptional<Command> misc_path;          // MISC_CHECK only
    CompactOptional<std::vector<HttpUrl>> urls;  // HTTP_GET and SSL_GET only
    CompactOptional<std::string> http_protocol;  // empty: 1.0
    CompactOptional<std::string> sni_name;
    CompactOptional<ExtraSettings> more{};
    bool operator==(const Checker&) const = default;
};

// The encapsulation of packets to a tunnelled server; the kernel's numbers.
struct Tunnel {
    enum class Type : std::uint8_t { Ipip = 0, Gue = 1, Gre = 2 } type = Type::Ipip;
    enum class Checksum : std::uint8_t { None = 0, Sum = 1, Remote = 2 } checksum = Checksum::None;
    std::uint16_t port = 0;  // for GUE only
    bool operator==(const Tunnel&) const = default;
};

struct RealServer {
    Endpoint endpoint;
    Forwarding forwarding = Forwarding::Nat;
    bool inhibit_on_failure = false;
    bool smtp_alert = true;    // resolved
    std::uint32_t weight = 1;  // 0..2147483647
    std::uint32_t upper_threshold = 0, lower_threshold = 0;
    CompactOptional<Command> notify_up, notify_down;
    CompactVector<Checker> checkers;
    CompactOptional<Tunnel> tunnel;  // resolved; of Forwarding::Tunnel
    CompactOptional<ExtraSettings> more{};
    bool operator==(const RealServer&) const = default;
};
// Of real_server_dns and real_server_file: it has no address, and servers come of it when its source answers.
[[nodiscard]] inline bool is_template(const RealServer& server) { return server.endpoint.address.empty(); }

struct SorryServer {
    Endpoint endpoint;
    Forwarding forwarding = Forwarding::Nat;
    bool inhibit = false;
    Tunnel tunnel{};
    bool operator==(const SorryServer&) const = default;
};

// One line of a virtual_server_group.
struct GroupEntry {
    IpAddress first, last;   // both included, of one family; empty: a firewall mark
    std::uint16_t port = 0;  // of addresses; 0: any
    std::uint32_t fwmark = 0;
    Family family = Family::V4;  // of a mark; resolved
    bool operator==(const GroupEntry&) const = default;
};
struct GroupMembership {
    std::uint32_t position = 0;  // among the services of the group: its name is [group]:position
    std::vector<GroupEntry> entries;
    bool operator==(const GroupMembership&) const = default;
};

struct VirtualServer {
    Endpoint endpoint;         // empty address with fwmark or group
    std::uint32_t fwmark = 0;  // not 0: a firewall-mark service
    CompactOptional<std::string> group;
    Family family = Family::V4;
    Protocol protocol = Protocol::Tcp;
    std::string scheduler = "wlc";
    std::uint32_t scheduler_flags = 0;  // IP_VS_SVC_F_SCHED1.. bits, and ONEPACKET 0x4
    bool persistent = false;
    Seconds persistence_timeout{0};
    std::uint32_t persistence_netmask = 0xffffffff;  // IPv4: host order; IPv6: prefix length (default 128)
    Micros delay_loop{60'000'000};
    bool alpha = false, omega = false;
    bool inhibit_on_failure = false;
    std::uint32_t quorum = 1, hysteresis = 0;
    CompactOptional<Command> quorum_up, quorum_down;
    bool smtp_alert = false;  // resolved
    std::optional<SorryServer> sorry_server;
    std::vector<RealServer> real_servers;
    CompactOptional<GroupMembership> membership;  // with a group: its entries
    CompactOptional<ExtraSettings> more{};
    bool active_active = false;  // several directors serve it at once; the scheduler is mh with fallback and port
    bool operator==(const VirtualServer&) const = default;
};

struct Config {
    Global global;
    std::vector<TrackScript> scripts;
    std::vector<Instance> instances;
    std::vector<SyncGroup> sync_groups;
    std::vector<VirtualServer> virtual_servers;
    CompactOptional<ExtraSettings> more{};
    bool operator==(const Config&) const = default;
};

// keepalived's text form of a service or server, used in logs, mails and FIFO lines: "[10.0.0.1]:tcp:80", "FWM 5".
[[nodiscard]] std::string service_name(const VirtualServer& service);
[[nodiscard]] std::string server_name(const Endpoint& endpoint, Protocol protocol);

// A virtual server that a reload changes, adds or removes, while all others stay unchanged and in their order. A list
// of them is in the order of the next configuration, with those that are removed where they were.
struct ServiceChange {
    enum class Kind : std::uint8_t { Changed, Added, Removed };

    std::size_t at = 0;           // its index among the next virtual servers; of a removed one, among those that run
    VirtualServer before, after;  // of an added one `before` is empty, of a removed one `after`
    Kind kind = Kind::Changed;
};

// Bits of VirtualServer::scheduler_flags: IP_VS_SVC_F_ONEPACKET, _SCHED1, _SCHED2 and _SCHED3 of the kernel.

inline constexpr std::uint32_t kOnePacket = 0x04;
inline constexpr std::uint32_t kFlag1 = 0x08, kFlag2 = 0x10, kFlag3 = 0x20;
inline constexpr std::uint32_t kHashFallback = kFlag1, kHashPort = kFlag2;  // of sh and mh

}  // namespace mainstay::config
