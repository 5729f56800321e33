// check_data_path: the kernel services and the setting that such checks need, and what happens without them. The
// servers are at 127.0.0.0/8, so that a check with a mark arrives, whatever this host's IPVS is.
#include <doctest/doctest.h>

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "../../needs.hpp"
#include "../../probe/loopback.hpp"
#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using lvs::test::service;

namespace {

const std::string kSysctl = "net/ipv4/conf/all/accept_local";

constexpr const char* kService = "127.0.0.9";  // not what this host sends from to the servers

// Accepts connections to the service's address, at any port.
UniqueFd serve() {
    UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    auto address = probe::test::loopback(0);
    address.sin_addr.s_addr = htonl(0x7f000009);
    REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(fd.get(), 16) == 0);
    return fd;
}

struct DataPathScene {
    Bench bench;
    Sysctls sysctls;
    std::vector<std::string> written;
    bool may_write = true;

    struct Refusing final : NoSyncSettings {
        Result<int> sysctl(std::string_view) override { return 0; }
        Result<void> set_sysctl(std::string_view name, int) override {
            return fail_system("write " + std::string{name}, EROFS);
        }
    };

    DataPathScene() {
        bench.options.open_settings = [this]() -> Result<std::unique_ptr<IpvsSettings>> {
            if (!may_write) return std::make_unique<Refusing>();
            return std::make_unique<FakeSysctls>(sysctls, written);
        };
    }
    [[nodiscard]] std::size_t mark_services() const {
        return static_cast<std::size_t>(
            std::ranges::count_if(bench.kernel.table, [](const auto& entry) { return entry.service.key.fwmark != 0; }));
    }
    report::CheckStatus check(std::size_t server = 0) {
        bench.role->save_state();
        return bench.runtime.status().services.at(0).servers.at(server).checks.at(0);
    }
};

// A service at this port, whose servers are checked along the data path every moment.
config::Config web_along(std::uint16_t port, const std::vector<std::string_view>& servers, bool along = true,
                         std::string_view address = kService) {
    std::vector<config::RealServer> all;
    for (const auto one_of : servers) {
        auto one = lvs::test::checked(one_of);
        one.endpoint.port = one.checkers[0].target.port = port;
        one.forwarding = config::Forwarding::DirectRoute;
        one.checkers[0].delay_loop = std::chrono::milliseconds{20};
        one.checkers[0].warmup = Micros{0};
        one.checkers[0].retry = 0;
        all.push_back(std::move(one));
    }
    auto made = service(std::move(all), address);
    made.endpoint.port = port;
    if (along) made.more.edit().values.push_back({"check_data_path", true});
    return with({made});
}

}  // namespace

TEST_CASE("a server is checked at the service's address, by a kernel service of its own, while that is wanted" *
          mainstay::test::kNeedsRoot) {
    const auto listening = serve();
    const auto port = probe::test::bound_to(listening).port;
    DataPathScene scene;
    scene.bench.start(web_along(port, {"127.0.0.2", "127.0.0.3"}));
    CHECK(scene.mark_services() == 2);
    CHECK(scene.sysctls[kSysctl] == 1);
    CHECK(scene.bench.runtime.log_.count("net.ipv4.conf.all.accept_local set to 1") == 1);
    CHECK(scene.bench.runtime.until([&] { return scene.check().last_result == "connected"; }));
    CHECK(scene.check().target == std::string{kService} + ":" + std::to_string(port));

    scene.bench.reload(web_along(port, {"127.0.0.3"}));
    CHECK(scene.mark_services() == 1);
    scene.bench.reload(web_along(port, {"127.0.0.3"}, false));
    CHECK(scene.mark_services() == 0);
    CHECK(scene.sysctls[kSysctl] == 0);
    scene.bench.reload(web_along(port, {"127.0.0.3"}));
    CHECK(scene.mark_services() == 1);
    scene.bench.stop();
    CHECK(scene.bench.kernel.table.empty());
    CHECK(scene.sysctls[kSysctl] == 0);
}

TEST_CASE("a check that cannot go along the data path says nothing of its server") {
    const UniqueFd closed = probe::test::bind_only();  // whoever asks there is refused
    const auto port = probe::test::bound_to(closed).port;
    DataPathScene scene;
    std::string why, address = kService;
    SUBCASE("without IPVS") {
        scene.bench.kernel.available = false;
        why = "IPVS has no service for its mark 0x4d";
    }
    SUBCASE("the kernel refuses its service") {
        scene.bench.kernel.refuses = [](const netlink::IpvsOperation& one) {
            return one.service.key.fwmark != 0 ? EINVAL : 0;
        };
        why = "IPVS has no service for its mark 0x4d";
    }
    SUBCASE("this host has the service's address alone") {
        address = "127.0.0.1";
        why = "lo has no other address than those of services";
    }
    SUBCASE("answers from this host's own address are not taken") {
        scene.may_write = false;
        why = "net.ipv4.conf.all.accept_local cannot be set";
    }
    scene.bench.start(web_along(port, {"127.0.0.2"}, true, address));
    CHECK(scene.bench.runtime.until([&] { return scene.check().last_result.starts_with(why); }));
    scene.bench.role->save_state();
    CHECK(scene.bench.runtime.status().services.at(0).servers.at(0).alive);
    scene.bench.stop();
}

TEST_CASE("changes of single services are not taken one by one while checks go along the data path") {
    DataPathScene scene;
    scene.bench.start(web_along(80, {"127.0.0.2"}));
    const auto before = web_along(80, {"127.0.0.2"}).virtual_servers[0],
               after = web_along(80, {"127.0.0.3"}).virtual_servers[0];
    CHECK_FALSE(scene.bench.role->prepare_changes({{0, before, after}}));
    scene.bench.reload(web_along(80, {"127.0.0.2"}, false));
    CHECK_FALSE(
        scene.bench.role->prepare_changes({{0, web_along(80, {"127.0.0.2"}, false).virtual_servers[0], after}}));
    scene.bench.stop();
}
