// The whole status document, part by part: each number in it stands for one member only.
#include "mainstay/report/document.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace mainstay;
using namespace mainstay::report;
using namespace std::chrono_literals;

namespace {

nlohmann::ordered_json document(const DaemonStatus& status) {
    return nlohmann::ordered_json::parse(status_json(status));
}

constexpr WallTime kSince{1'795'163'866'000'000};  // 08:37:46

DaemonStatus daemon() {
    DaemonStatus status{.version = "0.1.0",
                        .host_name = "dir1",
                        .generation = 3,
                        .supervisor_pid = 11,
                        .observer_pid = 12,
                        .now = {1'795'163'876'500'000},
                        .observer_since = kSince};
    status.clock = Instant{100s};
    status.mail_enabled = true;
    status.mail = {
        .queued = 21, .sent = 22, .failed = 23, .digests = 24, .retries = 25, .refused_by_spool = 26, .unsaved = 27};
    status.mail_problem = "refused";
    status.events_lost = 13;
    status.config_path = "/etc/x.conf";
    status.config_id = "red";
    status.net_namespace = "blue";
    status.settings_path = "/etc/mainstay.toml";
    return status;
}

}  // namespace

TEST_CASE("the document begins with the daemon, and ends with its mail") {
    auto all = document(daemon());
    CHECK(
        all.dump() ==
        R"({"version":"0.1.0","host":"dir1","generation":3,"now":"2026-11-20T08:37:56Z",)"
        R"("now_unix_us":1795163876500000,)"
        R"("configuration":{"file":"/etc/x.conf","config_id":"red","net_namespace":"blue","settings":"/etc/mainstay.toml"},)"
        R"("supervisor":{"pid":11},)"
        R"("observer":{"pid":12,"events_lost":13,"since":"2026-11-20T08:37:46Z","since_unix_us":1795163866000000},)"
        R"("problems":[{"kind":"mail_stuck","severity":"warning","part":"daemon","object":"",)"
        R"("text":"mails are not delivered (21 queued, 23 given up): refused"}],)"
        R"("maintenance":null,"last_reload":null,"vrrp":null,"lvs":null,"bfd":null,)"
        R"("mail":{"enabled":true,"queued":21,"sent":22,"failed":23,"retries":25,"digests":24,"dropped":26,)"
        R"("in_memory":27,"last_problem":"refused"}})");
    CHECK(status_json(daemon()).starts_with("{\n \"version\": \"0.1.0\",\n"));
    CHECK(status_json(daemon()).ends_with("}\n"));
}

TEST_CASE("the document has what the last reload that was done changed") {
    auto status = daemon();
    auto& reloads = status.supervision.emplace().reloads;
    reloads = {.done = 1,
               .refused = 1,
               .last_done = kSince,
               .last_refused = {kSince.unix_us + 1},
               .last_problem = "no",
               .last_changes = {"worse: VI_1: authentication removed", "VI_1: priority 100 -> 90"},
               .last_changes_left_out = 3};
    CHECK(document(status)["last_reload"].dump() ==
          R"({"changes":["worse: VI_1: authentication removed","VI_1: priority 100 -> 90"],"left_out":3,)"
          R"("at":"2026-11-20T08:37:46Z","at_unix_us":1795163866000000})");
    reloads.done = 0;
    CHECK(document(status)["last_reload"].is_null());
}

TEST_CASE("an instance is shown with its counters, its problems and its addresses") {
    auto status = daemon();
    status.vrrp.emplace();
    status.vrrp->generation = 4;
    status.vrrp->netlink_overruns = 5;
    status.vrrp->devices_remade = 6;
    status.vrrp->firewall_repairs = 7;
    vrrp::InstanceSnapshot one;
    one.name = "VI_1", one.interface = "eth0", one.group = "G1", one.fault = "eth0 is down";
    one.virtual_router_id = 51, one.version = 3, one.base_priority = 100, one.effective_priority = 99;
    one.state = vrrp::State::Backup, one.family = Family::V6, one.owns_addresses = true, one.since = kSince;
    one.master = *IpAddress::parse("fe80::2"), one.master_priority = 150;
    one.reason = "a reason", one.cause = Cause::Advert, one.priority_parts = {{"track_script chk", false, -1}};
    one.problems = {{"rival_master", *IpAddress::parse("fe80::3"), Instant{90s}, 8, "text"}};
    std::uint64_t number = 30;
    auto& c = one.counters;
    for (auto* value : {&c.advert_rcvd,          &c.advert_sent,           &c.become_master,     &c.release_master,
                        &c.packet_len_err,       &c.advert_interval_err,   &c.ip_ttl_err,        &c.invalid_type_rcvd,
                        &c.addr_list_err,        &c.invalid_authtype,      &c.authtype_mismatch, &c.auth_failure,
                        &c.pri_zero_rcvd,        &c.pri_zero_sent,         &c.checksum_err,      &c.version_err,
                        &c.rival_masters,        &c.addresses_restored,    &c.routing_restored,  &c.duplicate_addresses,
                        &c.deadlines_late,       &c.adverts_skipped,       &c.auth_ext_missing,  &c.auth_ext_malformed,
                        &c.auth_ext_unknown_key, &c.auth_ext_invalid_hmac, &c.auth_ext_stale,    &c.auth_ext_replay})
        *value = number++;
    one.failed_over = true;
    vrrp::InstanceSnapshot two;
    two.name = "VI_2", two.state = vrrp::State::Fault, two.master = *IpAddress::parse("10.0.0.9");
    status.vrrp->router.instances = {one, two};
    status.vrrp->addresses = {{"fe80::5/128", "fe80::6/128"}};
    using Kind = vrrp::TrackedObject::Kind;
    status.vrrp->tracked = {
        {{.kind = Kind::Script, .name = "chk", .known = true, .up = false, .weight = -1, .adds = -1},
         {.kind = Kind::Bfd, .name = "uplink", .known = false, .up = true, .reverse = true, .faults = true}}};
    status.vrrp->router.trackers = {{vrrp::TrackerSnapshot::Kind::File, "load", -7, true},
                                    {vrrp::TrackerSnapshot::Kind::Process, "haproxy", 3, false}};

    const auto vrrp = document(status)["vrrp"];

    CHECK(vrrp["instances"][0].dump() ==
          R"({"name":"VI_1","state":"BACKUP","interface":"eth0","group":"G1","virtual_router_id":51,"version":3,)"
          R"("family":"inet6","priority":99,"base_priority":100,"owns_addresses":false,)"
          R"("addresses":["fe80::5/128","fe80::6/128"],"master":"fe80::2","master_priority":150,"other_master":null,)"
          R"("fault":"eth0 is down","failed_over":true,"since":"2026-11-20T08:37:46Z",)"
          R"("since_unix_us":1795163866000000,)"
          R"("reason":"a reason","cause":"advert",)"
          R"("priority_parts":[{"tracker":"track_script chk","up":false,"adds":-1}],)"
          R"("tracks":[{"kind":"script","name":"chk","state":"DOWN","weight":-1,"reverse":false,"adds":-1,)"
          R"("faults":false},{"kind":"bfd","name":"uplink","state":"UNKNOWN","weight":0,"reverse":true,"adds":0,)"
          R"("faults":true}],)"
          R"("problems":[{"kind":"rival_master","peer":"fe80::3","count":8,"text":"text",)"
          R"("last":"2026-11-20T08:37:46Z","last_unix_us":1795163866500000}],)"
          R"("counters":{"advert_rcvd":30,"advert_sent":31,"become_master":32,"release_master":33,)"
          R"("packet_len_err":34,"advert_interval_err":35,"ip_ttl_err":36,"invalid_type_rcvd":37,)"
          R"("addr_list_err":38,"invalid_authtype":39,"authtype_mismatch":40,"auth_failure":41,)"
          R"("auth_ext_missing":52,"auth_ext_malformed":53,"auth_ext_unknown_key":54,)"
          R"("auth_ext_invalid_hmac":55,"auth_ext_stale":56,"auth_ext_replay":57,"pri_zero_rcvd":42,)"
          R"("pri_zero_sent":43,"checksum_err":44,"version_err":45,"rival_masters":46,"addresses_restored":47,)"
          R"("routing_restored":48,"duplicate_addresses":49,"deadlines_late":50,"adverts_skipped":51}})");
    CHECK(vrrp["instances"][1]["family"] == "inet");
    CHECK(vrrp["instances"][1]["addresses"].dump() == "[]");
    CHECK(vrrp["instances"][1]["master"] == "");
    CHECK(vrrp["instances"][1]["tracks"].dump() == "[]");
    CHECK(vrrp["files"].dump() == R"([{"name":"load","value":-7}])");
    CHECK(vrrp["processes"].dump() == R"([{"name":"haproxy","count":3,"state":"DOWN"}])");
    CHECK(vrrp["generation"] == 4);
    CHECK(vrrp["netlink_overruns"] == 5);
    CHECK(vrrp["devices_remade"] == 6);
    CHECK(vrrp["firewall_repairs"] == 7);
}

TEST_CASE("maintenance is shown with its end, its reason and who began it") {
    DaemonStatus status;
    CHECK(document(status)["maintenance"].is_null());
    status.vrrp.emplace();
    CHECK(document(status)["maintenance"].is_null());
    status.vrrp->maintenance = {.since = kSince, .until = {}, .by = "alice", .reason = "kernel"};
    CHECK(document(status)["maintenance"].dump() ==
          R"({"by":"alice","reason":"kernel","since":"2026-11-20T08:37:46Z","since_unix_us":1795163866000000,)"
          R"("until":null})");
    status.vrrp->maintenance->until = kSince;
    CHECK(document(status)["maintenance"]["until"] == "2026-11-20T08:37:46Z");
    DaemonStatus without_vrrp;
    without_vrrp.lvs.emplace().maintenance = {.since = kSince, .until = {}, .by = "bob", .reason = {}};
    CHECK(document(without_vrrp)["maintenance"]["by"] == "bob");
}

TEST_CASE("groups, scripts and BFD sessions that instances track have their states") {
    auto status = daemon();
    status.vrrp.emplace();
    status.vrrp->router.groups = {{.name = "G1", .state = vrrp::State::Master, .last_mailed = {}}};
    status.vrrp->router.scripts = {{.name = "new"},
                                   {.name = "up", .known = true, .up = true, .runs = 4, .since = kSince},
                                   {.name = "down",
                                    .known = true,
                                    .streak = 2,
                                    .last_status = 3,
                                    .last_failure = "timed_out",
                                    .runs = 5,
                                    .failures = 1,
                                    .failures_in_row = 9}};
    status.vrrp->router.bfds = {{.name = "B1", .up = true}, {.name = "B2"}};

    const auto vrrp = document(status)["vrrp"];

    CHECK(vrrp["groups"].dump() == R"([{"name":"G1","state":"MASTER"}])");
    CHECK(vrrp["scripts"].dump() ==
          R"([{"name":"new","state":"UNKNOWN","streak":0,"last_status":0,"last_failure":"","runs":0,"failures":0,)"
          R"("failures_in_row":0,"since":"","since_unix_us":0},)"
          R"({"name":"up","state":"UP","streak":0,"last_status":0,"last_failure":"","runs":4,"failures":0,)"
          R"("failures_in_row":0,"since":"2026-11-20T08:37:46Z","since_unix_us":1795163866000000},)"
          R"({"name":"down","state":"DOWN","streak":2,"last_status":3,"last_failure":"timed_out","runs":5,)"
          R"("failures":1,"failures_in_row":9,"since":"","since_unix_us":0}])");
    CHECK(vrrp["bfd"].dump() == R"([{"name":"B1","state":"UP"},{"name":"B2","state":"DOWN"}])");
}

TEST_CASE("a BFD session is shown with both sides' states") {
    auto status = daemon();
    status.bfd.emplace();
    status.bfd->generation = 5;
    status.bfd->sessions.strangers = 6;
    bfd::SessionSnapshot one;
    one.name = "B1", one.neighbor = *IpAddress::parse("10.0.0.2"), one.source = *IpAddress::parse("10.0.0.1");
    one.multihop = true, one.state = bfd::State::Up, one.remote_state = bfd::State::Init;
    one.diagnostic = wire::BfdDiagnostic::DetectionTimeExpired;
    one.remote_diagnostic = wire::BfdDiagnostic::AdministrativelyDown;
    one.discriminator = 7, one.remote_discriminator = 8, one.source_port = 9;
    one.transmit_interval = Micros{10'000}, one.detection_time = Micros{30'000}, one.since = kSince;
    one.counters = {.sent = 41,
                    .received = 42,
                    .discarded = 43,
                    .became_up = 44,
                    .went_down = 45,
                    .expired = 46,
                    .deadlines_late = 47};
    status.bfd->sessions.sessions = {one, {}};

    auto bfd = document(status)["bfd"];

    CHECK(bfd["sessions"][0].dump() ==
          R"({"name":"B1","state":"Up","neighbor":"10.0.0.2","source":"10.0.0.1","multihop":true,)"
          R"("diagnostic":"Control Detection Time Expired","remote_state":"Init",)"
          R"("remote_diagnostic":"Administratively Down","discriminator":7,"remote_discriminator":8,)"
          R"("source_port":9,"transmit_interval_us":10000,"detection_time_us":30000,)"
          R"("since":"2026-11-20T08:37:46Z","since_unix_us":1795163866000000,)"
          R"("counters":{"sent":41,"received":42,"discarded":43,"became_up":44,"went_down":45,"expired":46,)"
          R"("deadlines_late":47}})");
    CHECK(bfd["sessions"][1]["source"] == "");
    bfd.erase("sessions");
    CHECK(bfd.dump() == R"({"generation":5,"strangers":6})");
}

TEST_CASE("where the kernel's counters are read, they are shown for services and servers") {
    auto status = daemon();
    status.lvs.emplace();
    report::ServiceStatus service;
    service.servers = {{.name = "counted"}, {.name = "new"}};
    status.lvs->services = {service, {}};
    const netlink::IpvsStats stats{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    status.lvs->traffic.emplace();
    status.lvs->traffic->push_back({.stats = stats,
                                    .servers = {{.stats = stats, .active = 11, .inactive = 12, .persistent = 13}},
                                    .sorry_server = {}});

    const auto services = document(status)["lvs"]["services"];

    const std::string counters = R"("connections":1,"in_packets":2,"out_packets":3,"in_bytes":4,"out_bytes":5,)"
                                 R"("connections_per_s":6,"in_packets_per_s":7,"out_packets_per_s":8,)"
                                 R"("in_bytes_per_s":9,"out_bytes_per_s":10})";
    CHECK(services[0]["traffic"].dump() == "{" + counters);
    CHECK(services[0]["servers"][0]["traffic"].dump() == R"({"active":11,"inactive":12,"persistent":13,)" + counters);
    CHECK_FALSE(services[0]["servers"][1].contains("traffic"));
    CHECK_FALSE(services[1].contains("traffic"));
    CHECK_FALSE(services[0].contains("sorry_server_traffic"));
    status.lvs->services[0].sorry_server = "[10.0.0.99]:tcp:80";
    status.lvs->traffic->front().sorry_server.inactive = 5;
    CHECK(document(status)["lvs"]["services"][0]["sorry_server_traffic"]["inactive"] == 5);
}

TEST_CASE("the document comes in pieces, whose text is the one of the whole") {
    auto status = daemon();
    status.lvs.emplace();
    const auto is_plain = [&](StatusPart part) {
        const auto text = status_json(status, part);
        return text == nlohmann::ordered_json::parse(text).dump(1) + "\n";
    };
    for (const std::size_t services : {0, 1, 2, 1000}) {
        status.lvs->services.assign(
            services, {.name = "a\nname, \"services\": []", .quorum_up = true, .servers = {{.name = "S"}}});
        CHECK(is_plain(StatusPart::All));
        CHECK(is_plain(StatusPart::Lvs));
        CHECK(document(status)["lvs"]["services"].size() == services);
    }
    auto pieces = status_pieces(std::make_shared<const DaemonStatus>(status));
    std::size_t count = 0, most = 0;
    for (; auto piece = pieces.next(); ++count) most = std::max(most, piece->size());
    CHECK(count > 3);
    CHECK(most < 100'000);
}

TEST_CASE("a service is shown with its servers, their checks and those that are leaving") {
    auto status = daemon();
    status.lvs.emplace();
    auto& lvs = *status.lvs;
    lvs.generation = 6, lvs.ipvs_available = true, lvs.ipvs_problem = "none";
    lvs.operations = 7, lvs.operation_failures = 8, lvs.repairs = 9, lvs.lines_left_out = 10;
    lvs.overrides = {{.service = "S",
                      .server = {*IpAddress::parse("10.0.0.11"), 80},
                      .since = kSince,
                      .by = "root",
                      .text = "drained"}};
    lvs.announced = {{.address = *IpAddress::parse("10.0.0.1"),
                      .interface = "ms-vip",
                      .drain_interface = "ms-drain",
                      .state = "withdrawn",
                      .reason = "its quorum is lost",
                      .since = kSince}};
    lvs.discovered = {
        {.source = "/web.json",
         .services = {"[10.0.0.1]:tcp:80"},
         .servers = 4,
         .held = "it is empty",
         .held_servers = 5,
         .held_since = kSince,
         .problem = "gone",
         .last_good = kSince,
         .errors = 6,
         .holds = 7},
        {.source = "web.example.org", .services = {}, .held = {}, .held_since = {}, .problem = {}, .last_good = {}}};
    report::ServerStatus one{.name = "[10.0.0.11]:tcp:80",
                             .endpoint = {*IpAddress::parse("10.0.0.11"), 80},
                             .forwarding = "DR",
                             .weight = 3,
                             .alive = false,
                             .in_table = true,
                             .since = kSince};
    one.weight_in_table = 2, one.note = "note", one.kept = true, one.grows_since = kSince;
    one.leave = {.until = kSince, .connections = 4, .over = true};
    one.checks = {{.type = "TCP_CHECK",
                   .target = "10.0.0.11:80",
                   .up = false,
                   .has_run = true,
                   .failures_in_row = 2,
                   .last_result = "refused",
                   .last_run = kSince,
                   .last_duration = Micros{1500}}};
    report::ServerStatus two{.name = "[10.0.0.12]:tcp:80"};
    report::ServiceStatus service;
    service.name = "[10.0.0.1]:tcp:80", service.scheduler = "rr", service.quorum_up = true;
    service.quorum = 3, service.hysteresis = 2;
    service.sorry_server = "[10.0.0.99]:tcp:80", service.sorry_in_use = true;
    service.servers = {one, two};
    service.leaving = {{.name = "[10.0.0.13]:tcp:80", .server = {}, .leave = {.until = kSince}}};
    service.mh_table = {.digest = 0xabc, .wanted_digest = ~0ULL, .slots = 4093, .slots_assumed = true};
    lvs.services = {service};

    auto shown = document(status)["lvs"];
    auto& first = shown["services"][0];

    const std::string since = R"("since":"2026-11-20T08:37:46Z","since_unix_us":1795163866000000)";
    const std::string until = R"("until":"2026-11-20T08:37:46Z","until_unix_us":1795163866000000)";
    CHECK(first["servers"][0].dump() ==
          R"({"name":"[10.0.0.11]:tcp:80","address":"10.0.0.11:80","forwarding":"DR","weight":3,"alive":false,)"
          R"("in_table":true,"weight_in_table":2,"kept_by_min_alive":true,"note":"note",)" +
              since + R"(,"leaving":{"over":true,"connections":4,)" + until +
              R"(},"grows_since":"2026-11-20T08:37:46Z","grows_since_unix_us":1795163866000000,)"
              R"("checks":[{"type":"TCP_CHECK","target":"10.0.0.11:80","up":false,"has_run":true,)"
              R"("failures_in_row":2,"last_result":"refused","last_duration_us":1500,)"
              R"("last_run":"2026-11-20T08:37:46Z","last_run_unix_us":1795163866000000}]})");
    CHECK_FALSE(first["servers"][1].contains("leaving"));
    CHECK_FALSE(first["servers"][1].contains("grows_since"));
    CHECK(first["servers"][1]["checks"].dump() == "[]");
    first.erase("servers");
    CHECK(
        shown.dump() ==
        R"({"generation":6,"ipvs_available":true,"ipvs_problem":"none","operations":7,"operation_failures":8,)"
        R"("repairs":9,"log_lines_left_out":10,"overrides":[{"service":"S","server":"10.0.0.11:80","is":"drained",)"
        R"("by":"root",)" +
            since + R"(}],"announced":[{"address":"10.0.0.1","state":"withdrawn","interface":"ms-vip",)" +
            R"("drain_interface":"ms-drain","reason":"its quorum is lost",)" + since +
            R"(}],"discovered":[{"source":"/web.json","services":["[10.0.0.1]:tcp:80"],"servers":4,"held":"it is empty",)" +
            R"("held_servers":5,"problem":"gone","errors":6,"holds":7,"held_since":"2026-11-20T08:37:46Z",)" +
            R"("held_since_unix_us":1795163866000000,"last_good":"2026-11-20T08:37:46Z",)" +
            R"("last_good_unix_us":1795163866000000},{"source":"web.example.org","services":[],"servers":0,"held":"",)" +
            R"("held_servers":0,"problem":"","errors":0,"holds":0}],"services":[{"name":"[10.0.0.1]:tcp:80","scheduler":"rr","quorum_up":true,"quorum":3,"hysteresis":2,)" +
            R"("sorry_server":"[10.0.0.99]:tcp:80","sorry_in_use":true,"suspended":false,)" +
            R"("mh_table":{"digest":"0000000000000abc","wanted_digest":"ffffffffffffffff","slots":4093,)" +
            R"("slots_assumed":true},"leaving":[{"over":false,)" + until + R"(,"name":"[10.0.0.13]:tcp:80"}]}]})");
}

TEST_CASE("a time is written up to the last second of the year 9999") {
    CHECK(iso_time({253'402'300'799'000'000}) == "9999-12-31T23:59:59Z");
    CHECK(iso_time({253'402'300'800'000'000}) == "");
    CHECK(iso_time({1'000'000}) == "1970-01-01T00:00:01Z");
    CHECK(iso_time({999'999}) == "");
}
