#include "mainstay/report/document.hpp"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "counter_names.hpp"
#include "document_queries.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/report/problems.hpp"

namespace mainstay::report {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t kPieceBytes = 64 * 1024;

json counters_json(const vrrp::Counters& counters) {
    json out;
    for (const auto& [name, value] : kKeepalivedCounters) out[name] = counters.*value;
    for (const auto& [name, value] : kOwnCounters) out[name] = counters.*value;
    return out;
}

void put_time(json& object, const std::string& name, WallTime at) {
    object[name] = iso_time(at);
    object[name + "_unix_us"] = at.unix_us;
}

// Converts a role's instant to the calendar clock.
WallTime wall_time(const DaemonStatus& status, Instant at) {
    const Micros ago = std::chrono::duration_cast<Micros>(status.clock - at);
    return {status.now.unix_us - ago.count()};
}

json problems_json(const DaemonStatus& status, const std::vector<vrrp::PeerProblem>& problems) {
    json list = json::array();
    for (const auto& p : problems) {
        json one{{"kind", p.kind}, {"peer", p.peer.to_string()}, {"count", p.count}, {"text", p.text}};
        put_time(one, "last", wall_time(status, p.last));
        list.push_back(std::move(one));
    }
    return list;
}

const char* name_of(vrrp::TrackedObject::Kind kind) {
    using Kind = vrrp::TrackedObject::Kind;
    switch (kind) {
        case Kind::Interface:
            return "interface";
        case Kind::Script:
            return "script";
        case Kind::File:
            return "file";
        case Kind::Process:
            return "process";
        case Kind::Bfd:
            return "bfd";
    }
    return "unknown";  // of a newer writer
}

const char* state_name(UpState state) {
    return state == UpState::Unknown ? "UNKNOWN" : state == UpState::Up ? "UP" : "DOWN";
}

json tracks_json(const std::vector<vrrp::TrackedObject>& tracked) {
    json list = json::array();
    for (const auto& one : tracked)
        list.push_back({{"kind", name_of(one.kind)},
                        {"name", one.name},
                        {"state", state_name(up_state(one.known, one.up))},
                        {"weight", one.weight},
                        {"reverse", one.reverse},
                        {"adds", one.adds},
                        {"faults", one.faults}});
    return list;
}

json trackers_json(const std::vector<vrrp::TrackerSnapshot>& trackers, vrrp::TrackerSnapshot::Kind kind) {
    const bool process = kind == vrrp::TrackerSnapshot::Kind::Process;
    json list = json::array();
    for (const auto& one : trackers) {
        if (one.kind != kind) continue;
        list.push_back({{"name", one.name}, {process ? "count" : "value", one.value}});
        if (process) list.back()["state"] = state_name(up_state(true, one.up));
    }
    return list;
}

// null: no other router is MASTER, too.
json other_master_json(const DaemonStatus& status, const vrrp::InstanceSnapshot& instance) {
    const auto* other = other_master(status, instance);
    if (other == nullptr) return {};
    return {{"address", other->peer.to_string()}, {"text", other->text}};
}

json instance_json(const DaemonStatus& status, const vrrp::InstanceSnapshot& i,
                   const std::vector<std::string>& addresses, const std::vector<vrrp::TrackedObject>& tracked) {
    json out{{"name", i.name},
             {"state", to_string(i.state)},
             {"interface", i.interface},
             {"group", i.group},
             {"virtual_router_id", i.virtual_router_id},
             {"version", i.version},
             {"family", i.family == Family::V6 ? "inet6" : "inet"},
             {"priority", i.effective_priority},
             {"base_priority", i.base_priority},
             {"owns_addresses", holds_addresses(i)},
             {"addresses", addresses},
             {"master", knows_master(i) ? i.master.to_string() : ""},
             {"master_priority", i.master_priority},
             {"other_master", other_master_json(status, i)},
             {"fault", i.fault},
             {"failed_over", i.failed_over}};
    put_time(out, "since", i.since);
    out["reason"] = i.reason;
    out["cause"] = to_string(i.cause);
    out["priority_parts"] = json::array();
    for (const auto& part : i.priority_parts)
        out["priority_parts"].push_back({{"tracker", part.tracker}, {"up", part.up}, {"adds", part.weight}});
    out["tracks"] = tracks_json(tracked);
    out["problems"] = problems_json(status, i.problems);
    out["counters"] = counters_json(i.counters);
    return out;
}

// null: this director has not stepped back.
json maintenance_json(const DaemonStatus& status) {
    std::optional<MaintenanceStatus> maintenance;
    if (status.lvs) maintenance = status.lvs->maintenance;
    if (status.vrrp) maintenance = status.vrrp->maintenance;
    if (!maintenance) return {};
    json out{{"by", maintenance->by}, {"reason", maintenance->reason}};
    put_time(out, "since", maintenance->since);
    out["until"] = nullptr;
    if (maintenance->until) put_time(out, "until", *maintenance->until);
    return out;
}

json vrrp_json(const DaemonStatus& daemon, const VrrpStatus& status) {
    json instances = json::array(), groups = json::array(), scripts = json::array();
    for (std::size_t i = 0; i < status.router.instances.size(); ++i) {
        const bool has_addresses = i < status.addresses.size(), has_tracked = i < status.tracked.size();
        instances.push_back(instance_json(daemon, status.router.instances[i],
                                          has_addresses ? status.addresses[i] : std::vector<std::string>{},
                                          has_tracked ? status.tracked[i] : std::vector<vrrp::TrackedObject>{}));
    }
    for (const auto& g : status.router.groups) groups.push_back({{"name", g.name}, {"state", to_string(g.state)}});
    for (const auto& s : status.router.scripts) {
        scripts.push_back({{"name", s.name},
                           {"state", state_name(up_state(s))},
                           {"streak", s.streak},
                           {"last_status", s.last_status},
                           {"last_failure", s.last_failure},
                           {"runs", s.runs},
                           {"failures", s.failures},
                           {"failures_in_row", s.failures_in_row}});
        put_time(scripts.back(), "since", s.since);
    }
    json bfds = json::array();
    for (const auto& b : status.router.bfds) bfds.push_back({{"name", b.name}, {"state", b.up ? "UP" : "DOWN"}});
    return {{"generation", status.generation},
            {"instances", std::move(instances)},
            {"groups", std::move(groups)},
            {"scripts", std::move(scripts)},
            {"bfd", std::move(bfds)},
            {"files", trackers_json(status.router.trackers, vrrp::TrackerSnapshot::Kind::File)},
            {"processes", trackers_json(status.router.trackers, vrrp::TrackerSnapshot::Kind::Process)},
            {"netlink_overruns", status.netlink_overruns},
            {"devices_remade", status.devices_remade},
            {"firewall_repairs", status.firewall_repairs}};
}

json session_json(const bfd::SessionSnapshot& s) {
    json out{{"name", s.name},
             {"state", wire::to_string(s.state)},
             {"neighbor", s.neighbor.to_string()},
             {"source", s.source.empty() ? "" : s.source.to_string()},
             {"multihop", s.multihop},
             {"diagnostic", wire::to_string(s.diagnostic)},
             {"remote_state", wire::to_string(s.remote_state)},
             {"remote_diagnostic", wire::to_string(s.remote_diagnostic)},
             {"discriminator", s.discriminator},
             {"remote_discriminator", s.remote_discriminator},
             {"source_port", s.source_port},
             {"transmit_interval_us", s.transmit_interval.count()},
             {"detection_time_us", s.detection_time.count()}};
    put_time(out, "since", s.since);
    out["counters"] = {{"sent", s.counters.sent},
                       {"received", s.counters.received},
                       {"discarded", s.counters.discarded},
                       {"became_up", s.counters.became_up},
                       {"went_down", s.counters.went_down},
                       {"expired", s.counters.expired},
                       {"deadlines_late", s.counters.deadlines_late}};
    return out;
}

json bfd_json(const BfdStatus& status) {
    json sessions = json::array();
    for (const auto& session : status.sessions.sessions) sessions.push_back(session_json(session));
    return {
        {"generation", status.generation}, {"strangers", status.sessions.strangers}, {"sessions", std::move(sessions)}};
}

json leave_json(const LeaveStatus& leave) {
    json out{{"over", leave.over}};
    if (leave.connections) out["connections"] = *leave.connections;
    put_time(out, "until", leave.until);
    return out;
}

void put_counters(json& out, const netlink::IpvsStats& stats) {
    out["connections"] = stats.connections;
    out["in_packets"] = stats.in_packets;
    out["out_packets"] = stats.out_packets;
    out["in_bytes"] = stats.in_bytes;
    out["out_bytes"] = stats.out_bytes;
    out["connections_per_s"] = stats.cps;
    out["in_packets_per_s"] = stats.in_pps;
    out["out_packets_per_s"] = stats.out_pps;
    out["in_bytes_per_s"] = stats.in_bps;
    out["out_bytes_per_s"] = stats.out_bps;
}

json traffic_json(const ServerTraffic& t) {
    json out{{"active", t.active}, {"inactive", t.inactive}, {"persistent", t.persistent}};
    put_counters(out, t.stats);
    return out;
}

// `traffic`: null where it is not counted.
json server_json(const ServerStatus& s, const ServerTraffic* traffic) {
    json checks = json::array();
    for (const auto& c : s.checks) {
        json check{{"type", c.type},
                   {"target", c.target},
                   {"up", c.up},
                   {"has_run", c.has_run},
                   {"failures_in_row", c.failures_in_row},
                   {"last_result", c.last_result},
                   {"last_duration_us", c.last_duration.count()}};
        put_time(check, "last_run", c.last_run);
        if (!c.script.empty()) check["script"] = c.script;
        checks.push_back(std::move(check));
    }
    json out{{"name", s.name},
             {"address", s.endpoint.to_string()},
             {"forwarding", s.forwarding},
             {"weight", s.weight},
             {"alive", s.alive},
             {"in_table", s.in_table},
             {"weight_in_table", s.weight_in_table},
             {"kept_by_min_alive", s.kept},
             {"note", s.note}};
    put_time(out, "since", s.since);
    if (s.leave) out["leaving"] = leave_json(*s.leave);
    if (s.grows_since) put_time(out, "grows_since", *s.grows_since);
    if (traffic != nullptr) out["traffic"] = traffic_json(*traffic);
    out["checks"] = std::move(checks);
    return out;
}

json override_json(const OverrideStatus& o) {
    json out{{"service", o.service}, {"server", o.server.to_string()}, {"is", o.text}, {"by", o.by}};
    put_time(out, "since", o.since);
    if (o.until) put_time(out, "until", *o.until);
    if (!o.reason.empty()) out["reason"] = o.reason;
    return out;
}

}  // namespace

