// What is read of another program's IPVS table at a start with --takeover.
#include "role/lvs/adoption.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using lvs::test::checked;
using lvs::test::server;
using lvs::test::service;

namespace {

using Lines = std::vector<std::string>;

struct Host {
    FakeKernel kernel;
    KeptLog log;
    LvsOptions options = options_for(kernel);

    void put(const config::VirtualServer& one) {
        const lvs::ServiceVerdict all_alive{.servers = std::vector<lvs::ServerVerdict>(one.real_servers.size())};
        for (auto& entry : lvs::desired(one, lvs::keys_of(one), all_alive)) kernel.table.push_back(std::move(entry));
    }
    lvs::Memory adopt(std::vector<config::VirtualServer> services) {
        return adopt_table(options, with(std::move(services)), WallTime{77}, log);
    }
};

}  // namespace

TEST_CASE("a server that the table does not have is down, and services of others are not looked at") {
    Host host;
    host.put(service({server("10.0.0.11")}));
    host.put(service({server("10.0.0.13")}, "10.0.0.2"));
    host.put(service({server("10.0.0.14")}, "10.0.0.9"));  // somebody else's
    const auto memory =
        host.adopt({service({checked("10.0.0.11"), checked("10.0.0.12")}), service({checked("10.0.0.13")}, "10.0.0.2"),
                    service({checked("10.0.0.15")}, "10.0.0.3")});
    CHECK(host.kernel.reads == 2);
    REQUIRE(memory.size() == 2);
    REQUIRE(memory[0].servers.size() == 2);
    CHECK(memory[0].servers[0].alive);
    CHECK_FALSE(memory[0].servers[1].alive);
    CHECK(memory[0].servers[0].since == WallTime{77});
    REQUIRE(memory[1].servers.size() == 1);
    CHECK(memory[1].servers[0].alive);
    CHECK(host.log.texts == Lines{"--takeover: 2 services found in the IPVS table; servers that are DOWN until a "
                                  "check finds them up: 1"});
}

TEST_CASE("a group's services are each found in the table") {
    Host host;
    const auto group = lvs::test::grouped({checked("10.0.0.11")}, {lvs::test::range("10.9.0.1", "10.9.0.2")});
    host.put(group);
    CHECK(host.adopt({group}).size() == 1);
    CHECK(host.kernel.reads == 2);
}

TEST_CASE("a table that cannot be read leaves all servers as configured, with a warning that says why") {
    Host host;
    host.put(service({server("10.0.0.11")}));
    std::string why = "no buffer space";
    SUBCASE("no IPVS") {
        host.kernel.available = false;
        why = "no IPVS in this kernel: modprobe ip_vs";
    }
    SUBCASE("no services") { host.kernel.counts = false; }
    SUBCASE("no destinations") { host.kernel.lists = false; }
    CHECK(host.adopt({service({checked("10.0.0.11"), checked("10.0.0.12")})}).empty());
    CHECK(host.log.texts ==
          Lines{"--takeover: the IPVS table cannot be read, all servers start as configured: " + why});
    CHECK(host.log.levels == std::vector{LogLevel::Warning});
}
