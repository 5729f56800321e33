#include "status_check.hpp"

#include <fmt/format.h>

#include <array>
#include <map>

#include "json_view.hpp"
#include "status_filter.hpp"

namespace mainstay::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kProblemsNamedMax = 5;

class Findings {
public:
    void critical(std::string text) { critical_.push_back(std::move(text)); }
    void warning(std::string text) { warnings_.push_back(std::move(text)); }
    [[nodiscard]] int exit_code() const {
        return !critical_.empty() ? kCheckCritical : !warnings_.empty() ? kCheckWarning : kCheckOk;
    }
    [[nodiscard]] std::string text() const {
        std::string out;
        std::size_t shown = 0;
        for (const auto* list : {&critical_, &warnings_})
            for (const auto& problem : *list)
                if (++shown <= kProblemsNamedMax) out += (out.empty() ? "" : "; ") + problem;
        if (shown > kProblemsNamedMax) out += fmt::format("; and {} more", shown - kProblemsNamedMax);
        return out;
    }

private:
    std::vector<std::string> critical_, warnings_;
};

struct Counts {
    std::map<std::string, int> instances;  // by state
    int services = 0, services_up = 0, servers = 0, servers_up = 0;
};

void check_vrrp(const json& vrrp, Findings& findings, Counts& counts) {
    for (const auto& one : list(vrrp, "instances")) {
        const auto name = text(one, "name"), state = text(one, "state");
        ++counts.instances[state];
        if (state == "FAULT") findings.critical(fmt::format("{} is in FAULT: {}", name, text(one, "fault")));
        if (const auto other = second_master(one); !other.empty())
            findings.critical(fmt::format("{}: {}", name, other));
        if (state == "INIT") findings.warning(fmt::format("{} has not started", name));
    }
    for (const auto& one : list(vrrp, "scripts"))
        if (text(one, "state") == "DOWN")
            findings.warning(fmt::format("script {} fails: {}", text(one, "name"), text(one, "last_failure")));
    for (const auto& one : list(vrrp, "bfd"))
        if (text(one, "state") == "DOWN") findings.warning(fmt::format("BFD session {} is down", text(one, "name")));
}

bool is_held(const json& lvs, const std::string& service, const json& server) {
    for (const auto& one : list(lvs, "overrides"))
        if (text(one, "service") == service && text(one, "server") == text(server, "address")) return true;
    return false;
}

void check_service(const json& lvs, const json& service, Findings& findings, Counts& counts) {
    const auto name = text(service, "name");
    ++counts.services;
    if (flag(service, "quorum_up"))
        ++counts.services_up;
    else
        findings.critical(fmt::format("{} has no quorum{}", name,
                                      flag(service, "sorry_in_use") ? ", its sorry server is in use" : ""));
    if (service.contains("mh_table") &&
        text(service["mh_table"], "digest") != text(service["mh_table"], "wanted_digest"))
        findings.warning(fmt::format("the mh table of {} waits to be put in order: run maintenance", name));
    for (const auto& server : list(service, "servers")) {
        ++counts.servers;
        if (flag(server, "kept_by_min_alive"))
            findings.warning(fmt::format("{} of {} fails, min_alive keeps it", text(server, "name"), name));
        else if (flag(server, "alive"))
            ++counts.servers_up;
        else if (!is_held(lvs, name, server))
            findings.warning(fmt::format("{} of {} is down", text(server, "name"), name));
    }
}

void check_lvs(const json& lvs, Findings& findings, Counts& counts) {
    const auto& services = list(lvs, "services");
    if (!flag(lvs, "ipvs_available") && !services.empty())
        findings.critical("IPVS cannot be programmed: " + text(lvs, "ipvs_problem"));
    for (const auto& service : services) check_service(lvs, service, findings, counts);
    // A lost quorum was said of the service.
    for (const auto& one : list(lvs, "announced"))
        if (text(one, "state") == "withdrawn")
            findings.warning(fmt::format("{} is not announced: {}", text(one, "address"), text(one, "reason")));
    for (const auto& one : list(lvs, "discovered")) {
        if (const auto held = text(one, "held"); !held.empty())
            findings.warning(fmt::format("an answer of {} is held: {}", text(one, "source"), held));
        if (const auto problem = text(one, "problem"); !problem.empty())
            findings.warning(fmt::format("{} has no answer: {}", text(one, "source"), problem));
    }
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

CheckResult check_status(std::string_view answer, const std::vector<std::string>& names) {
    auto status = json_object(answer);
    if (!status) return check_failed(status.error());
    if (auto kept = keep_only(*status, names); !kept) return result(kCheckUnknown, kept.error().text());
    Findings findings;
    Counts counts;
    check_vrrp(part(*status, "vrrp"), findings, counts);
    check_lvs(part(*status, "lvs"), findings, counts);
    const auto& mail = part(*status, "mail");
    if (names.empty() && flag(mail, "enabled") && !text(mail, "last_problem").empty())
        findings.warning("mails are not delivered: " + text(mail, "last_problem"));
    if (names.empty())
        for (const auto& one : list(part(*status, "webhooks"), "receivers"))
            if (!text(one, "last_problem").empty())
                findings.warning(
                    fmt::format("events are not posted to {}: {}", text(one, "name"), text(one, "last_problem")));
    const int code = findings.exit_code();
    return result(code, code == kCheckOk ? summary(counts) : findings.text(), performance(counts));
}

CheckResult check_failed(const Error& error) {
    return result(error.code() == Errc::NotFound ? kCheckCritical : kCheckUnknown, error.text());
}

}  // namespace mainstay::cli
