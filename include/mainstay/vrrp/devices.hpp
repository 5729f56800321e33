// The devices that instances run on besides the interfaces that are there: VMACs (private macvlans with the virtual
// router's MAC address) and ipvlans. The one place that decides their names, and on which interface an instance and
// each of its addresses is. The role makes the devices; the router and the transport get the configuration that stands
// in the plan, in which every interface is the one that is really used.
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
// As configured: six octets "02:00:00:00:00:01", or five, to which the VRID is the sixth. None: no MAC address, or one
// that must not be used (multicast, or of the RFC's range).
[[nodiscard]] std::optional<VirtualMac> configured_mac(std::string_view text, std::uint8_t virtual_router_id);

// An interface of the host, as far as the plan looks at it.
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
    bool keeps_ipv6 = false;          // else IPv6 is turned off on it
    bool link_local = false;          // it needs an IPv6 link-local address
    std::optional<IpAddress> source;  // which shall be that link-local address
    std::optional<Prefix> address;    // of an ipvlan
    std::string group;                // interface group, as written; empty: the parent's
    bool tell = false;                // netlink_notify_msg
    std::string instance;             // that wants it (the first one), for the log
    bool found = false;               // it was there already, made by somebody else, and keeps the name that it has
    bool operator==(const WantedDevice&) const = default;
};

struct DevicePlan {
    config::Config config;  // `interface` and `dev` are the devices that are used
    std::vector<WantedDevice> devices;
    std::vector<LogLine> lines;
};

// `made`: names of devices that this daemon has made. They are planned anew, as a start would: each may get another
// name, and its name goes to another one. `found`: names of those that it found when it started; their reuse is no
// news.
[[nodiscard]] DevicePlan plan_devices(const config::Config& config, std::span<const ExistingLink> links,
                                      const std::set<std::string>& made = {}, const std::set<std::string>& found = {});

// A kernel setting below /proc/sys (kernel/sysctl.hpp), and what it shall be.
struct Setting {
    std::string name;
    std::string value;
    bool operator==(const Setting&) const = default;
};
// Of the device itself, to be made before it is up; they go with it.
[[nodiscard]] std::vector<Setting> device_settings(const WantedDevice& device);
// Of the parent, to be put back when no device lies over it any more.
[[nodiscard]] std::vector<Setting> parent_settings(const WantedDevice& device);

// The link-local address of a VMAC for IPv6: the configured source, else the parent's, else one from the parent's MAC
// address (RFC 4291 appendix A).
[[nodiscard]] Prefix link_local_of(const WantedDevice& device, std::span<const IpAddress> of_parent,
                                   const VirtualMac& parent_mac);

// True when `link` can serve as `device`; `parent` is the index of the device's parent.
[[nodiscard]] bool serves_as(const ExistingLink& link, const WantedDevice& device, std::uint32_t parent);

// The interface that the configuration names for the instance, also in a plan's configuration, where
// `instance.interface` may be a device over it.
[[nodiscard]] const std::string& base_interface(const config::Instance& instance);

// The name of the VMAC as the plan has it; empty when the instance has none.
[[nodiscard]] std::string_view own_vmac(const config::Instance& instance);

// Adverts leave from the parent (vmac_xmit_base, or unicast).
[[nodiscard]] bool sends_from_parent(const config::Instance& instance);

}  // namespace mainstay::vrrp
