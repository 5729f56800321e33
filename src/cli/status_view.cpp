#include "status_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "json_view.hpp"
#include "mainstay/base/text.hpp"

namespace mainstay::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kProblemsShownMax = 20;

std::string joined(const json& texts) {
    std::string out;
    for (const auto& entry : texts) {
        if (entry.is_string()) out += (out.empty() ? "" : " ") + entry.get<std::string>();
    }
    return out.empty() ? "-" : out;
}

std::string or_dash(std::string value) { return value.empty() ? "-" : std::move(value); }

std::string maintenance_line(const json& root, std::int64_t now_us) {
    const auto found = root.find("maintenance");
    if (found == root.end() || !found->is_object()) return {};
    const std::string until = text(*found, "until"), reason = text(*found, "reason");
    return fmt::format("\nMAINTENANCE for {}, until {}, by {}{}\n", age(now_us, number(*found, "since_unix_us")),
                       until.empty() ? "it is ended" : until, text(*found, "by"), reason.empty() ? "" : ": " + reason);
}

std::string problem_lines(const json& problems) {
    if (problems.empty()) return {};
    std::string out = fmt::format("\n{} {}:\n", problems.size(), problems.size() == 1 ? "PROBLEM" : "PROBLEMS");
    for (std::size_t i = 0; i < std::min(problems.size(), kProblemsShownMax); ++i)
        out += fmt::format("  {}\n", text(problems[i], "text"));
    if (problems.size() > kProblemsShownMax) out += fmt::format("  and {} more\n", problems.size() - kProblemsShownMax);
    return out;
}

// The end of a maintenance lets all instances preempt again.
std::string vrrp_tables(const json& vrrp, std::int64_t now_us, bool maintenance) {
    std::vector<TableRow> instances{
        {"INSTANCE", "STATE", "FOR", "PRIORITY", "VRID", "INTERFACE", "GROUP", "MASTER", "ADDRESSES"}};
    for (const auto& i : list(vrrp, "instances")) {
        instances.push_back({text(i, "name"), text(i, "state"), age(now_us, number(i, "since_unix_us")),
                             text(i, "priority"), text(i, "virtual_router_id"), text(i, "interface"),
                             or_dash(text(i, "group")), or_dash(text(i, "master")), joined(list(i, "addresses"))});
    }
    std::string out;
    if (instances.size() > 1) out += "\n" + table(instances, "");
    for (const auto& i : list(vrrp, "instances"))
        if (flag(i, "failed_over") && !maintenance)
            out += fmt::format(
                "  {0}: handed over by an operator; it preempts nobody until `mainstayctl failover --back {0}`\n",
                text(i, "name"));
    std::vector<TableRow> groups{{"GROUP", "STATE"}};
    for (const auto& g : list(vrrp, "groups")) groups.push_back({text(g, "name"), text(g, "state")});
    if (groups.size() > 1) out += "\n" + table(groups, "");
    std::vector<TableRow> scripts{{"SCRIPT", "STATE", "RUNS", "FAILURES", "LAST FAILURE"}};
    for (const auto& s : list(vrrp, "scripts")) {
        scripts.push_back({text(s, "name"), text(s, "state"), text(s, "runs"), text(s, "failures"),
                           or_dash(text(s, "last_failure"))});
    }
    if (scripts.size() > 1) out += "\n" + table(scripts, "");
    return out;
}

std::string bfd_table(const json& bfd, std::int64_t now_us) {
    std::vector<TableRow> rows{
        {"BFD SESSION", "STATE", "FOR", "NEIGHBOR", "DETECTION", "SENT", "RECEIVED", "DIAGNOSTIC"}};
    for (const auto& s : list(bfd, "sessions")) {
        const auto counters = s.contains("counters") ? s["counters"] : json{};
        const auto detection = number(s, "detection_time_us");
        rows.push_back({text(s, "name"), text(s, "state"), age(now_us, number(s, "since_unix_us")), text(s, "neighbor"),
                        detection > 0 ? fmt::format("{} ms", detection / 1000) : "-", text(counters, "sent"),
                        text(counters, "received"), text(s, "diagnostic")});
    }
    return rows.size() > 1 ? "\n" + table(rows, "") : std::string{};
}

