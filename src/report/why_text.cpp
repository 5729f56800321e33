#include "why_text.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace mainstay::report {
namespace {

constexpr std::int64_t kDay_s = 86'400;
constexpr std::int64_t kSetBack_us = 1'000'000;  // what the roles' views of the calendar may differ by is less

std::string event_text(const WhySource& source, const Event& event, bool with_reason) {
    const std::string at = moment(source, event.at);
    switch (event.transition) {
        case Transition::MasterPriority:
        case Transition::BackupPriority:
            return fmt::format("{}: the priority of {} changed to {}", at, event.name, event.priority);
        case Transition::LowerPriorityHeard:
            return fmt::format("{}: {} received an advertisement of another master with a lower priority", at,
                               event.name);
        default:
            break;
    }
    if (event.kind == Event::Kind::VirtualServer)
        return fmt::format("{}: {} {} its quorum", at, event.name,
                           event.transition == Transition::Up ? "gained" : "lost");
    // After a takeover, an upgrade or a crash: the state is as it was.
    if (!event.notify && !event.reason.empty()) return fmt::format("{}: {}: {}", at, event.name, event.reason);
    const bool has_priority = event.kind == Event::Kind::Instance && event.priority > 0;
    return fmt::format("{}: {} changed to {}{}{}{}", at, event.name, to_string(event.transition),
                       has_priority ? fmt::format(" (priority {})", event.priority) : "",
                       with_reason && !event.reason.empty() ? ": " : "", with_reason ? event.reason : "");
}

bool is_about(const Event& event, Event::Kind kind, std::string_view name, std::string_view parent) {
    return event.kind == kind && event.name == name && event.parent == parent;
}

}  // namespace

std::string moment(const WhySource& source, WallTime at) {
    if (at.unix_us <= 0) return "an unknown time";
    const auto local_s = [&](WallTime wall) { return wall.unix_us / 1'000'000 + source.utc_offset_s; };
    std::string text = iso_time({local_s(at) * 1'000'000});  // 2026-11-20T10:02:11Z
    if (text.size() < 20) return "an unknown time";
    const bool same_day = local_s(at) / kDay_s == local_s(source.status.now) / kDay_s;
    text[10] = ' ';
    return same_day ? text.substr(11, 8) : text.substr(0, 19);
}

std::string since_text(const WhySource& source, WallTime at) {
    if (at.unix_us > source.status.now.unix_us + kSetBack_us)
        return " since an unknown time (the clock was set back from " + moment(source, at) + ")";
    return at.unix_us > 0 ? " since " + moment(source, at) : std::string{};
}

std::string ago(const WhySource& source, WallTime at) {
    if (at.unix_us > source.status.now.unix_us + kSetBack_us)
        return "at an unknown time (the clock was set back from " + moment(source, at) + ")";
    const std::int64_t s = std::max<std::int64_t>(0, source.status.now.unix_us - at.unix_us) / 1'000'000;
    if (s < 120) return fmt::format("{} s ago", s);
    if (s < 7'200) return fmt::format("{} min ago", s / 60);
    return fmt::format("{} h ago", s / 3'600);
}

std::string in_a_row(std::uint32_t failures) {
    return failures < 2 ? std::string{} : fmt::format("{} failures in a row", failures);
}

void add_events(const WhySource& source, Event::Kind kind, std::string_view name, std::string_view parent,
                Reasons& reasons) {
    std::size_t left = kWhyEventsMax;
    bool is_rival = false;  // a second MASTER was heard again and again: its last time is enough
    for (auto entry = source.events.rbegin(); entry != source.events.rend() && left > 0; ++entry) {
        if (!is_about(entry->event, kind, name, parent)) continue;
        const bool was_rival = std::exchange(is_rival, entry->event.transition == Transition::LowerPriorityHeard);
        if (is_rival && was_rival) continue;
        // The newest is mostly what the state's own sentence is about.
        const bool is_said = left == kWhyEventsMax && reasons.mentions(entry->event.reason);
        reasons.add_at(entry->event.at, event_text(source, entry->event, !is_said));
        --left;
    }
}

WallTime changed_to(const WhySource& source, Event::Kind kind, std::string_view name, Transition state) {
    for (auto entry = source.events.rbegin(); entry != source.events.rend(); ++entry)
        if (is_about(entry->event, kind, name, "") && changes_state(entry->event.transition))
            return entry->event.transition == state ? entry->event.at : WallTime{};
    return {};
}

}  // namespace mainstay::report
