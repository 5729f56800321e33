
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "json_view.hpp"
#include "status_view.hpp"

namespace mainstay::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kProblemsNamedMax = 5;

struct Counts {
    std::map<std::string, int> instances;  // by state
    int services = 0, services_up = 0, servers = 0, servers_up = 0;
};

Counts count(const json& status) {
    Counts counts;
    for (const auto& one : list(part(status, "vrrp"), "instances")) ++counts.instances[text(one, "state")];
    for (const auto& service : list(part(status, "lvs"), "services")) {
        ++counts.services;
        counts.services_up += flag(service, "quorum_up") ? 1 : 0;
        for (const auto& server : list(service, "servers")) {
            ++counts.servers;
            counts.servers_up += flag(server, "alive") ? 1 : 0;
        }
    }
    return counts;
}

std::string first_problems(const json& problems) {
    std::string out;
    std::size_t shown = 0;
    for (const auto& problem : problems)
        if (++shown <= kProblemsNamedMax) out += (out.empty() ? "" : "; ") + text(problem, "text");
    if (shown > kProblemsNamedMax) out += fmt::format("; and {} more", shown - kProblemsNamedMax);
    return out;
}

std::string summary(const Counts& counts) {
    std::string out;
    const auto add = [&out](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
    for (const auto& [state, count] : counts.instances)
        add(fmt::format("{} {} {}", count, count == 1 ? "instance" : "instances", state));
    if (counts.services > 0)
        add(fmt::format("{} of {} services have their quorum, {} of {} servers are up", counts.services_up,
                        counts.services, counts.servers_up, counts.servers));
    return out.empty() ? "nothing is configured" : out;
}

// Performance data: label=value;warning;critical;minimum;maximum.
std::string performance(const Counts& counts) {
    const auto of = [&](const char* state) {
        const auto found = counts.instances.find(state);
        return found == counts.instances.end() ? 0 : found->second;
    };
    return fmt::format(
        "instances_master={} instances_backup={} instances_fault={} services_up={};;;0;{} servers_up={};;;0;{}",
        of("MASTER"), of("BACKUP"), of("FAULT"), counts.services_up, counts.services, counts.servers_up,
        counts.servers);
}

// One line: a name or a problem may contain line ends, and a bar would begin the performance data.
std::string one_line(std::string text) {
    for (char& c : text)
        if (c == '\n' || c == '\r' || c == '|') c = ' ';
    return text;
}

CheckResult result(int exit_code, const std::string& text, const std::string& data = {}) {
    constexpr std::array<const char*, 4> kWords{"OK", "WARNING", "CRITICAL", "UNKNOWN"};
    return {exit_code, fmt::format("MAINSTAY {} - {}{}{}\n", kWords.at(static_cast<std::size_t>(exit_code)),
                                   one_line(text), data.empty() ? "" : " | ", data)};
}

}  // namespace

CheckResult check_status(std::string_view answer, const std::vector<std::string>& names, const std::string& daemon) {
    auto status = json_object(answer);
    if (!status) return check_failed(status.error());
    if (auto kept = keep_only(*status, names); !kept) return result(kCheckUnknown, kept.error().text());
    if (!status->contains("problems"))
        return result(kCheckUnknown, "the daemon is of another version, which does not list its problems");
    const auto& problems = list(*status, "problems");
    const auto counts = count(*status);
    const std::string begin = daemon.empty() ? "" : daemon + ": ";
    if (problems.empty()) return result(kCheckOk, begin + summary(counts), performance(counts));
    const bool critical =
        std::ranges::any_of(problems, [](const json& p) { return text(p, "severity") == "critical"; });
    return result(critical ? kCheckCritical : kCheckWarning, begin + first_problems(problems), performance(counts));
}

CheckResult check_failed(const Error& error) {
    return result(error.code() == Errc::NotFound ? kCheckCritical : kCheckUnknown, error.text());
}

}  // namespace mainstay::cli
