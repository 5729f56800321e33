// rtnetlink requests that create, change and remove interfaces: VMACs, ipvlans and dummies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::netlink {

struct NewLink {
    enum class Kind : std::uint8_t { PrivateMacvlan, Ipvlan, Dummy } kind = Kind::PrivateMacvlan;
    enum class IpvlanMode : std::uint8_t { Bridge, Private, Vepa } ipvlan_mode = IpvlanMode::Bridge;  // always L2
    std::string name;
    std::uint32_t parent = 0;                                  // index; 0 for a dummy only, which lies over nothing
    std::optional<std::array<std::byte, 6>> hardware_address;  // not for ipvlans, which have their parent's
    std::uint32_t group = 0;
};

// A setting of IPv4 on one interface: what is /proc/sys/net/ipv4/conf/INTERFACE/NAME in files.
struct Ipv4Setting {
    std::uint16_t number = 0;  // IPV4_DEVCONF_* of uapi/linux/ip.h
    std::uint32_t value = 0;
};
// The number of a setting that VRRP or a real server needs: "arp_ignore". None: another name.
[[nodiscard]] std::optional<std::uint16_t> ipv4_setting_number(std::string_view name);

// The desired settings of an existing interface. Those without a value stay unchanged.
struct LinkSettings {
    std::uint32_t index = 0;
    std::optional<bool> up;
    std::optional<std::uint32_t> master;  // 0: none
    std::optional<std::uint32_t>
        group;  // setting it, even to its current value, makes the kernel notify listeners of the link
    std::optional<std::array<std::byte, 6>> hardware_address;
    std::optional<NewLink::IpvlanMode> ipvlan_mode;  // of an ipvlan; all that lie over one parent share it
    std::optional<Ipv4Setting> ipv4;
    bool no_generated_address = false;  // IPv6 address generation mode "none"; before it is up for the first time
};

// Each appends one message with NLM_F_ACK to `out`; on an error `out` is unchanged.
[[nodiscard]] Result<void> append_link_new(std::vector<std::byte>& out, const NewLink& link, std::uint32_t sequence);
[[nodiscard]] Result<void> append_link_set(std::vector<std::byte>& out, const LinkSettings& settings,
                                           std::uint32_t sequence);
[[nodiscard]] Result<void> append_link_delete(std::vector<std::byte>& out, std::uint32_t index, std::uint32_t sequence);

}  // namespace mainstay::netlink
