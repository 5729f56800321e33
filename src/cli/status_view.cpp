#include "status_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

namespace mainstay::cli {
namespace {

using nlohmann::json;
using KeywordSpec = std::vector<std::string>;

// Missing or mistyped members read as empty: the daemon may be older or newer than this program.
std::string text(const json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end()) return {};
    if (found->is_string()) return found->get<std::string>();
    if (found->is_number() || found->is_boolean()) return found->dump();
    return {};
}
std::int64_t number(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}
bool flag(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}
const json& list(const json& object, const char* name) {
    static const json kNone = json::array();
    const auto found = object.find(name);
    return found != object.end() && found->is_array() ? *found : kNone;
}

std::size_t width(const std::string& cell) {  // in characters
    return static_cast<std::size_t>(std::ranges::count_if(cell, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string table(const std::vector<KeywordSpec>& rows, std::string_view indent) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
    }
    std::string out;
    for (const auto& row : rows) {
        std::string line{indent};
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i] + std::string(widths[i] - width(row[i]) + 2, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    }
    return out;
}

std::string age(std::int64_t now_us, std::int64_t then_us) {
    if (then_us <= 0 || now_us < then_us) return "-";
    const std::int64_t s = (now_us - then_us) / 1'000'000;
    if (s < 60) return fmt::format("{} s", s);
    if (s < 3'600) return fmt::format("{} min", s / 60);
    if (s < 2 * 86'400) return fmt::format("{} h {} min", s / 3'600, s / 60 % 60);
    return fmt::format("{} d {} h", s / 86'400, s / 3'600 % 24);
}

std::string joined(const json& texts) {
    std::string out;
    for (const auto& entry : texts) {
        if (entry.is_string()) out += (out.empty() ? "" : " ") + entry.get<std::string>();
    }
    return out.empty() ? "-" : out;
}

std::string or_dash(std::string value) { return value.empty() ? "-" : std::move(value); }

std::string vrrp_tables(const json& vrrp, std::int64_t now_us) {
    std::vector<KeywordSpec> instances{
        {"INSTANCE", "STATE", "FOR", "PRIORITY", "VRID", "INTERFACE", "GROUP", "MASTER", "ADDRESSES"}};
    std::string faults;
    for (const auto& i : list(vrrp, "instances")) {
        instances.push_back({text(i, "name"), text(i, "state"), age(now_us, number(i, "since_unix_us")),
                             text(i, "priority"), text(i, "virtual_router_id"), text(i, "interface"),
                             or_dash(text(i, "group")), or_dash(text(i, "master")), joined(list(i, "addresses"))});
        if (!text(i, "fault").empty()) faults += fmt::format("  {}: {}\n", text(i, "name"), text(i, "fault"));
    }
    std::string out;
    if (instances.size() > 1) out += "\n" + table(instances, "") + faults;
    std::vector<KeywordSpec> groups{{"GROUP", "STATE"}};
    for (const auto& g : list(vrrp, "groups")) groups.push_back({text(g, "name"), text(g, "state")});
    if (groups.size() > 1) out += "\n" + table(groups, "");
    std::vector<KeywordSpec> scripts{{"SCRIPT", "STATE", "RUNS", "FAILURES", "LAST FAILURE"}};
    for (const auto& s : list(vrrp, "scripts")) {
        scripts.push_back({text(s, "name"), text(s, "state"), text(s, "runs"), text(s, "failures"),
                           or_dash(text(s, "last_failure"))});
    }
    if (scripts.size() > 1) out += "\n" + table(scripts, "");
    return out;
}

std::string bfd_table(const json& bfd, std::int64_t now_us) {
    std::vector<KeywordSpec> rows{
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
    if (!flag(check, "has_run")) return out + or_dash(text(check, "last_result"));
    out += fmt::format("{}, {} ago", text(check, "last_result"), age(now_us, number(check, "last_run_unix_us")));
    if (const auto failures = number(check, "failures_in_row"); failures > 0) {
        out += fmt::format(", {} {} in a row", failures, failures == 1 ? "failure" : "failures");
    }
    return out;
}

std::string service_table(const json& service, std::int64_t now_us) {
    std::string out = fmt::format("\n{} {}, quorum {}", text(service, "name"), text(service, "scheduler"),
                                  flag(service, "quorum_up") ? "up" : "down");
    if (const auto sorry = text(service, "sorry_server"); !sorry.empty()) {
        out += fmt::format(", sorry server {} {}", sorry, flag(service, "sorry_in_use") ? "in use" : "not in use");
    }
    out += "\n";
    std::string notes;
    std::vector<KeywordSpec> rows{{"SERVER", "STATE", "FOR", "WEIGHT", "FORWARD", "IN TABLE", "LAST CHECK"}};
    for (const auto& server : list(service, "servers")) {
        const auto& checks = list(server, "checks");
        KeywordSpec row{text(server, "name"),
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
    std::vector<KeywordSpec> rows{{"OVERRIDDEN SERVER", "SERVICE", "OVERRIDE", "FOR", "BY"}};
    for (const auto& o : list(lvs, "overrides")) {
        rows.push_back({text(o, "server"), text(o, "service"), text(o, "is"), age(now_us, number(o, "since_unix_us")),
                        text(o, "by")});
    }
    return rows.size() > 1 ? "\n" + table(rows, "") : std::string{};
}

std::string lvs_tables(const json& lvs, std::int64_t now_us) {
    std::string out;
    if (!flag(lvs, "ipvs_available"))
        out += fmt::format("\nIPVS cannot be programmed: {}\n", text(lvs, "ipvs_problem"));
    for (const auto& service : list(lvs, "services")) out += service_table(service, now_us);
    return out + override_table(lvs, now_us);
}

std::string mail_line(const json& mail) {
    if (!flag(mail, "enabled")) return "\nMail: off (no smtp_server or no notification_email)\n";
    std::string out = fmt::format("\nMail: {} queued, {} sent, {} failed", number(mail, "queued"), number(mail, "sent"),
                                  number(mail, "failed"));
    if (const auto problem = text(mail, "last_problem"); !problem.empty()) out += "; last problem: " + problem;
    return out + "\n";
}

}  // namespace

Result<std::string> status_tables(std::string_view answer) {
    const json status = json::parse(answer, nullptr, false);
    if (!status.is_object()) return fail(Errc::Invalid, "the daemon's answer is not a JSON object");
    const auto part = [&](const char* name) { return status.contains(name) ? status[name] : json{}; };
    const std::int64_t now_us = number(status, "now_unix_us");
    std::string out =
        fmt::format("mainstay {} on {}, configuration {}, process {}\n", text(status, "version"), text(status, "host"),
                    number(status, "generation"), number(part("supervisor"), "pid"));
    const json vrrp = part("vrrp"), lvs = part("lvs"), bfd = part("bfd"), mail = part("mail");
    if (vrrp.is_object()) out += vrrp_tables(vrrp, now_us);
    if (bfd.is_object()) out += bfd_table(bfd, now_us);
    if (lvs.is_object()) out += lvs_tables(lvs, now_us);
    if (mail.is_object()) out += mail_line(mail);
    return out;
}

}  // namespace mainstay::cli
