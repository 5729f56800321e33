// The sync daemons and timeouts of a kernel in memory.
#include "role/lvs/settings_reconciler.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

#include <map>

#include "../../lvs/builders.hpp"
#include "mainstay/config/load.hpp"
#include "settings_bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

TEST_CASE("the sync daemon follows the instance, and the one of a crashed process keeps running") {
    SettingsBench bench;
    bench.kernel.daemons = {{.state = IpvsDaemon::State::Master, .interface = "eth1", .sync_id = 51}};
    bench.reconciler.configure(following("VI_1"));
    CHECK(bench.done().empty());
    bench.reconciler.instance_is("VI_1", true);
    CHECK(bench.done().empty());
    bench.reconciler.instance_is("VI_2", false);
    CHECK(bench.done().empty());
    bench.reconciler.instance_is("VI_1", false);
    CHECK(bench.done() == Lines{"stop master", "start backup"});
    bench.reconciler.stop();
    CHECK(bench.done() == Lines{"stop backup"});
}

TEST_CASE("a daemon of an earlier process ends with the keyword, although nobody has said yet who is master") {
    SettingsBench bench;
    bench.kernel.daemons = {{.state = IpvsDaemon::State::Master, .interface = "eth1", .sync_id = 51}};
    bench.reconciler.configure(following("VI_1"));
    SUBCASE("at the stop") { bench.reconciler.stop(); }
    SUBCASE("at a reload") { bench.reconciler.configure({}); }
    CHECK(bench.done() == Lines{"stop master"});
}

TEST_CASE("a reload with the same instance knows who is master") {
    SettingsBench bench;
    bench.reconciler.configure(following("VI_1"));
    bench.reconciler.instance_is("VI_1", true);
    CHECK(bench.done() == Lines{"start master"});
    bench.kernel.daemons.clear();
    bench.reconciler.configure(following("VI_1"));
    CHECK(bench.done() == Lines{"start master"});
}

TEST_CASE("a reload without the instance forgets who was master") {
    SettingsBench bench;
    bench.reconciler.configure(following("VI_1"));
    bench.reconciler.instance_is("VI_1", true);
    CHECK(bench.done() == Lines{"start master"});
    bench.reconciler.configure({});
    CHECK(bench.done() == Lines{"stop master"});
    bench.reconciler.configure(following("VI_1"));
    CHECK(bench.done().empty());
    bench.reconciler.instance_is("VI_1", false);
    CHECK(bench.done() == Lines{"start backup"});
}

TEST_CASE("a daemon starts again when its interface returns as another one, and is stopped while there is none") {
    SettingsBench bench;
    bench.reconciler.configure(following("VI_1"));
    bench.reconciler.interface_is(4);
    bench.reconciler.instance_is("VI_1", true);
    CHECK(bench.done() == Lines{"start master"});
    bench.reconciler.interface_is(0);
    CHECK(bench.done() == Lines{"stop master"});
    bench.reconciler.interface_is(9);
    CHECK(bench.done() == Lines{"start master"});
    bench.reconciler.interface_is(10);  // at once another one
    CHECK(bench.done() == Lines{"stop master", "start master"});
    bench.reconciler.interface_is(10);
    CHECK(bench.done().empty());
}

TEST_CASE("a daemon that its interface would not have is started as soon as that has changed") {
    SettingsBench bench;
    bench.options.reopen_every = std::chrono::hours{1};
    bench.kernel.has_interface = false;  // it is down
    bench.reconciler.configure(following(""));
    bench.reconciler.interface_is(4);
    CHECK(bench.done().empty());
    bench.kernel.has_interface = true;
    bench.reconciler.interface_is(4);
    CHECK(bench.done() == Lines{"start master", "start backup"});
    bench.reconciler.interface_is(4);
    CHECK(bench.done().empty());
}

TEST_CASE("a daemon that cannot be started is retried, and logged once") {
    SettingsBench bench;
    bench.kernel.has_interface = false;
    bench.reconciler.configure(following(""));
    CHECK(bench.done().empty());
    CHECK(bench.runtime.log_.count("start the IPVS master sync daemon on eth1, id 51") == 1);
    bench.kernel.has_interface = true;
    CHECK(bench.runtime.until([&] { return bench.kernel.daemons.size() == 2; }));
    CHECK(bench.runtime.log_.count("start the IPVS master sync daemon on eth1, id 51") == 1);
}

TEST_CASE("settings of a kernel without IPVS wait for it, and are its table's to report") {
    SettingsBench bench;
    bench.kernel.available = false;
    bench.reconciler.configure(following(""));
    CHECK(bench.runtime.until([&] { return bench.kernel.opened == 3; }));
    CHECK(bench.done().empty());
    CHECK(bench.runtime.log_.texts.empty());
    bench.kernel.available = true;
    CHECK(bench.runtime.until([&] { return bench.kernel.daemons.size() == 2; }));
}

