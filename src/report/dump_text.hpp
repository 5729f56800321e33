// What the files of the text dumps share. Pure.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "mainstay/report/dumps.hpp"
#include "mainstay/vrrp/routing.hpp"

namespace mainstay::report {

[[nodiscard]] inline std::string section(std::string_view name) { return fmt::format("------< {} >------\n", name); }
[[nodiscard]] inline const char* true_or_false(bool on) { return on ? "true" : "false"; }
[[nodiscard]] inline const char* yes_or_no(bool on) { return on ? "yes" : "no"; }
// "1.500000"
[[nodiscard]] inline std::string seconds_text(Micros time) {
    return fmt::format("{:.6f}", static_cast<double>(time.count()) / 1e6);
}
[[nodiscard]] inline std::string reversed(bool reverse) { return reverse ? " reverse" : ""; }

// "1795721224.455621 (Thu Nov 26 19:27:04.455621 2026)"
[[nodiscard]] std::string time_text(WallTime at);

// Without a format string to read: exporters wait, and a director has a thousand instances with forty lines each.
template <std::integral T>
void put_number(std::string& out, T value) {
    static_assert(!std::is_same_v<T, bool> && !std::is_same_v<T, char>);  // these are words
    const fmt::format_int digits{value};
    out.append(digits.data(), digits.size());
}
// "   name = value": a word or a whole number.
template <class T>
void put_line(std::string& out, std::string_view margin, std::string_view name, const T& value) {
    out.append(margin).append(name).append(" = ");
    if constexpr (std::is_convertible_v<const T&, std::string_view>)
        out.append(std::string_view{value});
    else
        put_number(out, value);
    out += '\n';
}

// A section with its header; empty: keepalived leaves a section without entries out (2.2.7).
[[nodiscard]] std::string section_if_any(std::string_view name, const std::string& entries);

// The scripts of an instance or a group, a line each.
[[nodiscard]] std::string notify_lines(const config::Notifies& notify, const config::ExtraSettings& more);

// dump_global.cpp. `of_vrrp`: keepalived's VRRP process knows the default interface and the firewall, its others do
// not.
[[nodiscard]] std::string global_definitions(const DumpSource& source, bool of_vrrp);
struct NamedWeight {
    std::string name;
    std::int64_t weight = 0;
    bool reverse = false;
};

// What the instances track, with its state, worked out once for a dump. Without the vrrp role there is none.
class TrackedView {
public:
    explicit TrackedView(const DumpSource& source);  // which must outlive it

    // What the instance tracks, of its group too.
    [[nodiscard]] const std::vector<vrrp::TrackedObject>& of(const std::string& instance) const;
    // The block "Tracking instances": the instances that track this.
    [[nodiscard]] std::string instances_of(vrrp::TrackedObject::Kind kind, const std::string& name) const;
    // The blocks "Tracked interfaces" ... of an instance, or of a group, which gives no name.
    [[nodiscard]] std::string lists(const std::vector<config::TrackedInterface>& links,
                                    const std::vector<config::TrackedScript>& scripts,
                                    const config::ExtraSettings& more, const std::string& instance = {}) const;
    [[nodiscard]] const std::vector<NamedWeight>& bfds() const { return bfds_; }  // of the bfd_instances

private:
    std::map<std::string, const std::vector<vrrp::TrackedObject>*> by_instance_;
    std::map<std::pair<vrrp::TrackedObject::Kind, std::string>, std::string> instances_;
    std::vector<NamedWeight> files_, processes_, bfds_;
};

// dump_tracked.cpp: sync groups, scripts, and what else is tracked.
[[nodiscard]] std::string tracked_sections(const DumpSource& source, const TrackedView& tracked);

}  // namespace mainstay::report
