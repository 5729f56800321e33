#include <doctest/doctest.h>

#include <thread>

#include "../../lvs/builders.hpp"
#include "fakes.hpp"
#include "role/lvs/counters.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace mainstay::lvs::test;
using namespace std::chrono_literals;

namespace {

config::Config counted(config::KeywordValues global) {
    config::Config config;
    config.virtual_servers = {service({server("10.0.0.11"), server("10.0.0.12", 2)})};
    config.global.more.edit().values = std::move(global);
    return config;
}

struct TrafficBench {
    FakeKernel kernel;
    FakeRuntime runtime;
    LvsOptions options = options_for(kernel);
    std::unique_ptr<Role> role = make_lvs_role(runtime, options);

    TrafficBench() {
        kernel.stats = {.connections = 7, .in_packets = 70, .out_bytes = 700};
        kernel.connections = 3;
    }
    ~TrafficBench() {
        bool stopped = false;
        role->stop([&stopped] { stopped = true; });
        CHECK(runtime.until([&stopped] { return stopped; }));
    }
    auto traffic() const { return runtime.status().traffic; }
    bool connections_become(std::uint64_t of_service, std::uint64_t of_server) {
        return runtime.until([&] {
            const auto found = traffic();
            return found && found->at(0).stats.connections == of_service &&
                   found->at(0).servers.at(1).stats.connections == of_server;
        });
    }
};

// A kernel whose every answer takes a while, and that counts connections that are not active, too.
struct SlowTable final : IpvsTable {
    struct Record {
        struct Reading {
            Instant begin, end;
        };
        std::vector<Reading> of_services, of_servers;
        std::chrono::microseconds pause{0};
    };
    SlowTable(FakeKernel& kernel, Record& record) : table_{kernel}, record_{record} {}
    Result<Outcome> perform(const std::vector<netlink::IpvsOperation>& operations) override {
        return table_.perform(operations);
    }
    Result<std::vector<netlink::IpvsServiceEntry>> services() override {
        return slowly(record_.of_services, [this] { return table_.services(); });
    }
    Result<std::vector<netlink::IpvsDestinationEntry>> destinations(const netlink::IpvsServiceKey& key) override {
        auto entries = slowly(record_.of_servers, [&] { return table_.destinations(key); });
        if (entries)
            for (auto& entry : *entries) entry.inactive = 20, entry.persistent = 300;
        return entries;
    }
    Result<void> flush() override { return table_.flush(); }

private:
    template <class Read>
    auto slowly(std::vector<Record::Reading>& readings, const Read& read) const -> decltype(read()) {
        const auto begin = std::chrono::steady_clock::now();
        std::this_thread::sleep_for(record_.pause);
        auto result = read();
        readings.push_back({begin, std::chrono::steady_clock::now()});
        return result;
    }
    FakeTable table_;
    Record& record_;
};

struct SlowBench {
    FakeKernel kernel;
    FakeRuntime runtime;
    SlowTable::Record record;
    std::unique_ptr<Role> role;

    explicit SlowBench(const config::Config& config) {
        auto options = options_for(kernel);
        options.open_ipvs = [this]() -> Result<std::unique_ptr<IpvsTable>> {
            return std::make_unique<SlowTable>(kernel, record);
        };
        role = make_lvs_role(runtime, std::move(options));
        REQUIRE(role->start(config, false));
        record = {};
    }
    ~SlowBench() {
        bool stopped = false;
        role->stop([&stopped] { stopped = true; });
        CHECK(runtime.until([&stopped] { return stopped; }));
    }
};

}  // namespace

TEST_CASE("counters are read for SNMP alone, every five seconds, those of servers as often as those of services") {
    using config::KeywordValues;
    const auto intervals = [](KeywordValues global, bool by_option = false) {
        return counter_intervals(counted(std::move(global)), by_option);
    };
    CHECK_FALSE(intervals({}));
    CHECK(intervals({}, true) == CounterIntervals{5s, 5s});
    CHECK(intervals({{"enable_snmp_checker", true}}) == CounterIntervals{5s, 5s});
    CHECK(intervals({{"enable_snmp_checker", true}, {"snmp_vs_stats_update_interval", Micros{2s}}}) ==
          CounterIntervals{2s, 2s});
    CHECK(intervals({{"enable_snmp_checker", true}, {"snmp_rs_stats_update_interval", Micros{3s}}}) ==
          CounterIntervals{5s, 3s});
    auto nothing = counted({{"enable_snmp_checker", true}});
    nothing.virtual_servers.clear();
    CHECK_FALSE(counter_intervals(nothing, true));
}

