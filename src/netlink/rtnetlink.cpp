#include "mainstay/netlink/rtnetlink.hpp"

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>

#include <span>

#include "kernel_numbers.hpp"
#include "request_buffer.hpp"

namespace mainstay::netlink {
namespace {

constexpr std::size_t kRtnetlinkRequestLimit = 256;  // an address request takes at most 120 bytes

using RtnetlinkRequest = RequestBuffer<kRtnetlinkRequestLimit>;

void append_dump(std::vector<std::byte>& out, std::uint16_t type, std::uint32_t sequence) {
    RtnetlinkRequest request{type, NLM_F_REQUEST | NLM_F_DUMP, sequence};
    mnl_nlmsg_put_extra_header(request.header(), type == RTM_GETLINK ? sizeof(ifinfomsg) : sizeof(ifaddrmsg));
    request.append_to(out);
}

Result<void> check(const Address& address) {
    const std::uint8_t longest = address.prefix.address.is_v4() ? 32 : 128;
    if (address.prefix.address.empty()) return fail(Errc::Invalid, "address without a family");
    if (address.prefix.length > longest) return fail(Errc::Invalid, address.prefix.to_string() + ": prefix too long");
    if (address.interface_index == 0) return fail(Errc::Invalid, address.prefix.to_string() + ": no interface");
    if (address.label.size() >= IFNAMSIZ) {
        return fail(Errc::Invalid, "label " + address.label + ": longer than " + std::to_string(IFNAMSIZ - 1));
    }
    if (address.peer && address.peer->family() != address.prefix.address.family()) {
        return fail(Errc::Invalid, address.peer->to_string() + ": a peer of the other family");
    }
    return {};
}

void put_address_header(nlmsghdr* request, const Address& address, std::uint32_t flags) {
    auto* body = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ifaddrmsg)));
    body->ifa_family = address.prefix.address.is_v4() ? kFamilyV4 : kFamilyV6;
    body->ifa_prefixlen = address.prefix.length;
    body->ifa_flags = static_cast<std::uint8_t>(flags);
    body->ifa_scope = address.scope;
    body->ifa_index = address.interface_index;
    const IpAddress far_end = address.peer.value_or(address.prefix.address);  // its bytes are borrowed
    const auto own = address.prefix.address.bytes(), far = far_end.bytes();
    mnl_attr_put(request, IFA_LOCAL, own.size(), own.data());
    mnl_attr_put(request, IFA_ADDRESS, far.size(), far.data());
}

std::optional<IpAddress> to_address(std::uint8_t family, std::optional<std::span<const std::byte>> bytes) {
    if (!bytes) return std::nullopt;
    if (family == kFamilyV4 && bytes->size() >= 4) return IpAddress::v4(bytes->first<4>());
    if (family == kFamilyV6 && bytes->size() >= 16) return IpAddress::v6(bytes->first<16>());
    return std::nullopt;
}

// Damaged or of another kind: none.
std::uint32_t vrf_table_of(const Attributes& link) {
    const auto info = link.nested(IFLA_LINKINFO);
    if (!info || !*info || (*info)->text(IFLA_INFO_KIND) != "vrf") return 0;
    const auto data = (*info)->nested(IFLA_INFO_DATA);
    return data && *data ? (*data)->value<std::uint32_t>(IFLA_VRF_TABLE).value_or(0) : 0;
}

