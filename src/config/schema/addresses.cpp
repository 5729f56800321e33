// Rows of the schema: the words of address and peer lines.
#include "setters.hpp"

namespace mainstay::config {
namespace {

constexpr KeywordSpec kAddressRows[]{
    row(Block::VirtualAddresses, "<entry>", args::entry(), "<ip>[/<prefixlen>] [option ...]", "/32 or /128",
        "One address."),
    row(Block::VirtualAddresses, "<address>", args::option(args::prefix()), "<ip>[/<prefixlen>]", "/32 or /128",
        "The address."),
    row(Block::VirtualAddresses, keyword::dev, args::option(args::short_word(kMostInterfaceName)), "<ifname>",
        "instance's interface (or VMAC)", "Interface for this address.", {.missing = Missing::Ignored}),
    row(Block::VirtualAddresses, keyword::scope,
        args::option(args::any_base(args::or_name(args::integer(0, 255), kScopeWords))),
        "<site|link|host|nowhere|global|0..255|name from rt_scopes>", "global", "Scope; IPv4 only.",
        {.missing = Missing::Ignored}),
    row(Block::VirtualAddresses, keyword::broadcast, args::option(args::words(1, 1)), "<ip>|+|-", "none",
        "Broadcast address; + all host bits one, - all zero; IPv4 only.", {.missing = Missing::Ignored}),
    row(Block::VirtualAddresses, keyword::brd, args::option(args::words(1, 1)), "<ip>|+|-", "none", "See broadcast.",
        {.missing = Missing::Ignored}),
    row(Block::VirtualAddresses, keyword::label, args::option(args::short_word(kMostInterfaceName)), "<string max 15>",
        "none", "Address label; IPv4 only.", {.missing = Missing::Ignored}),
    row(Block::VirtualAddresses, keyword::peer, args::option(args::address()), "<ip>", "none",
        "Point to point peer address.", {.missing = Missing::Ignored, .example = "192.0.2.10 peer 192.0.2.11"}),
    row(Block::VirtualAddresses, keyword::home, args::option(args::flag()), "", "off", "IFA_F_HOMEADDRESS (IPv6)."),
    row(Block::VirtualAddresses, "-nodad", args::option(args::flag()), "", "NODAD is set on IPv6 VIPs",
        "Do not set nodad, so the kernel does duplicate address detection."),
    row(Block::VirtualAddresses, keyword::mngtmpaddr, args::option(args::flag()), "", "off", "IFA_F_MANAGETEMPADDR."),
    row(Block::VirtualAddresses, "noprefixroute", args::option(args::flag()), "", "off", "IFA_F_NOPREFIXROUTE."),
    row(Block::VirtualAddresses, "autojoin", args::option(args::flag()), "", "off", "IFA_F_MCAUTOJOIN."),
    row(Block::VirtualAddresses, "no_track", args::option(args::flag()), "", "off",
        "Removal of this address by others does not make the master resign."),
    row(Block::VirtualAddresses, "preferred_lft",
        args::option(args::with_choices(args::whole_seconds(0, args::kMost32), "forever")),
        "forever|<int 0..4294967295>", "IPv6: 0 for /128, otherwise forever", "IPv6 preferred lifetime.",
        {.missing = Missing::Ignored}),
    row(Block::VirtualAddresses, keyword::use_vmac, args::option(args::flag()), "", "off",
        "Put this address on a VMAC over its dev."),
    row(Block::ExcludedAddresses, "<entry>", args::entry(), "as virtual_ipaddress", "", "One excluded address."),
    row(Block::UnicastPeers, "<peer>", args::option(args::address()), "<ip>", "required", "Address of another router."),
    row(Block::UnicastPeers, keyword::min_ttl, args::option(args::integer(0, 255)), "<int 0..255>", "0",
        "Least TTL accepted from this peer.", {.missing = Missing::Ignored}),
    row(Block::UnicastPeers, keyword::max_ttl, args::option(args::integer(0, 255)), "<int 0..255>", "255",
        "Greatest TTL accepted from this peer.", {.missing = Missing::Ignored}),
};

}  // namespace

std::span<const KeywordSpec> address_rows() { return kAddressRows; }

}  // namespace mainstay::config
