#include "mainstay/report/problems.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "document_queries.hpp"

namespace mainstay::report {
namespace {

using enum ProblemKind;

constexpr bool kCritical = true, kWarning = false;
constexpr std::string_view kAnyRule = "MainstayProblem";  // of the kinds that have no rule of their own

constexpr ProblemRow kProblemRows[] = {
    {TwoMasters, "two_masters", "vrrp", kCritical,
     "While this router is MASTER it hears another one, also one whose adverts it refuses.",
     "let each of a pair receive and accept the other's advertisements: firewall, switch, the same VRRP version, "
     "authentication and virtual_router_id; directors of different pairs need different ones",
     kAnyRule, ""},
    {InstanceFault, "instance_fault", "vrrp", kCritical, "An instance is in FAULT.",
     "fix the cause; the instance then recovers by itself", "MainstayFault", "vrrpInstanceState"},
    {AddressRefused, "address_refused", "vrrp", kCritical, "The kernel has refused an address of a MASTER.",
     "correct what the reason says, on this host (the address is tried again by itself) or in the options of the "
     "address in {} (and reload)",
     kAnyRule, ""},
    {NoQuorum, "no_quorum", "lvs", kCritical, "A virtual server lacks its quorum.",
     "run mainstayctl why {}: it shows of each server why it gets no connections", "MainstayServiceDown",
     "virtualServerQuorumStatus"},
    {IpvsUnavailable, "ipvs_unavailable", "lvs", kCritical, "The kernel's IPVS table cannot be programmed.",
     "modprobe ip_vs; for every boot: echo ip_vs > /etc/modules-load.d/ip_vs.conf", kAnyRule, ""},
    {ProcessDown, "process_down", "daemon", kCritical, "A process of the daemon has ended and does not run yet.",
     "run journalctl -u mainstay: the log says why it ends; it is started again with growing pauses",
     "MainstayProcessDown", ""},
    {ProcessRestarted, "process_restarted", "daemon", kWarning,
     "A process of the daemon has ended within the last 5 minutes, and runs again.",
     "run journalctl -u mainstay: the log says why it ended", kAnyRule, ""},
    {InstanceInit, "instance_init", "vrrp", kWarning, "An instance has not started.", "run mainstayctl why {}",
     kAnyRule, "vrrpInstanceState"},
    {RouteRefused, "route_refused", "vrrp", kWarning,
     "The kernel has refused a route or a rule of a MASTER, or a static one.",
     "correct what the reason says, in the file (and reload) or on this host: it is tried again every 30 s", kAnyRule,
     ""},
    {ScriptDown, "script_down", "vrrp", kWarning, "A tracked script fails.",
     "run mainstayctl why {}: it shows how the script failed", kAnyRule, "vrrpScriptResult"},
    {BfdDown, "bfd_down", "vrrp", kWarning, "A BFD session that an instance tracks is down.",
     "run mainstayctl why {}; look whether the neighbor runs BFD, and whether firewalls let its packets pass", kAnyRule,
     "vrrpBfdResult"},
    {ServerDown, "server_down", "lvs", kWarning, "The checks of a real server fail.",
     "run mainstayctl why {0}; while it is out on purpose: mainstayctl server disable {0}", "MainstayServersDown",
     "realServerStatus"},
    {ServerKept, "server_kept", "lvs", kWarning, "The checks of a real server fail, and min_alive keeps it.",
     "run mainstayctl why {}", kAnyRule, "realServerStatus"},
    {NotAnnounced, "not_announced", "lvs", kWarning, "An address is withdrawn from the routing daemon.",
     "run mainstayctl why {}; once the reason is gone, the address is announced again by itself",
     "MainstayNotAnnounced", ""},
    {MhTableWaits, "mh_table_waits", "lvs", kWarning, "The mh table of a service waits to be put in order.",
     "run mainstayctl maintenance on, and off when its addresses are withdrawn", "MainstayTableWaits", ""},
    {ServersHeld, "servers_held", "lvs", kWarning, "An answer of a file or of DNS is held.",
     "correct {}: the servers before its last answer stay until then", "MainstayServersHeld", ""},
    {ServersUnknown, "servers_unknown", "lvs", kWarning, "A file or a DNS name of real servers has no answer.",
     "correct {}: until then the last known servers stay, if there are any", "MainstayServersUnknown", ""},
    {MailStuck, "mail_stuck", "daemon", kWarning, "The last attempt to deliver a mail failed.",
     "check smtp_server, or the relays of [mail], and which mails it accepts; queued mails are retried",
     "MainstayMailStuck", ""},
    {WebhookStuck, "webhook_stuck", "daemon", kWarning, "The last attempt to post events to a webhook failed.",
     "check url, tls_ca and headers of this [[webhook]] in mainstay.toml, and the receiver; queued events are retried",
     "MainstayWebhookStuck", ""},
    {SpoolUnwritable, "spool_unwritable", "daemon", kWarning, "Mails, or events for webhooks, are kept in memory only.",
     "make room on the disk, or let mainstay write to the folder that the reason names; until then a restart of the "
     "daemon loses the {} that wait",
     kAnyRule, ""},
    {ApiNotServed, "api_not_served", "daemon", kWarning, "An address of the API is not served, or not as configured.",
     "correct listen {} or what it uses in [api] of mainstay.toml, and reload", kAnyRule, ""},
    {ReloadRefused, "reload_refused", "daemon", kWarning, "The last reload was refused.",
     "run mainstayctl reload --dry-run: it shows the reason; the configuration before it runs on",
     "MainstayReloadRefused", ""},
    {UpgradeRefused, "upgrade_refused", "daemon", kWarning, "The last upgrade was refused.",
     "remove the cause and run mainstayctl upgrade, or restart the daemon; the program before it runs on", kAnyRule,
     ""},
    {LogLinesLost, "log_lines_lost", "daemon", kWarning, "Log lines of a process were lost within the last 5 minutes.",
     "let what reads the log (syslog, journald, a pipe, a disk) take its lines again: a line says then how many were "
     "lost",
     kAnyRule, ""},
    {ClientsUnanswered, "clients_unanswered", "lvs", kWarning,
     "Most connections of clients to a server wait for its answer (SYN_RECV).",
     "run mainstayctl doctor: how the answers of server {} must travel depends on its lb_kind", kAnyRule, ""},
};

// The order of the rows is that of the problems.
static_assert(std::ranges::is_sorted(kProblemRows, [](const ProblemRow& a, const ProblemRow& b) {
    return a.critical != b.critical ? a.critical : a.kind < b.kind;
}));
static_assert(std::size(kProblemRows) == static_cast<std::size_t>(ClientsUnanswered) + 1);

using Problems = std::vector<Problem>;

// A session that only checks follow keeps their servers down, which is a problem of its own.
bool is_tracked(const VrrpStatus& vrrp, vrrp::TrackedObject::Kind kind, std::string_view name) {
    return std::ranges::any_of(vrrp.tracked, [&](const auto& objects) {
        return std::ranges::any_of(objects, [&](const auto& one) { return one.kind == kind && one.name == name; });
    });
}

void find_in_vrrp(const DaemonStatus& status, const VrrpStatus& vrrp, Problems& found) {
    for (const auto& one : vrrp.router.instances) {
        if (const auto* other = other_master(status, one); other != nullptr)
            found.push_back({TwoMasters, one.name, "",
                             fmt::format("{}: two masters: {} advertises, too ({})", one.name, other->peer.to_string(),
                                         other->text)});
        if (one.state == vrrp::State::Fault)
            found.push_back({InstanceFault, one.name, "", fmt::format("{} is in FAULT: {}", one.name, one.fault)});
        if (one.owns_addresses)
            for (const auto& refused : vrrp.refused_addresses)
                if (refused.instance == one.name)
                    found.push_back({AddressRefused, one.name, "",
                                     fmt::format("{} is MASTER without {}: the kernel refused it: {}", one.name,
                                                 refused.what, refused.reason)});
        for (const auto& refused : vrrp.refused_routes)
            if (one.owns_addresses && refused.instance == one.name)
                found.push_back({RouteRefused, one.name, "",
                                 fmt::format("{} is MASTER without the {}: the kernel refused it: {}", one.name,
                                             refused.what, refused.reason)});
        if (one.state == vrrp::State::Init)
            found.push_back({InstanceInit, one.name, "", fmt::format("{} has not started, or has stopped", one.name)});
    }
    for (const auto& refused : vrrp.refused_routes)
        if (refused.instance.empty())
            found.push_back(
                {RouteRefused, refused.what, "",
                 fmt::format("the static {} is not set: the kernel refused it: {}", refused.what, refused.reason)});
    for (const auto& script : vrrp.router.scripts)
        if (up_state(script) == UpState::Down)
            found.push_back(
                {ScriptDown, script.name, "", fmt::format("script {} fails: {}", script.name, script.last_failure)});
    for (const auto& session : vrrp.router.bfds)
        if (!session.up && is_tracked(vrrp, vrrp::TrackedObject::Kind::Bfd, session.name))
            found.push_back({BfdDown, session.name, "", fmt::format("BFD session {} is down", session.name)});
}

// Of the server's checks, the one that keeps it down.
std::string failed_check(const ServerStatus& server) {
    for (const auto& check : server.checks)
        if (!check.up)
            return fmt::format(": {} {}: {}", check.type, check.target,
                               check.has_run ? check.last_result : "has not run yet");
    return server.note.empty() ? std::string{} : ": " + server.note;
}

void find_in_service(const ServiceStatus& service, const Overrides& overrides, Problems& found) {
    if (!service.quorum_up)
        found.push_back({NoQuorum, service.name, "",
                         fmt::format("{} has no quorum{}", service.name,
                                     service.sorry_in_use ? ", its sorry server is in use" : "")});
    if (service.mh_table && service.mh_table->digest != service.mh_table->wanted_digest)
        found.push_back(
            {MhTableWaits, service.name, "", fmt::format("the mh table of {} waits to be put in order", service.name)});
    for (const auto& server : service.servers) {
        if (server_state(service, server, overrides) != ServerState::Down) continue;
        found.push_back({server.kept ? ServerKept : ServerDown, server.endpoint.to_string(), service.name,
                         fmt::format("{} of {} {}{}", server.name, service.name,
                                     server.kept ? "fails, min_alive keeps it" : "is down", failed_check(server))});
    }
}

void find_in_lvs(const LvsStatus& lvs, Problems& found) {
    if (!lvs.ipvs_available && !lvs.services.empty())
        found.push_back({IpvsUnavailable, "", "", "IPVS cannot be programmed: " + lvs.ipvs_problem});
    const auto overrides = overrides_of(lvs);
    for (const auto& service : lvs.services) find_in_service(service, overrides, found);
    for (const auto& one : lvs.announced) {
        const auto address = one.address.to_string();
        if (one.state == "withdrawn" && !one.on_purpose)
            found.push_back({NotAnnounced, address, "", fmt::format("{} is not announced: {}", address, one.reason)});
    }
    for (const auto& one : lvs.discovered) {
        if (!one.held.empty())
            found.push_back(
                {ServersHeld, one.source, "", fmt::format("an answer of {} is held: {}", one.source, one.held)});
        if (!one.problem.empty())
            found.push_back(
                {ServersUnknown, one.source, "", fmt::format("{} has no answer: {}", one.source, one.problem)});
    }
}

bool has_server(const ServiceStatus& service, const Endpoint& server) {
    return std::ranges::any_of(service.servers, [&](const ServerStatus& one) {
        return one.endpoint.address == server.address && (one.endpoint.port == 0 || one.endpoint.port == server.port);
    });
}

// A firewall mark is in no connection: its service is known by the server alone.
const ServiceStatus* service_of(const LvsStatus& lvs, const UnansweredServer& one) {
    const auto is_asked = [&](const netlink::IpvsServiceKey& key) {
        return key.fwmark == 0 && Endpoint{key.address, key.port} == one.service;
    };
    const ServiceStatus* marked = nullptr;
    for (const auto& service : lvs.services) {
        if (!has_server(service, one.server)) continue;
        if (is_asked(service.key) || std::ranges::any_of(service.group_keys, is_asked)) return &service;
        if (service.key.fwmark != 0) marked = &service;
    }
    return marked;
}

void find_unanswered(const LvsStatus& lvs, const std::vector<UnansweredServer>& unanswered, Problems& found) {
    for (const auto& one : unanswered)
        if (const auto* service = service_of(lvs, one); service != nullptr)
            found.push_back({ClientsUnanswered, one.server.to_string(), service->name,
                             fmt::format("{} of {} connections of {} to server {} do not finish: the server's answer "
                                         "does not reach the clients",
                                         one.waiting, one.all, one.service.to_string(), one.server.to_string())});
}

constexpr std::int64_t kRecentUs = std::chrono::microseconds{std::chrono::minutes{5}}.count();

void find_in_processes(const Supervision& supervision, WallTime now, Problems& found) {
    for (const auto& process : supervision.processes) {
        if (process.ends == 0) continue;
        const auto times = fmt::format("it has ended {} {}, last at {}", process.ends,
                                       process.ends == 1 ? "time" : "times", iso_time(process.last_end));
        if (!process.ready)
            found.push_back(
                {ProcessDown, process.role, "", fmt::format("the {} process does not run: {}", process.role, times)});
        else if (now.unix_us - process.last_end.unix_us < kRecentUs)
            found.push_back({ProcessRestarted, process.role, "",
                             fmt::format("the {} process was restarted: {}", process.role, times)});
    }
}

void find_lost_log_lines(const Supervision& supervision, WallTime now, Problems& found) {
    for (const auto& one : supervision.log_losses)
        if (one.lines != 0 && now.unix_us - one.last.unix_us < kRecentUs)
            found.push_back({LogLinesLost, one.process, "",
                             fmt::format("{} log {} of the {} process {} lost, the last at {}", one.lines,
                                         one.lines == 1 ? "line" : "lines", one.process,
                                         one.lines == 1 ? "was" : "were", iso_time(one.last))});
}

void find_in_daemon(const DaemonStatus& status, Problems& found) {
    const auto undelivered = [](const auto& queue, const std::string& why) {
        return fmt::format(" ({} queued, {} given up): {}", queue.queued, queue.failed, why);
    };
    if (status.mail_enabled && !status.mail_problem.empty())
        found.push_back({MailStuck, "", "", "mails are not delivered" + undelivered(status.mail, status.mail_problem)});
    if (status.mail_enabled && !status.mail_disk_problem.empty())
        found.push_back({SpoolUnwritable, "mails", "",
                         fmt::format("{} mails are in memory only: the mail spool cannot be written: {}",
                                     status.mail.unsaved, status.mail_disk_problem)});
    if (status.webhooks && !status.webhooks->disk_problem.empty())
        found.push_back({SpoolUnwritable, "events", "",
                         fmt::format("{} files of events are in memory only: the webhook spool cannot be written: {}",
                                     status.webhooks->unsaved, status.webhooks->disk_problem)});
    if (status.webhooks)
        for (const auto& one : status.webhooks->receivers)
            if (!one.problem.empty())
                found.push_back(
                    {WebhookStuck, one.name, "",
                     fmt::format("events are not posted to webhook {}{}", one.name, undelivered(one, one.problem))});
    if (status.api)
        for (const auto& one : status.api->listeners)
            if (!one.problem.empty())
                found.push_back({ApiNotServed, one.at, "",
                                 fmt::format("the API {} {}: {}", one.open ? "has a problem at" : "is not served at",
                                             one.at, one.problem)});
    if (!status.supervision) return;
    find_in_processes(*status.supervision, status.now, found);
    const auto& reloads = status.supervision->reloads;
    if (!reloads.is_last_done())
        found.push_back({ReloadRefused, "", "", "the last reload was refused: " + reloads.last_problem});
    if (const auto& refused = status.supervision->upgrade_refused; refused.at.unix_us != 0)
        found.push_back({UpgradeRefused, "", "",
                         fmt::format("the upgrade of {} was refused: {}", iso_time(refused.at), refused.problem)});
    find_lost_log_lines(*status.supervision, status.now, found);
}

}  // namespace

std::span<const ProblemRow> problem_rows() { return kProblemRows; }

const ProblemRow& row_of(ProblemKind kind) { return kProblemRows[static_cast<std::size_t>(kind)]; }

const ProblemRow* problem_row(std::string_view name) {
    const auto* found = std::ranges::find(kProblemRows, name, &ProblemRow::name);
    return found == std::end(kProblemRows) ? nullptr : found;
}

std::vector<Problem> problems(const DaemonStatus& status) {
    Problems found;
    if (status.vrrp) find_in_vrrp(status, *status.vrrp, found);
    if (status.lvs) {
        find_in_lvs(*status.lvs, found);
        find_unanswered(*status.lvs, status.unanswered, found);
    }
    find_in_daemon(status, found);
    std::ranges::stable_sort(found, {}, &Problem::kind);
    return found;
}

}  // namespace mainstay::report
