// The metrics, whole and in the corners. promtool judges the golden files in tests/config/test_prometheus.py.
#include "mainstay/report/metrics.hpp"

#include <fmt/format.h>

#include <set>
#include <sstream>

#include "../golden.hpp"
#include "metrics_scene.hpp"

using namespace mainstay;
using namespace mainstay::report;
using namespace mainstay::test;

namespace {

constexpr MetricsOptions kAll{
    .servers = true, .mehdy = true, .mehdy_2020 = true, .gen2brain = true, .node_exporter = true};

// The names after "# TYPE".
std::set<std::string> families_in(const std::string& text) {
    std::set<std::string> names;
    std::istringstream lines{text};
    std::string line;
    while (std::getline(lines, line))
        if (line.starts_with("# TYPE ")) CHECK(names.insert(line.substr(7, line.find(' ', 7) - 7)).second);
    return names;
}

// The lines that begin with this.
std::vector<std::string> lines_of(const std::string& text, const std::string& begin) {
    std::vector<std::string> found;
    std::istringstream lines{text};
    std::string line;
    while (std::getline(lines, line))
        if (line.starts_with(begin)) found.push_back(line);
    return found;
}

std::string file(const char* path) {
    std::ifstream in{path};
    REQUIRE(in.is_open());
    return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace

TEST_CASE("the metrics of a director, as text") { CHECK(metrics(metrics_daemon(), {}) == golden("metrics.txt")); }

TEST_CASE("the metrics of a director, of each server, in OpenMetrics") {
    CHECK(metrics(metrics_daemon(), {.servers = true, .openmetrics = true}) == golden("metrics-servers.om"));
}

TEST_CASE("the metrics of a director, under the names of other exporters") {
    const auto text = metrics(metrics_daemon(), kAll);
    CHECK(text.substr(text.find("# HELP keepalived_up")) == golden("metrics-compat.txt"));
}

TEST_CASE("what is emitted has a row, and what has a row is emitted") {
    std::set<std::string> rows;
    for (const auto& family : metric_families()) rows.insert(std::string{family.name});
    CHECK(families_in(metrics(metrics_daemon(), kAll)) == rows);
}

TEST_CASE("docs/metrics.md has every row") { CHECK(file(METRICS_DOCUMENT).ends_with("\n" + metrics_reference())); }

TEST_CASE("a label's value cannot end its line or its quotation, and is UTF-8") {
    const auto text = metrics(metrics_daemon(), {});
    CHECK(lines_of(text, "mainstay_vrrp_priority{name=\"a") ==
          std::vector<std::string>{"mainstay_vrrp_priority{name=\"a\\\"b\\\\c\\nd\xEF\xBF\xBD\",interface=\"eth0\","
                                   "vrid=\"51\",family=\"inet6\"} "
                                   "145"});
    auto status = metrics_daemon();
    const auto name_becomes = [&](const std::string& name) {
        status.vrrp->router.scripts[0].name = name;
        const auto line = lines_of(metrics(status, {}), "mainstay_vrrp_script_runs_total").at(0);
        return line.substr(40, line.rfind('"') - 40);
    };
    CHECK(name_becomes("gr\xC3\xBC\xC3\x9F") == "gr\xC3\xBC\xC3\x9F");
    CHECK(name_becomes("\xF0\x9F\x90\xA7") == "\xF0\x9F\x90\xA7");
    CHECK(name_becomes("\xC3") == "\xEF\xBF\xBD");                                  // ends early
    CHECK(name_becomes("\xC0\x80") == "\xEF\xBF\xBD\xEF\xBF\xBD");                  // longer than it need be
    CHECK(name_becomes("\xED\xA0\x80") == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // a surrogate
    CHECK(name_becomes("\xF4\x90\x80\x80").size() == 12);                           // above U+10FFFF
}

TEST_CASE("of two objects with the same labels the first is shown, and the other counted") {
    auto status = metrics_daemon();
    CHECK(lines_of(metrics(status, {}), "mainstay_metrics_left_out") ==
          std::vector<std::string>{"mainstay_metrics_left_out 0"});

    auto twin = status.vrrp->router.instances[0];
    twin.effective_priority = 7;
    status.vrrp->router.instances.push_back(twin);
    status.lvs->services.push_back(status.lvs->services[0]);
    status.lvs->services[0].servers.push_back(status.lvs->services[0].servers[0]);
    const auto text = metrics(status, {.servers = true});

    CHECK(lines_of(text, "mainstay_vrrp_priority{name=\"VI_1\"").size() == 1);
    CHECK(text.find("family=\"inet\"} 7\n") == std::string::npos);
    // An instance, a service, a server and its check.
    CHECK(lines_of(text, "mainstay_metrics_left_out") == std::vector<std::string>{"mainstay_metrics_left_out 4"});
}

TEST_CASE("what is not known has no series") {
    auto status = metrics_daemon();
    status.vrrp.reset();
    status.lvs->traffic.reset();
    status.lvs->oldest_check.reset();
    status.bfd.reset();
    status.supervision.reset();
    const auto text = metrics(status, kAll);
    for (const char* absent :
         {"mainstay_vrrp", "mainstay_bfd", "mainstay_up", "mainstay_reload", "mainstay_ipvs_in_bytes",
          "mainstay_server_in_bytes_total{", "node_ipvs", "keepalived_lvs", "keepalived_vrrp"})
        CHECK_MESSAGE(text.find(absent) == std::string::npos, absent);
    CHECK(lines_of(text, "keepalived_up") == std::vector<std::string>{"keepalived_up 0"});
    CHECK(lines_of(text, "mainstay_check_oldest") ==
          std::vector<std::string>{"mainstay_check_oldest_unfinished_seconds 0"});
    CHECK(lines_of(text, "mainstay_lvs_quorum_up").size() == 2);

    // Counters of another number of services belong to another configuration.
    status.lvs->traffic.emplace(1);
    CHECK(metrics(status, kAll).find("mainstay_ipvs_in_bytes") == std::string::npos);
}

TEST_CASE("a process that is not ready, and a reload that was refused last, are seen") {
    auto status = metrics_daemon();
    status.supervision->processes[1].ready = false;
    status.supervision->reloads.last_refused = {1'795'163'500'000'001};
    const auto text = metrics(status, {});
    CHECK(lines_of(text, "mainstay_up") == std::vector<std::string>{"mainstay_up 0"});
    CHECK(lines_of(text, "mainstay_process_up{process=\"lvs\"}") ==
          std::vector<std::string>{"mainstay_process_up{process=\"lvs\"} 0"});
    CHECK(lines_of(text, "mainstay_reload_last_successful") ==
          std::vector<std::string>{"mainstay_reload_last_successful 0"});
}

TEST_CASE("mehdy's counters have a state when it is asked for") {
    CHECK(lines_of(metrics(metrics_daemon(), {.mehdy = true}), "keepalived_become_master_total{iname=\"VI_1\"") ==
          std::vector<std::string>{"keepalived_become_master_total{iname=\"VI_1\",intf=\"eth0\",vrid=\"51\"} 102"});
    CHECK(lines_of(metrics(metrics_daemon(), {.mehdy = true, .mehdy_state = true}),
                   "keepalived_become_master_total{iname=\"VI_1\"") ==
          std::vector<std::string>{
              "keepalived_become_master_total{iname=\"VI_1\",intf=\"eth0\",vrid=\"51\",state=\"MASTER\"} 102"});
}

TEST_CASE("the usual scope stays below a megabyte with 2,300 services and 37,000 servers") {
    auto status = metrics_daemon();
    status.vrrp->router.instances.resize(1);
    const auto service = status.lvs->services[0];
    auto server = service.servers[0];
    status.lvs->services.clear();
    status.lvs->overrides.clear();
    status.lvs->traffic.emplace();
    const auto busy = netlink::IpvsStats{.connections = 987'654'321,
                                         .in_packets = 98'765'432'109,
                                         .out_packets = 98'765'432'109,
                                         .in_bytes = 9'876'543'210'987,
                                         .out_bytes = 98'765'432'109'876};
    std::size_t servers = 0;
    for (int v = 0; v < 2'300; ++v) {
        auto one = service;
        one.name = fmt::format("[10.100.{}.{}]:tcp:443", 100 + v / 250, v % 250);
        one.sorry_server.clear();
        one.servers.clear();
        for (int s = 0; s < (v < 200 ? 17 : 16); ++s) {
            server.endpoint = {IpAddress::parse(fmt::format("10.{}.{}.{}", s, v / 250, v % 250)).value(), 443};
            server.name = "[" + server.endpoint.address.to_string() + "]:tcp:443";
            one.servers.push_back(server);
        }
        servers += one.servers.size();
        ServiceTraffic traffic{.stats = busy, .servers = {}, .sorry_server = {}};
        traffic.servers.resize(one.servers.size(),
                               {.stats = busy, .active = 12'345, .inactive = 54'321, .persistent = 0});
        status.lvs->traffic->push_back(std::move(traffic));
        status.lvs->services.push_back(std::move(one));
    }
    REQUIRE(servers == 37'000);
    for (const bool openmetrics : {false, true}) {
        const auto text = metrics(status, {.openmetrics = openmetrics});
        CHECK(text.size() < 1'000'000);
        CHECK(lines_of(text, "mainstay_ipvs_in_bytes_total{").size() == 2'300);
    }
}

TEST_CASE("series of servers come in pieces of about a thousand of them, and are one text") {
    auto status = metrics_daemon();
    status.lvs->services.clear();
    status.lvs->traffic.emplace();
    for (int service = 0; service < 30; ++service) {
        report::ServiceStatus one;
        one.name = "S" + std::to_string(service);
        for (int server = 0; server < 100; ++server) one.servers.push_back({.name = "R" + std::to_string(server)});
        status.lvs->services.push_back(std::move(one));
        status.lvs->traffic->push_back({.stats = {}, .servers = std::vector<ServerTraffic>(100), .sorry_server = {}});
    }
    auto pieces = metrics_pieces(std::make_shared<const DaemonStatus>(status), {.servers = true});
    std::size_t count = 0, most = 0;
    std::string text;
    for (; auto piece = pieces.next(); ++count) {
        most = std::max(most, piece->size());
        text += *piece;
    }
    CHECK(count > 3 * 10);  // families of servers
    CHECK(most < 300'000);
    CHECK(text == metrics(status, {.servers = true}));
    for (const char* family : {"mainstay_server_up", "mainstay_server_weight", "mainstay_server_current_connections"})
        CHECK(lines_of(text, "# TYPE " + std::string{family} + " ").size() == 1);
    CHECK(lines_of(text, "mainstay_server_up{").size() == 3000);
    CHECK(lines_of(text, "mainstay_server_current_connections{").size() == 9000);
    CHECK(lines_of(text, "mainstay_service_active_connections{").size() == 30);
}
