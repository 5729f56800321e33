// Words that the explanations share. Private to the report module.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mainstay/report/why.hpp"

namespace mainstay::report {

inline constexpr std::size_t kWhyEventsMax = 5;  // of the object's own history

// The reasons of one object while they are collected: those with a moment are put in order at the end.
class Reasons {
public:
    void add(std::string text) { plain_.push_back(std::move(text)); }
    void add_at(WallTime at, std::string text) { timed_.emplace_back(at.unix_us, std::move(text)); }
    [[nodiscard]] bool mentions(std::string_view words) const {
        const auto has = [&](const std::string& text) { return text.find(words) != std::string::npos; };
        return std::ranges::any_of(plain_, has) ||
               std::ranges::any_of(timed_, [&](const auto& one) { return has(one.second); });
    }
    [[nodiscard]] std::vector<std::string> take() {
        std::ranges::stable_sort(timed_, [](const auto& a, const auto& b) { return a.first > b.first; });
        for (auto& [at, text] : timed_) plain_.push_back(std::move(text));
        return std::move(plain_);
    }

private:
    std::vector<std::string> plain_;
    std::vector<std::pair<std::int64_t, std::string>> timed_;
};

// "10:02:11" of the day of `status.now`, else "2026-11-20 10:02:11"; "an unknown time" for 0.
[[nodiscard]] std::string moment(const WhySource& source, WallTime at);
// " since 10:02:11"; empty for 0.
[[nodiscard]] std::string since_text(const WhySource& source, WallTime at);
// "2 s ago", "5 min ago"
[[nodiscard]] std::string ago(const WhySource& source, WallTime at);
// "3 failures in a row"; empty for less than 2.
[[nodiscard]] std::string in_a_row(std::uint32_t failures);
// Adds the newest events of this object.
void add_events(const WhySource& source, Event::Kind kind, std::string_view name, std::string_view parent,
                Reasons& reasons);
// The time of the newest change of this service or group, if that came to the state in which it is; 0: it did not, or
// none is known.
[[nodiscard]] WallTime changed_to(const WhySource& source, Event::Kind kind, std::string_view name, Transition state);

[[nodiscard]] Explanation explain(const WhySource& source, const vrrp::InstanceSnapshot& instance);
[[nodiscard]] Explanation explain(const WhySource& source, const vrrp::GroupSnapshot& group);
[[nodiscard]] Explanation explain(const WhySource& source, const vrrp::ScriptSnapshot& script);
[[nodiscard]] Explanation explain(const WhySource& source, const vrrp::BfdSnapshot& session);
[[nodiscard]] Explanation explain(const WhySource& source, const vrrp::TrackerSnapshot& tracker);
[[nodiscard]] Explanation explain_interface(const WhySource& source, std::string_view name);
[[nodiscard]] Explanation explain(const WhySource& source, const ServiceStatus& service);
[[nodiscard]] Explanation explain(const WhySource& source, const ServiceStatus& service, const ServerStatus& server);
[[nodiscard]] Explanation explain(const WhySource& source, const AnnouncedStatus& announced);

}  // namespace mainstay::report