Result<std::optional<RouteNotification>> decode_link(const Message& message) {
    const auto header = read_header<ifinfomsg>(message.payload);
    if (!header) return fail(Errc::Invalid, "link message is cut off");
    // A bridge reports its ports with the same types: RTM_DELLINK then means "no longer a port", not "removed".
    if (header->ifi_family != 0) return std::nullopt;
    const auto attributes = Attributes::parse(behind_header(message.payload, sizeof(ifinfomsg)));
    if (!attributes) return error_of(attributes, "link message");
    if (header->ifi_index <= 0) return fail(Errc::Invalid, "link message without an interface index");

    const auto index = static_cast<std::uint32_t>(header->ifi_index);
    auto name = attributes->text(IFLA_IFNAME).value_or(std::string{});
    if (name.size() >= IFNAMSIZ) return fail(Errc::Invalid, "link message with an overlong name");
    if (message.type == RTM_DELLINK) return RouteNotification{LinkGone{index, std::move(name)}};

    Link link{
        .index = index,
        .name = std::move(name),
        .up = (header->ifi_flags & IFF_UP) != 0,
        .running = (header->ifi_flags & IFF_RUNNING) != 0,
        .loopback = (header->ifi_flags & IFF_LOOPBACK) != 0,
        .no_arp = (header->ifi_flags & IFF_NOARP) != 0,
        .mtu = attributes->value<std::uint32_t>(IFLA_MTU).value_or(0),
        .hardware_address = {},
        .hardware_type = header->ifi_type,
        .kind = {},
        // An index in another namespace has no meaning here (such as the other end of a veth pair).
        .parent = attributes->bytes(IFLA_LINK_NETNSID) ? 0 : attributes->value<std::uint32_t>(IFLA_LINK).value_or(0),
        .master = attributes->value<std::uint32_t>(IFLA_MASTER).value_or(0),
        .group = attributes->value<std::uint32_t>(IFLA_GROUP).value_or(0)};
    link.multicast = (header->ifi_flags & IFF_MULTICAST) != 0;
    link.vrf_table = vrf_table_of(*attributes);
    if (const auto hardware = attributes->bytes(IFLA_ADDRESS)) {
        link.hardware_address.assign(hardware->begin(), hardware->end());
    }
    const auto info = attributes->nested(IFLA_LINKINFO);
    if (!info) return error_of(info, "link message");
    if (*info) {
        link.kind = (*info)->text(IFLA_INFO_KIND).value_or(std::string{});
        if (link.kind == "macvlan") {
            const auto data = (*info)->nested(IFLA_INFO_DATA);
            if (!data) return error_of(data, "link message");
            link.private_macvlan =
                *data && (*data)->value<std::uint32_t>(IFLA_MACVLAN_MODE) == std::uint32_t{MACVLAN_MODE_PRIVATE};
        }
    }
    return RouteNotification{LinkChanged{std::move(link)}};
}

Result<std::optional<RouteNotification>> decode_address(const Message& message) {
    const auto header = read_header<ifaddrmsg>(message.payload);
    if (!header) return fail(Errc::Invalid, "address message is cut off");
    if (header->ifa_family != kFamilyV4 && header->ifa_family != kFamilyV6) return std::nullopt;
    const auto attributes = Attributes::parse(behind_header(message.payload, sizeof(ifaddrmsg)));
    if (!attributes) return error_of(attributes, "address message");

    // IFA_LOCAL is the interface's own address; IFA_ADDRESS is the peer's, if there is one, else the same. For IPv6
    // IFA_LOCAL is present only with a peer.
    const bool v4 = header->ifa_family == kFamilyV4;
    auto own = to_address(header->ifa_family, attributes->bytes(IFA_LOCAL));
    if (!own) own = to_address(header->ifa_family, attributes->bytes(IFA_ADDRESS));
    if (!own || header->ifa_prefixlen > (v4 ? 32 : 128)) return fail(Errc::Invalid, "address message without address");

    auto far = to_address(header->ifa_family, attributes->bytes(IFA_ADDRESS));
    if (far == own) far.reset();
    const std::uint32_t flags = attributes->value<std::uint32_t>(IFA_FLAGS).value_or(header->ifa_flags);
    Address address{.interface_index = header->ifa_index,
                    .prefix = {*own, header->ifa_prefixlen},
                    .label = v4 ? attributes->text(IFA_LABEL).value_or(std::string{}) : std::string{},
                    .broadcast = v4 ? to_address(header->ifa_family, attributes->bytes(IFA_BROADCAST)) : std::nullopt,
                    .scope = header->ifa_scope,
                    .secondary = v4 && (flags & IFA_F_SECONDARY) != 0,  // for IPv6 the same bit means temporary
                    .tentative = (flags & IFA_F_TENTATIVE) != 0,
                    .nodad = (flags & IFA_F_NODAD) != 0,
                    .noprefixroute = (flags & IFA_F_NOPREFIXROUTE) != 0,
                    .deprecated = (flags & IFA_F_DEPRECATED) != 0,
                    .peer = far,
                    .dad_failed = !v4 && (flags & IFA_F_DADFAILED) != 0};
    if (message.type == RTM_DELADDR) return RouteNotification{AddressRemoved{std::move(address)}};
    return RouteNotification{AddressAdded{std::move(address)}};
}