std::string digest_text(std::uint64_t digest) { return fmt::format("{:016x}", digest); }

namespace {

json mh_table_json(const MhTableStatus& table) {
    return {{"digest", digest_text(table.digest)},
            {"wanted_digest", digest_text(table.wanted_digest)},
            {"slots", table.slots},
            {"slots_assumed", table.slots_assumed}};
}

json service_json(const ServiceStatus& s, const ServiceTraffic* traffic) {
    json servers = json::array();
    for (std::size_t i = 0; i < s.servers.size(); ++i)
        servers.push_back(server_json(s.servers[i], traffic_of(traffic, i)));
    json leaving = json::array();
    for (const auto& one : s.leaving) {
        json server = leave_json(one.leave);
        server["name"] = one.name;
        leaving.push_back(std::move(server));
    }
    json out{{"name", s.name},
             {"scheduler", s.scheduler},
             {"quorum_up", s.quorum_up},
             {"quorum", s.quorum},
             {"hysteresis", s.hysteresis},
             {"sorry_server", s.sorry_server},
             {"sorry_in_use", s.sorry_in_use},
             {"suspended", s.suspended}};
    if (traffic != nullptr) {
        out["traffic"] = json::object();
        put_counters(out["traffic"], traffic->stats);
        if (!s.sorry_server.empty()) out["sorry_server_traffic"] = traffic_json(traffic->sorry_server);
    }
    if (s.mh_table) out["mh_table"] = mh_table_json(*s.mh_table);
    out["servers"] = std::move(servers);
    out["leaving"] = std::move(leaving);
    return out;
}

json announced_json(const AnnouncedStatus& s) {
    json out{{"address", s.address.to_string()},
             {"state", s.state},
             {"interface", s.interface},
             {"drain_interface", s.drain_interface},
             {"reason", s.reason}};
    put_time(out, "since", s.since);
    return out;
}

json discovered_json(const DiscoveredStatus& s) {
    json out{{"source", s.source},
             {"services", s.services},
             {"servers", s.servers},
             {"held", s.held},
             {"held_servers", s.held_servers},
             {"problem", s.problem},
             {"errors", s.errors},
             {"holds", s.holds}};
    if (s.held_since) put_time(out, "held_since", *s.held_since);
    if (s.last_good) put_time(out, "last_good", *s.last_good);
    return out;
}

// Without the services: they are written one by one.
json lvs_json(const LvsStatus& status) {
    json overrides = json::array();
    for (const auto& one : status.overrides) overrides.push_back(override_json(one));
    json announced = json::array();
    for (const auto& one : status.announced) announced.push_back(announced_json(one));
    json discovered = json::array();
    for (const auto& one : status.discovered) discovered.push_back(discovered_json(one));
    return {{"generation", status.generation},
            {"ipvs_available", status.ipvs_available},
            {"ipvs_problem", status.ipvs_problem},
            {"operations", status.operations},
            {"operation_failures", status.operation_failures},
            {"repairs", status.repairs},
            {"log_lines_left_out", status.lines_left_out},
            {"overrides", std::move(overrides)},
            {"announced", std::move(announced)},
            {"discovered", std::move(discovered)},
            {"services", json::array()}};
}

json api_json(const ApiStatus& status) {
    json listeners = json::array();
    for (const auto& one : status.listeners)
        listeners.push_back({{"at", one.at}, {"open", one.open}, {"tls", one.tls}, {"problem", one.problem}});
    const auto& c = status.counters;
    return {{"listeners", std::move(listeners)},      {"requests", c.requests},
            {"requests_refused", c.requests_refused}, {"connections_refused", c.connections_refused},
            {"streams_refused", c.streams_refused},   {"streams_dropped", c.streams_dropped},
            {"logins_failed", c.logins_failed},       {"logins_delayed", c.logins_delayed}};
}

json part_json(const DaemonStatus& status, StatusPart part) {
    if (part == StatusPart::Vrrp) return status.vrrp ? vrrp_json(status, *status.vrrp) : json{};
    if (part == StatusPart::Lvs) return status.lvs ? lvs_json(*status.lvs) : json{};
    return status.bfd ? bfd_json(*status.bfd) : json{};
}

// Names may hold any bytes; the answer is valid UTF-8 whatever they are.
std::string text_of(const json& document) {
    return document.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string iso_time(WallTime at) {
    constexpr std::int64_t kSecond = 1'000'000, kEnd = 253'402'300'800 * kSecond;  // the year 10000
    return at.unix_us < kSecond || at.unix_us >= kEnd ? std::string{} : utc_text(at, UtcDigits::WholeSeconds);
}

namespace {

json webhooks_json(const WebhooksStatus& webhooks) {
    json out{{"in_memory", webhooks.unsaved}, {"disk_problem", webhooks.disk_problem}};
    json& receivers = out["receivers"] = json::array();
    for (const auto& one : webhooks.receivers)
        receivers.push_back({{"name", one.name},
                             {"queued", one.queued},
                             {"sent", one.sent},
                             {"failed", one.failed},
                             {"retries", one.retries},
                             {"dropped", one.dropped},
                             {"last_problem", one.problem}});
    return out;
}

// null: there was none since the supervisor started or was upgraded, or nothing is known of it.
json last_reload_json(const std::optional<Supervision>& supervision) {
    if (!supervision || supervision->reloads.done == 0) return {};
    const auto& reloads = supervision->reloads;
    json out{{"changes", reloads.last_changes}, {"left_out", reloads.last_changes_left_out}};
    put_time(out, "at", reloads.last_done);
    return out;
}

json problem_list_json(const std::vector<Problem>& found) {
    json out = json::array();
    for (const auto& one : found) {
        const auto& row = row_of(one.kind);
        out.push_back({{"kind", row.name},
                       {"severity", row.severity()},
                       {"part", row.part},
                       {"object", one.object},
                       {"text", one.text}});
        if (!one.parent.empty()) out.back()["parent"] = one.parent;
    }
    return out;
}

std::string mail_problem(const DaemonStatus& status) {
    if (status.mail_disk_problem.empty()) return status.mail_problem;
    return fmt::format("the mail spool cannot be written ({}), {} mails are in memory only{}{}",
                       status.mail_disk_problem, status.mail.unsaved, status.mail_problem.empty() ? "" : "; ",
                       status.mail_problem);
}

json whole_json(const DaemonStatus& status) {
    json out{{"version", status.version}, {"host", status.host_name}, {"generation", status.generation}};
    put_time(out, "now", status.now);
    out["configuration"] = {{"file", status.config_path},
                            {"config_id", status.config_id},
                            {"net_namespace", status.net_namespace},
                            {"settings", status.settings_path}};
    out["supervisor"] = {{"pid", status.supervisor_pid}};
    out["observer"] = {{"pid", status.observer_pid}, {"events_lost", status.events_lost}};
    put_time(out["observer"], "since", status.observer_since);
    out["problems"] = problem_list_json(problems(status));
    out["maintenance"] = maintenance_json(status);
    out["last_reload"] = last_reload_json(status.supervision);
    out["vrrp"] = part_json(status, StatusPart::Vrrp);
    out["lvs"] = part_json(status, StatusPart::Lvs);
    out["bfd"] = part_json(status, StatusPart::Bfd);
    out["mail"] = {{"enabled", status.mail_enabled},
                   {"queued", status.mail.queued},
                   {"sent", status.mail.sent},
                   {"failed", status.mail.failed},
                   {"retries", status.mail.retries},
                   {"digests", status.mail.digests},
                   {"dropped", status.mail.refused_by_spool},
                   {"in_memory", status.mail.unsaved},
                   {"last_problem", mail_problem(status)}};
    if (status.webhooks) out["webhooks"] = webhooks_json(*status.webhooks);
    if (status.api) out["api"] = api_json(*status.api);
    return out;
}

// `text` is a document whose list of services, a member at this depth, is empty.
Generator<std::string> with_services(std::string text, std::size_t depth, std::shared_ptr<const DaemonStatus> status) {
    const auto& lvs = *status->lvs;
    const std::string line = "\n" + std::string(depth, ' '), deeper = line + " ", list = line + "\"services\": [";
    const auto at = text.find(list + "]") + list.size();
    std::string piece = text.substr(0, at);
    for (std::size_t i = 0; i < lvs.services.size(); ++i) {
        if (i != 0) piece += ',';
        auto service = text_of(service_json(lvs.services[i], traffic_of(lvs, i)));
        service.pop_back();  // the line's end
        piece += deeper;
        for (const char c : service) c == '\n' ? piece += deeper : piece += c;
        if (piece.size() >= kPieceBytes) co_yield std::exchange(piece, {});
    }
    co_yield piece + line + text.substr(at);
}

Generator<std::string> in_one_piece(std::string text) { co_yield std::move(text); }

}  // namespace

Generator<std::string> status_pieces(std::shared_ptr<const DaemonStatus> status, StatusPart part) {
    const bool all = part == StatusPart::All;
    auto text = text_of(all ? whole_json(*status) : part_json(*status, part));
    if ((!all && part != StatusPart::Lvs) || !status->lvs || status->lvs->services.empty())
        return in_one_piece(std::move(text));
    return with_services(std::move(text), all ? 2 : 1, std::move(status));
}

std::string status_json(const DaemonStatus& status, StatusPart part) {
    return joined(status_pieces({std::shared_ptr<void>{}, &status}, part));
}

}  // namespace mainstay::report
