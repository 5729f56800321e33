#include "status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "mainstay/config/members.hpp"
#include "mainstay/lvs/quorum.hpp"
#include "role/common/blocks.hpp"

namespace mainstay::role {
namespace {

std::string_view forwarding_word(config::Forwarding forwarding) {
    switch (forwarding) {
        case config::Forwarding::Nat:
            return "NAT";
        case config::Forwarding::Tunnel:
            return "TUN";
        case config::Forwarding::DirectRoute:
            return "DR";
    }
    return "?";
}

report::CheckStatus status_of(const config::Checker& config, const lvs::CheckerState& state,
                              const config::RealServer& server) {
    report::CheckStatus out;
    const auto type = lvs::keyword_of(config.type);
    if (!state.up || type != kUsualCheck) out.type = type;
    if (!state.up || config.target != server.endpoint) out.target = config.target.to_string();
    out.up = state.up;
    out.has_run = state.has_run;
    out.failures_in_row = state.failures_in_row;
    out.last_result = state.last_result.text();
    out.last_run = state.last_run;
    out.last_duration = state.last_duration;
    if (const auto& asked = *state.dynamic_weight) out.weight = asked->of(server.weight);
    if (!config.misc_path->argv.empty()) out.script = config.misc_path->argv.front();
    return out;
}

report::LeaveStatus status_of(const lvs::DrainState& leave) {
    return {leave.until_wall, leave.connections, leave.over};
}

lvs::DrainState leave_of(const report::LeaveStatus& status) {
    return {.until = {}, .until_wall = status.until, .connections = status.connections, .over = status.over};
}

// The reasons for a state beyond checks and configuration.
std::string note_of(const lvs::ServerState& state, const std::optional<lvs::Override>& held) {
    std::string note;
    const auto add = [&note](std::string_view text) { note += fmt::format("{}{}", note.empty() ? "" : "; ", text); };
    if (held)
        add(fmt::format("{} by {}{}", lvs::text_of(*held), held->by,
                        held->reason.empty() ? std::string{} : fmt::format(" ({})", held->reason)));
    const auto& [held_weight, leave, grows_since, growing_weight] = *state.between;
    if (leave && !leave->over) {
        add(leave->connections ? fmt::format("{} connections remain", *leave->connections)
                               : std::string{"its connections continue"});
    }
    if (growing_weight) add(fmt::format("slow start: weight {} of {}", *growing_weight, state.weight));
    if (state.kept) add("kept up by min_alive although its checks fail");
    return note;
}

WallTime wall_of(Instant then, Instant now, WallTime wall) {
    return {wall.unix_us + std::chrono::duration_cast<Micros>(then - now).count()};
}

// Without the fields that the reader of the block fills in (blocks.hpp).
report::ServerStatus status_of(const config::VirtualServer& service, const config::RealServer& config,
                               const lvs::ServerState& state, const lvs::ServiceTable& table,
                               const CheckErrors& errors) {
    report::ServerStatus out;
    out.endpoint = config.endpoint;
    const auto forwarding = forwarding_word(config.forwarding);
    if (forwarding != kUsualForwarding) out.forwarding = forwarding;
    out.weight = state.weight;
    out.alive = state.alive;
    const auto endpoint = lvs::endpoint_at(table.service.key, service, config.endpoint, config.forwarding);
    const auto at = std::ranges::find(table.destinations, endpoint, &netlink::IpvsDestination::endpoint);
    out.in_table = at != table.destinations.end();
    if (out.in_table) out.weight_in_table = at->weight;
    out.kept = state.kept;
    if (const auto& leave = state.between->leave) out.leave = status_of(*leave);
    out.since = state.since;
    out.checks.reserve(config.checkers.size());
    for (std::size_t i = 0; i < config.checkers.size(); ++i) {
        out.checks.push_back(status_of(config.checkers[i], state.checkers[i], config));
        if (errors.empty()) continue;
        if (const auto found = errors.find(state.checkers[i].id); found != errors.end())
            out.checks.back().errors = found->second;
    }
    return out;
}

report::LeavingStatus status_of(const lvs::LeavingServer& one, config::Protocol protocol) {
    const auto bytes = encode(one.server);
    std::string encoded(bytes.size(), '\0');
    std::memcpy(encoded.data(), bytes.data(), bytes.size());
    return {config::server_name(one.server.endpoint, protocol), std::move(encoded), status_of(one.leave)};
}

report::ServiceStatus status_of(const lvs::Judge& judge, std::size_t v, bool available, const MhTableOf& mh_table_of,
                                const CheckErrors& errors, const OtherTableOf& other_table_of, lvs::Moment at) {
    const auto& config = judge.services()[v];
    const auto& state = judge.states()[v];
    // For a group, the first key represents all.
    const auto keys = judge.keys(v);
    auto table = std::move(lvs::desired(config, std::span{keys}.first(1), judge.verdict(v)).front());
    if (other_table_of)
        if (auto other = other_table_of(table.service.key)) table = std::move(*other);
    report::ServiceStatus service;
    if (config.fwmark != 0 || !config.group.empty()) service.name = config::service_name(config);
    service.key = lvs::key_of(config);
    service.group = *config.group;
    if (!config.group.empty()) service.group_keys = keys;
    service.scheduler = config.scheduler;
    const auto quorum = lvs::quorum_of(config);
    service.quorum = quorum.quorum;
    service.hysteresis = quorum.hysteresis;
    service.quorum_up = state.quorum_up;
    service.sorry_in_use = state.sorry_in_use;
    service.suspended = state.suspended;
    if (config.sorry_server) service.sorry_server = config::server_name(config.sorry_server->endpoint, config.protocol);
    service.servers.reserve(config.real_servers.size());
    for (std::size_t s = 0; s < config.real_servers.size(); ++s) {
        auto& server =
            service.servers.emplace_back(status_of(config, config.real_servers[s], state.servers[s], table, errors));
        server.in_table = server.in_table && available;  // without IPVS there is no table
        server.note = note_of(state.servers[s], judge.override_of(v, s));
        if (const auto& since = state.servers[s].between->grows_since)
            server.grows_since = wall_of(*since, at.now, at.wall);
    }
    for (const auto& one : state.leaving) service.leaving.push_back(status_of(one, config.protocol));
    if (config.active_active && mh_table_of) service.mh_table = mh_table_of(config);
    return service;
}

// Everyone who shows a problem of IPVS says of himself what it is about.
std::string without_subject(std::string_view problem) {
    static constexpr std::string_view kSubject = "IPVS: ";
    if (problem.starts_with(kSubject)) problem.remove_prefix(kSubject.size());
    return std::string{problem};
}

}  // namespace

report::LvsStatus status_of(const lvs::Judge& judge, const TableReconciler::State& table, std::uint64_t generation) {
    report::LvsStatus out;
    for (const auto& [key, held] : judge.overrides()) {
        out.overrides.push_back({key.service, key.server, static_cast<std::uint8_t>(held.hold), held.weight, held.since,
                                 held.by, lvs::text_of(held), held.expires_persistence, held.until, held.reason});
    }
    out.generation = generation;
    out.lines_left_out = judge.lines_left_out();
    out.ipvs_available = table.available;
    out.ipvs_problem = without_subject(table.problem);
    out.operations = table.operations;
    out.operation_failures = table.failures;
    out.repairs = table.repairs;
    return out;
}

void put_original_sysctls(const IpvsSysctls::Values& originals, report::LvsStatus& status) {
    for (const auto& [name, value] : originals) {
        if (name == kExpireQuiescent)
            status.original_expiry = value != 0;
        else
            status.original_sysctls.push_back({name, value});
    }
}

IpvsSysctls::Values original_sysctls_of(const report::LvsStatus& status) {
    IpvsSysctls::Values originals;
    if (status.original_expiry) originals.emplace(kExpireQuiescent, *status.original_expiry ? 1 : 0);
    for (const auto& one : status.original_sysctls) originals.emplace(one.name, one.value);
    return originals;
}

std::size_t write_status(std::span<std::byte> room, report::LvsStatus& rest, const lvs::Judge& judge, lvs::Moment at,
                         const MhTableOf& mh_table_of, const CheckErrors& errors, const OtherTableOf& other_table_of) {
    const bool available = rest.ipvs_available;
    const auto service = [&](std::size_t v) {
        return status_of(judge, v, available, mh_table_of, errors, other_table_of, at);
    };
    return encode_into(room, ipc::LvsStatusWith{rest, OneByOne{judge.services().size(), service}});
}

lvs::Overrides overrides_of(const report::LvsStatus& status) {
    lvs::Overrides overrides;
    for (const auto& one : status.overrides) {
        const auto hold = static_cast<lvs::Hold>(one.hold);
        if (hold == lvs::Hold::None || hold > lvs::Hold::Disabled) continue;  // unknown, from a newer version
        overrides[{one.service, one.server}] =
            lvs::Override{hold, one.weight, one.since, one.by, one.expires_persistence, one.until, one.reason};
    }
    return overrides;
}

lvs::Memory memory_of(const report::LvsStatus& status) {
    static constexpr std::array kTypes{
        config::Checker::Type::Tcp,  config::Checker::Type::Http, config::Checker::Type::Ssl,
        config::Checker::Type::Smtp, config::Checker::Type::Dns,  config::Checker::Type::Udp,
        config::Checker::Type::Ping, config::Checker::Type::Misc, config::Checker::Type::File,
        config::Checker::Type::Bfd,  config::Checker::Type::Grpc, config::Checker::Type::Agent};
    lvs::Memory memory;
    TextPool reasons;
    for (const auto& service : status.services) {
        lvs::ServiceMemory one{.identity = {service.key, service.group},
                               .keys = service.group_keys,
                               .quorum_up = service.quorum_up,
                               .sorry_in_use = service.sorry_in_use,
                               .servers = {},
                               .leaving = {}};
        for (const auto& leaving : service.leaving) {
            auto server = decode<config::RealServer>(std::as_bytes(std::span{leaving.server}));
            if (server) one.leaving.push_back({std::move(*server), leave_of(leaving.leave)});
        }
        for (const auto& server : service.servers) {
            lvs::ServerMemory remembered{.endpoint = server.endpoint,
                                         .alive = server.alive,
                                         .since = server.since,
                                         .checkers = {},
                                         .kept = server.kept,
                                         .leave = {},
                                         .grows_since = server.grows_since};
            if (server.leave) remembered.leave = leave_of(*server.leave);
            for (const auto& check : server.checks) {
                const auto type = std::ranges::find(kTypes, check.type, lvs::keyword_of);
                if (type == kTypes.end()) continue;
                lvs::CheckerState state;
                state.up = check.up;
                state.has_run = check.has_run;
                state.failures_in_row = check.failures_in_row;
                state.last_result = reasons.of(check.last_result);
                state.last_run = check.last_run;
                state.last_duration = lvs::short_time(check.last_duration);
                state.dynamic_weight = std::optional<lvs::AskedWeight>{check.weight};
                remembered.checkers.push_back({*type, check.target, std::move(state)});
            }
            one.servers.push_back(std::move(remembered));
        }
        memory.push_back(std::move(one));
    }
    return memory;
}

}  // namespace mainstay::role
