// A director that has something to show in every metric: each number in it stands for one member only.
#pragma once

#include <chrono>
#include <string>

#include "mainstay/lvs/overrides.hpp"
#include "mainstay/report/metrics.hpp"

namespace mainstay::test {

inline vrrp::Counters numbered_counters(std::uint64_t first) {
    std::uint64_t n = first;
    vrrp::Counters c;
    for (auto* value : {&c.advert_rcvd,      &c.advert_sent,         &c.become_master,        &c.release_master,
                        &c.packet_len_err,   &c.advert_interval_err, &c.ip_ttl_err,           &c.invalid_type_rcvd,
                        &c.addr_list_err,    &c.invalid_authtype,    &c.authtype_mismatch,    &c.auth_failure,
                        &c.pri_zero_rcvd,    &c.pri_zero_sent,       &c.checksum_err,         &c.version_err,
                        &c.rival_masters,    &c.addresses_restored,  &c.deadlines_late,       &c.adverts_skipped,
                        &c.auth_ext_missing, &c.auth_ext_malformed,  &c.auth_ext_unknown_key, &c.auth_ext_invalid_hmac,
                        &c.auth_ext_stale,   &c.auth_ext_replay,     &c.routing_restored,     &c.duplicate_addresses})
        *value = n++;
    return c;
}

inline report::VrrpStatus metrics_vrrp() {
    report::VrrpStatus status;
    vrrp::InstanceSnapshot master;
    master.name = "VI_1";
    master.interface = "eth0";
    master.virtual_router_id = 51;
    master.base_priority = 150;
    master.effective_priority = 145;
    master.state = vrrp::State::Master;
    master.master = IpAddress::parse("10.0.0.2").value();
    master.master_priority = 144;
    master.since = {1'795'163'800'500'000};
    master.cause = Cause::Preemption;
    master.counters = numbered_counters(100);
    vrrp::InstanceSnapshot fault = master;  // the same VRID, in the other family
    fault.name = "a\"b\\c\nd\xFF";
    fault.family = Family::V6;
    fault.state = vrrp::State::Fault;
    fault.since = {};
    fault.cause = Cause::Link;
    fault.counters = numbered_counters(200);
    status.router.instances = {master, fault};
    status.addresses = {{"10.9.9.9/32", "10.9.9.10/24"}, {}};
    status.router.groups = {{.name = "G1", .state = vrrp::State::Backup, .last_mailed = {}}};
    status.router.scripts = {{.name = "chk", .known = true, .up = true, .last_failure = {}, .runs = 31, .failures = 32},
                             {.name = "new", .last_failure = {}, .running = true}};
    status.router.advert_lateness.record(Micros{90});
    status.router.advert_lateness.record(Micros{2'500});
    status.router.advert_lateness.record(Micros{3'000'000});
    status.netlink_overruns = 33;
    status.devices_remade = 34;
    status.firewall_repairs = 35;
    return status;
}

inline report::BfdStatus metrics_bfd() {
    report::BfdStatus status;
    bfd::SessionSnapshot session;
    session.name = "B1";
    session.neighbor = IpAddress::parse("10.0.0.3").value();
    session.state = bfd::State::Up;
    session.since = {1'795'163'700'000'000};
    session.counters = {.sent = 41,
                        .received = 42,
                        .discarded = 43,
                        .became_up = 44,
                        .went_down = 45,
                        .expired = 46,
                        .deadlines_late = 47};
    status.sessions = {{session}, 48};
    return status;
}

inline report::ServerStatus metrics_server(const std::string& address, bool alive) {
    report::ServerStatus server;
    server.name = "[" + address + "]:tcp:80";
    server.endpoint = {IpAddress::parse(address).value(), 80};
    server.alive = server.in_table = alive;
    server.weight = 5;
    server.weight_in_table = 4;
    server.since = {1'795'163'600'000'000};
    report::CheckStatus check;
    check.type = "TCP_CHECK";
    check.target = address + ":80";
    check.up = alive;
    check.has_run = true;
    check.failures_in_row = alive ? 0 : 3;
    check.last_run = {1'795'163'875'250'000};
    check.last_duration = Micros{1'500};
    server.checks = {check};
    return server;
}

inline report::ServerTraffic metrics_traffic(std::uint64_t first) {
    return {.stats = {.connections = first,
                      .in_packets = first + 1,
                      .out_packets = first + 2,
                      .in_bytes = first + 3,
                      .out_bytes = first + 4},
            .active = first + 5,
            .inactive = first + 6,
            .persistent = first + 7};
}

inline report::LvsStatus metrics_lvs() {
    report::LvsStatus status;
    status.ipvs_available = true;
    status.operations = 51;
    status.operation_failures = 52;
    status.repairs = 53;
    report::ServiceStatus web;
    web.name = "[10.0.0.1]:tcp:80";
    web.key = {.protocol = 6, .address = IpAddress::parse("10.0.0.1").value(), .port = 80};
    web.quorum_up = true;
    web.sorry_server = "[10.0.0.99]:tcp:80";
    web.servers = {metrics_server("10.0.0.11", true), metrics_server("10.0.0.12", false),
                   metrics_server("10.0.0.13", true), metrics_server("10.0.0.14", false)};
    report::ServiceStatus mark;
    mark.name = "FWM 5";
    mark.key = {.fwmark = 5};
    mark.servers = {metrics_server("10.0.0.11", true)};
    status.services = {web, mark};
    status.overrides = {{"[10.0.0.1]:tcp:80",
                         web.servers[2].endpoint,
                         static_cast<std::uint8_t>(lvs::Hold::Drained),
                         0,
                         {},
                         "root",
                         "drained",
                         false},
                        {"[10.0.0.1]:tcp:80",
                         web.servers[3].endpoint,
                         static_cast<std::uint8_t>(lvs::Hold::Disabled),
                         0,
                         {},
                         "root",
                         "disabled",
                         false},
                        {"FWM 5",
                         web.servers[0].endpoint,
                         static_cast<std::uint8_t>(lvs::Hold::Weight),
                         4,
                         {},
                         "root",
                         "weight 4",
                         false}};
    status.lines_left_out = 54;
    status.services[1].mh_table = {.digest = 0xabc, .wanted_digest = 0xabd, .slots = 4093};
    for (const auto* const state : {"announced", "draining", "withdrawn"})
        status.announced.push_back(
            {.address = *IpAddress::parse("10.0.0." + std::to_string(status.announced.size() + 1)),
             .interface = "ms-vip",
             .drain_interface = "ms-drain",
             .state = state,
             .reason = {},
             .since = {}});
    status.discovered = {{.source = "/etc/mainstay/web.json",
                          .services = {},
                          .servers = 4,
                          .held = "it is empty",
                          .held_since = {},
                          .problem = {},
                          .last_good = WallTime{1'795'163'874'000'000},
                          .errors = 71,
                          .holds = 72},
                         {.source = "web.example.org",
                          .services = {},
                          .held = {},
                          .held_since = {},
                          .problem = "no answer",
                          .last_good = {},
                          .errors = 73}};
    status.traffic = {{.stats = metrics_traffic(1'000).stats,
                       .servers = {metrics_traffic(1'100), metrics_traffic(1'200), metrics_traffic(1'300), {}},
                       .sorry_server = metrics_traffic(1'400)},
                      {.stats = metrics_traffic(2'000).stats, .servers = {metrics_traffic(2'100)}, .sorry_server = {}}};
    report::CheckTypeStatus tcp{.type = "TCP_CHECK", .durations = {}, .passed = 61, .failed = 62, .not_run = 63};
    tcp.durations.record(Micros{1'500});
    tcp.durations.record(Micros{60'000'000});
    status.check_types = {tcp};
    status.oldest_check = Instant{std::chrono::milliseconds{97'500}};
    return status;
}

inline report::DaemonStatus metrics_daemon() {
    report::DaemonStatus status{.version = "0.1.0",
                                .host_name = "dir1",
                                .generation = 3,
                                .supervisor_pid = 11,
                                .observer_pid = 12,
                                .now = {1'795'163'876'500'000},
                                .observer_since = {1'795'163'866'000'000}};
    status.clock = Instant{std::chrono::seconds{100}};
    status.mail_enabled = true;
    status.mail = {
        .queued = 21, .sent = 22, .failed = 23, .digests = 24, .retries = 25, .refused_by_spool = 26, .unsaved = 27};
    status.webhooks = report::WebhooksStatus{
        .unsaved = 36,
        .disk_problem = {},
        .receivers = {
            {.name = "oncall", .queued = 31, .sent = 32, .failed = 33, .retries = 34, .dropped = 35, .problem = {}}}};
    status.events_lost = 13;
    status.supervision = report::Supervision{
        .since = {1'795'163'000'000'000},
        .reloads = {.done = 2,
                    .refused = 1,
                    .last_done = {1'795'163'500'000'000},
                    .last_refused = {1'795'163'400'000'000},
                    .last_problem = "x"},
        .processes = {{.role = "vrrp", .ready = true, .ends = 1}, {.role = "lvs", .ready = true, .ends = 0}},
        .log_losses = {{"lvs", 12, {1'795'163'000'000'000}}, {"supervisor", 0, {}}}};
    status.vrrp = metrics_vrrp();
    status.bfd = metrics_bfd();
    status.lvs = metrics_lvs();
    return status;
}

}  // namespace mainstay::test
