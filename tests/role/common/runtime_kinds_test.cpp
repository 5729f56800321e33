// What a role's process does at its start, and what differs between kinds of processes.
#include "../../needs.hpp"
#include "runtime_bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

TEST_CASE("a process that is not started by the supervisor says so and ends" * mainstay::test::kNeedsRoot) {
    Bench bench{{}, "alone"};
    CHECK(bench.exit_code() == 1);
    CHECK(bench.logged("this process is started by mainstayd itself: "));
}

TEST_CASE("what needs root is done first, and then only the rights are left that the process options need" *
          mainstay::test::kNeedsRoot) {
    const auto rights = [](ipc::RoleStartup startup) {
        Bench bench{std::move(startup)};
        bench.start();
        CHECK(bench.logged("as root, for root\n"));
        return bench.line_of("status", "CapEff:\t");
    };
    CHECK(rights({}) == "0000000000000000");
    CHECK(rights({.may_schedule = true}) == "0000000000800000");
    CHECK(rights({.may_lock = true}) == "0000000000004000");
}

TEST_CASE("a process that cannot be confined does not run" * mainstay::test::kNeedsRoot) {
    Bench bench{{.user = "no-such-account"}};
    CHECK(bench.exit_code() == 4);
    CHECK(bench.logged("cannot drop privileges: "));
}

TEST_CASE("IPVS is used in the network namespace that the process inherits, if it does" * mainstay::test::kNeedsRoot) {
    Bench bench{{.has_ipvs_namespace = true}, "namespace"}, without,
        broken{{.has_ipvs_namespace = true}, "no-namespace"};
    bench.start();
    bench.ask("ipvs");
    bench.until_noted("a socket");
    without.start();
    without.ask("ipvs");
    without.until_noted("no socket");
    CHECK(broken.exit_code() == 1);
    CHECK(broken.logged("cannot start: net_namespace_ipvs: "));
}

TEST_CASE("the process with many servers leaves them to its role, and its log lines come together but soon" *
          mainstay::test::kNeedsRoot) {
    auto config = named("VI_1");
    config.virtual_servers = {lvs::test::service({lvs::test::server("10.0.0.11")})};
    Bench many{{}, "lvs"}, shows{{}, "observer"};
    for (auto* bench : {&many, &shows}) {
        bench->start(config);
        bench->ask("services");
    }
    many.until_noted("services 0");
    shows.until_noted("services 1 with 0 servers");
    many.ask("lines");
    many.until_logged("a line of the role\n");
    many.ask("lines");
    many.send(ipc::Stop{});
    many.hear_a<ipc::Stopped>();
    CHECK(many.exit_code() == 0);
    const auto log = many.log();
    CHECK(log.find("a line of the role\n") != log.rfind("a line of the role\n"));
}

TEST_CASE("the process that makes dumps has no events of its own, and gets the line for the files" *
          mainstay::test::kNeedsRoot) {
    Bench bench{{}, "observer"};
    bench.start();
    bench.notes();
    const auto line = ipc::make_channel();
    REQUIRE(line.has_value());
    bench.send(ipc::DumpRequested{10}, line->first.get());
    bench.send(ipc::ServerQuestion{});
    bench.hear_a<ipc::OperatorAnswered>();  // and no dump is sent back
    CHECK(bench.notes() == Texts{"save", "dump 10 with a line"});
    bench.ask("three");
    bench.prepare(2, named("VI_2"));
    bench.hear_a<ipc::Prepared>();
    bench.send(ipc::Commit{2});
    bench.hear_a<ipc::Committed>();
    CHECK(bench.woken() == 0);
    CHECK_FALSE(bench.logged("Reloading"));
    const auto ring = ipc::EventRing::map(bench.ring.get(), false);
    REQUIRE(ring);
    CHECK(ring->read_after(0).events.empty());
}
