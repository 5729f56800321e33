"""Keywords of VRRP that the generator does not use, each with its reason; a block alone leaves all of it out.

What is in neither table of vrrp_words.py nor here fails test_oracle_words.py.
"""

TIMING = "when adverts and gratuitous ARP are sent: nothing of it stays in the kernel"
PROCESS = "a setting of the process, which a reload does not change"
PACKETS = "what is in a packet: nothing of it stays in the kernel"
SCRIPTS = "runs a program; tests/host/test_scripts.py"
MAIL = "mail; tests/host/test_mail.py"
PRIORITY = "moves the priority alone, as track_interface and track_script do here"
START = "counts at the start of the daemon alone"
NOT_HERE = "the kernel of these hosts has none of it"
OTHER_HALF = "the other half"

LEFT_OUT = {
    "(language)": "how a file is written, not what it says",
    "(root)": {
        "SSL": OTHER_HALF, "bfd_instance": "sessions of BFD have a suite of their own; tests/host/test_bfd.py",
        "child_wait_time": START, "garp_group": TIMING, "instance": START, "use_pid_dir": START,
        "interface_up_down_delays": "delays what follows from a link's state; tests/host/test_tracking.py",
        "linkbeat_interfaces": "another way to learn of a link's state", "linkbeat_use_polling": "as above",
        "namespace_with_ipsets": START, "net_namespace": START, "net_namespace_ipvs": START,
        "virtual_server": OTHER_HALF, "virtual_server_group": OTHER_HALF, "vrrp_track_process": PRIORITY,
        "track_file": "the old name of vrrp_track_file", "track_group": "tracks what virtual entries track anyhow",
    },
    "bfd_instance": OTHER_HALF, "garp_group": TIMING, "interface_up_down_delays": "see (root)", "SSL": OTHER_HALF,
    "linkbeat_interfaces": "see (root)", "vrrp_track_process": PRIORITY, "track_group": "see (root)",
    "vrrp_instance/authentication": PACKETS, "vrrp_instance/auth_hmac": PACKETS,
    "vrrp_instance/auth_hmac/key": PACKETS, "vrrp_instance/virtual_ipaddress_excluded": "lines as virtual_ipaddress",
    "vrrp_instance/virtual_routes/nexthop": "said by the generator as whole routes",
    "vrrp_instance/virtual_routes/encap": "one form of it is in ROUTE; the bytes are in tests/netlink",
    "vrrp_instance/use_vmac": "said as one line", "vrrp_instance/use_ipvlan": "said as one line",
    "vrrp_instance/track_interface": "said as one line", "vrrp_instance/track_script": "said as one line",
    "vrrp_instance/track_file": "said as one line", "vrrp_instance/unicast_peer": "said as one line",
    "static_ipaddress": "lines as virtual_ipaddress", "static_routes": "lines as virtual_routes",
    "static_rules": "lines as virtual_rules", "vrrp_script": "whole blocks", "track_file": "see (root)",
    "vrrp_track_file": "whole blocks", "global_defs/lvs_sync_daemon": OTHER_HALF, "global_defs/lvs_timeouts": OTHER_HALF,
    "vrrp_sync_group": {
        **dict.fromkeys(("notify", "notify_backup", "notify_fault", "notify_master", "notify_stop"), SCRIPTS),
        **dict.fromkeys(("track_bfd", "track_file", "track_interface", "track_process", "track_script",
                         "sync_group_tracking_weight", "notify_priority_changes"), PRIORITY),
        "smtp_alert": MAIL, "global_tracking": "set in keepalived's old versions",
    },
    "vrrp_instance": {
        **dict.fromkeys(("garp_extra_if", "garp_lower_prio_delay", "garp_lower_prio_repeat", "garp_master_delay",
                         "garp_master_refresh", "garp_master_refresh_repeat", "garp_master_repeat", "vmac_garp_intvl",
                         "down_timer_adverts", "preempt_delay", "timer_expired_backup", "thread_timer_expired"), TIMING),
        **dict.fromkeys(("notify", "notify_backup", "notify_deleted", "notify_fault", "notify_master",
                         "notify_master_rx_lower_pri", "notify_stop", "notify_priority_changes"), SCRIPTS),
        **dict.fromkeys(("track_bfd", "track_process"), PRIORITY),
        **dict.fromkeys(("authentication", "auth_hmac"), PACKETS),
        "smtp_alert": MAIL, "lvs_sync_daemon_interface": OTHER_HALF, "linkbeat_use_polling": "see (root)",
        "owner_ignore_adverts": PACKETS, "unicast_fault_no_peer": "a fault of the configuration", "vrf": NOT_HERE,
    },
    "vrrp_instance/virtual_ipaddress": {"<address>": "stands in each line"},
    "vrrp_instance/virtual_routes": {
        "<type>": "ROUTE_TYPES", "<to>": "stands in each line", "to": "as <to>", "inet": "the family is seen",
        "inet6": "as inet", "as": "encap of mpls", "or": "a second gateway; nexthop is in", "oif": "as dev",
        "dev": "stands in each line of a route with a way", "vrf": NOT_HERE,
    },
    "vrrp_instance/virtual_rules": {
        "inet": "the family is seen", "inet6": "as inet", "type": "RULE_ACTIONS",
        **dict.fromkeys(("table", "lookup", "blackhole", "unreachable", "prohibit", "nop", "goto", "l3mdev"),
                        "RULE_ACTIONS"),
        **dict.fromkeys(("preference", "order", "priority"), "each rule has one, so that it is known by it"),
    },
    "global_defs": {
        **dict.fromkeys(("router_id", "notification_email_from", "smtp_server", "smtp_helo_name", "smtp_connect_timeout",
                         "notification_email", "smtp_alert", "smtp_alert_vrrp", "no_email_faults"), MAIL),
        **dict.fromkeys(("startup_script", "startup_script_timeout", "shutdown_script", "shutdown_script_timeout",
                         "script_user", "set_supplementary_groups", "use_symlink_paths", "notify_fifo_script",
                         "vrrp_notify_fifo_script", "vrrp_notify_priority_changes"), SCRIPTS),
        **dict.fromkeys(("vrrp_garp_master_delay", "vrrp_garp_master_repeat", "vrrp_garp_master_refresh",
                         "vrrp_garp_master_refresh_repeat", "vrrp_garp_lower_prio_delay", "vrrp_garp_lower_prio_repeat",
                         "vrrp_garp_interval", "vrrp_gna_interval", "vrrp_min_garp", "vrrp_garp_extra_if",
                         "vrrp_vmac_garp_intvl", "vrrp_down_timer_adverts", "max_auto_priority",
                         "min_auto_priority_delay", "vrrp_startup_delay", "vrrp_delay_after_boot"), TIMING),
        **dict.fromkeys(("vrrp_priority", "vrrp_no_swap", "vrrp_rt_priority", "vrrp_cpu_affinity",
                         "vrrp_rlimit_rttime", "vrrp_rlimit_rtime", "bfd_cpu_affinity", "bfd_no_swap", "bfd_priority",
                         "bfd_process_name", "bfd_rlimit_rtime", "bfd_rlimit_rttime", "bfd_rt_priority", "process_name",
                         "process_names", "vrrp_process_name", "random_seed"), PROCESS),
        **dict.fromkeys(("vrrp_lower_prio_no_advert", "vrrp_higher_prio_send_advert", "vrrp_check_unicast_src",
                         "vrrp_owner_ignore_adverts", "log_unknown_vrids"), PACKETS),
        **dict.fromkeys(("dbus_no_interface_name", "dbus_service_name", "enable_dbus", "snmp_socket", "enable_traps",
                         "enable_snmp_keepalived", "enable_snmp_rfc", "enable_snmp_rfcv2", "enable_snmp_rfcv3",
                         "enable_snmp_vrrp"), "another way to ask what status says"),
        **dict.fromkeys(("reload_check_config", "reload_file", "reload_repeat", "reload_time_file", "config_save_dir",
                         "include_check", "tmp_config_directory", "data_use_instance", "json_dump_file", "json_version",
                         "state_dump_file", "stats_dump_file", "iproute_etc_dir", "iproute_usr_dir"),
                        "where files are read and written on request; tests/host/test_reload.py"),
        **dict.fromkeys(("process_monitor_rcv_bufs", "process_monitor_rcv_bufs_force",
                         "vrrp_netlink_cmd_rcv_bufs_force", "vrrp_netlink_monitor_rcv_bufs_force",
                         "vrrp_rx_bufs_multiplier"), "the size of a buffer, as others that are in"),
    },
}
