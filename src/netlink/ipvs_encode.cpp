#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "kernel_numbers.hpp"
#include "mainstay/netlink/ipvs.hpp"

namespace mainstay::netlink {
namespace {

constexpr std::size_t kMessageBytes = 512;  // the longest operation takes some 250

// One message built with libnl. An error (no room, no memory) is stored and reported once, at the end.
class Builder {
public:
    Builder(std::uint16_t family_id, std::uint8_t command, int flags, std::uint32_t sequence, std::uint8_t version)
        : message_{nlmsg_alloc_size(kMessageBytes), nlmsg_free} {
        good_ = message_ != nullptr && genlmsg_put(message_.get(), 0, sequence, family_id, 0, flags | NLM_F_REQUEST,
                                                   command, version) != nullptr;
    }
    void bytes(int type, std::span<const std::byte> value) {
        good_ = good_ && nla_put(message_.get(), type, static_cast<int>(value.size()), value.data()) == 0;
    }
    void u8(int type, std::uint8_t value) { good_ = good_ && nla_put_u8(message_.get(), type, value) == 0; }
    void u16(int type, std::uint16_t value) { good_ = good_ && nla_put_u16(message_.get(), type, value) == 0; }
    void u32(int type, std::uint32_t value) { good_ = good_ && nla_put_u32(message_.get(), type, value) == 0; }
    void text(int type, const char* value) { good_ = good_ && nla_put_string(message_.get(), type, value) == 0; }

    template <class Body>  // a nest cannot be left open
    void nest(int type, Body&& body) {
        nlattr* start = good_ ? nla_nest_start(message_.get(), type) : nullptr;
        if (start == nullptr) {
            good_ = false;
            return;
        }
        body();
        good_ = good_ && nla_nest_end(message_.get(), start) == 0;
    }

