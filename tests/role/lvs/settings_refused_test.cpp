// What is logged of the IPVS settings, and what follows from calls that the kernel refuses.
#include <doctest/doctest.h>

#include "settings_bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

TEST_CASE("what becomes of a sync daemon's interface, and of the daemon, is logged") {
    SettingsBench bench;
    bench.reconciler.configure(following("VI_1"));
    bench.reconciler.instance_is("VI_1", true);
    bench.reconciler.interface_is(4);
    CHECK(bench.runtime.log_.texts == Lines{"Started IPVS master sync daemon on eth1, id 51"});
    bench.runtime.log_.texts.clear();
    bench.reconciler.interface_is(0);
    CHECK(bench.runtime.log_.texts ==
          Lines{"lvs_sync_daemon: interface eth1 does not exist: connections are not synchronised until it appears",
                "Stopped IPVS master sync daemon on eth1, id 51"});
    bench.runtime.log_.texts.clear();
    bench.reconciler.interface_is(9);
    CHECK(bench.runtime.log_.texts ==
          Lines{"lvs_sync_daemon: interface eth1 has appeared", "Started IPVS master sync daemon on eth1, id 51"});
}

TEST_CASE("an interface of a configuration without a sync daemon is nothing to look at") {
    SettingsBench bench;
    bench.reconciler.configure({});
    bench.reconciler.interface_is(0);
    CHECK(bench.runtime.log_.texts.empty());
    bench.reconciler.configure(following(""));  // its interface is not known yet, rather than absent
    CHECK(bench.done() == Lines{"start master", "start backup"});
}

TEST_CASE("another interface of the sync daemon is not known yet, and the daemon moves to it") {
    SettingsBench bench;
    bench.reconciler.configure(following(""));
    bench.reconciler.interface_is(0);
    bench.done();
    auto elsewhere = following("");
    elsewhere.sync->interface = "eth2";
    bench.reconciler.configure(elsewhere);
    CHECK(bench.done() == Lines{"start master", "start backup"});
    REQUIRE(bench.kernel.daemons.size() == 2);
    CHECK(bench.kernel.daemons[0].interface == "eth2");
}

TEST_CASE("a daemon that failed again after it had run is logged again") {
    SettingsBench bench;
    bench.options.reopen_every = std::chrono::seconds{7};
    const auto refusals = [&] { return bench.runtime.log_.count("start the IPVS master sync daemon on eth1, id 51"); };
    bench.kernel.has_interface = false;
    bench.reconciler.configure(following(""));
    bench.reconciler.reconcile();
    CHECK(refusals() == 1);
    CHECK(bench.runtime.log_.count("; retried every 7 s") == 1);
    bench.kernel.has_interface = true;
    bench.reconciler.reconcile();
    CHECK(bench.done() == Lines{"start master", "start backup"});
    bench.kernel.daemons.clear();
    bench.kernel.has_interface = false;
    bench.reconciler.reconcile();
    CHECK(refusals() == 2);
}

TEST_CASE("timeouts that cannot be read or set are logged once, and retried until they are set") {
    SettingsBench bench;
    LvsSettings settings;
    settings.timeouts = {7200, 0, 0};
    bench.kernel.reads_timeouts = false;
    bench.reconciler.configure(settings);
    CHECK(bench.runtime.until([&] { return bench.kernel.opened == 3; }));  // the socket may be why
    CHECK(bench.runtime.log_.count("read the timeouts: No buffer space available") == 1);
    CHECK_FALSE(bench.reconciler.original_timeouts().has_value());
    CHECK(bench.saved == 0);

    bench.kernel.reads_timeouts = true;
    bench.kernel.sets_timeouts = false;
    CHECK(bench.runtime.until([&] { return bench.runtime.log_.has("set the timeouts: Operation not permitted"); }));
    bench.reconciler.reconcile();
    CHECK(bench.runtime.log_.count("set the timeouts: Operation not permitted") == 1);
    CHECK(bench.saved == 1);

    bench.kernel.sets_timeouts = true;
    CHECK(bench.runtime.until([&] { return bench.kernel.timeouts.tcp == 7200; }));
    CHECK_FALSE(bench.runtime.log_.has("changed by another program"));
}

TEST_CASE("timeouts that are configured no more are put back once, and are others' from then on") {
    SettingsBench bench;
    LvsSettings settings;
    settings.timeouts = {7200, 0, 0};
    bench.reconciler.configure(settings);
    bench.reconciler.configure({});
    CHECK(bench.kernel.timeouts == IpvsTimeouts{900, 120, 300});
    CHECK_FALSE(bench.reconciler.original_timeouts().has_value());
    bench.kernel.timeouts.tcp = 1800;
    bench.done();
    bench.reconciler.reconcile();
    bench.reconciler.stop();
    CHECK(bench.done().empty());
    CHECK_FALSE(bench.runtime.log_.has("changed by another program"));
}

TEST_CASE("other timeouts that a reload sets are no change by another program") {
    SettingsBench bench;
    LvsSettings settings;
    settings.timeouts = {7200, 0, 0};
    bench.reconciler.configure(settings);
    settings.timeouts = {3600, 0, 0};
    bench.reconciler.configure(settings);
    CHECK(bench.kernel.timeouts == IpvsTimeouts{3600, 120, 300});
    CHECK_FALSE(bench.runtime.log_.has("changed by another program"));
}

TEST_CASE("what cannot be put back at the stop is logged, and nothing is set after it") {
    SettingsBench bench;
    LvsSettings settings;
    settings.timeouts = {7200, 0, 0};
    bench.reconciler.configure(settings);
    CHECK(bench.reconciler.expire_quiescent(true).has_value());
    bench.kernel.may_write = false;
    bench.kernel.sets_timeouts = false;
    bench.runtime.log_.texts.clear();
    bench.reconciler.stop();
    CHECK(bench.runtime.log_.texts ==
          Lines{"write expire_quiescent_template: Read-only file system", "set the timeouts: Operation not permitted"});
    bench.kernel.may_write = bench.kernel.sets_timeouts = true;
    bench.kernel.timeouts.tcp = 5;
    bench.done();
    bench.reconciler.reconcile();
    CHECK(bench.done().empty());
}
