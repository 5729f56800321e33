// The keywords, and the words of lines, whose stored values code reads: each with its name and the type under which it
// is stored (keyword_values.hpp). The schema makes their rows with them, and the compiler refuses a row of another
// type. A name that has values of several types in different blocks has here that of most of them.
#pragma once

#include <optional>

#include "mainstay/config/keyword_values.hpp"

namespace mainstay::config::keyword {

// ---- outside of all blocks
inline constexpr Keyword<bool> data_use_instance{"data_use_instance"}, linkbeat_use_polling{"linkbeat_use_polling"},
    namespace_with_ipsets{"namespace_with_ipsets"}, process_names{"process_names"}, use_pid_dir{"use_pid_dir"};
inline constexpr Keyword<std::int64_t> json_version{"json_version"};
inline constexpr Keyword<Micros> down_delay{"down_delay"}, garp_interval{"garp_interval"}, gna_interval{"gna_interval"},
    up_delay{"up_delay"};
inline constexpr Keyword<WordList> bfd_process_name{"bfd_process_name"}, checker_process_name{"checker_process_name"},
    group{"group"}, instance{"instance"}, interface{"interface"}, lvs_process_name{"lvs_process_name"},
    method{"method"}, net_namespace{"net_namespace"}, net_namespace_ipvs{"net_namespace_ipvs"},
    process_name{"process_name"}, state_dump_file{"state_dump_file"}, vrrp_process_name{"vrrp_process_name"};
inline constexpr Keyword<Section> ssl{"SSL"}, bfd_instance{"bfd_instance"}, garp_group{"garp_group"},
    interface_up_down_delays{"interface_up_down_delays"}, interfaces{"interfaces"},
    linkbeat_interfaces{"linkbeat_interfaces"}, static_ipaddress{"static_ipaddress"}, static_routes{"static_routes"},
    static_rules{"static_rules"}, track_file{"track_file"}, track_group{"track_group"},
    virtual_server_group{"virtual_server_group"}, vrrp_track_file{"vrrp_track_file"},
    vrrp_track_process{"vrrp_track_process"};
inline constexpr DefaultedKeyword<Micros> child_wait_time{"child_wait_time", Seconds{5}};

// ---- global_defs
inline constexpr Keyword<bool> bfd_no_swap{"bfd_no_swap"}, checker_no_swap{"checker_no_swap"},
    disable_local_igmp{"disable_local_igmp"}, enable_dbus{"enable_dbus"}, enable_snmp_checker{"enable_snmp_checker"},
    enable_snmp_keepalived{"enable_snmp_keepalived"}, enable_snmp_rfc{"enable_snmp_rfc"},
    enable_snmp_rfcv2{"enable_snmp_rfcv2"}, enable_snmp_rfcv3{"enable_snmp_rfcv3"},
    enable_snmp_vrrp{"enable_snmp_vrrp"}, enable_traps{"enable_traps"},
    fifo_write_vrrp_states_on_reload{"fifo_write_vrrp_states_on_reload"}, log_unknown_vrids{"log_unknown_vrids"},
    lvs_netlink_cmd_rcv_bufs_force{"lvs_netlink_cmd_rcv_bufs_force"},
    lvs_netlink_monitor_rcv_bufs_force{"lvs_netlink_monitor_rcv_bufs_force"}, nftables_counters{"nftables_counters"},
    nftables_ifindex{"nftables_ifindex"}, no_checker_emails{"no_checker_emails"},
    process_monitor_rcv_bufs_force{"process_monitor_rcv_bufs_force"}, reload_repeat{"reload_repeat"},
    rs_init_notifies{"rs_init_notifies"}, set_supplementary_groups{"set_supplementary_groups"},
    use_symlink_paths{"use_symlink_paths"}, v3_checksum_as_v2{"v3_checksum_as_v2"},
    vrrp_check_unicast_src{"vrrp_check_unicast_src"}, vrrp_higher_prio_send_advert{"vrrp_higher_prio_send_advert"},
    vrrp_min_garp{"vrrp_min_garp"}, vrrp_netlink_cmd_rcv_bufs_force{"vrrp_netlink_cmd_rcv_bufs_force"},
    vrrp_netlink_monitor_rcv_bufs_force{"vrrp_netlink_monitor_rcv_bufs_force"}, vrrp_no_swap{"vrrp_no_swap"},
    vrrp_notify_priority_changes{"vrrp_notify_priority_changes"},
    vrrp_owner_ignore_adverts{"vrrp_owner_ignore_adverts"};
inline constexpr Keyword<std::int64_t> bfd_priority{"bfd_priority"}, bfd_rlimit_rtime{"bfd_rlimit_rtime"},
    bfd_rlimit_rttime{"bfd_rlimit_rttime"}, bfd_rt_priority{"bfd_rt_priority"}, checker_priority{"checker_priority"},
    checker_rlimit_rtime{"checker_rlimit_rtime"}, checker_rlimit_rttime{"checker_rlimit_rttime"},
    checker_rt_priority{"checker_rt_priority"}, lvs_netlink_cmd_rcv_bufs{"lvs_netlink_cmd_rcv_bufs"},
    lvs_netlink_monitor_rcv_bufs{"lvs_netlink_monitor_rcv_bufs"}, max_auto_priority{"max_auto_priority"},
    process_monitor_rcv_bufs{"process_monitor_rcv_bufs"}, random_seed{"random_seed"},
    vrrp_netlink_cmd_rcv_bufs{"vrrp_netlink_cmd_rcv_bufs"},
    vrrp_netlink_monitor_rcv_bufs{"vrrp_netlink_monitor_rcv_bufs"}, vrrp_priority{"vrrp_priority"},
    vrrp_rlimit_rtime{"vrrp_rlimit_rtime"}, vrrp_rlimit_rttime{"vrrp_rlimit_rttime"},
    vrrp_rx_bufs_policy{"vrrp_rx_bufs_policy"};
inline constexpr Keyword<Micros> shutdown_script_timeout{"shutdown_script_timeout"},
    snmp_rs_stats_update_interval{"snmp_rs_stats_update_interval"}, vrrp_delay_after_boot{"vrrp_delay_after_boot"},
    vrrp_garp_extra_if{"vrrp_garp_extra_if"}, vrrp_vmac_garp_intvl{"vrrp_vmac_garp_intvl"};
inline constexpr Keyword<Command> lvs_notify_fifo_script{"lvs_notify_fifo_script"},
    notify_fifo_script{"notify_fifo_script"}, shutdown_script{"shutdown_script"}, startup_script{"startup_script"},
    vrrp_notify_fifo_script{"vrrp_notify_fifo_script"};
inline constexpr Keyword<WordList> config_save_dir{"config_save_dir"}, dbus_no_interface_name{"dbus_no_interface_name"},
    dbus_service_name{"dbus_service_name"}, lvs_notify_fifo{"lvs_notify_fifo"}, nftables{"nftables"},
    nftables_ipvs{"nftables_ipvs"}, notify_fifo{"notify_fifo"}, reload_check_config{"reload_check_config"},
    reload_file{"reload_file"}, reload_time_file{"reload_time_file"}, snmp_socket{"snmp_socket"},
    tmp_config_directory{"tmp_config_directory"}, vmac_addr_prefix{"vmac_addr_prefix"}, vmac_prefix{"vmac_prefix"},
    vrrp_ipsets{"vrrp_ipsets"}, vrrp_iptables{"vrrp_iptables"}, vrrp_notify_fifo{"vrrp_notify_fifo"};
inline constexpr Keyword<IntegerList> bfd_cpu_affinity{"bfd_cpu_affinity"},
    checker_cpu_affinity{"checker_cpu_affinity"}, vrrp_cpu_affinity{"vrrp_cpu_affinity"};
inline constexpr Keyword<Section> lvs_sync_daemon{"lvs_sync_daemon"}, lvs_timeouts{"lvs_timeouts"};
inline constexpr DefaultedKeyword<Micros> startup_script_timeout{"startup_script_timeout", Seconds{10}},
    snmp_vs_stats_update_interval{"snmp_vs_stats_update_interval", Seconds{5}};
inline constexpr DefaultedKeyword<std::int64_t> vrrp_rx_bufs_multiplier{"vrrp_rx_bufs_multiplier", 3},
    nftables_ipvs_start_fwmark{"nftables_ipvs_start_fwmark", 1000},
    nftables_ipvs_priority{"nftables_ipvs_priority", -1}, nftables_priority{"nftables_priority", -1},
    min_auto_priority_delay{"min_auto_priority_delay", 1'000'000}, umask{"umask", 0177};

// ---- vrrp_instance, its addresses
inline constexpr Keyword<bool> accept{"accept"}, autojoin{"autojoin"}, check_unicast_src{"check_unicast_src"},
    home{"home"}, mngtmpaddr{"mngtmpaddr"}, no_accept{"no_accept"}, no_track{"no_track"},
    noprefixroute{"noprefixroute"}, notify_priority_changes{"notify_priority_changes"},
    owner_ignore_adverts{"owner_ignore_adverts"}, promote_secondaries{"promote_secondaries"},
    track_src_ip{"track_src_ip"}, unicast_fault_no_peer{"unicast_fault_no_peer"}, use_vmac{"use_vmac"},
    use_vmac_addr{"use_vmac_addr"}, vmac_xmit_base{"vmac_xmit_base"};
inline constexpr Keyword<std::int64_t> active_key{"active_key"}, debug{"debug"}, id{"id"},
    kernel_rx_buf_size{"kernel_rx_buf_size"}, max_ttl{"max_ttl"}, min_ttl{"min_ttl"}, priority{"priority"},
    scope{"scope"}, thread_timer_expired{"thread_timer_expired"}, timer_expired_backup{"timer_expired_backup"},
    unicast_ttl{"unicast_ttl"};
inline constexpr Keyword<Micros> garp_extra_if{"garp_extra_if"}, preferred_lft{"preferred_lft"},
    time_window{"time_window"}, vmac_garp_intvl{"vmac_garp_intvl"};
inline constexpr Keyword<IpAddress> peer{"peer"};
inline constexpr Keyword<Prefix> address{"address"};
inline constexpr Keyword<Command> notify_deleted{"notify_deleted"},
    notify_master_rx_lower_pri{"notify_master_rx_lower_pri"};
inline constexpr Keyword<WordList> anti_replay{"anti_replay"}, brd{"brd"}, broadcast{"broadcast"}, dev{"dev"},
    label{"label"}, lvs_sync_daemon_interface{"lvs_sync_daemon_interface"}, mode{"mode"},
    old_unicast_checksum{"old_unicast_checksum"}, secret{"secret"}, vrf{"vrf"};
inline constexpr Keyword<Section> auth_hmac{"auth_hmac"}, key{"key"}, use_ipvlan{"use_ipvlan"},
    virtual_rules{"virtual_rules"};

// ---- routes and rules
inline constexpr Keyword<bool> add{"add"}, append{"append"}, blackhole{"blackhole"}, inet{"inet"}, inet6{"inet6"},
    ip{"ip"}, ip6{"ip6"}, l3mdev{"l3mdev"}, nop{"nop"}, not_{"not"}, onlink{"onlink"}, prohibit{"prohibit"},
    unreachable{"unreachable"};
inline constexpr Keyword<std::int64_t> advmss{"advmss"}, cwnd{"cwnd"}, dsfield{"dsfield"},
    fastopen_no_cookie{"fastopen_no_cookie"}, flags{"flags"}, fwmark{"fwmark"}, goto_{"goto"}, hoplimit{"hoplimit"},
    initcwnd{"initcwnd"}, initrwnd{"initrwnd"}, ipproto{"ipproto"}, lookup{"lookup"}, metric{"metric"}, mtu{"mtu"},
    order{"order"}, pref{"pref"}, preference{"preference"}, protocol{"protocol"}, quickack{"quickack"},
    reordering{"reordering"}, ssthresh{"ssthresh"}, sup_group{"sup_group"}, sup_pl{"sup_pl"},
    suppress_ifgroup{"suppress_ifgroup"}, suppress_prefixlength{"suppress_prefixlength"}, table{"table"}, tc{"tc"},
    tos{"tos"}, ttl{"ttl"}, tunnel_id{"tunnel-id"}, weight{"weight"}, window{"window"};
inline constexpr Keyword<Micros> expires{"expires"}, rto_min{"rto_min"}, rtt{"rtt"}, rttvar{"rttvar"};
inline constexpr Keyword<IpAddress> dst{"dst"}, gw{"gw"}, or_{"or"}, src{"src"}, via{"via"};
inline constexpr Keyword<Prefix> from{"from"}, to{"to"};
inline constexpr Keyword<WordList> as{"as"}, congctl{"congctl"}, features{"features"}, iif{"iif"},
    iproute_etc_dir{"iproute_etc_dir"}, iproute_usr_dir{"iproute_usr_dir"}, oif{"oif"}, ttl_propagate{"ttl-propagate"},
    type{"type"};
inline constexpr Keyword<IntegerList> dport{"dport"}, ila{"ila"}, mpls{"mpls"}, realms{"realms"}, sport{"sport"},
    uidrange{"uidrange"};
inline constexpr Keyword<Section> encap{"encap"}, nexthop{"nexthop"};

// ---- scripts, trackers, groups and BFD sessions
inline constexpr Keyword<bool> checker{"checker"}, full_command{"full_command"}, global_tracking{"global_tracking"},
    multihop{"multihop"}, passive{"passive"}, sync_group_tracking_weight{"sync_group_tracking_weight"}, vrrp{"vrrp"};
inline constexpr Keyword<std::int64_t> fall{"fall"}, init_file{"init_file"}, max_hops{"max_hops"}, quorum{"quorum"},
    quorum_max{"quorum_max"}, rise{"rise"};
inline constexpr Keyword<Micros> delay{"delay"}, fork_delay{"fork_delay"}, terminate_delay{"terminate_delay"};
inline constexpr Keyword<IpAddress> neighbor_ip{"neighbor_ip"}, source_ip{"source_ip"};
inline constexpr Keyword<WordList> file{"file"}, param_match{"param_match"}, process{"process"};
inline constexpr Keyword<Section> track_bfd{"track_bfd"}, track_process{"track_process"};
inline constexpr DefaultedKeyword<Micros> min_rx{"min_rx", Micros{10'000}}, min_tx{"min_tx", Micros{10'000}},
    idle_tx{"idle_tx", Seconds{1}};
inline constexpr DefaultedKeyword<std::int64_t> multiplier{"multiplier", 5};

// ---- lines of several words
inline constexpr Keyword<bool> csum{"csum"}, netlink_notify_msg{"netlink_notify_msg"}, noreverse{"noreverse"},
    remcsum{"remcsum"}, reverse{"reverse"};
inline constexpr Keyword<std::int64_t> maxlen{"maxlen"}, port{"port"}, syncid{"syncid"};
inline constexpr Keyword<Micros> tcp{"tcp"}, tcpfin{"tcpfin"}, udp{"udp"};
inline constexpr Keyword<WordList> inst{"inst"}, name{"name"};
inline constexpr Keyword<IntegerList> mac{"mac"};

// ---- virtual and real servers
inline constexpr Keyword<bool> alpha{"alpha"}, check_data_path{"check_data_path"}, ha_suspend{"ha_suspend"},
    hashed{"hashed"};
inline constexpr Keyword<std::int64_t> min_alive{"min_alive"}, retry{"retry"};
inline constexpr Keyword<Micros> connect_timeout{"connect_timeout"}, delay_before_retry{"delay_before_retry"},
    delay_loop{"delay_loop"}, drain_timeout{"drain_timeout"}, slow_start{"slow_start"}, warmup{"warmup"};
inline constexpr Keyword<WordList> ca{"ca"}, certificate{"certificate"}, dns_resolver{"dns_resolver"},
    dns_type{"dns_type"}, labels_drop{"labels_drop"}, labels_keep{"labels_keep"}, password{"password"},
    persistence_engine{"persistence_engine"}, real_server_dns{"real_server_dns"}, real_server_file{"real_server_file"},
    snmp_name{"snmp_name"}, virtualhost{"virtualhost"};
inline constexpr Keyword<Section> announce{"announce"};
inline constexpr DefaultedKeyword<Micros> dns_interval{"dns_interval", Seconds{30}},
    dns_timeout{"dns_timeout", Seconds{2}}, hold_time{"hold_time", Seconds{600}}, hold_empty{"hold_empty", Micros{0}},
    debounce{"debounce", Seconds{2}}, lifetime{"lifetime", Seconds{5}}, drain_time{"drain_time", Seconds{60}};
inline constexpr DefaultedKeyword<std::int64_t> dns_servers_max{"dns_servers_max", 64}, max_removal{"max_removal", 50},
    min_servers{"min_servers", 0};
inline constexpr DefaultedKeyword<WordList> services{"services", "all"}, drain_interface{"drain_interface", "ms-drain"},
    on_loss{"on_loss", "withdraw"};

// ---- checks
inline constexpr Keyword<bool> fast_recovery{"fast_recovery"}, log_all_failures{"log_all_failures"},
    regex_no_match{"regex_no_match"}, share_probe{"share_probe"}, tls{"tls"}, tls_compliant{"tls_compliant"};
inline constexpr Keyword<std::int64_t> bind_port{"bind_port"}, cert_expiry_warning{"cert_expiry_warning"},
    connect_port{"connect_port"}, max_body_length{"max_body_length"}, min_reply_length{"min_reply_length"},
    regex_max_offset{"regex_max_offset"}, regex_min_offset{"regex_min_offset"};
inline constexpr Keyword<IpAddress> bindto{"bindto"}, connect_ip{"connect_ip"};
inline constexpr Keyword<WordList> bind_if{"bind_if"}, payload{"payload"}, regex{"regex"},
    regex_options{"regex_options"}, require_reply{"require_reply"}, send{"send"}, service{"service"};
inline constexpr Keyword<IntegerList> regex_stack{"regex_stack"};
inline constexpr Keyword<Section> host{"host"};
inline constexpr DefaultedKeyword<std::int64_t> max_reply_length{"max_reply_length", 255};
inline constexpr DefaultedKeyword<WordList> helo_name{"helo_name", "smtpchecker.keepalived.org"};

// ---- no keywords: what is stored beside them while a configuration is made ready for a process
inline constexpr Keyword<bool> nodad{"-nodad"};                           // of an address's line
inline constexpr Keyword<bool> misc_path_unusable{"misc_path unusable"};  // validate/resolved.hpp
inline constexpr Keyword<WordList> base_interface{"base interface"};      // of an instance on a device of its own
inline constexpr Keyword<WordList> ca_contents{"ca contents"}, certificate_contents{"certificate contents"},
    key_contents{"key contents"}, problem{"problem"};  // of SSL's files

}  // namespace mainstay::config::keyword

