// A director whose settings all differ, and the state of its vrrp role: for tests that compare whole texts.
#pragma once

#include <string>

#include "mainstay/ipc/status.hpp"

namespace mainstay::test {

inline constexpr const char* kDirector = R"(global_defs {
    router_id LVS_1
    smtp_server 192.168.4.1 2525
    smtp_connect_timeout 7
    notification_email_from from@example.com
    notification_email {
        a@example.com
        b@example.com
    }
    default_interface eth7
    vrrp_garp_master_delay 11
    vrrp_garp_master_repeat 12
    vrrp_garp_master_refresh 13
    vrrp_garp_master_refresh_repeat 14
    vrrp_down_timer_adverts 4
    vrrp_higher_prio_send_advert
    vrrp_skip_check_adv_addr
    lvs_flush
    enable_script_security
    script_user root
    vrrp_priority -5
    lvs_sync_daemon eth6 VI_1 id 9
    lvs_timeouts tcp 901 tcpfin 31 udp 61
    vrrp_cpu_affinity 1 3
    vrrp_rlimit_rttime 10000
    dbus_service_name org.example.Ha
}
static_ipaddress {
    10.5.0.1/24 dev eth0 scope link home
}
static_routes {
    10.6.0.0/16 via 10.5.0.9 dev eth0
    10.7.0.0/16 nexthop via 10.5.0.9 dev eth0 weight 2 nexthop via 10.5.0.8
}
static_rules {
    from 10.6.0.0/16 fwmark 5/7 table 60 preference 300
}
track_group TG {
    group {
        VI_1
    }
}
bfd_instance B1 {
    neighbor_ip 10.0.0.3
    weight 11 reverse
}
bfd_instance B2 {
    neighbor_ip 10.0.0.4
}
vrrp_script chk {
    script "/bin/true a 'b c'"
    interval 3
    timeout 2
    weight 5
    rise 6
    fall 7
}
vrrp_script rev {
    script "/bin/false"
    interval 9
    timeout 8
    weight 4 reverse
}
vrrp_script unheard {
    script "/bin/true"
    interval 1
    weight 1
}
track_file TF {
    file "/run/tf"
    weight 3 reverse
}
track_file TF2 {
    file "/run/tf2"
    weight 2
}
vrrp_track_process TP {
    process "/bin/pinger" -x -y
    param_match initial
    quorum 2
    quorum_max 9
    weight 6 reverse
    fork_delay 1.5
    terminate_delay 4
}
vrrp_track_process TP2 {
    process sleeper
    weight 1
}
vrrp_sync_group G1 {
    group {
        VI_1
        VI_2
    }
    notify_master "/bin/true group master"
    smtp_alert
    sync_group_tracking_weight
    track_interface {
        eth8 weight 14
    }
    track_script {
        chk weight 15
    }
    track_file {
        TF noreverse
    }
    track_process {
        TP weight 16 reverse
    }
    track_bfd {
        B1 weight 17
    }
}
vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_router_id 51
    priority 150
    advert_int 2
    garp_master_delay 21
    garp_master_repeat 22
    garp_master_refresh 23
    garp_master_refresh_repeat 24
    garp_lower_prio_delay 25
    garp_lower_prio_repeat 26
    down_timer_adverts 5
    authentication {
        auth_type PASS
        auth_pass s3cret
    }
    virtual_ipaddress {
        192.168.4.200/24 label eth0:1
        192.168.4.201 dev eth1 scope site
        192.168.4.203 peer 192.168.4.1 scope link
        192.168.4.204/28 broadcast 192.168.4.207
    }
    virtual_ipaddress_excluded {
        192.168.4.202/32 scope 7 no_track
        fe80::5/128
    }
    virtual_routes {
        10.8.0.0/16 via 192.168.4.9 dev eth0
    }
    track_file {
        TF
        TF2 weight 13 reverse
    }
    track_bfd {
        B1
        B2 weight 3
    }
    virtual_rules {
        from 10.8.0.0/16 table 80 preference 200
        to 10.9.0.0/16 not blackhole preference 201
    }
    track_interface {
        eth0
        eth2 weight -7
        eth3 weight 8 reverse
    }
    track_script {
        chk
        rev weight 9
    }
    track_process {
        TP
        TP2 weight 5
    }
    notify_backup "/bin/true backup"
    notify_master "/bin/true master" root
    notify_fault "/bin/true fault"
    notify_stop "/bin/true stop"
    notify "/bin/true any 'y z'"
    notify_deleted "/bin/true deleted"
    notify_master_rx_lower_pri "/bin/true lower"
    smtp_alert
}
vrrp_instance VI_2 {
    state BACKUP
    interface eth1
    virtual_router_id 52
    priority 90
    version 3
    advert_int 0.25
    nopreempt
    no_accept
    lower_prio_no_advert
    higher_prio_send_advert off
    dont_track_primary
    promote_secondaries
    mcast_src_ip 10.0.0.1
    use_vmac vm52
    notify_deleted
    virtual_ipaddress {
        192.168.5.200/24
    }
}
vrrp_instance VI_3 {
    state BACKUP
    interface eth4
    virtual_router_id 53
    priority 80
    version 3
    advert_int 1.5
    preempt_delay 15.5
    use_vmac
    unicast_src_ip fe80::1
    unicast_peer {
        fe80::2
        fe80::3
    }
    virtual_ipaddress {
        2001:db8::5/64 scope host
        fe80::9
    }
}
vrrp_instance VI_4 {
    state BACKUP
    virtual_router_id 54
    interface eth5
    priority 255
    linkbeat_use_polling
    mcast_dst_ip 224.0.0.44
    authentication {
        auth_type AH
        auth_pass hidden
    }
    track_script {
        unheard
    }
    virtual_ipaddress {
        192.168.7.200/24 scope nowhere
    }
}
vrrp_instance VI_5 {
    state BACKUP
    virtual_router_id 55
    interface eth6
    version 3
    priority 60
    strict_mode
    virtual_ipaddress {
        192.168.8.200/24 label eth6:v
    }
}
)";

