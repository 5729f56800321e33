// Announced addresses and the IPVS table: which comes first, and what is shown.
#include <doctest/doctest.h>

#include <optional>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using How = ipc::ScriptResult::How;
using lvs::test::misc_check;
using lvs::test::server;
using lvs::test::service;

namespace {

// A service whose one check is a script, announced.
config::Config announced(const char* address = "10.0.0.1") {
    auto one = server("10.0.0.11");
    one.checkers.push_back(misc_check(one.endpoint));
    one.checkers[0].delay_loop = Micros{20'000};
    one.checkers[0].warmup = Micros{0};
    auto web = service({one}, address);
    web.more.edit().sections.push_back({.keyword = "announce"});
    return with({web});
}

struct AnnouncedScene {
    Bench bench;
    std::vector<std::string> order;  // of what the kernel was told
    std::string refuses;
    std::optional<Error> closed;  // announcing cannot be opened

    AnnouncedScene() {
        bench.options.open_announcing = [this]() -> Result<std::unique_ptr<AnnounceTable>> {
            if (closed) return std::unexpected{*closed};
            return std::make_unique<FakeAnnouncing>(order, refuses);
        };
        bench.kernel.refuses = [this](const netlink::IpvsOperation&) {
            order.emplace_back("ipvs");
            return 0;
        };
    }
    void check_ends(int status) {
        auto& scripts = bench.runtime.scripts;
        REQUIRE(bench.runtime.until([&] { return !scripts.empty(); }));
        std::exchange(scripts, {}).at(0).done({1, How::Exited, status});
        REQUIRE(bench.runtime.until([&] { return !scripts.empty(); }));
    }
    report::AnnouncedStatus shown() {
        bench.role->save_state();
        const auto list = bench.runtime.status().announced;
        return list.empty() ? report::AnnouncedStatus{} : list.at(0);
    }
    bool logged(std::string_view text) const { return bench.runtime.log_.count(text) == 1; }
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a service is announced after its first check, behind its table, and withdrawn before the table changes") {
    AnnouncedScene scene;
    scene.bench.start(announced());
    CHECK(scene.order == Lines{"ipvs", "ipvs", "withdraw 10.0.0.1 from ms-vip", "withdraw 10.0.0.1 from ms-drain"});
    CHECK(scene.shown().state == "withdrawn");
    CHECK(scene.shown().reason == "too few of its servers have passed a check yet");

    scene.order.clear();
    scene.check_ends(0);
    REQUIRE(scene.bench.runtime.until([&] { return scene.shown().state == "announced"; }));
    CHECK(Lines{scene.order.begin(), scene.order.begin() + 2} ==
          Lines{"take the packets to 10.0.0.1", "announce 10.0.0.1 on ms-vip"});
    CHECK(scene.shown().interface == "ms-vip");
    CHECK(scene.shown().reason.empty());
    CHECK(scene.logged("Announced 10.0.0.1 on ms-vip"));

    scene.order.clear();
    scene.check_ends(1);
    REQUIRE(scene.bench.runtime.until([&] { return scene.shown().state == "withdrawn"; }));
    const auto withdrawn = std::ranges::find(scene.order, "withdraw 10.0.0.1 from ms-vip");
    const auto changed = std::ranges::find(scene.order, "ipvs");
    REQUIRE(changed != scene.order.end());
    CHECK(withdrawn < changed);
    CHECK(scene.logged("Withdrew 10.0.0.1 from ms-vip: its quorum is lost"));
}

TEST_CASE("without IPVS nothing is announced") {
    AnnouncedScene scene;
    scene.bench.kernel.available = false;
    scene.bench.start(announced());
    scene.check_ends(0);
    REQUIRE(scene.bench.runtime.until([&] { return scene.shown().reason == "IPVS does not have its table"; }));

    scene.bench.kernel.available = true;
    REQUIRE(scene.bench.runtime.until([&] { return scene.shown().state == "announced"; }));
}

TEST_CASE("the stop withdraws, and removes the table a moment later, and the route at the end") {
    AnnouncedScene scene;
    scene.bench.start(announced());
    scene.check_ends(0);
    REQUIRE(scene.bench.runtime.until([&] { return scene.shown().state == "announced"; }));
    scene.order.clear();
    scene.bench.stop();
    CHECK(scene.order == Lines{"withdraw 10.0.0.1 from ms-vip", "take no more packets to 10.0.0.1", "ipvs"});
    CHECK(scene.bench.kernel.table.empty());
}

TEST_CASE("a reload without announce withdraws before the table changes") {
    AnnouncedScene scene;
    scene.bench.start(announced());
    scene.check_ends(0);
    REQUIRE(scene.bench.runtime.until([&] { return scene.shown().state == "announced"; }));
    scene.order.clear();
    scene.bench.reload(with({}));
    CHECK(scene.order == Lines{"withdraw 10.0.0.1 from ms-vip", "ipvs"});
    CHECK(scene.shown().reason == "it is no longer configured");
}

TEST_CASE("a refusal of the kernel is logged once and shown") {
    AnnouncedScene scene;
    scene.refuses = "announce 10.0.0.1 on ms-vip: no dummy interfaces";
    scene.bench.start(announced());
    scene.check_ends(0);
    REQUIRE(
        scene.bench.runtime.until([&] { return std::ranges::count(scene.order, "announce 10.0.0.1 on ms-vip") >= 2; }));
    CHECK(scene.shown().state == "withdrawn");
    CHECK(scene.shown().reason == "announce 10.0.0.1 on ms-vip: no dummy interfaces");
    CHECK(scene.logged("announce 10.0.0.1 on ms-vip: no dummy interfaces; tried again each second"));
}

TEST_CASE("what cannot be opened is tried again") {
    AnnouncedScene scene;
    scene.closed = Error{Errc::Permission, "announce addresses: no rights"};
    scene.bench.start(announced());
    scene.check_ends(0);
    REQUIRE(scene.bench.runtime.until([&] { return scene.shown().reason == "announce addresses: no rights"; }));
    scene.closed.reset();
    REQUIRE(scene.bench.runtime.until([&] { return scene.shown().state == "announced"; }));
}

TEST_CASE("after a crash what is no longer configured is withdrawn, and what is, stays") {
    AnnouncedScene scene;
    scene.bench.start(announced());
    scene.check_ends(0);
    REQUIRE(scene.bench.runtime.until([&] { return scene.shown().state == "announced"; }));
    scene.bench.role.reset();
    scene.order.clear();

    scene.bench.start(announced("10.0.0.2"), true);
    CHECK(std::ranges::find(scene.order, "withdraw 10.0.0.1 from ms-vip") != scene.order.end());
}