namespace mainstay::config {

// Of a line that tracks something: its own word, reverse or noreverse.
[[nodiscard]] inline std::optional<bool> reverse_of(const KeywordValues& line) {
    if (is_given(line, keyword::noreverse)) return false;
    return is_given(line, keyword::reverse) ? std::optional{true} : std::nullopt;
}

// The keywords in global_defs of one of keepalived's processes.
struct ProcessKeywords {
    Keyword<WordList> process_name, old_process_name;
    Keyword<std::int64_t> priority, rlimit_rttime, rlimit_rtime;  // the last one: an old name
    std::optional<Keyword<std::int64_t>> rt_priority;             // none: it is a member of Global
    Keyword<bool> no_swap;
    Keyword<IntegerList> cpu_affinity;
};
inline constexpr ProcessKeywords kVrrpProcess{keyword::vrrp_process_name, keyword::vrrp_process_name,
                                              keyword::vrrp_priority,     keyword::vrrp_rlimit_rttime,
                                              keyword::vrrp_rlimit_rtime, std::nullopt,
                                              keyword::vrrp_no_swap,      keyword::vrrp_cpu_affinity};
inline constexpr ProcessKeywords kCheckerProcess{keyword::checker_process_name, keyword::lvs_process_name,
                                                 keyword::checker_priority,     keyword::checker_rlimit_rttime,
                                                 keyword::checker_rlimit_rtime, keyword::checker_rt_priority,
                                                 keyword::checker_no_swap,      keyword::checker_cpu_affinity};
inline constexpr ProcessKeywords kBfdProcess{
    keyword::bfd_process_name, keyword::bfd_process_name, keyword::bfd_priority, keyword::bfd_rlimit_rttime,
    keyword::bfd_rlimit_rtime, keyword::bfd_rt_priority,  keyword::bfd_no_swap,  keyword::bfd_cpu_affinity};

// The size of a netlink socket's receive buffer, in bytes, and whether SO_RCVBUFFORCE sets it.
struct BufferKeywords {
    Keyword<std::int64_t> size;
    Keyword<bool> force;
};
inline constexpr BufferKeywords kVrrpCommandBuffer{keyword::vrrp_netlink_cmd_rcv_bufs,
                                                   keyword::vrrp_netlink_cmd_rcv_bufs_force};
inline constexpr BufferKeywords kVrrpMonitorBuffer{keyword::vrrp_netlink_monitor_rcv_bufs,
                                                   keyword::vrrp_netlink_monitor_rcv_bufs_force};
inline constexpr BufferKeywords kProcessMonitorBuffer{keyword::process_monitor_rcv_bufs,
                                                      keyword::process_monitor_rcv_bufs_force};
inline constexpr BufferKeywords kLvsCommandBuffer{keyword::lvs_netlink_cmd_rcv_bufs,
                                                  keyword::lvs_netlink_cmd_rcv_bufs_force};
inline constexpr BufferKeywords kLvsMonitorBuffer{keyword::lvs_netlink_monitor_rcv_bufs,
                                                  keyword::lvs_netlink_monitor_rcv_bufs_force};

}  // namespace mainstay::config