inline report::VrrpStatus director_status() {
    report::VrrpStatus status;
    auto& list = status.router.instances;
    list.resize(5);
    for (std::size_t i = 0; i < list.size(); ++i) list[i].name = "VI_" + std::to_string(i + 1);
    list[0].state = vrrp::State::Master;
    list[0].owns_addresses = true;
    list[0].base_priority = 150;
    list[0].effective_priority = 157;
    list[0].master = *IpAddress::parse("192.168.4.11");
    list[0].master_priority = 3;
    list[0].since = {1'795'163'866'012'345};
    std::uint64_t number = 100;
    const auto count = [&](vrrp::Counters& c) {
        for (auto* value :
             {&c.advert_rcvd,      &c.advert_sent,         &c.become_master,        &c.release_master,
              &c.packet_len_err,   &c.advert_interval_err, &c.ip_ttl_err,           &c.invalid_type_rcvd,
              &c.addr_list_err,    &c.invalid_authtype,    &c.authtype_mismatch,    &c.auth_failure,
              &c.auth_ext_missing, &c.auth_ext_malformed,  &c.auth_ext_unknown_key, &c.auth_ext_invalid_hmac,
              &c.auth_ext_stale,   &c.auth_ext_replay,     &c.pri_zero_rcvd,        &c.pri_zero_sent})
            *value = number++;
    };
    count(list[0].counters);
    list[1].state = vrrp::State::Backup;
    list[1].base_priority = 90;
    list[1].effective_priority = 91;
    list[1].master = *IpAddress::parse("192.168.4.12");
    list[1].master_priority = 200;
    list[1].master_interval = Micros{750'000};
    list[1].since = {1'795'163'867'000'000};
    list[2].state = vrrp::State::Fault;
    list[2].fault = "eth4 is down";
    list[2].base_priority = 80;
    list[2].effective_priority = 81;
    list[2].since = {1'795'163'868'500'000};
    list[3].base_priority = 255;
    list[3].effective_priority = 71;
    list[4].base_priority = 60;
    list[4].effective_priority = 61;
    status.router.groups = {{.name = "G1", .state = vrrp::State::Backup, .last_mailed = {}}};
    status.router.scripts = {{.name = "chk", .known = true, .up = true, .last_status = 0},
                             {.name = "rev", .known = true, .up = false, .last_status = 3},
                             {.name = "unheard"}};
    status.router.bfds = {{.name = "B1", .up = true}, {.name = "B2", .up = false}};
    using Kind = vrrp::TrackerSnapshot::Kind;
    status.router.trackers = {{.kind = Kind::Process, .name = "TF", .value = 77, .up = true},
                              {.kind = Kind::File, .name = "TF", .value = 8, .up = false},
                              {.kind = Kind::File, .name = "TP", .value = 78, .up = false},
                              {.kind = Kind::Process, .name = "TP", .value = 4, .up = true}};
    return status;
}

}  // namespace mainstay::test
