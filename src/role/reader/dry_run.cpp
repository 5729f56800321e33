#include "dry_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "mainstay/base/text.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/members.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "mainstay/ipc/channel.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/ipc/snapshot.hpp"
#include "mainstay/kernel/sysctl.hpp"
#include "mainstay/lvs/table.hpp"
#include "mainstay/role/reader/diagnostic_json.hpp"
#include "mainstay/role/reader/reload_diff.hpp"
#include "role/common/daemon_settings.hpp"
#include "settings_diff.hpp"
#include "tls.hpp"

namespace mainstay::role {
namespace {

using config::Audience;
using config::Config;
using config::Severity;
using Moved = config::ServiceChange::Kind;
using DryRunAs = ipc::RoleStartup::DryRunAs;

constexpr int kNothing = 0, kSomething = 1, kRefused = 2;
constexpr const char* kAsksForYes =
    "something of the running configuration would be missing because of them: at a terminal mainstayctl reload asks "
    "for "
    "--yes\n";

// What is compared: both sides are assembled from the parts of the roles, so that both omit the same settings. Services
// that are the same on both sides, at the same places, are only counted.
struct Sides {
    Config running, next;
    std::size_t same_services = 0;
};

Config put_together(Config vrrp, Config observer, const ipc::RoleStartup& startup) {
    Config whole = std::move(observer);
    whole.instances = std::move(vrrp.instances);  // with their passwords
    whole.scripts = std::move(vrrp.scripts);
    whole.virtual_servers.clear();
    if (!startup.run_vrrp) {
        whole.instances.clear();
        whole.sync_groups.clear();
        whole.scripts.clear();
    }
    return whole;
}

// Whether a service that changes has a key in IPVS that another service has, too: which of the two the kernel gets
// depends on all of them. One that is taken away in one place and comes in another is two of them.
bool shares_keys(const std::vector<config::VirtualServer>& services,
                 const std::vector<config::ServiceChange>& changes) {
    std::set<netlink::IpvsServiceKey> keys;
    for (const auto& change : changes) {
        std::set<netlink::IpvsServiceKey> own;
        const auto add = [&own](const config::VirtualServer& service) {
            for (const auto& key : lvs::keys_of(service)) own.insert(key);
        };
        if (change.kind != Moved::Added) add(change.before);
        if (change.kind != Moved::Removed) add(change.after);
        for (const auto& key : own)
            if (!keys.insert(key).second) return true;
    }
    auto change = changes.begin();
    for (std::size_t at = 0; at < services.size() && !keys.empty(); ++at) {
        while (change != changes.end() && change->kind == Moved::Removed) ++change;
        if (change != changes.end() && change->at == at)
            ++change;
        else if (std::ranges::any_of(lvs::keys_of(services[at]), [&](const auto& key) { return keys.contains(key); }))
            return true;
    }
    return false;
}

Result<void> add_services(Sides& sides, int running, int next, const Config& config) {
    auto changes = ipc::changed_services(running, next);
    if (!changes) return error_of(changes);
    // Whether a group has its addresses or a mark in the table is not of its own.
    const auto has_marks = [](const config::Global& global) {
        return config::is_given(global.more->values, config::keyword::nftables_ipvs);
    };
    const bool by_marks = has_marks(sides.running.global) || has_marks(sides.next.global);
    if (*changes && !by_marks && !shares_keys(config.virtual_servers, **changes)) {
        sides.same_services = config.virtual_servers.size();
        for (auto& change : **changes) {
            if (change.kind != Moved::Added) sides.running.virtual_servers.push_back(std::move(change.before));
            if (change.kind == Moved::Removed) continue;
            sides.next.virtual_servers.push_back(std::move(change.after));
            --sides.same_services;
        }
        return {};
    }
    auto all = ipc::read_snapshot(running);
    if (!all) return error_of(all, "the running configuration");
    sides.running.virtual_servers = std::move(all->virtual_servers);
    sides.next.virtual_servers = config.virtual_servers;
    return {};
}

Result<Sides> sides_of(const ipc::RoleStartup& startup, const RunningParts& running, const NextParts& parts,
                       const Config& next) {
    auto vrrp = ipc::read_snapshot(running.vrrp);
    auto observer = ipc::read_snapshot(running.observer);
    for (auto* part : {&vrrp, &observer})
        if (!*part) return error_of(*part, "the running configuration");
    Sides sides{put_together(std::move(*vrrp), std::move(*observer), startup),
                put_together(config::slice(next, Audience::Vrrp), config::slice(next, Audience::Observer), startup), 0};
    if (startup.run_lvs)
        if (auto added = add_services(sides, running.lvs, parts.lvs.get(), next); !added) return error_of(added);
    return sides;
}

// An editor or a copy that fills the disk leaves such a file, and one that is being written looks the same for a
// moment.
bool is_empty(const config::Loaded& next) {
    return !next.files.empty() && next.files[0].text.find_first_not_of(" \t\r\n") == std::string::npos;
}

ipc::DryRunDone with_log_lines(int exit_code, const Report& report) {
    const auto& diff = report.diff;
    ipc::DryRunDone done{.exit_code = exit_code,
                         .problem = {},
                         .lines = as_log_lines(diff, ipc::kReloadLinesMax),
                         .lines_left_out = 0,
                         .removed_by_errors = removed_by_errors(report)};
    done.lines_left_out = static_cast<std::uint32_t>(diff.changes.size() - done.lines.size());
    return done;
}

// Of a file that a reload takes: the errors that are new, each, and how many it has beside them.
std::string errors_and_warnings(const ipc::RoleStartup& startup, const config::Loaded& next, const Report& report) {
    std::string out;
    if (!report.errors.fresh.empty())
        out += fmt::format("{} that the running configuration does not have:\n",
                           counted(report.errors.fresh.size(), "error"));
    for (const auto* error : report.errors.fresh) out += fmt::format("  {}\n", config::render_line(*error, next));
    if (!removed_by_errors(report).empty()) out += kAsksForYes;
    const auto warnings = static_cast<std::size_t>(
        std::ranges::count(next.diagnostics, Severity::Warning, &config::Diagnostic::severity));
    std::string rest;
    if (report.errors.known > 0)
        rest = counted(report.errors.known, "error") + " that the running configuration has, too";
    if (warnings > 0) rest += (rest.empty() ? "" : ", and ") + counted(warnings, "warning");
    if (rest.empty()) return out;
    return out + fmt::format("{}: see mainstayctl config check {}\n", rest, shell_quoted(startup.config_path));
}

std::string headline(const ipc::RoleStartup& startup, const config::Loaded& next, const Report& report) {
    const bool tried = startup.dry_run != DryRunAs::No;
    if (!report.refused) return fmt::format("{} {}\n", tried ? "a reload would read" : "read:", startup.config_path);
    const std::string why =
        !report.fixed.empty() ? fmt::format(" because a reload cannot change the {}: restart the daemon", report.fixed)
        : !report.losses.empty()
            ? fmt::format(" because {}, and running objects would be removed", cause_of_losses(report))
        : !next.can_run()     ? ""
        : startup.check_first ? " because reload_check_config allows no warnings"
                              : " because --strict allows no warnings";
    return tried ? fmt::format("a reload of {} would be refused{}; the running configuration would stay in use\n",
                               startup.config_path, why)
                 : fmt::format("the reload of {} was refused{}; the running configuration stays in use\n",
                               startup.config_path, why);
}

std::string text_of(const ipc::RoleStartup& startup, const config::Loaded& next, const Report& report,
                    const std::vector<std::string>& problems) {
    std::string out = headline(startup, next, report);
    for (const auto& loss : report.losses) out += fmt::format("lost   {}\n", loss);
    if (!report.losses.empty()) out += fmt::format("{}\n", kLossesHint);
    const auto add_problems = [&] {
        for (const auto& problem : problems) out += fmt::format("  {}\n", problem);
    };
    if (!report.refused) {
        add_problems();
        return out + as_text(report.diff) + errors_and_warnings(startup, next, report);
    }
    if (!report.fixed.empty()) {
        add_problems();
        return out;
    }
    // A refusal lists its reasons; `config check` shows the others.
    const auto worst = next.can_run() ? Severity::Warning : Severity::Fatal;
    const auto& fresh = report.errors.fresh;
    const bool by_errors = !report.losses.empty() && !fresh.empty();  // what the file had before removes nothing
    std::size_t others = 0;
    for (const auto& diagnostic : next.diagnostics) {
        if (by_errors ? std::ranges::find(fresh, &diagnostic) != fresh.end() : diagnostic.severity >= worst)
            out += fmt::format("  {}\n", config::render_line(diagnostic, next));
        else if (diagnostic.severity >= Severity::Warning)
            ++others;
    }
    add_problems();
    if (others > 0)
        out += fmt::format("{} in this configuration: see mainstayctl config check {}\n",
                           others == 1 ? "1 more warning or error" : fmt::format("{} more warnings and errors", others),
                           shell_quoted(startup.config_path));
    return out;
}

std::string json_of(const ipc::RoleStartup& startup, const config::Loaded& next, const Report& report,
                    const std::vector<std::string>& problems) {
    nlohmann::ordered_json out{
        {"file", startup.config_path}, {"config_id", startup.config_id}, {"refused", report.refused}};
    if (!report.refused) out.update(as_json(report.diff));
    if (!report.refused) {
        out["errors"] = {{"new", report.errors.fresh.size()}, {"running_too", report.errors.known}};
        out["removed_by_errors"] = removed_by_errors(report);
    }
    out["lost"] = report.losses;
    out["needs_restart"] = report.fixed;  // what a reload cannot change
    out["settings_problems"] = problems;
    out["diagnostics"] = as_json(next);
    return json_text(out);
}

}  // namespace

bool needs_lvs(const Config& config) {
    return !config.virtual_servers.empty() || config::sync_daemon(config).has_value();
}

Result<NextParts> encode_parts(Config& config) {
    const auto encode = [](const Config& part) { return ipc::encode_sealed("snapshot", part); };
    auto vrrp = encode(config::slice(config, Audience::Vrrp));
    auto observer = encode(config::slice(config, Audience::Observer));
    const bool needed = needs_lvs(config);
    auto services = std::exchange(config.virtual_servers, {});
    Config with_services = config::slice(config, Audience::Lvs);
    with_services.virtual_servers = std::move(services);
    if (needed) add_tls_contents(with_services);
    auto lvs = encode(with_services);
    config.virtual_servers = std::move(with_services.virtual_servers);
    for (auto* part : {&vrrp, &observer, &lvs})
        if (!*part) return error_of(*part);
    return NextParts{std::move(*vrrp), std::move(*lvs), std::move(*observer)};
}

Result<Report> report_on(const ipc::RoleStartup& startup, const RunningParts& running, const config::Loaded& next,
                         const NextParts& parts, const ipc::ReadingDone& done, bool accept_losses) {
    Report report{
        .refused = !done.can_run, .losses = {}, .fixed = {}, .is_empty = is_empty(next), .errors = {}, .diff = {}};
    if (report.refused) return report;
    report.errors = config::sort_errors(next, startup.errors);
    const auto sides = sides_of(startup, running, parts, next.config);
    if (!sides) return error_of(sides);
    const auto expires = kernel::read_sysctl_number("net/ipv4/vs/expire_nodest_conn");
    config::KeywordPlaces places{next};
    report.diff = diff_reload(sides->running, sides->next,
                              expires && *expires == 0 ? Orphans::Dropped : Orphans::Expire, &places);
    report.diff.services_kept += sides->same_services;
    if (auto changed = changed_settings(startup, done); !changed.empty())
        report.diff.changes.push_back(
            {ReloadChange::Action::Change, "settings", startup.settings_path, {changed.begin(), changed.end()}});
    if (!startup.force && !accept_losses)
        report.losses =
            report.is_empty ? removed_by(report.diff) : lost_by_fault(report.diff, sides->running, next.lost);
    const auto named = [&](const Config& side) { return daemon_settings(side, startup.net_namespace); };
    report.fixed = changed_at_reload(named(sides->running), named(sides->next)).value_or("");
    report.refused = !report.losses.empty() || !report.fixed.empty();
    return report;
}

const char* cause_of_losses(const Report& report) { return report.is_empty ? "it is empty" : "its blocks are broken"; }

// An error and what is missing are not matched to each other: a mistyped name of a block may be anywhere.
std::vector<std::string> removed_by_errors(const Report& report) {
    if (report.refused || report.errors.fresh.empty()) return {};
    ReloadDiff worse;
    std::ranges::copy_if(report.diff.changes, std::back_inserter(worse.changes), &ReloadChange::worse);
    return as_log_lines(worse, ipc::kReloadLinesMax);
}

int send_log_lines(const Report& report) {
    const auto lines = with_log_lines(report.diff.empty() ? kNothing : kSomething, report);
    return ipc::send_message(ipc::inherited::kControl, lines) ? 0 : 1;
}

int send_report(const ipc::RoleStartup& startup, const config::Loaded& next, const Result<Report>& report,
                const std::vector<std::string>& problems) {
    const auto answer = [](const ipc::DryRunDone& message, int fd) {
        return ipc::send_message(ipc::inherited::kControl, message, fd) ? 0 : 1;
    };
    const auto refuse = [&](const Error& why) {
        return answer(
            {.exit_code = kRefused, .problem = why.text(), .lines = {}, .lines_left_out = 0, .removed_by_errors = {}},
            -1);
    };
    if (!report) return refuse(report.error());
    const bool json = startup.dry_run == DryRunAs::Json || startup.report == DryRunAs::Json;
    const std::string text =
        json ? json_of(startup, next, *report, problems) : text_of(startup, next, *report, problems);
    const auto memfd = ipc::make_sealed_memfd("dry-run", std::as_bytes(std::span{text}));
    if (!memfd) return refuse(memfd.error());
    return answer(with_log_lines(report->refused        ? kRefused
                                 : report->diff.empty() ? kNothing
                                                        : kSomething,
                                 *report),
                  memfd->get());
}

}  // namespace mainstay::role