Result<std::optional<RouteNotification>> decode_forwarding(const Message& message) {
    const auto header = read_header<netconfmsg>(message.payload);
    if (!header) return fail(Errc::Invalid, "netconf message is cut off");
    if (header->ncm_family != kFamilyV6) return std::nullopt;
    const auto attributes = Attributes::parse(behind_header(message.payload, sizeof(netconfmsg)));
    if (!attributes) return error_of(attributes, "netconf message");
    const auto index = attributes->value<std::int32_t>(NETCONFA_IFINDEX);
    const auto forwards = attributes->value<std::int32_t>(NETCONFA_FORWARDING);
    if (!index || *index <= 0 || !forwards) return std::nullopt;  // of all interfaces, or of another setting
    return RouteNotification{ForwardingChanged{static_cast<std::uint32_t>(*index), *forwards != 0}};
}

}  // namespace

void append_link_dump(std::vector<std::byte>& out, std::uint32_t sequence) { append_dump(out, RTM_GETLINK, sequence); }

void append_address_dump(std::vector<std::byte>& out, std::uint32_t sequence) {
    append_dump(out, RTM_GETADDR, sequence);
}

void append_forwarding_dump(std::vector<std::byte>& out, std::uint32_t sequence) {
    RtnetlinkRequest request{RTM_GETNETCONF, NLM_F_REQUEST | NLM_F_DUMP, sequence};
    auto* body = static_cast<netconfmsg*>(mnl_nlmsg_put_extra_header(request.header(), sizeof(netconfmsg)));
    body->ncm_family = kFamilyV6;
    request.append_to(out);
}

Result<void> append_address_add(std::vector<std::byte>& out, const Address& address, std::uint32_t sequence) {
    if (auto good = check(address); !good) return good;
    const bool v4 = address.prefix.address.is_v4();
    std::uint32_t flags = 0;
    if (!v4 && address.nodad) flags |= IFA_F_NODAD;
    if (!v4 && address.home) flags |= IFA_F_HOMEADDRESS;
    if (!v4 && address.manages_temporary) flags |= IFA_F_MANAGETEMPADDR;
    if (address.joins_group) flags |= IFA_F_MCAUTOJOIN;
    if (address.noprefixroute) flags |= IFA_F_NOPREFIXROUTE;

    RtnetlinkRequest request{RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, sequence};
    put_address_header(request.header(), address, flags);
    if (flags > 0xff) mnl_attr_put_u32(request.header(), IFA_FLAGS, flags);
    if (v4 && address.broadcast && address.broadcast->is_v4()) {
        mnl_attr_put(request.header(), IFA_BROADCAST, 4, address.broadcast->bytes().data());
    }
    if (v4 && !address.label.empty()) mnl_attr_put_strz(request.header(), IFA_LABEL, address.label.c_str());
    if (address.protocol != 0) mnl_attr_put_u8(request.header(), IFA_PROTO, address.protocol);  // Linux 5.18
    if (!v4 && (address.preferred_lifetime || address.deprecated)) {
        const ifa_cacheinfo lifetimes{
            .ifa_prefered = address.preferred_lifetime.value_or(0), .ifa_valid = kForever, .cstamp = 0, .tstamp = 0};
        mnl_attr_put(request.header(), IFA_CACHEINFO, sizeof lifetimes, &lifetimes);
    }
    request.append_to(out);
    return {};
}

Result<void> append_address_remove(std::vector<std::byte>& out, const Address& address, std::uint32_t sequence) {
    if (auto good = check(address); !good) return good;
    RtnetlinkRequest request{RTM_DELADDR, NLM_F_REQUEST | NLM_F_ACK, sequence};
    put_address_header(request.header(), address, 0);
    request.append_to(out);
    return {};
}

Result<std::optional<RouteNotification>> decode_route_message(const Message& message) {
    switch (message.type) {
        case RTM_NEWLINK:
        case RTM_DELLINK:
            return decode_link(message);
        case RTM_NEWADDR:
        case RTM_DELADDR:
            return decode_address(message);
        case RTM_NEWNETCONF:
            return decode_forwarding(message);
        default:
            return std::nullopt;
    }
}

}  // namespace mainstay::netlink