    Result<void> append_to(std::vector<std::byte>& out) const {
        if (!good_)
            return fail(Errc::Limit, "netlink message does not fit " + std::to_string(kMessageBytes) + " bytes");
        const nlmsghdr* header = nlmsg_hdr(message_.get());
        const auto used = std::as_bytes(std::span{reinterpret_cast<const char*>(header), header->nlmsg_len});
        out.insert(out.end(), used.begin(), used.end());
        return {};
    }

private:
    std::unique_ptr<nl_msg, decltype(&nlmsg_free)> message_;
    bool good_ = false;
};

constexpr std::uint32_t kAllFlags = 0xffffffff;

std::uint16_t ipvs_family(Family family) { return family == Family::V6 ? kFamilyV6 : kFamilyV4; }

Result<void> check_key(const IpvsServiceKey& key) {
    if (key.family == Family::None) return fail(Errc::Invalid, describe(key) + ": no address family");
    if (key.fwmark != 0) return {};
    if (key.protocol == 0) return fail(Errc::Invalid, describe(key) + ": no protocol");
    if (key.address.family() != key.family) return fail(Errc::Invalid, describe(key) + ": address of another family");
    return {};
}

Result<void> check_service(const IpvsService& service) {
    if (service.scheduler.empty() || service.scheduler.size() > kIpvsNameLimit) {
        return fail(Errc::Invalid, "scheduler name '" + service.scheduler + "' must have 1 to 15 characters");
    }
    if (service.engine.size() > kIpvsNameLimit) {
        return fail(Errc::Invalid, "persistence engine name '" + service.engine + "' has more than 15 characters");
    }
    return {};
}

Result<void> check_destination(const IpvsServiceKey& key, const IpvsDestination& destination, bool whole) {
    const Family family = destination.endpoint.address.family();
    if (family == Family::None) return fail(Errc::Invalid, "destination without an address");
    if (whole && family != key.family && (destination.forwarding & kForwardMask) != kIpvsTunnel) {
        return fail(Errc::Invalid, "only tunnels lead to a destination of another address family");
    }
    return {};
}

void put_key(Builder& message, const IpvsServiceKey& key) {
    message.u16(IPVS_SVC_ATTR_AF, ipvs_family(key.family));
    if (key.fwmark != 0) {
        message.u32(IPVS_SVC_ATTR_FWMARK, key.fwmark);
        return;
    }
    message.u16(IPVS_SVC_ATTR_PROTOCOL, key.protocol);
    message.bytes(IPVS_SVC_ATTR_ADDR, key.address.bytes());
    message.u16(IPVS_SVC_ATTR_PORT, htons(key.port));
}

void put_settings(Builder& message, const IpvsService& service) {
    message.text(IPVS_SVC_ATTR_SCHED_NAME, service.scheduler.c_str());
    if (!service.engine.empty()) message.text(IPVS_SVC_ATTR_PE_NAME, service.engine.c_str());
    const ip_vs_flags flags{.flags = service.flags & ~kIpvsHashed, .mask = kAllFlags};
    message.bytes(IPVS_SVC_ATTR_FLAGS, std::as_bytes(std::span{&flags, 1}));
    message.u32(IPVS_SVC_ATTR_TIMEOUT, service.timeout_s);
    message.u32(IPVS_SVC_ATTR_NETMASK, service.key.family == Family::V6 ? service.netmask : htonl(service.netmask));
}

void put_destination(Builder& message, const IpvsDestination& destination, bool whole) {
    message.u16(IPVS_DEST_ATTR_ADDR_FAMILY, ipvs_family(destination.endpoint.address.family()));
    message.bytes(IPVS_DEST_ATTR_ADDR, destination.endpoint.address.bytes());
    message.u16(IPVS_DEST_ATTR_PORT, htons(destination.endpoint.port));
    if (!whole) return;
    message.u32(IPVS_DEST_ATTR_FWD_METHOD, destination.forwarding & kForwardMask);
    message.u32(IPVS_DEST_ATTR_WEIGHT, static_cast<std::uint32_t>(destination.weight));
    message.u32(IPVS_DEST_ATTR_U_THRESH, destination.upper_threshold);
    message.u32(IPVS_DEST_ATTR_L_THRESH, destination.lower_threshold);
    // Kernels before 5.2 do not know these attributes; plain IPIP does not need them.
    if ((destination.forwarding & kForwardMask) != kIpvsTunnel || destination.tunnel == IpvsTunnel{}) return;
    message.u8(IPVS_DEST_ATTR_TUN_TYPE, destination.tunnel.type);
    if (destination.tunnel.port != 0) message.u16(IPVS_DEST_ATTR_TUN_PORT, htons(destination.tunnel.port));
    message.u16(IPVS_DEST_ATTR_TUN_FLAGS, destination.tunnel.flags);
}

struct Shape {
    std::uint8_t command;
    bool settings;            // all attributes of the service, not only its key
    bool destination, whole;  // with a destination; all its attributes, not only its key
    Request request;
};

Shape shape_of(IpvsOperation::Kind kind) {
    using enum IpvsOperation::Kind;
    switch (kind) {
        case AddService:
            return {IPVS_CMD_NEW_SERVICE, true, false, false, Request::AddService};
        case SetService:
            return {IPVS_CMD_SET_SERVICE, true, false, false, Request::SetService};
        case DeleteService:
            return {IPVS_CMD_DEL_SERVICE, false, false, false, Request::DeleteService};
        case AddDestination:
            return {IPVS_CMD_NEW_DEST, false, true, true, Request::AddDestination};
        case SetDestination:
            return {IPVS_CMD_SET_DEST, false, true, true, Request::SetDestination};
        case DeleteDestination:
            return {IPVS_CMD_DEL_DEST, false, true, false, Request::DeleteDestination};
    }
    std::unreachable();
}

}  // namespace

Request request_of(IpvsOperation::Kind kind) { return shape_of(kind).request; }

std::vector<std::byte> encode_family_query(const char* name, std::uint32_t sequence) {
    Builder message{GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0, sequence, 1};
    message.text(CTRL_ATTR_FAMILY_NAME, name);
    std::vector<std::byte> out;
    (void)message.append_to(out);
    return out;
}

Result<void> append_operation(std::vector<std::byte>& out, std::uint16_t family_id, const IpvsOperation& operation,
                              std::uint32_t sequence, Answer answer) {
    const Shape shape = shape_of(operation.kind);
    const IpvsServiceKey& key = operation.service.key;
    auto good = check_key(key);
    if (good && shape.settings) good = check_service(operation.service);
    if (good && shape.destination) good = check_destination(key, operation.destination, shape.whole);
    if (!good) return error_of(good, describe(operation));

    const int flags = answer == Answer::Always ? NLM_F_ACK : 0;
    Builder message{family_id, shape.command, flags, sequence, IPVS_GENL_VERSION};
    message.nest(IPVS_CMD_ATTR_SERVICE, [&] {
        put_key(message, key);
        if (shape.settings) put_settings(message, operation.service);
    });
    if (shape.destination) {
        message.nest(IPVS_CMD_ATTR_DEST, [&] { put_destination(message, operation.destination, shape.whole); });
    }
    return message.append_to(out);
}

void ask_acknowledgement(std::span<std::byte> messages, std::size_t at) {
    nlmsghdr header{};
    const auto place = messages.subspan(at, sizeof header);
    std::memcpy(&header, place.data(), sizeof header);
    header.nlmsg_flags |= NLM_F_ACK;
    std::memcpy(place.data(), &header, sizeof header);
}

void append_flush(std::vector<std::byte>& out, std::uint16_t family_id, std::uint32_t sequence) {
    (void)Builder{family_id, IPVS_CMD_FLUSH, NLM_F_ACK, sequence, IPVS_GENL_VERSION}.append_to(out);
}

void append_info_query(std::vector<std::byte>& out, std::uint16_t family_id, std::uint32_t sequence) {
    (void)Builder{family_id, IPVS_CMD_GET_INFO, 0, sequence, IPVS_GENL_VERSION}.append_to(out);
}

void append_service_dump(std::vector<std::byte>& out, std::uint16_t family_id, std::uint32_t sequence) {
    (void)Builder{family_id, IPVS_CMD_GET_SERVICE, NLM_F_DUMP, sequence, IPVS_GENL_VERSION}.append_to(out);
}

Result<void> append_destination_dump(std::vector<std::byte>& out, std::uint16_t family_id, const IpvsServiceKey& key,
                                     std::uint32_t sequence) {
    if (auto good = check_key(key); !good) return good;
    Builder message{family_id, IPVS_CMD_GET_DEST, NLM_F_DUMP, sequence, IPVS_GENL_VERSION};
    message.nest(IPVS_CMD_ATTR_SERVICE, [&] { put_key(message, key); });
    return message.append_to(out);
}

// ---- synchronisation daemons and connection timeouts ----

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

}  // namespace mainstay::netlink
