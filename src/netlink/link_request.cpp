#include "mainstay/netlink/link_request.hpp"

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <utility>

#include "kernel_numbers.hpp"
#include "request_buffer.hpp"

namespace mainstay::netlink {
namespace {

constexpr std::size_t kLinkRequestLimit = 256;  // the longest of them takes some 140 bytes

class LinkRequest : public RequestBuffer<kLinkRequestLimit> {
public:
    LinkRequest(std::uint16_t type, std::uint16_t flags, std::uint32_t index, std::uint32_t sequence)
        : RequestBuffer{type, static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags), sequence},
          link_{RequestBuffer::body<ifinfomsg>()} {
        link_->ifi_index = static_cast<int>(index);
    }
    [[nodiscard]] ifinfomsg& link() { return *link_; }

private:
    ifinfomsg* link_;
};

constexpr std::array<std::pair<std::string_view, std::uint16_t>, 6> kIpv4Settings{{
    {"accept_local", IPV4_DEVCONF_ACCEPT_LOCAL},
    {"arp_announce", IPV4_DEVCONF_ARP_ANNOUNCE},
    {"arp_filter", IPV4_DEVCONF_ARPFILTER},
    {"arp_ignore", IPV4_DEVCONF_ARP_IGNORE},
    {"promote_secondaries", IPV4_DEVCONF_PROMOTE_SECONDARIES},
    {"rp_filter", IPV4_DEVCONF_RP_FILTER},
}};

std::uint16_t ipvlan_flags(NewLink::IpvlanMode mode) {
    switch (mode) {
        case NewLink::IpvlanMode::Bridge:
            return 0;
        case NewLink::IpvlanMode::Private:
            return IPVLAN_F_PRIVATE;
        case NewLink::IpvlanMode::Vepa:
            return IPVLAN_F_VEPA;
    }
    return 0;
}

const char* name_of(NewLink::Kind kind) {
    switch (kind) {
        case NewLink::Kind::PrivateMacvlan:
            return "macvlan";
        case NewLink::Kind::Ipvlan:
            return "ipvlan";
        case NewLink::Kind::Dummy:
            return "dummy";
    }
    return "";
}

void put_kind(nlmsghdr* request, const NewLink& link) {
    nlattr* info = mnl_attr_nest_start(request, IFLA_LINKINFO);
    mnl_attr_put_strz(request, IFLA_INFO_KIND, name_of(link.kind));
    if (link.kind == NewLink::Kind::Dummy) return mnl_attr_nest_end(request, info);
    nlattr* data = mnl_attr_nest_start(request, IFLA_INFO_DATA);
    if (link.kind == NewLink::Kind::PrivateMacvlan) {
        mnl_attr_put_u32(request, IFLA_MACVLAN_MODE, MACVLAN_MODE_PRIVATE);
    } else {
        mnl_attr_put_u16(request, IFLA_IPVLAN_MODE, IPVLAN_MODE_L2);
        // Kernels before 4.15 refuse the flags attribute.
        if (const auto flags = ipvlan_flags(link.ipvlan_mode); flags != 0)
            mnl_attr_put_u16(request, IFLA_IPVLAN_FLAGS, flags);
    }
    mnl_attr_nest_end(request, data);
    mnl_attr_nest_end(request, info);
}

void put_families(nlmsghdr* request, const LinkSettings& settings) {
    if (!settings.ipv4 && !settings.no_generated_address) return;
    nlattr* families = mnl_attr_nest_start(request, IFLA_AF_SPEC);
    if (settings.ipv4) {
        nlattr* v4 = mnl_attr_nest_start(request, kFamilyV4);
        nlattr* values = mnl_attr_nest_start(request, IFLA_INET_CONF);
        mnl_attr_put_u32(request, settings.ipv4->number, settings.ipv4->value);
        mnl_attr_nest_end(request, values);
        mnl_attr_nest_end(request, v4);
    }
    if (settings.no_generated_address) {
        nlattr* v6 = mnl_attr_nest_start(request, kFamilyV6);
        mnl_attr_put_u8(request, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
        mnl_attr_nest_end(request, v6);
    }
    mnl_attr_nest_end(request, families);
}

}  // namespace

std::optional<std::uint16_t> ipv4_setting_number(std::string_view name) {
    const auto* const found = std::ranges::find(kIpv4Settings, name, &decltype(kIpv4Settings)::value_type::first);
    return found == kIpv4Settings.end() ? std::nullopt : std::optional{found->second};
}

Result<void> append_link_new(std::vector<std::byte>& out, const NewLink& link, std::uint32_t sequence) {
    if (link.name.empty() || link.name.size() >= IFNAMSIZ)
        return fail(Errc::Invalid,
                    "interface name '" + link.name + "': 1 to " + std::to_string(IFNAMSIZ - 1) + " bytes");
    if (link.parent == 0 && link.kind != NewLink::Kind::Dummy)
        return fail(Errc::Invalid, link.name + ": no interface to lie over");
    LinkRequest request{RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, sequence};
    mnl_attr_put_strz(request.header(), IFLA_IFNAME, link.name.c_str());
    if (link.parent != 0) mnl_attr_put_u32(request.header(), IFLA_LINK, link.parent);
    if (link.group != 0) mnl_attr_put_u32(request.header(), IFLA_GROUP, link.group);
    if (link.hardware_address && link.kind == NewLink::Kind::PrivateMacvlan)
        mnl_attr_put(request.header(), IFLA_ADDRESS, link.hardware_address->size(), link.hardware_address->data());
    put_kind(request.header(), link);
    request.append_to(out);
    return {};
}

Result<void> append_link_set(std::vector<std::byte>& out, const LinkSettings& settings, std::uint32_t sequence) {
    if (settings.index == 0) return fail(Errc::Invalid, "no interface to change");
    // Attributes of the kind can only be changed with RTM_NEWLINK.
    LinkRequest request{settings.ipvlan_mode ? std::uint16_t{RTM_NEWLINK} : std::uint16_t{RTM_SETLINK}, 0,
                        settings.index, sequence};
    if (settings.up) {
        request.link().ifi_flags = *settings.up ? unsigned{IFF_UP} : 0U;
        request.link().ifi_change = IFF_UP;
    }
    if (settings.hardware_address)
        mnl_attr_put(request.header(), IFLA_ADDRESS, settings.hardware_address->size(),
                     settings.hardware_address->data());
    if (settings.master) mnl_attr_put_u32(request.header(), IFLA_MASTER, *settings.master);
    if (settings.group) mnl_attr_put_u32(request.header(), IFLA_GROUP, *settings.group);
    if (settings.ipvlan_mode) {
        nlattr* info = mnl_attr_nest_start(request.header(), IFLA_LINKINFO);
        mnl_attr_put_strz(request.header(), IFLA_INFO_KIND, "ipvlan");
        nlattr* data = mnl_attr_nest_start(request.header(), IFLA_INFO_DATA);
        mnl_attr_put_u16(request.header(), IFLA_IPVLAN_FLAGS, ipvlan_flags(*settings.ipvlan_mode));
        mnl_attr_nest_end(request.header(), data);
        mnl_attr_nest_end(request.header(), info);
    }
    put_families(request.header(), settings);
    request.append_to(out);
    return {};
}

Result<void> append_link_delete(std::vector<std::byte>& out, std::uint32_t index, std::uint32_t sequence) {
    if (index == 0) return fail(Errc::Invalid, "no interface to remove");
    LinkRequest request{RTM_DELLINK, 0, index, sequence};
    request.append_to(out);
    return {};
}

}  // namespace mainstay::netlink
