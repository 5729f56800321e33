// D-Bus's rendering of the state document: keepalived's objects with their paths, properties and signals. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/event.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/report/status.hpp"

namespace mainstay::report {

inline constexpr const char* kDbusVrrpInterface = "org.keepalived.Vrrp1.Vrrp";
inline constexpr const char* kDbusInstanceInterface = "org.keepalived.Vrrp1.Instance";

// The names that a configuration gives to the service and its objects.
struct DbusNames {
    bool enabled = false;
    std::string service;                // org.keepalived.Vrrp1, or dbus_service_name
    std::string root;                   // /org/keepalived/Vrrp1[/netns][/instance]
    std::string no_interface = "none";  // dbus_no_interface_name
    bool operator==(const DbusNames&) const = default;
};
// `named`: the network namespace from the command line, which goes before the configuration's.
[[nodiscard]] DbusNames dbus_names(const config::Config& config, const std::string& named = {});

// The object of the whole daemon: root + "/Vrrp".
[[nodiscard]] std::string dbus_vrrp_path(const DbusNames& names);
// root + "/Instance/eth0/51/IPv4"; what is neither letter nor digit becomes '_'.
[[nodiscard]] std::string dbus_path(const DbusNames& names, const config::Instance& instance);

// The objects of a configuration's instances. Of two instances with the same path, the first one has the object.
struct DbusObjects {
    std::map<std::string, std::string> instances;  // by path: the property Name
    std::map<std::string, std::string> paths;      // by the instance's name
    std::set<std::string> deleted;  // the names of those with notify_deleted: they end as Deleted, not Fault
};
[[nodiscard]] DbusObjects dbus_objects(const DbusNames& names, const config::Config& config);

// The number and the text of the property State, and the number of the signal VrrpStatusChange.
struct DbusState {
    std::uint32_t number = 0;
    std::string_view text = "Init";
    bool operator==(const DbusState&) const = default;
};
[[nodiscard]] DbusState dbus_state(vrrp::State state);
// What is no change of an instance's state is "Unknown".
[[nodiscard]] DbusState dbus_state(Transition transition);
// The property State of each instance, by its name; Init of one that the document does not have.
using DbusStates = std::map<std::string, DbusState, std::less<>>;
[[nodiscard]] DbusStates dbus_states(const VrrpStatus& status);
[[nodiscard]] DbusState dbus_state(const DbusStates& states, std::string_view instance);

struct DbusSignal {
    std::string path;
    std::string interface, name;          // kDbusInstanceInterface, "VrrpStatusChange"
    std::optional<std::uint32_t> status;  // its only argument; none: it has no arguments
    bool operator==(const DbusSignal&) const = default;
};
enum class DbusMoment : std::uint8_t { Started, Reloaded, Stopped };
[[nodiscard]] DbusSignal dbus_signal(const DbusNames& names, DbusMoment moment);
// VrrpStatusChange for the event of an instance that has an object; none for other events, and for a deletion, which
// dbus_removals() reports at the reload.
[[nodiscard]] std::optional<DbusSignal> dbus_signal(const DbusObjects& objects, const Event& event);
// VrrpStatusChange for each instance whose object is not there any more, in the order of the instances' names.
[[nodiscard]] std::vector<DbusSignal> dbus_removals(const DbusObjects& before, const DbusObjects& now);

}  // namespace mainstay::report
