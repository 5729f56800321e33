// Slips in vrrp_instance, vrrp_sync_group, static_ipaddress and global_defs.
#include "probes.hpp"

namespace mainstay::config::testing {
namespace {

std::string global(std::string_view lines) { return "global_defs {\n" + std::string{lines} + "\n}\n" + kVrrpFile; }

// So many addresses beside the first one, one to a line.
std::string addresses(int count) {
    std::string lines = "10.9.9.9/24";
    for (int i = 1; i < count; ++i)
        lines += "\n10.8." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1) + "/24";
    return lines;
}

std::vector<Probe> election_probes() {
    return {
        {"baseline vrrp", 0, kVrrpFile, ""},
        {"state master lower", 5, vrrp(2, "state master"), "2 error MS0206"},
        {"state SLAVE", 5, vrrp(2, "state SLAVE"), "2 error MS0206"},
        {"state missing value", 2, vrrp(2, "state"), "2 fatal MS0113"},
        {"unknown interface", 0, vrrp(3, "interface eth77"), "", -1, true},
        {"unknown interface", 5, vrrp(3, "interface eth77"), "3 warning MS0403"},
        {"unknown if + dynamic_interfaces", 0, "global_defs {\ndynamic_interfaces\n}\n" + vrrp(3, "interface eth77"),
         ""},
        {"no interface", 5, vrrp(3, ""), "1 fatal MS0402"},
        {"interface lo", 5, vrrp(3, "interface lo"), "3 fatal MS0404"},
        {"Interface cap", 5, vrrp(3, "Interface eth0"), "3 fatal MS0105"},
        {"no vrid", 5, vrrp(4, ""), "1 fatal MS0400"},
        {"vrid 0", 5, vrrp(4, "virtual_router_id 0"), "4 fatal MS0201"},
        {"vrid 256", 5, vrrp(4, "virtual_router_id 256"), "4 fatal MS0201"},
        {"vrid abc", 5, vrrp(4, "virtual_router_id abc"), "4 fatal MS0200"},
        {"dup vrid same if", 5, kVrrpFile + with_line(vrrp(1, "vrrp_instance VI_2 {"), 12, "10.9.9.8/24"),
         "18 fatal MS0401"},
        {"dup instance name", 5, kVrrpFile + vrrp(4, "virtual_router_id 52"), "15 error MS0416"},
        {"priority 0", 5, vrrp(5, "priority 0"), "5 error MS0201"},
        {"priority 255 BACKUP", 0, vrrp(5, "priority 255"), ""},
        {"priority 256", 5, vrrp(5, "priority 256"), "5 error MS0201"},
        {"priority missing", 0, vrrp(5, ""), ""},
        {"advert_int 0.5 v2", 5, vrrp(6, "advert_int 0.5"), "6 warning MS0410"},
        {"advert_int 1s", 5, vrrp(6, "advert_int 1s"), "6 error MS0202"},
        {"advert_int 0", 5, vrrp(6, "advert_int 0"), "6 error MS0201"},
        {"advert_int 0.5 v3", 5, vrrp(6, "advert_int 0.5\nversion 3"), "9 error MS0408"},
        {"nopreempt + MASTER", 5, vrrp(2, "state MASTER\nnopreempt"), "3 warning MS0411"},
        {"preempt_delay + MASTER", 5, vrrp(2, "state MASTER\npreempt_delay 10"), "3 warning MS0411"},
        {"duplicate keyword priority", 0, vrrp(5, "priority 100\npriority 90"), ""},
        {"duplicate state", 0, vrrp(2, "state BACKUP\nstate MASTER"), ""},
        {"debug 2", 0, vrrp(6, "debug 2"), ""},
        {"debug (no value)", 2, vrrp(6, "debug"), "6 fatal MS0113"},
        {"smtp_alert bare", 0, vrrp(6, "smtp_alert"), "6 warning MS0309"},
        {"garp_master_delay 10", 0, vrrp(6, "garp_master_delay 10"), ""},
        {"use_vmac false", 0, vrrp(6, "use_vmac false"), ""},
        {"native_ipv6", 5, vrrp(6, "native_ipv6"), "8 error MS0408, 12 fatal MS0212"},
    };
}

std::vector<Probe> authentication_probes() {
    return {
        {"auth_type pass", 5, vrrp(8, "auth_type pass"), "8 error MS0206"},
        {"auth_type HA", 5, vrrp(8, "auth_type HA"), "8 error MS0206"},
        {"auth_pass > 8", 5, vrrp(9, "auth_pass 123456789"), "9 warning MS0207"},
        {"auth block no auth_pass", 5, vrrp(9, ""), "8 error MS0409"},
        {"vrrp_strict+auth", 5, "global_defs {\nvrrp_strict\n}\n" + kVrrpFile, "11 error MS0412"},
    };
}

std::vector<Probe> address_probes() {
    return {
        {"VIP duplicate", 5, vrrp(12, "10.9.9.9/24\n10.9.9.9/24"), "13 warning MS0406"},
        {"VIP invalid", 5, vrrp(12, "10.9.9.999/24"), "12 error MS0205"},
        {"VIP placeholder <VIP>", 5, vrrp(12, "<VIP>"), "12 error MS0205"},
        {"VIP trailing comma", 5, vrrp(12, "10.9.9.9,"), "12 error MS0205"},
        {"VIP prefix 33", 5, vrrp(12, "10.9.9.9/33"), "12 error MS0213"},
        {"VIP netmask 10.9.9.9/255.255.255.0", 5, vrrp(12, "10.9.9.9/255.255.255.0"), "12 error MS0213"},
        {"VIP unknown dev", 0, vrrp(12, "10.9.9.9/24 dev nosuch0"), "", -1, true},
        {"VIP dev unknown", 5, vrrp(12, "10.9.9.9/24 dev nosuch0"), "12 warning MS0403"},
        {"VIP label only", 0, vrrp(12, "10.9.9.9/24 label eth0:1"), ""},
        {"VIP brd+scope", 0, vrrp(12, "10.9.9.9/24 brd 10.9.9.255 scope global"), ""},
        {"vip with src label dup", 5, vrrp(12, "10.9.9.9/24 label eth0:1234567890123"), "12 error MS0207"},
        {"no VIP block", 5, with_line(with_line(vrrp(11, ""), 11, ""), 11, ""), "1 warning MS0405"},
        {"empty VIP block", 5, vrrp(12, ""), "1 warning MS0405"},
        {"mixed v4+v6 VIP", 5, vrrp(12, "10.9.9.9/24\n2001:db8::1/64"), "13 error MS0212"},
        {"v6 in excluded", 0, vrrp(13, "}\nvirtual_ipaddress_excluded {\n2001:db8::1/64\n}"), ""},
        {"21 VIPs", 0, vrrp(12, addresses(21)), ""},
        {"24 VIPs", 0, vrrp(12, addresses(24)), ""},
        {"300 VIPs", 5, vrrp(12, addresses(299)), "12 error MS0407"},
        {"virtual_routes gw", 5, vrrp(6, "virtual_routes {\n10.8.0.0/24 gw 10.9.9.1\n}"), "7 warning MS0208"},
        {"virtual_routes via dev", 0, vrrp(6, "virtual_routes {\n10.8.0.0/24 via 10.9.9.1 dev eth0\n}"), ""},
        {"virtual_routes dev unknown", 5, vrrp(5, "virtual_routes {\n10.8.0.0/24 via 10.9.9.1 dev nosuch0\n}"),
         "6 warning MS0403"},
        {"static_ipaddress dev unknown", 5, "static_ipaddress {\n10.1.1.1/24 dev nosuch0\n}\n" + kVrrpFile,
         "2 warning MS0403"},
    };
}

std::vector<Probe> neighbour_probes() {
    return {
        {"track_interface self", 5, vrrp(6, "track_interface {\neth0\n}"), "7 note MS0413"},
        {"track_interface unknown", 0, vrrp(5, "track_interface {\nnosuch1\n}"), "", -1, true},
        {"track_interface unknown", 5, vrrp(5, "track_interface {\nnosuch1\n}"), "6 warning MS0403"},
        {"unicast ok", 0, vrrp(6, "unicast_src_ip 10.0.0.1\nunicast_peer {\n10.0.0.2\n}"), ""},
        {"unicast_peer empty", 5, vrrp(6, "unicast_peer {\n}"), "6 warning MS0418"},
        {"unicast_src_ip no peers", 5, vrrp(6, "unicast_src_ip 10.0.0.1"), "6 warning MS0418"},
        {"unicast peer hostname", 5, vrrp(5, "unicast_peer {\nhost1\n}"), "6 error MS0205"},
        {"use_vmac+unicast", 5, vrrp(13, "}\nuse_vmac\nunicast_peer {\n10.0.0.2\n}"), "15 warning MS0419"},
        {"mcast_src_ip", 0, vrrp(6, "mcast_src_ip 10.0.0.1"), ""},
        {"mcast_src_ip foreign IP", 0, vrrp(6, "mcast_src_ip 192.0.2.77"), ""},
        {"lvs_sync_daemon_interface", 5, vrrp(5, "lvs_sync_daemon_interface eth0"), "5 warning MS0208"},
        {"lvs_sync_daemon_inteface (classic typo)", 5, vrrp(5, "lvs_sync_daemon_inteface eth0"), "5 error MS0105"},
        {"lvs_sync_daemon unknown if", 0, "global_defs {\nlvs_sync_daemon nosuch0\n}\n" + kVrrpFile, ""},
        {"sync_group single", 5, kVrrpFile + "vrrp_sync_group G {\ngroup {\nVI_1\n}\n}\n", "15 warning MS0415"},
        {"sync_group unknown member", 5, kVrrpFile + "vrrp_sync_group G {\ngroup {\nVI_1\nVI_9\n}\n}\n",
         "18 warning MS0414"},
    };
}

std::vector<Probe> global_probes() {
    return {
        {"vrrp_garp_interval 0", 5, global("vrrp_garp_interval 0\nvrrp_gna_interval 0"),
         "2 error MS0201, 3 error MS0201"},
        {"vrrp_skip_check_adv_addr", 0, global("vrrp_skip_check_adv_addr"), ""},
        {"empty notification_email", 5, global("notification_email {\n}"), "2 warning MS0118"},
        {"notification_email one line", 0, global("notification_email { a@example.com }"), ""},
        {"smtp_server unresolvable", 5, global("smtp_server smtp.nosuch.invalid"), "2 warning MS0214"},
        {"smtp_server IP", 0, global("smtp_server 192.0.2.25"), ""},
        {"lvs_id obsolete", 5, global("lvs_id LVS_1"), "2 warning MS0105"},
        {"router_id missing value", 5, global("router_id"), "2 error MS0113"},
        {"two global_defs", 0, "global_defs {\nrouter_id a\n}\n" + global("router_id b"), ""},
    };
}

}  // namespace

std::vector<Probe> instance_probes() {
    std::vector<Probe> all = election_probes();
    for (const auto& more : {authentication_probes(), address_probes(), neighbour_probes(), global_probes()})
        all.insert(all.end(), more.begin(), more.end());
    return all;
}

}  // namespace mainstay::config::testing
