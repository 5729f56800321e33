// What FILE_CHECK follows counts before the table is made of it: at the start, and in a reload.
#include <doctest/doctest.h>

#include "bench.hpp"
#include "mainstay/config/load.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace mainstay::lvs::test;

namespace {

config::Config two_servers(const std::string& second, const std::string& more = {}) {
    const std::string files =
        "track_file good {\nfile /run/good\nweight 0\n}\ntrack_file bad {\nfile /run/bad\nweight 0\n}\n";
    auto loaded =
        config::load_text("x.conf",
                          files + "virtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\n" + more +
                              "real_server 10.0.0.11 80 {\nweight 1\nFILE_CHECK {\ntrack_file good\n}\n}\n" +
                              "real_server 10.0.0.12 80 {\nweight 1\n" + second + "}\n}\n",
                          {});
    REQUIRE(loaded.can_run());
    return std::move(loaded.config);
}

std::string follows(const std::string& file) { return "FILE_CHECK {\ntrack_file " + file + "\n}\n"; }

const ipc::Observations kSeen{{{ipc::Observation::Kind::File, "good", 0}, {ipc::Observation::Kind::File, "bad", 1}}};

using Servers = std::vector<std::string>;
Servers servers(const Bench& bench) {
    Servers all;
    for (const auto& one : bench.in_kernel("10.0.0.1")->destinations) all.push_back(one.endpoint.to_string());
    return all;
}

// How often this server was given to the kernel.
std::size_t puts(const Bench& bench, const std::string& server) {
    std::size_t count = 0;
    for (const auto& batch : bench.kernel.batches)
        for (const auto& operation : batch)
            count += operation.kind == netlink::IpvsOperation::Kind::AddDestination &&
                             operation.destination.endpoint.address == ip(server)
                         ? 1
                         : 0;
    return count;
}

}  // namespace

TEST_CASE("a server whose file says down before the start is never in the table") {
    Bench bench;
    bench.role = make_lvs_role(bench.runtime, bench.options);
    bench.role->on(kSeen, {});
    REQUIRE(bench.role->start(two_servers(follows("bad")), false));

    CHECK(servers(bench) == Servers{"10.0.0.11:80"});
    CHECK(puts(bench, "10.0.0.12") == 0);
    CHECK_FALSE(bench.runtime.status().services.at(0).servers.at(1).alive);
    bench.stop();
}

TEST_CASE("a server added by a reload whose file says down is never in the table, and an unchanged one stays") {
    Bench bench;
    bench.role = make_lvs_role(bench.runtime, bench.options);
    bench.role->on(kSeen, {});
    REQUIRE(bench.role->start(two_servers(follows("good")), false));
    const std::size_t before = puts(bench, "10.0.0.12");

    bench.reload(two_servers(follows("bad")));
    CHECK(servers(bench) == Servers{"10.0.0.11:80"});
    bench.reload(two_servers("", "quorum 2\n"));
    CHECK(puts(bench, "10.0.0.12") == before + 1);
    bench.reload(two_servers(follows("bad"), "quorum 2\nsorry_server 10.0.0.13 80\n"));

    CHECK(puts(bench, "10.0.0.11") == 1);
    CHECK(puts(bench, "10.0.0.12") == before + 1);
    bench.stop();
}

TEST_CASE("what is seen between the preparation of a configuration and its commit counts for that one") {
    Bench bench;
    bench.role = make_lvs_role(bench.runtime, bench.options);
    bench.role->on(kSeen, {});
    REQUIRE(bench.role->start(two_servers(""), false));
    REQUIRE(bench.role->prepare(two_servers(follows("bad"))));
    bench.role->on(
        ipc::Observations{{{ipc::Observation::Kind::File, "good", 1}, {ipc::Observation::Kind::File, "bad", 0}}}, {});
    CHECK(servers(bench).size() == 2);

    SUBCASE("committed") {
        bench.role->commit();
        CHECK(servers(bench) == Servers{"10.0.0.12:80"});
    }
    SUBCASE("aborted: it counts for the one that goes on") {
        bench.role->abort();
        CHECK(bench.runtime.until([&] { return servers(bench).size() == 1; }));
    }
    bench.stop();
}
