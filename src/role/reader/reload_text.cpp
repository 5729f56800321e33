// What a reload changes, for people, for the log and as JSON.
#include <fmt/format.h>

#include <utility>

#include "mainstay/base/counted.hpp"
#include "mainstay/role/reader/reload_diff.hpp"

namespace mainstay::role {
namespace {

constexpr const char* kActions[] = {"keep", "change", "add", "remove"};

// Not in the log, whose lines begin with the action.
const char* mark_of(const ReloadChange& change) {
    return change.worse() && change.action == ReloadChange::Action::Remove ? "worse: " : "";
}

std::string text_of(const ReloadDetail& detail) {
    return detail.place.empty() ? detail.text : fmt::format("{} ({})", detail.text, detail.place);
}

}  // namespace

std::string as_text(const ReloadDiff& diff) {
    std::string out;
    for (const auto& change : diff.changes) {
        out += fmt::format("{}{:<6} {} {}\n", mark_of(change), kActions[static_cast<std::size_t>(change.action)],
                           change.kind, change.name);
        for (const auto& detail : change.details) out += fmt::format("         {}\n", text_of(detail));
    }
    if (diff.empty()) out += "no changes\n";
    return out + fmt::format("unchanged: {}, {}; IPVS table changes: {}\n", counted(diff.instances_kept, "instance"),
                             counted(diff.services_kept, "service"), diff.ipvs_operations);
}

std::vector<std::string> as_log_lines(const ReloadDiff& diff, std::size_t most) {
    std::vector<std::string> lines;
    for (const auto& change : diff.changes) {
        if (lines.size() == most) break;
        std::string line =
            fmt::format("{} {} {}", kActions[static_cast<std::size_t>(change.action)], change.kind, change.name);
        for (const auto& detail : change.details)
            line += (&detail == &change.details.front() ? ": " : "; ") + text_of(detail);
        if (line.size() > kReloadLineBytesMax) line = line.substr(0, kReloadLineBytesMax - 3) + "...";
        lines.push_back(std::move(line));
    }
    return lines;
}

nlohmann::ordered_json as_json(const ReloadDiff& diff) {
    using json = nlohmann::ordered_json;
    auto changes = json::array();
    for (const auto& change : diff.changes) {
        auto details = json::array(), places = json::array();
        bool any_place = false;
        for (const auto& detail : change.details) {
            any_place = any_place || !detail.place.empty();
            details.push_back(detail.text);
            places.push_back(detail.place.empty() ? json() : json(detail.place));
        }
        json one{{"action", kActions[static_cast<std::size_t>(change.action)]},
                 {"kind", change.kind},
                 {"name", change.name},
                 {"details", std::move(details)},
                 {"worse", change.worse()}};
        if (any_place) one["places"] = std::move(places);  // one for each detail, null: it has none
        changes.push_back(std::move(one));
    }
    return {{"changes", std::move(changes)},
            {"instances_unchanged", diff.instances_kept},
            {"services_unchanged", diff.services_kept},
            {"ipvs_operations", diff.ipvs_operations}};
}

}  // namespace mainstay::role
