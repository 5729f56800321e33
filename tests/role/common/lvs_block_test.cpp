#include <doctest/doctest.h>

#include <fmt/format.h>

#include "../../lvs/builders.hpp"
#include "../../probe/loopback.hpp"
#include "../lvs/fakes.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace mainstay::lvs::test;
using namespace std::chrono_literals;

namespace {

struct WholeCheck {  // as it was written before its last fields could be missing
    std::string type, target;
    bool up = true, has_run = false;
    std::uint32_t failures_in_row = 0;
    std::string last_result;
    WallTime last_run;
    Micros last_duration{0};
    std::optional<std::int64_t> weight;
};
template <class A>
void fields(A& a, WholeCheck& c) {
    a(c.type, c.target, c.up, c.has_run, c.failures_in_row, c.last_result, c.last_run, c.last_duration, c.weight);
}

struct Started {
    FakeKernel kernel;
    FakeRuntime runtime;
    LvsOptions options = options_for(kernel);
    std::unique_ptr<Role> role = make_lvs_role(runtime, options);

    explicit Started(config::VirtualServer service) {
        config::Config config;
        config.virtual_servers.push_back(std::move(service));
        REQUIRE(role->start(std::move(config), false));
    }
    report::ServerStatus as_written(std::size_t server) const {
        return decode<report::LvsStatus>(runtime.state.value()).value().services[0].servers[server];
    }
    report::ServerStatus as_read(std::size_t server) const { return runtime.status().services[0].servers[server]; }
};

}  // namespace

TEST_CASE("what follows from the rest is not in the lvs role's block, and there for its reader") {
    auto direct = checked("10.0.0.12");
    direct.forwarding = config::Forwarding::DirectRoute;
    direct.checkers[0].target.port = 8080;
    auto web = service({checked("10.0.0.11"), direct});
    Started lvs{web};

    const auto written = decode<report::LvsStatus>(lvs.runtime.state.value()).value();
    CHECK(written.services.at(0).name == "");
    CHECK(lvs.runtime.status().services.at(0).name == "[10.0.0.1]:tcp:80");
    CHECK(lvs.as_written(0).name == "");
    CHECK(lvs.as_written(0).forwarding == "");
    CHECK(lvs.as_written(0).checks.at(0).type == "");
    CHECK(lvs.as_written(0).checks.at(0).target == "");
    CHECK(lvs.as_read(0).name == "[10.0.0.11]:tcp:80");
    CHECK(lvs.as_read(0).forwarding == "NAT");
    CHECK(lvs.as_read(0).checks.at(0).type == "TCP_CHECK");
    CHECK(lvs.as_read(0).checks.at(0).target == "10.0.0.11:80");
    CHECK(lvs.as_read(0).checks.at(0).up);
    CHECK_FALSE(lvs.as_read(0).checks.at(0).has_run);
    CHECK(lvs.as_read(0).weight_in_table == 1);

    CHECK(lvs.as_read(1).name == "[10.0.0.12]:tcp:80");
    CHECK(lvs.as_read(1).forwarding == "DR");
    CHECK(lvs.as_read(1).checks.at(0).target == "10.0.0.12:8080");
}

TEST_CASE("the servers of a mark have no protocol in their names") {
    auto web = service({checked("10.0.0.11")});
    web.fwmark = 5;
    web.endpoint = {};
    web.protocol = config::Protocol::None;
    Started lvs{web};

    CHECK(lvs.as_read(0).name == "[10.0.0.11]:none:80");
    CHECK(lvs.runtime.status().services.at(0).name == "FWM 5");
}

TEST_CASE("a check that is down stands in the block in full: a program that knows no shorter form keeps its verdict") {
    const UniqueFd closed = probe::test::bind_only();
    auto down = checked("10.0.0.11");
    down.checkers[0].target = down.endpoint = probe::test::bound_to(closed);
    down.checkers[0].retry = 0;
    down.checkers[0].delay_loop = 20ms;
    down.checkers[0].connect_timeout = 2s;
    Started lvs{service({down})};

    REQUIRE(lvs.runtime.until([&] { return !lvs.as_read(0).alive; }));
    CHECK(lvs.as_written(0).checks.at(0).type == "TCP_CHECK");
    CHECK(lvs.as_written(0).checks.at(0).target == down.endpoint.to_string());
    CHECK_FALSE(lvs.as_written(0).checks.at(0).up);
    CHECK(lvs.as_written(0).checks.at(0).has_run);
    CHECK(lvs.as_written(0).checks.at(0).last_result == "connection refused");
    bool stopped = false;
    lvs.role->stop([&stopped] { stopped = true; });
    CHECK(lvs.runtime.until([&stopped] { return stopped; }));
}

TEST_CASE("the block grows by 58 bytes with each server whose check has not run") {
    const auto size = [](int count) {
        std::vector<config::RealServer> servers;
        for (int i = 0; i < count; ++i) servers.push_back(checked(fmt::format("10.0.1.{}", i + 1)));
        return Started{service(std::move(servers))}.runtime.state.value().size();
    };
    CHECK(size(200) - size(100) == 100 * 58);
}

TEST_CASE("a check with and without its last fields is read by programs that write all and by those that do not") {
    const report::CheckStatus fresh{.type = "TCP_CHECK", .target = "10.0.0.11:80"};
    const auto whole = decode<WholeCheck>(encode(fresh)).value();
    CHECK(whole.target == "10.0.0.11:80");
    CHECK(whole.up);
    CHECK_FALSE(whole.has_run);
    CHECK(whole.last_result == "");
    CHECK_FALSE(whole.weight);

    const WholeCheck weighed{.type = "AGENT_CHECK", .target = "10.0.0.11:99", .weight = 7};
    CHECK(decode<report::CheckStatus>(encode(weighed)).value().weight == 7);
    const report::CheckStatus again{.type = "AGENT_CHECK", .target = "10.0.0.11:99", .weight = 7};
    CHECK(encode(again) == encode(weighed));
    const WholeCheck unset{.type = "TCP_CHECK", .target = "10.0.0.11:80"};
    CHECK(encode(unset).size() == encode(fresh).size() + 26);
    CHECK(decode<report::CheckStatus>(encode(unset)).value().failures_in_row == 0);
}