TEST_CASE("after daemons that could not be read the socket is opened again") {
    SettingsBench bench;
    bench.kernel.answers = false;
    bench.reconciler.configure(following(""));
    CHECK(bench.runtime.until([&] { return bench.kernel.opened == 3; }));
    CHECK(bench.runtime.log_.count("read the sync daemons") == 1);
    bench.kernel.answers = true;
    CHECK(bench.runtime.until([&] { return bench.kernel.daemons.size() == 2; }));
    CHECK(bench.done() == Lines{"start master", "start backup"});
    const int opened = bench.kernel.opened;
    bench.reconciler.reconcile();
    CHECK(bench.kernel.opened == opened);
}

TEST_CASE("a daemon stopped by another program is restarted, and foreign daemons are left alone without the keyword") {
    SettingsBench bench;
    bench.reconciler.configure(following(""));
    bench.done();
    bench.kernel.daemons.pop_back();
    CHECK(bench.runtime.until([&] { return bench.kernel.daemons.size() == 2; }));
    CHECK(bench.done() == Lines{"start backup"});

    SettingsBench other;
    other.kernel.daemons = {{.state = IpvsDaemon::State::Master, .interface = "eth1"}};
    other.reconciler.configure({});
    other.reconciler.stop();
    CHECK(other.kernel.daemons.size() == 1);
}

TEST_CASE("a reload without the keyword stops the daemon, one that changes a setting restarts it") {
    SettingsBench bench;
    bench.reconciler.configure(following(""));
    bench.done();
    auto longer = following("");
    longer.sync->maxlen = 1000;
    bench.reconciler.configure(longer);
    CHECK(bench.done() == Lines{"stop master", "stop backup", "start master", "start backup"});
    bench.reconciler.configure({});
    CHECK(bench.done() == Lines{"stop master", "stop backup"});
}

TEST_CASE("a daemon that a reload could not stop is stopped later") {
    SettingsBench bench;
    bench.reconciler.configure(following(""));
    bench.kernel.stops_daemons = false;
    bench.reconciler.configure({});
    CHECK(bench.kernel.daemons.size() == 2);
    bench.kernel.stops_daemons = true;
    CHECK(bench.runtime.until([&] { return bench.kernel.daemons.empty(); }));
}

TEST_CASE("configured timeouts are set, repaired, and restored by a reload and at the stop") {
    SettingsBench bench;
    LvsSettings settings;
    settings.timeouts = {7200, 0, 60};
    bench.reconciler.configure(settings);
    CHECK(bench.kernel.timeouts == IpvsTimeouts{7200, 120, 60});
    CHECK(bench.saved == 1);
    bench.kernel.timeouts.tcp = 5;
    CHECK(bench.runtime.until([&] { return bench.kernel.timeouts.tcp == 7200; }));
    CHECK(bench.runtime.log_.count("timeouts were changed by another program") == 1);

    settings.timeouts = {0, 30, 60};
    bench.reconciler.configure(settings);
    CHECK(bench.kernel.timeouts == IpvsTimeouts{900, 30, 60});
    bench.reconciler.stop();
    CHECK(bench.kernel.timeouts == IpvsTimeouts{900, 120, 300});
}

TEST_CASE("an audit_interval of 0 is no look at daemons and timeouts but the one that is asked for") {
    SettingsBench bench;
    bench.options.audit_every = Micros{0};
    bench.options.reopen_every = std::chrono::milliseconds{1};
    LvsSettings settings;
    settings.timeouts = {7200, 0, 0};
    bench.reconciler.configure(settings);
    bench.kernel.timeouts.tcp = 5;
    for (int turn = 0; turn < 100; ++turn) bench.runtime.loop().run_one_for(std::chrono::milliseconds{1});
    bench.runtime.loop().restart();
    CHECK(bench.kernel.timeouts.tcp == 5);
    bench.reconciler.reconcile();
    CHECK(bench.kernel.timeouts.tcp == 7200);
}

TEST_CASE("a configuration with nothing to balance has no timeouts, as a start with it sets none") {
    const auto written = [](const std::string& more) {
        const std::string global = "global_defs {\nlvs_timeouts tcp 600\n" + more + "}\n";
        return config::load_text("x.conf", global, {}).config;
    };
    auto config = written("");
    CHECK(settings_of(config).timeouts == IpvsTimeouts{});
    config.virtual_servers = {lvs::test::service({lvs::test::server("10.0.0.11")})};
    CHECK(settings_of(config).timeouts == IpvsTimeouts{600, 0, 0});
    CHECK(settings_of(written("lvs_sync_daemon eth0\n")).timeouts == IpvsTimeouts{600, 0, 0});
}

TEST_CASE("a new incarnation puts back what was there before the first one") {
    SettingsBench bench;
    bench.kernel.timeouts = {7200, 120, 300};
    LvsSettings settings;
    settings.timeouts = {7200, 0, 0};
    bench.reconciler.configure(settings, IpvsTimeouts{900, 120, 300});
    CHECK(bench.done().empty());
    bench.reconciler.stop();
    CHECK(bench.kernel.timeouts == IpvsTimeouts{900, 120, 300});
}

