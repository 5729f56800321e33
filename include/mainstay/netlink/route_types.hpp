// Links and addresses as typed values (rtnetlink).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mainstay/base/ip.hpp"

namespace mainstay::netlink {

struct Link {
    std::uint32_t index = 0;
    std::string name;
    bool up = false;       // IFF_UP
    bool running = false;  // IFF_RUNNING
    bool loopback = false;
    bool no_arp = false;
    std::uint32_t mtu = 0;
    std::vector<std::byte> hardware_address;
    std::uint16_t hardware_type = 0;  // ARPHRD_*: 1 is Ethernet
    std::string kind;                 // "macvlan", "vrf", "veth" ...; empty: a physical device
    std::uint32_t parent = 0;         // index of its lower interface; 0: none, or in another namespace
    std::uint32_t master = 0;         // index of the bridge, bond or VRF it belongs to
    std::uint32_t group = 0;
    bool private_macvlan = false;  // mode private
    std::uint32_t vrf_table = 0;   // of a VRF; else 0
    bool multicast = true;         // IFF_MULTICAST
    bool operator==(const Link&) const = default;
};

struct Address {
    std::uint32_t interface_index = 0;
    Prefix prefix;
    std::string label;                   // IPv4
    std::optional<IpAddress> broadcast;  // IPv4
    std::uint8_t scope = 0;
    bool secondary = false;  // reported only
    bool tentative = false;  // reported only: IPv6 DAD not finished
    bool nodad = true;       // requests: IPv6, IFA_F_NODAD
    bool noprefixroute = false;
    bool deprecated = false;  // requests: IPv6, preferred lifetime 0: never chosen as a source by itself
    // The following members are not compared with what the kernel reports, unless stated otherwise.
    std::optional<IpAddress> peer;                    // also reported: the other end; the prefix length is then its
    bool home = false;                                // IPv6: IFA_F_HOMEADDRESS
    bool manages_temporary = false;                   // IPv6: IFA_F_MANAGETEMPADDR
    bool joins_group = false;                         // IFA_F_MCAUTOJOIN, of a multicast address
    bool dad_failed = false;                          // reported only: another host uses the address
    std::optional<std::uint32_t> preferred_lifetime;  // requests: IPv6, seconds
    std::uint8_t protocol = 0;                        // requests: its origin (IFA_PROTO); 0: not sent
    bool operator==(const Address&) const = default;
};

struct LinkChanged {
    Link link;
    bool operator==(const LinkChanged&) const = default;
};
struct LinkGone {
    std::uint32_t index = 0;
    std::string name;
    bool operator==(const LinkGone&) const = default;
};
struct AddressAdded {
    Address address;
    bool operator==(const AddressAdded&) const = default;
};
struct AddressRemoved {
    Address address;
    bool operator==(const AddressRemoved&) const = default;
};
struct ForwardingChanged {  // of IPv6
    std::uint32_t interface_index = 0;
    bool forwards = false;
    bool operator==(const ForwardingChanged&) const = default;
};
struct NotificationsLost {  // ENOBUFS: dump again and reconcile
    bool operator==(const NotificationsLost&) const = default;
};
using RouteNotification =
    std::variant<LinkChanged, LinkGone, AddressAdded, AddressRemoved, NotificationsLost, ForwardingChanged>;

}  // namespace mainstay::netlink
