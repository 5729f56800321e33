// The lvs role's real servers that files list: what reaches the kernel, and what is kept for the next process.
#include <doctest/doctest.h>

#include "bench.hpp"
#include "mainstay/ipc/discovered.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/lvs/discovery.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace mainstay::lvs::test;
using Operation = netlink::IpvsOperation::Kind;

namespace {

config::VirtualServer listed(const std::string& address = "10.0.0.1", const std::string& file = "/x") {
    config::RealServer one;
    one.more.edit().values = {{"debounce", Micros{1000}}, {"real_server_file", config::WordList{file}}};
    return service({one}, address);
}

void discover(Bench& bench, lvs::KnownServers list, const std::string& file = "/x") {
    auto sealed = ipc::encode_sealed("servers", ipc::ServerList{std::move(list)});
    REQUIRE(sealed);
    bench.role->on(ipc::ServerFileRead{file + "\nipv4", {}}, std::move(*sealed));
}

std::size_t in_kernel(const Bench& bench, const std::string& address = "10.0.0.1") {
    const auto* found = bench.in_kernel(address);
    return found == nullptr ? 0 : found->destinations.size();
}

}  // namespace

TEST_CASE("servers that are known before the start are in the first table, and a change writes its difference only") {
    Bench bench;
    bench.role = make_lvs_role(bench.runtime, bench.options);
    discover(bench, many_servers(3));
    REQUIRE(bench.role->start(with({listed(), service({server("10.0.0.13")}, "10.0.0.2")}), false));
    CHECK(in_kernel(bench) == 3);
    bench.kernel.batches.clear();

    discover(bench, many_servers(4));
    CHECK(in_kernel(bench) == 3);
    CHECK(bench.runtime.until([&] { return in_kernel(bench) == 4; }));
    REQUIRE(bench.operations() == 1);
    CHECK(bench.kernel.batches[0][0].kind == Operation::AddDestination);
    CHECK(in_kernel(bench, "10.0.0.2") == 1);

    discover(bench, many_servers(1));
    CHECK(bench.runtime.log_.count("it removes 3 of 4 servers") == 1);
    CHECK(in_kernel(bench) == 4);
    bench.role->save_state();
    const auto status = bench.runtime.status();
    REQUIRE(status.discovered.size() == 1);
    CHECK(status.discovered[0].source == "/x");
    CHECK(status.discovered[0].servers == 4);
    CHECK(status.discovered[0].held_servers == 1);
    CHECK(status.discovered[0].held == "it removes 3 of 4 servers, more than max_removal (50 %)");
}

TEST_CASE("a reload with a file that is known keeps its servers, and takes those of a new one at once") {
    Bench bench;
    bench.start(with({}));
    discover(bench, many_servers(3));
    bench.reload(with({listed()}));
    CHECK(in_kernel(bench) == 3);
    bench.reload(with({listed(), listed("10.0.0.2")}));
    CHECK(in_kernel(bench) == 3);
    CHECK(in_kernel(bench, "10.0.0.2") == 3);
}

TEST_CASE("files that change at once are one change of the table") {
    constexpr int kFiles = 200;
    Bench bench;
    std::vector<config::VirtualServer> services;
    for (int i = 0; i < kFiles; ++i) services.push_back(listed("10.0.1." + std::to_string(i), "/" + std::to_string(i)));
    bench.start(with(services));
    bench.kernel.batches.clear();
    for (int i = 0; i < kFiles; ++i) discover(bench, many_servers(2), "/" + std::to_string(i));
    CHECK(bench.runtime.until([&] { return in_kernel(bench, "10.0.1.199") == 2; }));
    CHECK(bench.kernel.batches.size() == 1);
    CHECK(in_kernel(bench, "10.0.1.0") == 2);
    CHECK(bench.operations() == 2 * kFiles);
}

TEST_CASE("the servers in force are kept for the next process, which begins with them") {
    UniqueFd kept;
    {
        Bench bench;
        bench.start(with({listed()}));
        discover(bench, many_servers(3));
        CHECK(bench.runtime.until([&] { return bench.runtime.times_kept == 1; }));
        bench.stop();
        CHECK(bench.runtime.times_kept == 2);
        kept = std::move(bench.runtime.kept);
    }
    Bench bench;
    bench.role = make_lvs_role(bench.runtime, bench.options);
    bench.role->on(ipc::DiscoveryMemory{}, std::move(kept));
    bench.role->on(ipc::ServerFileRead{"/x\nipv4", "read /x: no"}, {});
    REQUIRE(bench.role->start(with({listed()}), false));
    CHECK(in_kernel(bench) == 3);
    CHECK(bench.runtime.log_.count("The 3 known servers are kept") == 1);
}

TEST_CASE("without a file or a name nothing is kept, and a memory that cannot be read is reported") {
    Bench bench;
    bench.role = make_lvs_role(bench.runtime, bench.options);
    bench.role->on(ipc::DiscoveryMemory{}, UniqueFd{});
    CHECK(bench.runtime.log_.count("the last known real servers are lost") == 1);
    REQUIRE(bench.role->start(with({pair()}), false));
    bench.stop();
    CHECK(bench.runtime.times_kept == 0);
}

TEST_CASE("of ten thousand servers of one file the one that is new is written alone") {
    Bench bench;
    bench.start(with({listed()}));
    discover(bench, many_servers(9'999));
    CHECK(bench.runtime.until([&] { return in_kernel(bench) == 9'999; }));
    bench.kernel.batches.clear();
    const auto before = std::chrono::steady_clock::now();
    discover(bench, many_servers(10'000));
    CHECK(bench.runtime.until([&] { return in_kernel(bench) == 10'000; }));
    const auto took = std::chrono::steady_clock::now() - before;
    MESSAGE("one of 10,000 more: ", std::chrono::duration_cast<std::chrono::milliseconds>(took).count(), " ms");
    CHECK(bench.operations() == 1);
}
