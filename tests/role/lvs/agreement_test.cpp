// active_active: the order of the kernel's table, when it is put right, and what is said of it.
#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench.hpp"
#include "mainstay/lvs/mh_table.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using lvs::test::server;
using lvs::test::service;

namespace {

using Lines = std::vector<std::string>;

config::VirtualServer agreed(std::vector<config::RealServer> servers) {
    auto made = service(std::move(servers));
    made.active_active = true;
    made.scheduler = "mh";
    return made;
}

struct AgreementScene {
    Bench bench;
    Sysctls sysctls;
    Lines order, announced;
    std::string refuses;  // nothing

    AgreementScene() {
        bench.options.mh_slots = 251;
        bench.options.open_announcing = [this]() -> Result<std::unique_ptr<AnnounceTable>> {
            return std::make_unique<FakeAnnouncing>(announced, refuses);
        };
        bench.options.open_settings = [this]() -> Result<std::unique_ptr<IpvsSettings>> {
            return std::make_unique<FakeSysctls>(sysctls, order);
        };
        bench.kernel.refuses = [this](const netlink::IpvsOperation& one) {
            if (one.kind == netlink::IpvsOperation::Kind::DeleteDestination) order.emplace_back("delete");
            return 0;
        };
    }
    [[nodiscard]] Lines kernel() const {  // the oldest destination first
        Lines lines;
        for (const auto& one : bench.in_kernel("10.0.0.1")->destinations)
            lines.insert(lines.begin(), fmt::format("{} {}", one.endpoint.address.to_string(), one.weight));
        return lines;
    }
    report::MhTableStatus shown() {
        bench.role->save_state();
        return bench.runtime.status().services.at(0).mh_table.value();
    }
};

}  // namespace

TEST_CASE("the table waits for the end of maintenance, and its digests are shown and logged") {
    AgreementScene scene;
    auto& bench = scene.bench;
    bench.start(with({agreed({server("10.0.0.14"), server("10.0.0.11"), server("10.0.0.13")})}));
    CHECK(scene.kernel() == Lines{"10.0.0.11 1", "10.0.0.13 1", "10.0.0.14 1"});
    const auto first = scene.shown();
    CHECK(first.digest == first.wanted_digest);
    CHECK(first.slots == 251);
    CHECK_FALSE(first.slots_assumed);
    const auto line =
        fmt::format("virtual server [10.0.0.1]:tcp:80: mh table {:016x}, as the configuration demands", first.digest);
    CHECK(bench.runtime.log_.count(line) == 1);

    bench.reload(with({agreed({server("10.0.0.11"), server("10.0.0.12"), server("10.0.0.14")})}));
    const Lines waiting{"10.0.0.11 1", "10.0.0.13 0", "10.0.0.14 1", "10.0.0.12 1"};
    CHECK(scene.kernel() == waiting);
    CHECK(scene.shown().digest != scene.shown().wanted_digest);
    CHECK(bench.runtime.log_.count(
              fmt::format("the configuration demands {:016x}: put in order at the end of maintenance",
                          scene.shown().wanted_digest)) == 1);

    bench.role->on(ipc::MaintenanceOrder{.on = true}, {});
    CHECK(scene.kernel() == waiting);
    scene.order.clear();
    bench.role->on(ipc::MaintenanceOrder{.on = false}, {});
    CHECK(scene.kernel() == Lines{"10.0.0.11 1", "10.0.0.12 1", "10.0.0.14 1"});
    CHECK(scene.order == Lines{"expire_nodest_conn=0", "delete", "delete", "delete", "expire_nodest_conn=1"});
    CHECK(scene.shown().digest == scene.shown().wanted_digest);
    CHECK(bench.runtime.log_.count("virtual server [10.0.0.1]:tcp:80: its mh table is put in order") == 1);
}

TEST_CASE("a restarted process finds the order of the one before, and knows what was there of the settings") {
    AgreementScene scene;
    auto& bench = scene.bench;
    bench.start(with({agreed({server("10.0.0.11"), server("10.0.0.13")})}));
    bench.reload(with({agreed({server("10.0.0.11"), server("10.0.0.12"), server("10.0.0.13")})}));
    const Lines waiting{"10.0.0.11 1", "10.0.0.13 1", "10.0.0.12 1"};
    CHECK(scene.kernel() == waiting);
    scene.shown();  // saved

    bench.role.reset();
    scene.order.clear();
    bench.start(with({agreed({server("10.0.0.11"), server("10.0.0.12"), server("10.0.0.13")})}), true);
    CHECK(scene.kernel() == waiting);
    CHECK(scene.order == Lines{});  // no setting changes, not even for a moment
    CHECK(scene.sysctls["sloppy_tcp"] == 1);

    bench.reload(with({service({server("10.0.0.11")})}));
    CHECK(scene.kernel() == Lines{"10.0.0.11 1"});
    CHECK(scene.sysctls["sloppy_tcp"] == 0);
}

