// The director of metrics_scene.hpp with a configuration, for the renderings that need one.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <utility>

#include "mainstay/config/load.hpp"
#include "mainstay/report/dumps.hpp"
#include "mainstay/report/snmp.hpp"
#include "metrics_scene.hpp"

namespace mainstay::test {

inline constexpr const char* kConfiguredScene = R"(global_defs {
    router_id dir1
    enable_snmp_vrrp
    enable_snmp_checker
    enable_snmp_rfc
    enable_traps
    enable_dbus
}
bfd_instance B1 {
    neighbor_ip 10.0.0.3
}
vrrp_script chk {
    script "/bin/true chk"
}
vrrp_script new {
    script "/bin/true new"
}
vrrp_sync_group G1 {
    group {
        VI_1
        VI_2
    }
    sync_group_tracking_weight
}
vrrp_instance VI_1 {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority 140
    track_script {
        chk weight 5
    }
    virtual_ipaddress {
        10.9.9.9
        10.9.9.10/24
    }
}
vrrp_instance VI_2 {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority 140
    version 3
    virtual_ipaddress {
        fe80::9
    }
}
virtual_server 10.0.0.1 80 {
    lb_algo wrr
    lb_kind DR
    protocol TCP
    quorum 3
    hysteresis 1
    sorry_server 10.0.0.99 80
    real_server 10.0.0.11 80 {
        TCP_CHECK {
        }
    }
    real_server 10.0.0.12 80 {
        TCP_CHECK {
        }
    }
    real_server 10.0.0.13 80 {
        TCP_CHECK {
        }
    }
    real_server 10.0.0.14 80 {
        TCP_CHECK {
        }
    }
}
virtual_server fwmark 5 {
    lb_algo rr
    lb_kind NAT
    real_server 10.0.0.11 80 {
        TCP_CHECK {
        }
    }
}
)";

struct ConfiguredScene {
    config::Config config;
    report::DaemonStatus daemon = metrics_daemon();
    report::VrrpStatus& vrrp = *daemon.vrrp;
    report::LvsStatus& lvs = *daemon.lvs;
    std::map<std::string, report::SnmpLink> links{
        {"eth0",
         {.index = 2,
          .mac = {"\x02\x00\x00\x00\x00\x01", 6},
          .addresses = {*IpAddress::parse("10.0.0.5"), *IpAddress::parse("10.9.9.9"), *IpAddress::parse("fe80::5")}}}};

    ConfiguredScene() {
        auto loaded = config::load_text("x.conf", kConfiguredScene, {});
        REQUIRE(loaded.can_run());
        config = std::move(loaded.config);
        // The status has a name that no configuration file can hold.
        config.instances[1].name = vrrp.router.instances[1].name;
    }
    ConfiguredScene(const ConfiguredScene&) = delete;
    ConfiguredScene& operator=(const ConfiguredScene&) = delete;

    [[nodiscard]] report::SnmpFacts facts() const {
        return {.config = config,
                .status = vrrp,
                .lvs = lvs,
                .links = links,
                .version = "mainstay v0.1.0",
                .router_id = "dir1",
                .now = daemon.now,
                .started = {daemon.now.unix_us - 9'000'000},
                .histories = {{"VI_1", {.up_since = WallTime{daemon.now.unix_us - 7'040'000}, .became_master = {}}}}};
    }
    [[nodiscard]] report::SnmpView view() const {
        return snmp_view({.vrrp = true, .checker = true, .rfc_v2 = true, .rfc_v3 = true, .traps = true, .socket = {}},
                         facts());
    }
    [[nodiscard]] report::DumpSource source() const {
        return {.config = config, .vrrp = &vrrp, .lvs = &lvs, .cleared = {}, .json_version_2 = false};
    }
};

}  // namespace mainstay::test
