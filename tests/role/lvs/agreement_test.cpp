// active_active: the order of the kernel's table, when it is put right, and what is said of it.
#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using lvs::test::server;
using lvs::test::service;

namespace {

using Lines = std::vector<std::string>;
using Sysctls = std::map<std::string, int, std::less<>>;

class FakeSysctls final : public NoSyncSettings {
public:
    FakeSysctls(Sysctls& values, Lines& order) : values_{values}, order_{order} {}
    Result<int> sysctl(std::string_view name) override { return values_[std::string{name}]; }
    Result<void> set_sysctl(std::string_view name, int value) override {
        order_.push_back(fmt::format("{}={}", name, value));
        values_[std::string{name}] = value;
        return {};
    }

private:
    Sysctls& values_;
    Lines& order_;
};

config::VirtualServer agreed(std::vector<config::RealServer> servers) {
    auto made = service(std::move(servers));
    made.active_active = true;
    made.scheduler = "mh";
    return made;
}

struct Scene {
    Bench bench;
    Sysctls sysctls;
    Lines order;

    Scene() {
        bench.options.mh_slots = 251;
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
    Scene scene;
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
              fmt::format("the configuration demands {:016x}: put in order once", scene.shown().wanted_digest)) == 1);

    bench.role->maintain({.on = true});
    CHECK(scene.kernel() == waiting);
    scene.order.clear();
    bench.role->maintain({.on = false});
    CHECK(scene.kernel() == Lines{"10.0.0.11 1", "10.0.0.12 1", "10.0.0.14 1"});
    CHECK(scene.order == Lines{"expire_nodest_conn=0", "delete", "delete", "delete", "expire_nodest_conn=1"});
    CHECK(scene.shown().digest == scene.shown().wanted_digest);
    CHECK(bench.runtime.log_.count("virtual server [10.0.0.1]:tcp:80: its mh table is put in order") == 1);
}

TEST_CASE("a restarted process finds the order of the one before, and knows what was there of the settings") {
    Scene scene;
    auto& bench = scene.bench;
    bench.start(with({agreed({server("10.0.0.11"), server("10.0.0.13")})}));
    bench.reload(with({agreed({server("10.0.0.11"), server("10.0.0.12"), server("10.0.0.13")})}));
    const Lines waiting{"10.0.0.11 1", "10.0.0.13 1", "10.0.0.12 1"};
    CHECK(scene.kernel() == waiting);
    scene.shown();  // saved

    bench.role.reset();
    bench.start(with({agreed({server("10.0.0.11"), server("10.0.0.12"), server("10.0.0.13")})}), true);
    CHECK(scene.kernel() == waiting);
    CHECK(scene.sysctls["sloppy_tcp"] == 1);

    bench.reload(with({service({server("10.0.0.11")})}));
    CHECK(scene.kernel() == Lines{"10.0.0.11 1"});
    CHECK(scene.sysctls["sloppy_tcp"] == 0);
}
