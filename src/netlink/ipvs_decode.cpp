#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>

#include "kernel_numbers.hpp"
#include "mainstay/netlink/ipvs.hpp"

namespace mainstay::netlink {
namespace {

Result<Attributes> top_level(const Message& message, std::uint8_t command, std::string_view what) {
    const auto header = read_header<genlmsghdr>(message.payload);
    if (!header) return fail(Errc::Invalid, std::string{what} + " message is cut off");
    if (header->cmd != command) return fail(Errc::Invalid, std::string{what} + " message of another kind");
    auto attributes = Attributes::parse(behind_header(message.payload, GENL_HDRLEN));
    if (!attributes) return error_of(attributes, what);
    return attributes;
}

Result<Attributes> inner_level(const Attributes& outer, std::uint16_t type, std::string_view what) {
    auto inner = outer.nested(type);
    if (!inner) return error_of(inner, what);
    if (!*inner) return fail(Errc::Invalid, std::string{what} + " message without its content");
    return **inner;
}

Family family_of(std::optional<std::uint16_t> number, Family otherwise) {
    if (!number) return otherwise;
    return *number == kFamilyV4 ? Family::V4 : *number == kFamilyV6 ? Family::V6 : Family::None;
}

// Dumps have 16 bytes for IPv4 addresses too.
IpAddress address_of(Family family, std::optional<std::span<const std::byte>> bytes) {
    if (!bytes) return {};
    if (family == Family::V4 && bytes->size() >= 4) return IpAddress::v4(bytes->first<4>());
    if (family == Family::V6 && bytes->size() >= 16) return IpAddress::v6(bytes->first<16>());
    return {};
}

template <class Narrow>
IpvsStats read_stats(const Attributes& from) {
    const auto counter = [&from](std::uint16_t type) { return std::uint64_t{from.value<Narrow>(type).value_or(0)}; };
    return {.connections = counter(IPVS_STATS_ATTR_CONNS),
            .in_packets = counter(IPVS_STATS_ATTR_INPKTS),
            .out_packets = counter(IPVS_STATS_ATTR_OUTPKTS),
            .in_bytes = from.value<std::uint64_t>(IPVS_STATS_ATTR_INBYTES).value_or(0),
            .out_bytes = from.value<std::uint64_t>(IPVS_STATS_ATTR_OUTBYTES).value_or(0),
            .cps = counter(IPVS_STATS_ATTR_CPS),
            .in_pps = counter(IPVS_STATS_ATTR_INPPS),
            .out_pps = counter(IPVS_STATS_ATTR_OUTPPS),
            .in_bps = counter(IPVS_STATS_ATTR_INBPS),
            .out_bps = counter(IPVS_STATS_ATTR_OUTBPS)};
}

// The 64-bit counters if the kernel has them (since 4.1), else the old ones, which have 32 bits except the byte counts.
Result<IpvsStats> stats_of(const Attributes& from, std::uint16_t wide, std::uint16_t narrow) {
    const auto stats64 = from.nested(wide);
    if (!stats64) return error_of(stats64);
    if (*stats64) return read_stats<std::uint64_t>(**stats64);
    const auto stats = from.nested(narrow);
    if (!stats) return error_of(stats);
    return *stats ? read_stats<std::uint32_t>(**stats) : IpvsStats{};
}

}  // namespace

Result<std::uint16_t> decode_family(const Message& message) {
    const auto attributes = top_level(message, CTRL_CMD_NEWFAMILY, "netlink family");
    if (!attributes) return error_of(attributes);
    const auto id = attributes->value<std::uint16_t>(CTRL_ATTR_FAMILY_ID);
    if (!id || *id < GENL_MIN_ID) return fail(Errc::Invalid, "netlink family message without a number");
    return *id;
}

Result<IpvsServiceEntry> decode_service(const Message& message) {
    const auto outer = top_level(message, IPVS_CMD_NEW_SERVICE, "IPVS service");
    if (!outer) return error_of(outer);
    const auto from = inner_level(*outer, IPVS_CMD_ATTR_SERVICE, "IPVS service");
    if (!from) return error_of(from);

    IpvsServiceEntry entry;
    IpvsServiceKey& key = entry.service.key;
    key.family = family_of(from->value<std::uint16_t>(IPVS_SVC_ATTR_AF), Family::None);
    key.fwmark = from->value<std::uint32_t>(IPVS_SVC_ATTR_FWMARK).value_or(0);
    if (key.fwmark == 0) {
        key.protocol = static_cast<std::uint8_t>(from->value<std::uint16_t>(IPVS_SVC_ATTR_PROTOCOL).value_or(0));
        key.address = address_of(key.family, from->bytes(IPVS_SVC_ATTR_ADDR));
        key.port = ntohs(from->value<std::uint16_t>(IPVS_SVC_ATTR_PORT).value_or(0));
        if (key.protocol == 0 || key.address.empty()) return fail(Errc::Invalid, "IPVS service message without a key");
    }
    if (key.family == Family::None) return fail(Errc::Invalid, "IPVS service message without an address family");

    entry.service.scheduler = from->text(IPVS_SVC_ATTR_SCHED_NAME).value_or(std::string{});
    entry.service.engine = from->text(IPVS_SVC_ATTR_PE_NAME).value_or(std::string{});
    entry.service.flags = from->value<ip_vs_flags>(IPVS_SVC_ATTR_FLAGS).value_or(ip_vs_flags{}).flags & ~kIpvsHashed;
    entry.service.timeout_s = from->value<std::uint32_t>(IPVS_SVC_ATTR_TIMEOUT).value_or(0);
    const auto netmask = from->value<std::uint32_t>(IPVS_SVC_ATTR_NETMASK).value_or(0);
    entry.service.netmask = key.family == Family::V6 ? netmask : ntohl(netmask);

    auto stats = stats_of(*from, IPVS_SVC_ATTR_STATS64, IPVS_SVC_ATTR_STATS);
    if (!stats) return error_of(stats, "IPVS service");
    entry.stats = *stats;
    return entry;
}

Result<IpvsDestinationEntry> decode_destination(const Message& message, Family service_family) {
    const auto outer = top_level(message, IPVS_CMD_NEW_DEST, "IPVS destination");
    if (!outer) return error_of(outer);
    const auto from = inner_level(*outer, IPVS_CMD_ATTR_DEST, "IPVS destination");
    if (!from) return error_of(from);

    IpvsDestinationEntry entry;
    IpvsDestination& destination = entry.destination;
    const Family family = family_of(from->value<std::uint16_t>(IPVS_DEST_ATTR_ADDR_FAMILY), service_family);
    destination.endpoint.address = address_of(family, from->bytes(IPVS_DEST_ATTR_ADDR));
    if (destination.endpoint.address.empty()) return fail(Errc::Invalid, "IPVS destination message without an address");
    destination.endpoint.port = ntohs(from->value<std::uint16_t>(IPVS_DEST_ATTR_PORT).value_or(0));
    destination.forwarding = from->value<std::uint32_t>(IPVS_DEST_ATTR_FWD_METHOD).value_or(0) & kForwardMask;
    destination.weight = from->value<std::int32_t>(IPVS_DEST_ATTR_WEIGHT).value_or(0);
    destination.upper_threshold = from->value<std::uint32_t>(IPVS_DEST_ATTR_U_THRESH).value_or(0);
    destination.lower_threshold = from->value<std::uint32_t>(IPVS_DEST_ATTR_L_THRESH).value_or(0);
    if (destination.forwarding == kIpvsTunnel) {
        destination.tunnel.type = from->value<std::uint8_t>(IPVS_DEST_ATTR_TUN_TYPE).value_or(0);
        destination.tunnel.port = ntohs(from->value<std::uint16_t>(IPVS_DEST_ATTR_TUN_PORT).value_or(0));
        destination.tunnel.flags = from->value<std::uint16_t>(IPVS_DEST_ATTR_TUN_FLAGS).value_or(0);
    }
    entry.active = from->value<std::uint32_t>(IPVS_DEST_ATTR_ACTIVE_CONNS).value_or(0);
    entry.inactive = from->value<std::uint32_t>(IPVS_DEST_ATTR_INACT_CONNS).value_or(0);
    entry.persistent = from->value<std::uint32_t>(IPVS_DEST_ATTR_PERSIST_CONNS).value_or(0);

    auto stats = stats_of(*from, IPVS_DEST_ATTR_STATS64, IPVS_DEST_ATTR_STATS);
    if (!stats) return error_of(stats, "IPVS destination");
    entry.stats = *stats;
    return entry;
}

// ---- synchronisation daemons and connection timeouts ----

Result<IpvsDaemon> decode_daemon(const Message& message) {
    const auto outer = top_level(message, IPVS_CMD_NEW_DAEMON, "IPVS daemon");
    if (!outer) return error_of(outer);
    const auto from = outer->nested(IPVS_CMD_ATTR_DAEMON);
    if (!from) return error_of(from);
    if (!*from) return fail(Errc::Invalid, "IPVS daemon message without its content");
    IpvsDaemon daemon;
    const auto state = (*from)->value<std::uint32_t>(IPVS_DAEMON_ATTR_STATE).value_or(0);
    if (state != IP_VS_STATE_MASTER && state != IP_VS_STATE_BACKUP)
        return fail(Errc::Invalid, "IPVS daemon message without a state");
    daemon.state = static_cast<IpvsDaemon::State>(state);
    daemon.interface = (*from)->text(IPVS_DAEMON_ATTR_MCAST_IFN).value_or(std::string{});
    daemon.sync_id = (*from)->value<std::uint32_t>(IPVS_DAEMON_ATTR_SYNC_ID).value_or(0);
    daemon.maxlen = (*from)->value<std::uint16_t>(IPVS_DAEMON_ATTR_SYNC_MAXLEN).value_or(0);
    daemon.port = (*from)->value<std::uint16_t>(IPVS_DAEMON_ATTR_MCAST_PORT).value_or(0);
    daemon.ttl = (*from)->value<std::uint8_t>(IPVS_DAEMON_ATTR_MCAST_TTL).value_or(0);
    if (const auto v4 = (*from)->bytes(IPVS_DAEMON_ATTR_MCAST_GROUP); v4 && v4->size() >= 4)
        daemon.group = IpAddress::v4(v4->first<4>());
    if (const auto v6 = (*from)->bytes(IPVS_DAEMON_ATTR_MCAST_GROUP6); v6 && v6->size() >= 16)
        daemon.group = IpAddress::v6(v6->first<16>());
    return daemon;
}

Result<IpvsTimeouts> decode_timeouts(const Message& message) {
    const auto from = top_level(message, IPVS_CMD_SET_CONFIG, "IPVS timeouts");
    if (!from) return error_of(from);
    return IpvsTimeouts{.tcp = from->value<std::uint32_t>(IPVS_CMD_ATTR_TIMEOUT_TCP).value_or(0),
                        .tcp_fin = from->value<std::uint32_t>(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN).value_or(0),
                        .udp = from->value<std::uint32_t>(IPVS_CMD_ATTR_TIMEOUT_UDP).value_or(0)};
}

}  // namespace mainstay::netlink
