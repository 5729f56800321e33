// What the lvs role hears from bfd and vrrp over its channels, in a network namespace where links matter.
#include <doctest/doctest.h>

#include <algorithm>

#include "../../kernel/own_network.hpp"
#include "../../needs.hpp"
#include "bench.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/ipc/channel.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using To = ipc::PeerChannel::To;
using netlink::IpvsDaemon;
using Texts = std::vector<std::string>;

namespace {

// The sync daemons and the timeouts of a kernel in memory.
struct Settings {
    Texts done;
    std::vector<IpvsDaemon> daemons;
    netlink::IpvsTimeouts timeouts{900, 120, 300};
};

class FakeDaemons final : public IpvsSettings {
public:
    explicit FakeDaemons(Settings& kernel) : kernel_{kernel} {}
    Result<std::vector<IpvsDaemon>> daemons() override { return kernel_.daemons; }
    Result<void> start_daemon(const IpvsDaemon& daemon) override {
        kernel_.done.push_back(daemon.state == IpvsDaemon::State::Master ? "start master" : "start backup");
        kernel_.daemons.push_back(daemon);
        return {};
    }
    Result<void> stop_daemon(IpvsDaemon::State state) override {
        kernel_.done.push_back(state == IpvsDaemon::State::Master ? "stop master" : "stop backup");
        std::erase_if(kernel_.daemons, [state](const IpvsDaemon& one) { return one.state == state; });
        return {};
    }
    Result<netlink::IpvsTimeouts> timeouts() override { return kernel_.timeouts; }
    Result<void> set_timeouts(const netlink::IpvsTimeouts& timeouts) override {
        kernel_.done.emplace_back("timeouts");
        if (timeouts.tcp != 0) kernel_.timeouts.tcp = timeouts.tcp;
        return {};
    }
    Result<int> sysctl(std::string_view) override { return 0; }
    Result<void> set_sysctl(std::string_view, int) override { return {}; }

private:
    Settings& kernel_;
};

config::Config written(const std::string& text) {
    auto loaded = config::load_text("x.conf", text, {});
    REQUIRE(loaded.can_run());
    return std::move(loaded.config);
}

std::string web_with(const std::string& more) {
    return "virtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\n" + more +
           "real_server 10.0.0.11 80 {\nweight 1\n}\n}\n";
}

struct ChannelBench : Bench {
    ChannelBench() {
        options.open_settings = [this]() -> Result<std::unique_ptr<IpvsSettings>> {
            return std::make_unique<FakeDaemons>(settings);
        };
    }
    UniqueFd connect(To to) {
        auto channel = ipc::make_channel();
        REQUIRE(channel);
        role->on(ipc::PeerChannel{to}, std::move(channel->first));
        return std::move(channel->second);
    }
    void make() { role = make_lvs_role(runtime, options); }
    void begin(const std::string& text) { REQUIRE(role->start(written(text), false)); }
    std::size_t servers() const { return in_kernel("10.0.0.1")->destinations.size(); }

    Settings settings;
};

}  // namespace

TEST_CASE("a server whose BFD session is down leaves the table, which is logged in keepalived's words") {
    ChannelBench bench;
    bench.make();
    const auto bfd = bench.connect(To::Bfd);
    bench.begin(
        "bfd_instance peer {\nneighbor_ip 10.0.0.11\n}\nvirtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind DR\nprotocol "
        "TCP\nreal_server 10.0.0.11 80 {\nweight 1\nBFD_CHECK {\nname peer\n}\n}\n}\n");
    REQUIRE(ipc::send_message(bfd.get(), ipc::BfdStates{{{"peer", true}, {"other", false}}}));
    CHECK(bench.runtime.until([&] { return bench.servers() == 1; }));
    REQUIRE(ipc::send_message(bfd.get(), ipc::BfdStates{{{"peer", false}}}));
    CHECK(bench.runtime.until([&] { return bench.servers() == 0; }));
    CHECK(bench.runtime.log_.count("Received BFD event: instance peer is in state Up") == 1);
    CHECK(bench.runtime.log_.count("Received BFD event: instance peer is in state Down") == 1);
    CHECK(bench.runtime.log_.count("Received BFD event: instance other is in state Down") == 1);
    CHECK(bench.runtime.until([&] { return !bench.runtime.status().services[0].servers[0].alive; }));
    REQUIRE(ipc::send_message(bfd.get(), ipc::BfdStates{{{"peer", true}}}));
    CHECK(bench.runtime.until([&] { return bench.servers() == 1; }));
    bench.stop();
}

TEST_CASE("a session that is down before the start keeps its server out from the first table on") {
    ChannelBench bench;
    bench.make();
    const auto bfd = bench.connect(To::Bfd);
    REQUIRE(ipc::send_message(bfd.get(), ipc::BfdStates{{{"peer", false}}}));
    CHECK(bench.runtime.until([&] { return bench.runtime.log_.count("Received BFD event") == 1; }));
    bench.begin(
        "bfd_instance peer {\nneighbor_ip 10.0.0.11\n}\nvirtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind DR\nprotocol "
        "TCP\nreal_server 10.0.0.11 80 {\nweight 1\nBFD_CHECK {\nname peer\n}\n}\n}\n");
    REQUIRE(bench.kernel.batches.size() == 1);
    CHECK(bench.kernel.batches[0].size() == 1);
    bench.stop();
}

