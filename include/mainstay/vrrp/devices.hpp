// The devices that instances create: VMACs (private macvlans with the virtual router's MAC address) and ipvlans. This
// plan decides their names, and the interface of each instance and address. The role creates the devices; the router
// and the transport get the plan's configuration, in which every interface is the one that is really used.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/ip.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::vrrp {

using VirtualMac = std::array<std::uint8_t, 6>;

// RFC 9568 7.3: 00-00-5E-00-01-{VRID} for IPv4, 00-00-5E-00-02-{VRID} for IPv6.
[[nodiscard]] VirtualMac virtual_mac(Family family, std::uint8_t virtual_router_id);
// A configured MAC address: six octets "02:00:00:00:00:01", or five, to which the VRID is appended. None: it is no MAC
// address, or a forbidden one (multicast, or in the RFC's range).
[[nodiscard]] std::optional<VirtualMac> configured_mac(std::string_view text, std::uint8_t virtual_router_id);

// The properties of a host's interface that the plan needs.
struct ExistingLink {
    std::string name;
    std::uint32_t index = 0;
    std::uint32_t parent = 0;  // index; 0: none
    std::string kind;          // "macvlan", "ipvlan" ...
    bool private_macvlan = false;
    VirtualMac mac{};
};

struct WantedDevice {
    enum class Kind : std::uint8_t { Vmac, Ipvlan } kind = Kind::Vmac;
    enum class IpvlanMode : std::uint8_t { Bridge, Private, Vepa } mode = IpvlanMode::Bridge;
    std::string name;
    std::string parent;
    VirtualMac mac{};                 // of a VMAC
    Family family = Family::V4;       // of the instance
    bool keeps_ipv6 = false;          // false: IPv6 is disabled on it
    bool link_local = false;          // it needs an IPv6 link-local address
    std::optional<IpAddress> source;  // the configured link-local address
    std::optional<Prefix> address;    // of an ipvlan
    std::string group;                // interface group, as written; empty: the parent's
    bool notifies = false;            // netlink_notify_msg
    std::string instance;             // the first instance that uses it, for the log
    bool hears_adverts = false;       // those of its instances' peers arrive at it
    bool found = false;               // it existed already, created by another program, and keeps its name
    bool operator==(const WantedDevice&) const = default;
};

struct DevicePlan {
    config::Config config;  // `interface` and `dev` are the devices really used
    std::vector<WantedDevice> devices;
    std::vector<LogLine> lines;
};

// `made`: names of devices that this daemon has created. They are planned as at a start, so each may get another name
// or pass its name on. `found`: names of devices that existed when it started; their reuse is not logged again.
[[nodiscard]] DevicePlan plan_devices(config::Config config, std::span<const ExistingLink> links,
                                      const std::set<std::string>& made = {}, const std::set<std::string>& found = {});

// A kernel setting below /proc/sys (kernel/sysctl.hpp) and its desired value.
struct Setting {
    std::string name;
    std::string value;
    bool operator==(const Setting&) const = default;
};
// Settings of the device itself, to be made before it is up; they vanish with it.
[[nodiscard]] std::vector<Setting> device_settings(const WantedDevice& device);
// Names of the settings that a VMAC of the other family would have, and that this one leaves as the host has them for
// new interfaces: a device that an earlier configuration used for the other family is to get them back. None of a
// device that another program made.
[[nodiscard]] std::vector<std::string> default_settings(const WantedDevice& device);
// Settings of the parent, to be restored when it has no such device any more.
[[nodiscard]] std::vector<Setting> parent_settings(const WantedDevice& device);

// The link-local address of a VMAC for IPv6: the configured source, else the parent's, else one from the parent's MAC
// address (RFC 4291 appendix A).
[[nodiscard]] Prefix link_local_of(const WantedDevice& device, std::span<const IpAddress> of_parent,
                                   const VirtualMac& parent_mac);

// The index of the link on which a device over `parent` is: a macvlan of a macvlan, and an ipvlan of an ipvlan, the
// kernel puts on what that one is on. 0: it is in another namespace, as that of a container's macvlan.
[[nodiscard]] std::uint32_t carrier_of(WantedDevice::Kind kind, const ExistingLink& parent);
// True when `link` can serve as `device`, which is wanted over `parent`.
[[nodiscard]] bool serves_as(const ExistingLink& link, const WantedDevice& device, const ExistingLink& parent);

// The interface that the configuration names for the instance, also in a plan's configuration, where
// `instance.interface` may be a device over it.
[[nodiscard]] const std::string& base_interface(const config::Instance& instance);

// The name of the instance's VMAC in the plan; empty if it has none.
[[nodiscard]] std::string_view own_vmac(const config::Instance& instance);

// Adverts leave from the parent (vmac_xmit_base, or unicast).
[[nodiscard]] bool sends_from_parent(const config::Instance& instance);

}  // namespace mainstay::vrrp
