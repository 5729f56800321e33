#include "event_log.hpp"

#include <fmt/format.h>

namespace mainstay::role {
namespace {

LogLevel level_of(Transition transition) {
    return transition == Transition::Fault || transition == Transition::Down ? LogLevel::Warning : LogLevel::Notice;
}

kernel::LogFields fields_of(const Event& event) {
    kernel::LogFields fields{.event = to_string(event.transition),
                             .instance = {},
                             .group = {},
                             .service = {},
                             .server = {},
                             .reason = event.reason,
                             .priority = {},
                             .cause = to_string(event.cause)};
    switch (event.kind) {
        case Event::Kind::Instance:
            fields.instance = event.name;
            fields.priority = event.priority;
            break;
        case Event::Kind::Group:
            fields.group = event.name;
            break;
        case Event::Kind::RealServer:
            fields.server = event.name;
            fields.service = event.parent;
            break;
        case Event::Kind::VirtualServer:
            fields.service = event.name;
            break;
    }
    return fields;
}

// "(VI_1) is MASTER: 192.0.2.1 resigned (priority 0)"
std::string text_of(const Event& event) {
    const char* state = to_string(event.transition);
    const std::string why = event.reason.empty() ? std::string{} : ": " + event.reason;
    switch (event.kind) {
        case Event::Kind::Instance:
            return fmt::format("({}) is {}{}", event.name, state, why);
        case Event::Kind::Group:
            return fmt::format("VRRP_Group({}) is {}{}", event.name, state, why);
        case Event::Kind::RealServer:
            return fmt::format("{} of VS {} is {}{}", event.name, event.parent, state, why);
        case Event::Kind::VirtualServer:
            return fmt::format("VS {} is {}{}", event.name, state, why);
    }
    return state;
}

}  // namespace

kernel::LogOptions log_options_of(const ipc::RoleStartup& startup) {
    return {.ident = startup.log_ident,
            .socket = startup.log_socket,
            .facility = startup.log_facility,
            .console = startup.log_console,
            .level = startup.log_level,
            .journal = startup.log_journal,
            .json = startup.log_json};
}

void EventLog::begin_second(WallTime now) {
    constexpr std::int64_t kSecond = 1'000'000;
    const auto second = now.unix_us / kSecond;
    if (second == second_) return;
    if (left_out_ != 0)
        log_.warning("{} servers more changed their state within a second; mainstayctl events shows them", left_out_);
    second_ = second;
    logged_ = left_out_ = 0;
}

// Whether the line has a reason, which keepalived's own line lacks.
bool EventLog::may_say(const Event& event) {
    if (event.reason.empty()) return false;
    if (event.kind != Event::Kind::RealServer) return true;
    begin_second(event.at);
    if (logged_ < kServerLinesPerSecondMax) {
        ++logged_;
        return true;
    }
    ++left_out_;
    return false;
}

void EventLog::write(const Event& event) {
    if (!changes_state(event.transition) || !event.notify) return;
    const LogLevel level = level_of(event.transition);
    if (!log_.enabled(level)) return;
    if (may_say(event))
        log_.line(level, text_of(event), fields_of(event));
    else
        log_.fields_only(level, text_of(event), fields_of(event));
}

}  // namespace mainstay::role
