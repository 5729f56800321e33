// keepalived's names in D-Bus: paths, states and their numbers. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mainstay/config/model.hpp"
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::role {

inline constexpr const char* kDbusVrrpInterface = "org.keepalived.Vrrp1.Vrrp";
inline constexpr const char* kDbusInstanceInterface = "org.keepalived.Vrrp1.Instance";

struct DbusNames {
    bool enabled = false;
    std::string service;                // org.keepalived.Vrrp1, or dbus_service_name
    std::string root;                   // /org/keepalived/Vrrp1[/netns][/instance]
    std::string no_interface = "none";  // dbus_no_interface_name
    bool operator==(const DbusNames&) const = default;
};
[[nodiscard]] DbusNames dbus_names(const config::Config& config);

// root + "/Instance/eth0/51/IPv4"; what is neither letter nor digit becomes '_'.
[[nodiscard]] std::string dbus_path(const DbusNames& names, const config::Instance& instance);

// The number and the text of the property State, and the number of the signal VrrpStatusChange.
struct DbusState {
    std::uint32_t number = 0;
    const char* text = "Init";
    bool operator==(const DbusState&) const = default;
};
[[nodiscard]] DbusState dbus_state(vrrp::State state);
// What is no change of an instance's state is "Unknown".
[[nodiscard]] DbusState dbus_state(Transition transition);

}  // namespace mainstay::role