TEST_CASE("the table of an announced service waits until no address of it is announced") {
    AgreementScene scene;
    auto& bench = scene.bench;
    const auto web = [](const std::vector<std::string_view>& addresses) {
        std::vector<config::RealServer> servers;
        for (const auto address : addresses) servers.push_back(server(address));
        servers[0].checkers.push_back(lvs::test::misc_check(servers[0].endpoint));
        servers[0].checkers[0].delay_loop = std::chrono::milliseconds{20};
        servers[0].checkers[0].warmup = Micros{0};
        auto made = agreed(std::move(servers));
        made.quorum = static_cast<std::uint32_t>(addresses.size());
        made.more.edit().sections.push_back({.keyword = "announce"});
        return with({made});
    };
    const auto check_ends = [&](int status) {
        REQUIRE(bench.runtime.until([&] { return !bench.runtime.scripts.empty(); }));
        std::exchange(bench.runtime.scripts, {}).at(0).done({1, ipc::ScriptResult::How::Exited, status});
    };
    const auto state = [&] {
        bench.role->save_state();
        return bench.runtime.status().announced.at(0).state;
    };
    bench.start(web({"10.0.0.11", "10.0.0.13"}));
    check_ends(0);
    REQUIRE(bench.runtime.until([&] { return state() == "announced"; }));
    bench.reload(web({"10.0.0.11", "10.0.0.12", "10.0.0.13"}));
    const Lines waiting{"10.0.0.11 1", "10.0.0.13 1", "10.0.0.12 1"};
    CHECK(scene.kernel() == waiting);
    bench.role->on(ipc::MaintenanceOrder{.on = false}, {});  // there was none: the address is announced
    CHECK(scene.kernel() == waiting);

    check_ends(1);
    REQUIRE(bench.runtime.until([&] { return state() == "withdrawn"; }));
    CHECK(bench.runtime.until([&] { return scene.kernel() == Lines{"10.0.0.11 0", "10.0.0.12 1", "10.0.0.13 1"}; }));
    CHECK(bench.runtime.log_.count("virtual server [10.0.0.1]:tcp:80: its mh table is put in order") == 1);
}

TEST_CASE("the digest of a group is that of all its services, and one of a size that is assumed says so") {
    AgreementScene scene;
    auto& bench = scene.bench;
    bench.options.mh_slots.reset();
    const auto web = [](std::vector<std::string_view> services) {
        std::vector<config::GroupEntry> entries;
        for (const auto one : services) entries.push_back(lvs::test::range(one, one));
        auto group = lvs::test::grouped({server("10.0.0.11"), server("10.0.0.12")}, std::move(entries));
        group.active_active = true;
        group.scheduler = "mh";
        return with({group});
    };
    bench.start(web({"10.9.0.1", "10.9.0.2"}));
    const auto both = scene.shown();
    CHECK(both.slots == lvs::kMhUsualTableSize);
    CHECK(both.slots_assumed);
    CHECK(both.digest == both.wanted_digest);
    bench.reload(web({"10.9.0.1"}));
    const auto one = scene.shown();
    CHECK(one.digest != both.digest);
    bench.reload(web({"10.9.0.1", "10.9.0.2"}));
    CHECK(scene.shown().digest == both.digest);
    CHECK(bench.runtime.log_.count(fmt::format("mh table {:016x}, as the configuration demands", both.digest)) == 2);

    // One table of the two is another one, and the digest of both shows it.
    for (auto& entry : bench.kernel.table)
        if (entry.service.key == lvs::test::tcp_key("10.9.0.2")) std::ranges::reverse(entry.destinations);
    bench.role.reset();
    bench.start(web({"10.9.0.1", "10.9.0.2"}), true);
    CHECK(scene.shown().digest != both.digest);
    CHECK(scene.shown().wanted_digest == both.digest);
}
