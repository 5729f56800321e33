#include "mainstay/report/dbus.hpp"

#include <utility>

#include "document_queries.hpp"
#include "mainstay/config/keyword_values.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/net_namespace.hpp"

namespace mainstay::report {

namespace keyword = config::keyword;

namespace {

constexpr const char* kService = "org.keepalived.Vrrp1";
constexpr const char* kRoot = "/org/keepalived/Vrrp1";
// keepalived's numbers for the two states in which an instance no longer runs.
constexpr std::uint32_t kStoppedState = 98, kDeletedState = 97;

// Of the ASCII letters only: the rules for paths do not depend on a locale.
std::string path_element(std::string_view text) {
    std::string element;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        element += plain ? c : '_';
    }
    return element;
}

DbusSignal status_change(const std::string& path, Transition transition) {
    return {.path = path,
            .interface = kDbusInstanceInterface,
            .name = "VrrpStatusChange",
            .status = dbus_state(transition).number};
}

}  // namespace

DbusNames dbus_names(const config::Config& config, const std::string& named) {
    const auto& global = config.global.more->values;
    DbusNames names;
    names.enabled = config::flag(global, keyword::enable_dbus);
    names.service = first_word(global, keyword::dbus_service_name);
    if (names.service.empty()) names.service = kService;
    if (auto element = path_element(first_word(global, keyword::dbus_no_interface_name)); !element.empty())
        names.no_interface = std::move(element);
    names.root = kRoot;
    for (const auto& word :
         {config::net_namespace_of(config, named), first_word(config.more->values, keyword::instance)})
        if (!word.empty()) names.root += "/" + path_element(word);
    return names;
}

std::string dbus_vrrp_path(const DbusNames& names) { return names.root + "/Vrrp"; }

std::string dbus_path(const DbusNames& names, const config::Instance& instance) {
    return names.root + "/Instance/" +
           (instance.interface.empty() ? names.no_interface : path_element(instance.interface)) + "/" +
           std::to_string(instance.virtual_router_id) + (instance.family == Family::V6 ? "/IPv6" : "/IPv4");
}

DbusObjects dbus_objects(const DbusNames& names, const config::Config& config) {
    DbusObjects objects;
    for (const auto& instance : config.instances) {
        auto path = dbus_path(names, instance);
        objects.instances.try_emplace(path, instance.name);
        objects.paths.try_emplace(instance.name, std::move(path));
        if (config::is_given(instance.more->values, keyword::notify_deleted)) objects.deleted.insert(instance.name);
    }
    return objects;
}

DbusState dbus_state(vrrp::State state) {
    static constexpr std::string_view kTexts[] = {"Init", "Backup", "Master", "Fault"};
    const auto number = state_number(state);
    return {number, kTexts[number]};
}

DbusState dbus_state(Transition transition) {
    if (const auto state = state_after(transition)) return dbus_state(*state);
    if (transition == Transition::Stop) return {kStoppedState, "Stop"};
    if (transition == Transition::Deleted) return {kDeletedState, "Deleted"};
    return {0, "Unknown"};
}

DbusStates dbus_states(const VrrpStatus& status) {
    DbusStates states;
    for (const auto& instance : status.router.instances) states.emplace(instance.name, dbus_state(instance.state));
    return states;
}

DbusState dbus_state(const DbusStates& states, std::string_view instance) {
    const auto found = states.find(instance);
    return found != states.end() ? found->second : dbus_state(vrrp::State::Init);
}

DbusSignal dbus_signal(const DbusNames& names, DbusMoment moment) {
    const char* name = moment == DbusMoment::Started    ? "VrrpStarted"
                       : moment == DbusMoment::Reloaded ? "VrrpReloaded"
                                                        : "VrrpStopped";
    return {.path = dbus_vrrp_path(names), .interface = kDbusVrrpInterface, .name = name, .status = {}};
}

std::optional<DbusSignal> dbus_signal(const DbusObjects& objects, const Event& event) {
    if (!event.notify || event.kind != Event::Kind::Instance || event.transition == Transition::Deleted)
        return std::nullopt;
    if (event.cause == Cause::Reload) return std::nullopt;  // of the router before it, whose name has a new object
    const auto path = objects.paths.find(event.name);
    if (path == objects.paths.end()) return std::nullopt;
    return status_change(path->second, event.transition);
}

std::vector<DbusSignal> dbus_removals(const DbusObjects& before, const DbusObjects& now) {
    std::vector<DbusSignal> signals;
    for (const auto& [name, path] : before.paths)
        if (!now.instances.contains(path))
            signals.push_back(
                status_change(path, before.deleted.contains(name) ? Transition::Deleted : Transition::Fault));
    return signals;
}

}  // namespace mainstay::report