std::string check_text(const json& check, std::int64_t now_us) {
    std::string out = fmt::format("{} {}: ", text(check, "type"), text(check, "target"));
    if (!flag(check, "has_run")) {
        const auto before = text(check, "last_result");
        return out + (before.empty() ? "has not run yet" : before);
    }
    out += fmt::format("{}, {} ago", text(check, "last_result"), age(now_us, number(check, "last_run_unix_us")));
    if (const auto failures = number(check, "failures_in_row"); failures > 0) {
        out += fmt::format(", {} {} in a row", failures, failures == 1 ? "failure" : "failures");
    }
    return out;
}

std::string mh_table_line(const json& service) {
    if (!service.contains("mh_table")) return {};
    const auto& mh = service["mh_table"];
    const auto digest = text(mh, "digest"), wanted = text(mh, "wanted_digest");
    std::string out = fmt::format("  active_active, mh table {}", digest);
    if (digest != wanted)
        out += fmt::format(", the configuration demands {}: put in order once no address of it is announced", wanted);
    if (flag(mh, "slots_assumed")) out += fmt::format(" ({} slots assumed)", number(mh, "slots"));
    return out + "\n";
}

std::string service_table(const json& service, std::int64_t now_us) {
    std::string out = fmt::format("\n{} {}, quorum {}", text(service, "name"), text(service, "scheduler"),
                                  flag(service, "quorum_up") ? "up" : "down");
    if (const auto sorry = text(service, "sorry_server"); !sorry.empty()) {
        out += fmt::format(", sorry server {} {}", sorry, flag(service, "sorry_in_use") ? "in use" : "not in use");
    }
    if (flag(service, "suspended")) out += ", checks suspended: no address of it is on this host (ha_suspend)";
    out += "\n" + mh_table_line(service);
    std::string notes;
    std::vector<TableRow> rows{{"SERVER", "STATE", "FOR", "WEIGHT", "FORWARD", "IN TABLE", "LAST CHECK"}};
    for (const auto& server : list(service, "servers")) {
        const auto& checks = list(server, "checks");
        TableRow row{text(server, "name"),
                     flag(server, "alive") ? "UP" : "DOWN",
                     age(now_us, number(server, "since_unix_us")),
                     text(server, "weight"),
                     text(server, "forwarding"),
                     flag(server, "in_table") ? "yes" : "no",
                     checks.empty() ? "no check" : check_text(checks.front(), now_us)};
        rows.push_back(std::move(row));
        if (const auto note = text(server, "note"); !note.empty())
            notes += fmt::format("  {}: {}\n", text(server, "name"), note);
        for (std::size_t i = 1; i < checks.size(); ++i) {
            rows.push_back({"", "", "", "", "", "", check_text(checks[i], now_us)});
        }
    }
    for (const auto& one : list(service, "leaving")) {
        notes += fmt::format("  {}: removed from the configuration, its connections continue{}\n", text(one, "name"),
                             one.contains("connections") ? fmt::format(": {}", number(one, "connections")) : "");
    }
    return out + table(rows, "  ") + notes;
}

// The overrides of servers, including those of servers that are not configured.
std::string override_table(const json& lvs, std::int64_t now_us) {
    std::vector<TableRow> rows{{"OVERRIDDEN SERVER", "SERVICE", "OVERRIDE", "FOR", "ENDS IN", "BY", "REASON"}};
    for (const auto& o : list(lvs, "overrides")) {
        const auto until = number(o, "until_unix_us");
        rows.push_back({text(o, "server"), text(o, "service"), text(o, "is"), age(now_us, number(o, "since_unix_us")),
                        until == 0 ? "-" : age(until, now_us), text(o, "by"), text(o, "reason")});
    }
    return rows.size() > 1 ? "\n" + table(rows, "") : std::string{};
}