TEST_CASE("a server that a reload adds is kept out by a session that went down before, and by no other") {
    ChannelBench bench;
    bench.make();
    const auto with_sessions = [](const std::string& more) {
        return "bfd_instance up {\nneighbor_ip 10.0.0.11\n}\nbfd_instance down {\nneighbor_ip 10.0.0.12\n}\n" + more;
    };
    const std::string first = "real_server 10.0.0.21 80 {\nBFD_CHECK {\nname up\n}\n}\n",
                      second = "real_server 10.0.0.22 80 {\nBFD_CHECK {\nname down\n}\n}\n";
    const auto bfd = bench.connect(To::Bfd);
    bench.begin(with_sessions(web_with("")));
    REQUIRE(ipc::send_message(bfd.get(), ipc::BfdStates{{{"up", true}, {"down", false}}}));
    CHECK(bench.runtime.until([&] { return bench.runtime.log_.count("Received BFD event") == 2; }));
    bench.reload(written(with_sessions(web_with(first + second))));
    const auto holds = [&](const char* server) {
        return std::ranges::any_of(bench.in_kernel("10.0.0.1")->destinations,
                                   [&](const auto& one) { return one.endpoint.address == *IpAddress::parse(server); });
    };
    CHECK(holds("10.0.0.11"));
    CHECK(holds("10.0.0.21"));
    CHECK_FALSE(holds("10.0.0.22"));
    bench.stop();
}

TEST_CASE("the sync daemon follows what vrrp reported of its instance, before the start and after a reload" *
          mainstay::test::kNeedsRoot) {
    mainstay::test::in_own_network([] {
        REQUIRE(mainstay::test::ip("link add eth7 type veth peer name eth8"));
        const std::string global =
            "global_defs {\nlvs_sync_daemon eth7 VI_1 id 51\n}\nvrrp_instance VI_1 {\ninterface eth7\n"
            "virtual_router_id 51\nvirtual_ipaddress {\n10.0.0.1\n}\n}\n";
        ChannelBench bench;
        bench.make();
        const auto vrrp = bench.connect(To::Vrrp);
        REQUIRE(ipc::send_message(vrrp.get(), ipc::InstanceStates{{{"VI_1", true}, {"VI_2", false}}}));
        bench.runtime.loop_.run_for(std::chrono::milliseconds{20});
        bench.runtime.loop_.restart();
        bench.begin(global + web_with(""));
        REQUIRE(bench.settings.done == Texts{"start master"});
        REQUIRE(ipc::send_message(vrrp.get(), ipc::InstanceStates{{{"VI_1", false}}}));
        CHECK(bench.runtime.until([&] { return bench.settings.done.size() == 3; }));
        CHECK(bench.settings.done == Texts{"start master", "stop master", "start backup"});
        bench.reload(written(web_with("")));
        CHECK(bench.settings.done.back() == "stop backup");
        bench.reload(written(global + web_with("")));
        CHECK(bench.settings.done.back() == "start backup");

        REQUIRE(mainstay::test::ip("link del eth7"));
        CHECK(bench.runtime.until([&] { return bench.settings.daemons.empty(); }));
        CHECK(bench.runtime.log_.count("lvs_sync_daemon: interface eth7 does not exist") == 1);
        REQUIRE(mainstay::test::ip("link add eth7 type veth peer name eth8"));
        CHECK(bench.runtime.until([&] { return bench.settings.daemons.size() == 1; }));
        bench.stop();
        CHECK(bench.settings.daemons.empty());
    });
}

TEST_CASE("timeouts are set at the start, at a reload, and put back at the stop or by the next incarnation") {
    ChannelBench bench;
    bench.make();
    bench.begin("global_defs {\nlvs_timeouts tcp 600\n}\n" + web_with(""));
    CHECK(bench.settings.timeouts.tcp == 600);
    CHECK(bench.runtime.status().original_timeouts == netlink::IpvsTimeouts{900, 120, 300});
    bench.reload(written("global_defs {\nlvs_timeouts tcp 700\n}\n" + web_with("")));
    CHECK(bench.settings.timeouts.tcp == 700);
    bench.make();  // as after a crash
    REQUIRE(bench.role->start(written(web_with("")), true));
    CHECK(bench.settings.timeouts.tcp == 900);
    bench.stop();
}

TEST_CASE("checks of a service whose address is not on this host are suspended until it is" *
          mainstay::test::kNeedsRoot) {
    mainstay::test::in_own_network([] {
        REQUIRE(mainstay::test::ip("link set lo up"));
        ChannelBench bench;
        bench.make();
        bench.begin(
            "virtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\nha_suspend\ndelay_loop 1\n"
            "real_server 127.0.0.1 1 {\nweight 1\nTCP_CHECK {\nretry 0\nwarmup 0\n}\n}\n}\n");
        bench.runtime.loop_.run_for(std::chrono::milliseconds{1500});
        bench.runtime.loop_.restart();
        CHECK(bench.servers() == 1);
        REQUIRE(mainstay::test::ip("addr add 10.0.0.1/32 dev lo"));
        CHECK(bench.runtime.until([&] { return bench.servers() == 0; }));
        bench.stop();
    });
}
