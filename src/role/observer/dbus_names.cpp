#include "dbus_names.hpp"

namespace mainstay::role {

namespace {

constexpr const char* kService = "org.keepalived.Vrrp1";
constexpr const char* kRoot = "/org/keepalived/Vrrp1";
// keepalived's numbers for the two states in which an instance no longer runs.
constexpr std::uint32_t kStopped = 98, kDeleted = 99;

// Of the ASCII letters only: the rules for paths do not depend on a locale.
std::string path_element(std::string_view text) {
    std::string element;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        element += plain ? c : '_';
    }
    return element;
}

std::string word_of(const config::KeywordValues& values, std::string_view keyword) {
    const auto words = config::value_of<config::WordList>(values, keyword);
    return words && !words->empty() ? words->front() : std::string{};
}

}  // namespace

DbusNames dbus_names(const config::Config& config) {
    const auto& global = config.global.more->values;
    DbusNames names;
    names.enabled = config::value_of<bool>(global, "enable_dbus").value_or(false);
    names.service = word_of(global, "dbus_service_name");
    if (names.service.empty()) names.service = kService;
    if (auto element = path_element(word_of(global, "dbus_no_interface_name")); !element.empty())
        names.no_interface = std::move(element);
    names.root = kRoot;
    for (const char* keyword : {"net_namespace", "instance"})
        if (const auto word = word_of(config.more->values, keyword); !word.empty())
            names.root += "/" + path_element(word);
    return names;
}

std::string dbus_path(const DbusNames& names, const config::Instance& instance) {
    return names.root + "/Instance/" +
           (instance.interface.empty() ? names.no_interface : path_element(instance.interface)) + "/" +
           std::to_string(instance.virtual_router_id) + (instance.family == Family::V6 ? "/IPv6" : "/IPv4");
}

DbusState dbus_state(vrrp::State state) {
    switch (state) {
        case vrrp::State::Init:
            break;
        case vrrp::State::Backup:
            return {1, "Backup"};
        case vrrp::State::Master:
            return {2, "Master"};
        case vrrp::State::Fault:
            return {3, "Fault"};
    }
    return {0, "Init"};
}

DbusState dbus_state(Transition transition) {
    switch (transition) {
        case Transition::Backup:
            return dbus_state(vrrp::State::Backup);
        case Transition::Master:
            return dbus_state(vrrp::State::Master);
        case Transition::Fault:
            return dbus_state(vrrp::State::Fault);
        case Transition::Stop:
            return {kStopped, "Stop"};
        case Transition::Deleted:
            return {kDeleted, "Deleted"};
        default:
            return {0, "Unknown"};
    }
}

}  // namespace mainstay::role
