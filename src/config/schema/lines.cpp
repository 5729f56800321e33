// Rows of the schema: the words of trackers, and those behind keywords that are a line of their own.
#include "setters.hpp"

namespace mainstay::config {
namespace {

constexpr BlockSet kTrackers = Block::TrackInterfaces | Block::TrackScripts | Block::OtherTrackers;
constexpr std::int64_t kMostTimeout = 2'678'400;  // seconds: IP_VS_TIMEOUT_MAX of the tools, 31 days

constexpr KeywordSpec kLineRows[]{
    row(kTrackers, "<name>", args::option(args::words(1, 1)), "<name>", "required", "The tracked object."),
    row(kTrackers, keyword::weight, args::option(args::leading(args::integer(-254, 254))),
        "<int -253..253; of a file or a process -254..254>", "that of what is tracked, else 0",
        "Change of the priority; 0 means FAULT.", {.missing = Missing::Ignored, .repeat = Repeat::FirstWins}),
    row(kTrackers, keyword::reverse, args::option(args::flag()), "", "off", "Reverse the weight.",
        {.example = "NAME weight 10 reverse"}),
    row(kTrackers, "noreverse", args::option(args::flag()), "", "off",
        "Do not reverse the weight, even if the definition of the tracked object does.",
        {.example = "NAME weight 10 noreverse"}),
    row(Block::Tunnel, "<method>", args::option(args::one_of("NAT|DR|TUN")), "NAT|DR|TUN", "required",
        "Forwarding method."),
    row(Block::Tunnel, keyword::type, args::option(args::one_of("ipip|gue|gre")), "ipip|gue|gre", "ipip",
        "Kind of tunnel, of TUN.", {.missing = Missing::Ignored}),
    row(Block::Tunnel, keyword::port, args::option(args::integer(1, 65535)), "<port 1..65535>", "none",
        "UDP port of a gue tunnel, which must have one.", {.missing = Missing::Ignored}),
    row(Block::Tunnel, "nocsum", args::option(args::flag()), "", "nocsum", "No checksum in the tunnel."),
    row(Block::Tunnel, keyword::csum, args::option(args::flag()), "", "off",
        "A checksum in the tunnel; not with ipip."),
    row(Block::Tunnel, keyword::remcsum, args::option(args::flag()), "", "off", "Remote checksum offload; gue only."),
    row(Block::SyncDaemon, "<interface>", args::option(args::short_word(kMostInterfaceName)), "<ifname>", "required",
        "Interface of the daemon."),
    row(Block::SyncDaemon, "<instance>", args::option(args::optional(args::words(1, 1))), "<vrrp instance>",
        "none: both roles", "Instance whose state it follows."),
    row(Block::SyncDaemon, "<syncid>", args::option(args::optional(args::integer(0, 255))), "<0..255>", "none",
        "Same as id, in its old place."),
    row(Block::SyncDaemon, keyword::inst, args::option(args::words(1, 1)), "<vrrp instance>", "none: both roles",
        "Instance whose state it follows.", {.missing = Missing::Ignored}),
    row(Block::SyncDaemon, keyword::id, args::option(args::integer(0, 255)), "<0..255>", "that of the instance, else 0",
        "Syncid.", {.missing = Missing::Ignored}),
    row(Block::SyncDaemon, keyword::maxlen, args::option(args::integer(1, 65507)), "<1..65507>", "kernel choice",
        "Maximum packet length.", {.missing = Missing::Ignored}),
    row(Block::SyncDaemon, keyword::port, args::option(args::integer(1, 65535)), "<1..65535>", "8848", "UDP port.",
        {.missing = Missing::Ignored}),
    row(Block::SyncDaemon, keyword::ttl, args::option(args::integer(1, 255)), "<1..255>", "1", "TTL of its packets.",
        {.missing = Missing::Ignored}),
    row(Block::SyncDaemon, "group", args::option(args::address()), "<ip>", "224.0.0.81", "Multicast group.",
        {.missing = Missing::Ignored}),
    row(Block::LvsTimeouts, keyword::tcp, args::option(args::whole_seconds(0, kMostTimeout)), "<seconds 0..2678400>",
        "kernel's", "Timeout of established TCP connections.", {.missing = Missing::Ignored}),
    row(Block::LvsTimeouts, keyword::tcpfin, args::option(args::whole_seconds(0, kMostTimeout)), "<seconds 0..2678400>",
        "kernel's", "Timeout of TCP connections after a FIN.", {.missing = Missing::Ignored}),
    row(Block::LvsTimeouts, keyword::udp, args::option(args::whole_seconds(0, kMostTimeout)), "<seconds 0..2678400>",
        "kernel's", "Of UDP.", {.missing = Missing::Ignored}),
    row(Block::UseVmac, "<mac>", args::option(args::optional(args::hex_groups(0xff, 5, 6))), "<mac 5 or 6 octets>",
        "the RFC's", "MAC address; of five octets the VRID is the sixth."),
    row(Block::UseVmac, "<name>", args::option(args::optional(args::short_word(kMostInterfaceName))), "<ifname>",
        "vrrp.<vrid>", "Name of the interface."),
    row(Block::UseVmac, keyword::name, args::option(args::short_word(kMostInterfaceName)), "<ifname>", "vrrp.<vrid>",
        "Name of the interface.", {.missing = Missing::Ignored}),
    row(Block::UseVmac, keyword::netlink_notify_msg, args::option(args::flag()), "", "off",
        "Notify the kernel of the new address."),
    row(Block::UseVmac, "group", args::option(args::or_name(args::integer(0, args::kMost32))), "<ifgroup>",
        "the parent's", "Interface group.", {.missing = Missing::Ignored}),
    row(Block::UseIpvlan, "<mode>", args::option(args::optional(args::one_of("bridge|private|vepa"))),
        "bridge|private|vepa", "bridge", "Mode."),
    row(Block::UseIpvlan, "<address>", args::option(args::optional(args::prefix())), "<ip>[/<len>]", "none",
        "Address of the interface; IPv4 requires one."),
    row(Block::UseIpvlan, "<name>", args::option(args::optional(args::short_word(kMostInterfaceName))), "<ifname>",
        "vrrp.<vrid>", "Name of the interface."),
    row(Block::UseIpvlan, keyword::name, args::option(args::short_word(kMostInterfaceName)), "<ifname>", "vrrp.<vrid>",
        "Name of the interface.", {.missing = Missing::Ignored}),
    row(Block::UseIpvlan, "group", args::option(args::or_name(args::integer(0, args::kMost32))), "<ifgroup>",
        "the parent's", "Interface group.", {.missing = Missing::Ignored}),
};

}  // namespace

std::span<const KeywordSpec> line_rows() { return kLineRows; }

}  // namespace mainstay::config
