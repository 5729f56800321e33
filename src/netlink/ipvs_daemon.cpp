// The part of the IPVS codec that is not about its table: synchronisation daemons and connection timeouts.
#include <linux/genetlink.h>
#include <linux/ip_vs.h>

#include "ipvs_builder.hpp"
#include "mainstay/netlink/ipvs.hpp"

namespace mainstay::netlink {
namespace {

Result<Attributes> content_of(const Message& message, std::uint8_t command, std::string_view what) {
    const auto header = read_header<genlmsghdr>(message.payload);
    if (!header) return fail(Errc::Invalid, std::string{what} + " message is cut off");
    if (header->cmd != command) return fail(Errc::Invalid, std::string{what} + " message of another kind");
    auto attributes = Attributes::parse(behind_header(message.payload, GENL_HDRLEN));
    if (!attributes) return error_of(attributes, what);
    return attributes;
}

}  // namespace

Result<void> append_daemon_start(std::vector<std::byte>& out, std::uint16_t family_id, const IpvsDaemon& daemon,
                                 std::uint32_t sequence) {
    if (daemon.interface.empty() || daemon.interface.size() > kIpvsNameLimit)
        return fail(Errc::Invalid, "interface name '" + daemon.interface + "' must have 1 to 15 characters");
    Builder message{family_id, IPVS_CMD_NEW_DAEMON, NLM_F_ACK, sequence, IPVS_GENL_VERSION};
    message.nest(IPVS_CMD_ATTR_DAEMON, [&] {
        message.u32(IPVS_DAEMON_ATTR_STATE, static_cast<std::uint32_t>(daemon.state));
        message.text(IPVS_DAEMON_ATTR_MCAST_IFN, daemon.interface.c_str());
        message.u32(IPVS_DAEMON_ATTR_SYNC_ID, daemon.sync_id);
        if (daemon.maxlen != 0) message.u16(IPVS_DAEMON_ATTR_SYNC_MAXLEN, daemon.maxlen);
        if (daemon.port != 0) message.u16(IPVS_DAEMON_ATTR_MCAST_PORT, daemon.port);  // host order, unlike all others
        if (daemon.ttl != 0) message.u8(IPVS_DAEMON_ATTR_MCAST_TTL, daemon.ttl);
        if (daemon.group.is_v4()) message.bytes(IPVS_DAEMON_ATTR_MCAST_GROUP, daemon.group.bytes());
        if (daemon.group.is_v6()) message.bytes(IPVS_DAEMON_ATTR_MCAST_GROUP6, daemon.group.bytes());
    });
    return message.append_to(out);
}

void append_daemon_stop(std::vector<std::byte>& out, std::uint16_t family_id, IpvsDaemon::State state,
                        std::uint32_t sequence) {
    Builder message{family_id, IPVS_CMD_DEL_DAEMON, NLM_F_ACK, sequence, IPVS_GENL_VERSION};
    message.nest(IPVS_CMD_ATTR_DAEMON, [&] { message.u32(IPVS_DAEMON_ATTR_STATE, static_cast<std::uint32_t>(state)); });
    (void)message.append_to(out);
}

void append_timeouts(std::vector<std::byte>& out, std::uint16_t family_id, const IpvsTimeouts& timeouts,
                     std::uint32_t sequence) {
    Builder message{family_id, IPVS_CMD_SET_CONFIG, NLM_F_ACK, sequence, IPVS_GENL_VERSION};
    if (timeouts.tcp != 0) message.u32(IPVS_CMD_ATTR_TIMEOUT_TCP, timeouts.tcp);
    if (timeouts.tcp_fin != 0) message.u32(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, timeouts.tcp_fin);
    if (timeouts.udp != 0) message.u32(IPVS_CMD_ATTR_TIMEOUT_UDP, timeouts.udp);
    (void)message.append_to(out);
}

void append_daemon_dump(std::vector<std::byte>& out, std::uint16_t family_id, std::uint32_t sequence) {
    (void)Builder{family_id, IPVS_CMD_GET_DAEMON, NLM_F_DUMP, sequence, IPVS_GENL_VERSION}.append_to(out);
}

void append_timeouts_query(std::vector<std::byte>& out, std::uint16_t family_id, std::uint32_t sequence) {
    (void)Builder{family_id, IPVS_CMD_GET_CONFIG, 0, sequence, IPVS_GENL_VERSION}.append_to(out);
}

Result<IpvsDaemon> decode_daemon(const Message& message) {
    const auto outer = content_of(message, IPVS_CMD_NEW_DAEMON, "IPVS daemon");
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
    const auto from = content_of(message, IPVS_CMD_SET_CONFIG, "IPVS timeouts");
    if (!from) return error_of(from);
    return IpvsTimeouts{.tcp = from->value<std::uint32_t>(IPVS_CMD_ATTR_TIMEOUT_TCP).value_or(0),
                        .tcp_fin = from->value<std::uint32_t>(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN).value_or(0),
                        .udp = from->value<std::uint32_t>(IPVS_CMD_ATTR_TIMEOUT_UDP).value_or(0)};
}

}  // namespace mainstay::netlink