TEST_CASE("reading takes a twentieth of the time at most, that of all servers as that of services") {
    auto config = counted({{"enable_snmp_checker", true}, {"snmp_vs_stats_update_interval", Micros{1'000}}});
    constexpr std::size_t kServices = 33;  // one more than are read at a time
    while (config.virtual_servers.size() < kServices)
        config.virtual_servers.push_back(
            service({server("10.0.0.11")}, "10.1.0." + std::to_string(config.virtual_servers.size())));
    SlowBench bench{config};
    bench.record.pause = 100us;
    constexpr std::size_t kRounds = 24;  // at ever growing distances this would take longer than anybody waits
    CHECK(bench.runtime.until([&] {
        return bench.record.of_services.size() > kRounds && bench.record.of_servers.size() > kRounds * kServices;
    }));
    const auto& services = bench.record.of_services;
    for (std::size_t n = 1; n < services.size(); ++n)
        CHECK(services[n].begin - services[n - 1].end >= 20 * (services[n - 1].end - services[n - 1].begin));
    const auto& servers = bench.record.of_servers;
    for (std::size_t n = kServices; n < servers.size(); n += kServices) {
        Nanos took{0};
        for (std::size_t one = n - kServices; one < n; ++one) took += servers[one].end - servers[one].begin;
        CHECK(servers[n].begin - servers[n - 1].end >= 20 * took);
    }
}

TEST_CASE("connections that are not active, and those that persistence waits for, are counted for themselves") {
    SlowBench bench{counted({{"enable_snmp_checker", true}})};
    bench.kernel.connections = 1;
    REQUIRE(bench.runtime.until([&] { return bench.runtime.status().traffic.has_value(); }));
    const auto server = bench.runtime.status().traffic->at(0).servers.at(1);
    CHECK(server.active == 1);
    CHECK(server.inactive == 20);
    CHECK(server.persistent == 300);
}

TEST_CASE("nothing is shown before all has been read once") {
    TrafficBench bench;
    REQUIRE(bench.role->start(
        counted({{"enable_snmp_checker", true}, {"snmp_vs_stats_update_interval", Micros{1'000}}}), false));
    SUBCASE("services cannot be read") { bench.kernel.counts = false; }
    SUBCASE("servers cannot be read") { bench.kernel.lists = false; }
    const auto dumps = bench.kernel.dumps, reads = bench.kernel.reads;
    CHECK(bench.runtime.until([&] { return bench.kernel.dumps > dumps + 3 && bench.kernel.reads > reads + 3; }));
    bench.role->save_state();
    CHECK_FALSE(bench.traffic());
    bench.kernel.counts = bench.kernel.lists = true;
    CHECK(bench.connections_become(7, 7));
}

TEST_CASE("a service that left the table has counted nothing, and a sorry server in it is counted") {
    TrafficBench bench;
    auto config = counted({{"enable_snmp_checker", true}, {"snmp_vs_stats_update_interval", Micros{1'000}}});
    config.virtual_servers = {service({})};
    config.virtual_servers[0].sorry_server = sorry("10.0.0.99");
    REQUIRE(bench.role->start(config, false));
    REQUIRE(bench.runtime.until([&] { return bench.traffic().has_value(); }));
    CHECK(bench.traffic()->at(0).sorry_server.stats.connections == 7);
    bench.kernel.table.clear();
    CHECK(bench.runtime.until([&] { return bench.traffic()->at(0).stats.connections == 0; }));
    CHECK(bench.runtime.until([&] { return bench.traffic()->at(0).sorry_server.stats.connections == 0; }));
}

TEST_CASE("while IPVS is missing, its counters are not said to be unreadable") {
    TrafficBench bench;
    bench.kernel.available = false;
    REQUIRE(bench.role->start(
        counted({{"enable_snmp_checker", true}, {"snmp_vs_stats_update_interval", Micros{1'000}}}), false));
    const auto opened = bench.kernel.opened;
    CHECK(bench.runtime.until([&] { return bench.kernel.opened > opened + 2; }));
    CHECK(bench.runtime.log().count("cannot be read") == 0);
}

TEST_CASE("what the kernel counts is read for SNMP, of services and of servers") {
    TrafficBench bench;
    REQUIRE(bench.role->start(counted({{"enable_snmp_checker", true}}), false));

    REQUIRE(bench.runtime.until([&] { return bench.traffic().has_value(); }));
    const auto traffic = *bench.traffic();
    REQUIRE(traffic.size() == 1);
    CHECK(traffic[0].stats == bench.kernel.stats);
    REQUIRE(traffic[0].servers.size() == 2);
    CHECK(traffic[0].servers[1].stats.out_bytes == 700);
    CHECK(traffic[0].servers[1].active == 3);
    CHECK(traffic[0].sorry_server == report::ServerTraffic{});
}

TEST_CASE("without SNMP nothing is counted") {
    TrafficBench bench;
    REQUIRE(bench.role->start(counted({{"snmp_vs_stats_update_interval", Micros{1'000}}}), false));
    const auto dumps = bench.kernel.dumps;

    const auto end = std::chrono::steady_clock::now() + 100ms;
    while (std::chrono::steady_clock::now() < end) bench.runtime.loop_.run_one_for(10ms);
    bench.runtime.loop_.restart();
    bench.role->save_state();

    CHECK(bench.kernel.dumps == dumps);
    CHECK(bench.traffic() == std::nullopt);
}

TEST_CASE("services and servers are read again after an interval each") {
    // effect: global_defs: snmp_vs_stats_update_interval snmp_rs_stats_update_interval
    TrafficBench bench;
    config::KeywordValues global{{"enable_snmp_checker", true}};
    SUBCASE("the one of servers is that of services") {
        global.push_back({"snmp_vs_stats_update_interval", Micros{1'000}});
        REQUIRE(bench.role->start(counted(global), false));
        REQUIRE(bench.connections_become(7, 7));
        bench.kernel.stats.connections = 8;
        CHECK(bench.connections_become(8, 8));
        constexpr std::size_t kOften = 50;  // the usual interval allows for four in the time that is waited
        const auto dumps = bench.kernel.dumps;
        CHECK(bench.runtime.until([&] { return bench.kernel.dumps > dumps + kOften; }));
    }
    SUBCASE("servers are read more often") {
        global.push_back({"snmp_rs_stats_update_interval", Micros{1'000}});
        global.push_back({"snmp_vs_stats_update_interval", Micros{30'000'000}});
        REQUIRE(bench.role->start(counted(global), false));
        REQUIRE(bench.connections_become(7, 7));
        bench.kernel.stats.connections = 8;
        CHECK(bench.connections_become(7, 8));
    }
    SUBCASE("a reload to a shorter interval counts at once, and one without SNMP ends it") {
        global.push_back({"snmp_vs_stats_update_interval", Micros{30'000'000}});
        REQUIRE(bench.role->start(counted(global), false));
        REQUIRE(bench.connections_become(7, 7));
        bench.kernel.stats.connections = 8;
        global.back().data = Micros{1'000};
        REQUIRE(bench.role->prepare(counted(global)));
        bench.role->commit();
        CHECK(bench.connections_become(8, 8));
        REQUIRE(bench.role->prepare(counted({})));
        bench.role->commit();
        CHECK(bench.runtime.until([&] { return !bench.traffic(); }));
    }
}

TEST_CASE("the state is published anew when a counter has moved, not each time that they are read") {
    TrafficBench bench;
    REQUIRE(bench.role->start(counted({{"enable_snmp_checker", true},
                                       {"snmp_vs_stats_update_interval", Micros{1'000}},
                                       {"snmp_rs_stats_update_interval", Micros{30'000'000}}}),
                              false));
    REQUIRE(bench.connections_become(7, 7));
    // What the start has asked for is published by then.
    const auto end = std::chrono::steady_clock::now() + 300ms;
    while (std::chrono::steady_clock::now() < end) bench.runtime.loop_.run_one_for(10ms);
    bench.runtime.loop_.restart();
    const int published = bench.runtime.times_published;
    const auto dumps = bench.kernel.dumps;
    const auto later = std::chrono::steady_clock::now() + 300ms;
    CHECK(bench.runtime.until(
        [&] { return bench.kernel.dumps > dumps + 100 && std::chrono::steady_clock::now() > later; }));
    CHECK(bench.runtime.times_published == published);
    bench.kernel.stats.connections = 8;
    CHECK(bench.runtime.until([&] { return bench.runtime.times_published > published; }));
}

TEST_CASE("counters that cannot be read stay unchanged, which is logged once") {
    TrafficBench bench;
    REQUIRE(bench.role->start(
        counted({{"enable_snmp_checker", true}, {"snmp_vs_stats_update_interval", Micros{1'000}}}), false));
    REQUIRE(bench.connections_become(7, 7));

    bench.kernel.counts = false;
    const auto dumps = bench.kernel.dumps;
    CHECK(bench.runtime.until([&] { return bench.kernel.dumps > dumps + 3; }));
    CHECK(bench.traffic()->at(0).stats.connections == 7);
    CHECK(bench.runtime.log().count(
              "the IPVS counters of services, for SNMP and metrics, cannot be read: no buffer space") == 1);
    bench.kernel.counts = true;
    bench.kernel.stats.connections = 9;
    CHECK(bench.connections_become(9, 9));
}

TEST_CASE("counters that could be read again and then cannot are logged again, those of services and of servers each") {
    TrafficBench bench;
    REQUIRE(bench.role->start(
        counted({{"enable_snmp_checker", true}, {"snmp_vs_stats_update_interval", Micros{1'000}}}), false));
    REQUIRE(bench.connections_become(7, 7));
    const auto logged = [&bench](const std::string& whose) {
        return bench.runtime.log().count("the IPVS counters of " + whose +
                                         ", for SNMP and metrics, cannot be read: no buffer space; retried at each "
                                         "interval");
    };
    for (std::size_t times = 1; times <= 2; ++times) {
        bench.kernel.counts = bench.kernel.lists = false;
        CHECK(bench.runtime.until([&] { return logged("services") == times && logged("servers") == times; }));
        const auto dumps = bench.kernel.dumps, reads = bench.kernel.reads;
        CHECK(bench.runtime.until([&] { return bench.kernel.dumps > dumps + 3 && bench.kernel.reads > reads + 3; }));
        CHECK(logged("services") == times);
        CHECK(logged("servers") == times);
        bench.kernel.counts = bench.kernel.lists = true;
        bench.kernel.stats.connections += 1;
        CHECK(bench.connections_become(7 + times, 7 + times));
    }
}

TEST_CASE("servers of more services than are read at a time are all read, and then again") {
    TrafficBench bench;
    auto config = counted({{"enable_snmp_checker", true}, {"snmp_rs_stats_update_interval", Micros{1'000}}});
    for (int n = 0; n < 300; ++n)
        config.virtual_servers.push_back(
            service({server("10.0.0.11")}, "10.1." + std::to_string(n / 200) + "." + std::to_string(1 + n % 200)));
    REQUIRE(bench.role->start(config, false));
    const auto last = [&]() -> std::uint64_t {
        const auto found = bench.traffic();
        return found ? found->at(300).servers.at(0).stats.connections : 0;
    };
    CHECK(bench.runtime.until([&] { return last() == 7; }));
    bench.kernel.stats.connections = 8;
    CHECK(bench.runtime.until([&] { return last() == 8; }));
    // The round in which it changed may have been past the first ones.
    CHECK(bench.runtime.until([&] { return bench.traffic()->at(0).servers.at(1).stats.connections == 8; }));
}

TEST_CASE("what a service's addresses count is summed, each number for itself") {
    TrafficBench bench;
    bench.kernel.stats = {.connections = 1,
                          .in_packets = 2,
                          .out_packets = 3,
                          .in_bytes = 4,
                          .out_bytes = 5,
                          .cps = 6,
                          .in_pps = 7,
                          .out_pps = 8,
                          .in_bps = 9,
                          .out_bps = 10};
    const netlink::IpvsStats of_two{.connections = 2,
                                    .in_packets = 4,
                                    .out_packets = 6,
                                    .in_bytes = 8,
                                    .out_bytes = 10,
                                    .cps = 12,
                                    .in_pps = 14,
                                    .out_pps = 16,
                                    .in_bps = 18,
                                    .out_bps = 20};
    auto config = counted({{"enable_snmp_checker", true}});
    config.virtual_servers = {grouped({server("10.0.0.11")}, {range("10.9.0.1", "10.9.0.2")})};
    config.virtual_servers[0].sorry_server = sorry("10.0.0.99");
    REQUIRE(bench.role->start(config, false));
    REQUIRE(bench.runtime.until([&] { return bench.traffic().has_value(); }));
    const auto traffic = bench.traffic()->at(0);
    CHECK(traffic.stats == of_two);
    CHECK(traffic.servers.at(0).stats == of_two);
    CHECK(traffic.servers.at(0).active == 6);
    CHECK(traffic.sorry_server == report::ServerTraffic{});  // not in the table while servers are up
}

TEST_CASE("single services that change are counted anew at once, however long the interval is") {
    FakeKernel kernel;
    kernel.stats.connections = 7;
    FakeRuntime runtime;
    auto options = options_for(kernel);
    options.traffic_every = options.traffic_kept = 1h;
    const auto role = make_lvs_role(runtime, options);
    REQUIRE(role->start(counted({}), false));
    role->on(ipc::ReadTraffic{}, {});
    REQUIRE(runtime.until([&] { return runtime.status().traffic.has_value(); }));
    auto wider = counted({});
    wider.virtual_servers[0].real_servers.push_back(server("10.0.0.13"));
    REQUIRE(role->prepare_changes({{0, counted({}).virtual_servers[0], wider.virtual_servers[0]}}));
    role->commit();
    CHECK(runtime.until([&] {
        const auto traffic = runtime.status().traffic;
        return traffic && traffic->at(0).servers.size() == 3 && traffic->at(0).servers[2].stats.connections == 7;
    }));
    bool stopped = false;
    role->stop([&stopped] { stopped = true; });
    CHECK(runtime.until([&stopped] { return stopped; }));
}

TEST_CASE("without SNMP the counters are read while somebody collects metrics") {
    FakeKernel kernel;
    kernel.stats.connections = 7;
    FakeRuntime runtime;
    auto options = options_for(kernel);
    options.traffic_every = 1ms;
    options.traffic_kept = 200ms;
    const auto role = make_lvs_role(runtime, options);
    const auto ask = [&role] { role->on(ipc::ReadTraffic{}, {}); };
    const auto traffic = [&runtime] { return runtime.status().traffic; };
    ask();  // too early; it changes nothing
    REQUIRE(role->start(counted({}), false));
    REQUIRE_FALSE(traffic());

    ask();
    REQUIRE(runtime.until([&] { return traffic().has_value(); }));
    CHECK(traffic()->at(0).stats.connections == 7);

    // Reloads go on with it, of the whole configuration and of single services.
    REQUIRE(role->prepare(counted({})));
    role->commit();
    REQUIRE(runtime.until([&] { return !traffic(); }));
    REQUIRE(runtime.until([&] { return ask(), traffic().has_value(); }));
    auto wider = counted({});
    wider.virtual_servers[0].real_servers.push_back(server("10.0.0.13"));
    ask();
    REQUIRE(role->prepare_changes({{0, counted({}).virtual_servers[0], wider.virtual_servers[0]}}));
    role->commit();
    REQUIRE(runtime.until([&] { return ask(), traffic() && traffic()->at(0).servers.size() == 3; }));

    // Nobody asks any more.
    REQUIRE(runtime.until([&] { return !traffic(); }));
    bool stopped = false;
    role->stop([&stopped] { stopped = true; });
    CHECK(runtime.until([&stopped] { return stopped; }));
}

TEST_CASE("a request for metrics does not end the reading for SNMP") {
    TrafficBench bench;
    REQUIRE(bench.role->start(
        counted({{"enable_snmp_checker", true}, {"snmp_vs_stats_update_interval", Micros{1'000}}}), false));
    REQUIRE(bench.connections_become(7, 7));
    bench.role->on(ipc::ReadTraffic{}, {});
    bench.kernel.stats.connections = 8;
    CHECK(bench.connections_become(8, 8));
}
