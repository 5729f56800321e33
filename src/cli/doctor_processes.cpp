// Processes that vrrp_track_process means, and does not count because they go by another name; and those that scripts
// left behind.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>

#include "doctor.hpp"

namespace mainstay::cli {
namespace {

constexpr std::size_t kCommandShown = 120;  // bytes
constexpr std::chrono::seconds kNoScript{60};
constexpr std::size_t kTooMany = 5;

std::string_view name_in(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// A script's own path is the second word.
bool is_interpreter(std::string_view program) {
    static constexpr std::array<std::string_view, 8> kNames{"python", "perl", "ruby", "sh",
                                                            "bash",   "dash", "node", "php"};
    return std::ranges::any_of(kNames, [&](std::string_view name) {
        return program == name || (name.size() > 3 && program.starts_with(name));
    });
}

bool is_meant(const vrrp::ProcessTracker& tracker, const RunningProcess& process) {
    const std::string& wanted = tracker.command.front();
    const auto name = name_in(wanted);
    const auto& command = process.seen.command;
    if (name.empty() || command.empty()) return false;
    if (process.program == wanted || name_in(process.program) == name || name_in(command[0]) == name) return true;
    // "nginx: master process /usr/sbin/nginx"
    if (wanted.starts_with('/') && (command[0].ends_with(" " + wanted) || command[0].contains(" " + wanted + " ")))
        return true;
    return command.size() > 1 && is_interpreter(name_in(command[0])) &&
           (command[1] == wanted || name_in(command[1]) == name);
}

std::string printable(std::string text) {
    std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }, '?');
    if (text.size() > kCommandShown) text = text.substr(0, kCommandShown) + "...";
    return text;
}

}  // namespace

std::vector<DoctorFacts::Uncounted> uncounted_processes(const std::vector<vrrp::ProcessTracker>& trackers,
                                                        const std::map<int, RunningProcess>& running) {
    std::vector<DoctorFacts::Uncounted> found;
    for (const auto& tracker : trackers) {
        const auto counts = [&](const auto& one) { return vrrp::matches(tracker, one.second.seen); };
        const auto meant = [&](const auto& one) { return is_meant(tracker, one.second); };
        if (std::ranges::any_of(running, counts)) continue;
        const auto one = std::ranges::find_if(running, meant);
        if (one == running.end()) continue;
        const auto& seen = one->second.seen;
        found.push_back({tracker.name, fmt::format("{}", fmt::join(tracker.command, " ")), tracker.full_command,
                         one->first, seen.comm, printable(fmt::format("{}", fmt::join(seen.command, " ")))});
    }
    return found;
}

std::vector<DoctorFacts::LeftBehind> left_behind(const std::vector<ChildProcess>& children) {
    std::map<std::string, DoctorFacts::LeftBehind> by_name;
    for (const auto& child : children) {
        if (child.age < kNoScript || name_in(child.program).starts_with("mainstay")) continue;
        auto& all = by_name.try_emplace(child.name, child.name, 0, child.pid, printable(child.command)).first->second;
        ++all.count;
    }
    std::vector<DoctorFacts::LeftBehind> found;
    for (auto& [name, all] : by_name)
        if (all.count >= kTooMany) found.push_back(std::move(all));
    return found;
}

void evaluate_processes(const DoctorFacts& facts, std::vector<Finding>& found) {
    for (const auto& one : facts.left_behind)
        found.push_back(
            {fmt::format(
                 "{} processes '{}' have gone on for over a minute without the scripts that started them; process "
                 "{} is '{}'",
                 one.count, one.name, one.pid, one.command),
             "a script that starts a process by setsid, nohup or & leaves one behind each time that it runs: let it "
             "wait "
             "for the process, or end it by `timeout`"});
    for (const auto& one : facts.uncounted)
        found.push_back(
            {fmt::format("vrrp_track_process {} counts no process: none has the {} '{}'; process {} has the name '{}' "
                         "and the command line '{}'",
                         one.tracker, one.full_command ? "command line" : "name", one.wanted, one.pid, one.name,
                         one.command),
             one.full_command
                 ? fmt::format(
                       "write `process {}` without full_command, param_match and parameters: names are compared "
                       "then",
                       one.name)
                 : fmt::format("write `process {}`", one.name)});
}

// The doctor's facts from the running daemon's status document.

namespace {

using nlohmann::json;

void read_instance(DoctorFacts& facts, const json& instance, std::int64_t now_us) {
    const auto name = instance.at("name").get<std::string>();
    for (const auto& problem : instance.at("problems")) {
        facts.peer_problems.push_back({.instance = name,
                                       .kind = problem.at("kind").get<std::string>(),
                                       .peer = problem.at("peer").get<std::string>(),
                                       .text = problem.at("text").get<std::string>(),
                                       .age_us = now_us - problem.at("last_unix_us").get<std::int64_t>()});
    }
}

void read_announced(DoctorFacts& facts, const json& lvs) {
    for (const auto& one : lvs.value("announced", json::array()))
        if (one.at("state") == "announced") facts.announced.push_back(one.at("address").get<std::string>());
}

}  // namespace

void read_status(DoctorFacts& facts, std::string_view status_text) {
    const json status = json::parse(status_text, nullptr, false);
    facts.status_unread = !status_text.empty();
    if (!status.is_object()) return;
    try {
        const auto now_us = status.at("now_unix_us").get<std::int64_t>();
        if (const auto& vrrp = status.at("vrrp"); vrrp.is_object())
            for (const auto& instance : vrrp.at("instances")) read_instance(facts, instance, now_us);
        if (const auto& lvs = status.at("lvs"); lvs.is_object()) read_announced(facts, lvs);
        for (const auto& one : status.at("problems"))
            facts.problems.push_back({one.at("kind").get<std::string>(), one.at("object").get<std::string>(),
                                      one.at("text").get<std::string>()});
        facts.status_unread = false;
    } catch (const json::exception&) {
        return;  // another version: what was read so far counts
    }
}

}  // namespace mainstay::cli