std::string announced_table(const json& lvs, std::int64_t now_us) {
    std::vector<TableRow> rows{{"ANNOUNCED ADDRESS", "STATE", "SINCE", "ON", "REASON"}};
    for (const auto& one : list(lvs, "announced")) {
        const auto state = text(one, "state");
        const std::string on = state == "announced"  ? text(one, "interface")
                               : state == "draining" ? text(one, "drain_interface")
                                                     : "-";
        rows.push_back(
            {text(one, "address"), state, age(now_us, number(one, "since_unix_us")), on, text(one, "reason")});
    }
    return rows.size() > 1 ? "\n" + table(rows, "") : std::string{};
}

std::string discovered_table(const json& lvs, std::int64_t now_us) {
    std::vector<TableRow> rows{{"SOURCE OF SERVERS", "SERVERS", "LAST GOOD", "STATE"}};
    for (const auto& one : list(lvs, "discovered")) {
        std::string state;
        if (const auto held = text(one, "held"); !held.empty())
            state = fmt::format("answer of {} held for {}: {}", counted(number(one, "held_servers"), "server"),
                                age(now_us, number(one, "held_since_unix_us")), held);
        if (const auto problem = text(one, "problem"); !problem.empty()) state = problem;
        const auto good = number(one, "last_good_unix_us");
        rows.push_back({text(one, "source"), fmt::format("{}", number(one, "servers")),
                        good == 0 ? "never" : age(now_us, good), state.empty() ? "ok" : state});
    }
    return rows.size() > 1 ? "\n" + table(rows, "") : std::string{};
}

std::string lvs_tables(const json& lvs, std::int64_t now_us) {
    std::string out;
    for (const auto& service : list(lvs, "services")) out += service_table(service, now_us);
    return out + override_table(lvs, now_us) + announced_table(lvs, now_us) + discovered_table(lvs, now_us);
}

std::string mail_line(const json& mail) {
    if (!flag(mail, "enabled")) return "\nMail: off (no smtp_server or no notification_email)\n";
    std::string out = fmt::format("\nMail: {} queued, {} sent, {} failed", number(mail, "queued"), number(mail, "sent"),
                                  number(mail, "failed"));
    if (const auto problem = text(mail, "last_problem"); !problem.empty()) out += "; last problem: " + problem;
    return out + "\n";
}

std::string webhook_lines(const json& webhooks) {
    std::string out;
    for (const auto& one : list(webhooks, "receivers")) {
        out += fmt::format("Webhook {}: {} queued, {} sent, {} failed", text(one, "name"), number(one, "queued"),
                           number(one, "sent"), number(one, "failed"));
        if (const auto problem = text(one, "last_problem"); !problem.empty()) out += "; last problem: " + problem;
        out += '\n';
    }
    if (const auto problem = text(webhooks, "disk_problem"); !problem.empty())
        out += fmt::format("Webhook spool: it cannot be written ({}), {} files of events are in memory only\n", problem,
                           number(webhooks, "in_memory"));
    return out;
}

}  // namespace

Result<std::string> status_tables(std::string_view answer, const std::vector<std::string>& names,
                                  StatusSection section) {
    auto parsed = json_object(answer);
    if (!parsed) return error_of(parsed);
    json& status = *parsed;
    const bool lists_problems = status.contains("problems") || !status.contains("version");
    keep_section(status, section);
    if (auto kept = keep_only(status, names); !kept) return error_of(kept);
    const std::int64_t now_us = number(status, "now_unix_us");
    std::string out =
        fmt::format("mainstay {} on {}, configuration {}, process {}\n", text(status, "version"), text(status, "host"),
                    number(status, "generation"), number(part(status, "supervisor"), "pid"));
    out += maintenance_line(status, now_us);
    if (!lists_problems) out += "\nThe daemon is of another version, which does not list its problems.\n";
    out += problem_lines(list(status, "problems"));
    const auto has = [&](const char* name) { return status.contains(name) && status[name].is_object(); };
    if (has("vrrp")) out += vrrp_tables(status["vrrp"], now_us, has("maintenance"));
    if (has("bfd")) out += bfd_table(status["bfd"], now_us);
    if (has("lvs")) out += lvs_tables(status["lvs"], now_us);
    if (has("mail")) out += mail_line(status["mail"]);
    if (has("webhooks")) out += webhook_lines(status["webhooks"]);
    return out;
}

}  // namespace mainstay::cli