TEST_CASE("persistence to servers with weight 0 ends while it is wanted, is repaired, and put back as it was") {
    SettingsBench bench;
    bench.reconciler.configure({});
    CHECK(bench.reconciler.expire_quiescent(true));
    CHECK(bench.done() == Lines{"expire_quiescent_template=1"});
    CHECK(bench.saved == 1);
    CHECK(bench.original_expiry() == 0);
    bench.kernel.sysctls.find(kExpiry)->second = 0;
    CHECK(bench.runtime.until([&] { return bench.expires(); }));
    CHECK(bench.runtime.log_.count("expire_quiescent_template was changed by another program; repaired") == 1);
    bench.done();
    CHECK(bench.reconciler.expire_quiescent(false));
    CHECK(bench.done() == Lines{"expire_quiescent_template=0"});
    CHECK(bench.original_expiry() == std::nullopt);
    CHECK(bench.runtime.log_.count("net.ipv4.vs.expire_quiescent_template set to 1") == 2);  // and repaired
    CHECK(bench.runtime.log_.count("net.ipv4.vs.expire_quiescent_template set to 0") == 1);

    CHECK(bench.reconciler.expire_quiescent(true));
    bench.reconciler.stop();
    CHECK(bench.done() == Lines{"expire_quiescent_template=1", "expire_quiescent_template=0"});
}

TEST_CASE("expire_quiescent_template set by the host is left alone, also after a crash") {
    SettingsBench bench;
    bench.kernel.sysctls.find(kExpiry)->second = 1;
    CHECK(bench.reconciler.expire_quiescent(true));
    CHECK(bench.reconciler.expire_quiescent(false));
    CHECK(bench.expires());

    SettingsBench second;
    second.kernel.sysctls.find(kExpiry)->second = 1;  // by the crashed one
    second.reconciler.configure({});
    second.reconciler.inherit({{std::string{kExpiry}, 0}});
    CHECK(second.reconciler.expire_quiescent(true));
    CHECK(second.done().empty());
    second.reconciler.stop();
    CHECK_FALSE(second.expires());

    SettingsBench third;
    third.kernel.sysctls.find(kExpiry)->second = 1;
    third.reconciler.inherit({{std::string{kExpiry}, 0}});
    CHECK(third.reconciler.expire_quiescent(false));  // withdrawn by the new file
    CHECK_FALSE(third.expires());
}

TEST_CASE("expire_quiescent_template that cannot be set is an error for the caller, and is retried") {
    SettingsBench bench;
    bench.kernel.may_write = false;
    const auto refused = bench.reconciler.expire_quiescent(true);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().text().find("write expire_quiescent_template") != std::string::npos);
    bench.kernel.may_write = true;
    CHECK(bench.runtime.until([&] { return bench.expires(); }));
}

namespace {

SettingsKernel untouched() {
    SettingsKernel kernel;
    kernel.sysctls = {{"sloppy_tcp", 0},         {"sloppy_sctp", 0},     {"schedule_icmp", 0},
                      {"expire_nodest_conn", 0}, {"conn_reuse_mode", 1}, {"backup_only", 1}};
    return kernel;
}

}  // namespace

TEST_CASE("directors that take over each other's flows set what that needs, repair it, and put it back") {
    SettingsBench bench;
    bench.kernel = untouched();
    bench.reconciler.configure({});
    bench.reconciler.take_over_flows(true);
    CHECK(bench.done() ==
          Lines{"backup_only=0", "expire_nodest_conn=1", "schedule_icmp=1", "sloppy_sctp=1", "sloppy_tcp=1"});
    CHECK(bench.reconciler.original_sysctls() == untouched().sysctls);

    bench.kernel.sysctls["sloppy_tcp"] = 0;
    CHECK(bench.runtime.until([&] { return bench.kernel.sysctls["sloppy_tcp"] == 1; }));
    CHECK(bench.runtime.log_.count("net.ipv4.vs.sloppy_tcp was changed by another program; repaired") == 1);

    bench.done();
    bench.reconciler.keep_flows_of_deleted(true);
    bench.reconciler.keep_flows_of_deleted(false);
    CHECK(bench.done() == Lines{"expire_nodest_conn=0", "expire_nodest_conn=1"});
    bench.reconciler.stop();
    CHECK(bench.kernel.sysctls == untouched().sysctls);
}

TEST_CASE(
    "after a crash the settings of a service that is gone are put back; a setting that is missing stops no other") {
    SettingsBench bench;
    bench.kernel = untouched();
    bench.kernel.sysctls["sloppy_tcp"] = 1;
    bench.kernel.sysctls.erase("backup_only");
    bench.reconciler.inherit({{"sloppy_tcp", 0}});
    bench.reconciler.take_over_flows(false);
    CHECK(bench.done() == Lines{"sloppy_tcp=0"});

    bench.reconciler.configure(following("VI_1"));
    bench.reconciler.instance_is("VI_1", true);
    bench.done();
    bench.reconciler.take_over_flows(true);
    CHECK(bench.done() == Lines{"expire_nodest_conn=1", "schedule_icmp=1", "sloppy_sctp=1", "sloppy_tcp=1"});
    CHECK(bench.runtime.log_.count("read backup_only: No such file or directory") == 1);
    bench.reconciler.instance_is("VI_1", false);
    CHECK(bench.done() == Lines{"stop master", "start backup"});
}
