// keepalived's exit codes for single slips in a small valid file, as they were seen.
#include <doctest/doctest.h>

#include "samples.hpp"

using namespace mainstay::config;
using namespace mainstay::config::testing;

namespace {

struct Slip {
    const char* what;
    std::string text;
    int exit_code;
};

void check(const std::vector<Slip>& slips) {
    for (const Slip& slip : slips) {
        CAPTURE(slip.what);
        const Loaded loaded = load_sample(slip.text);
        CAPTURE(lines_of(loaded).size());
        CHECK(loaded.exit_code() == slip.exit_code);
    }
}

const std::string kGood{kVrrp};
const std::string kService{kLvs};

// A vrrp_script before the instance, which tracks it.
std::string scripted(std::string_view script, std::string_view more = "", std::string_view global = "") {
    return std::string{global} + "vrrp_script chk {\n" + std::string{script} + "\n" + std::string{more} + "\n}\n" +
           vrrp(6, "advert_int 1\ntrack_script {\nchk\n}");
}

}  // namespace

TEST_CASE("the structure of a file gives keepalived's exit codes") {
    check({{"baseline vrrp", kGood, 0},
           {"baseline lvs", kService, 0},
           {"empty file", "", 0},
           {"only comments", "# a\n! b\n", 0},
           {"// on a line of its own", vrrp(5, "priority 100\n// comment"), 5},
           {"// behind a value", vrrp(5, "priority 100 // comment"), 0},
           {"# without a blank", vrrp(5, "priority 100#x"), 0},
           {"! comment", vrrp(5, "priority 100 ! x"), 0},
           {"extra words", vrrp(5, "priority 100 foo"), 0},
           {"CRLF",
            "vrrp_script x {\r\nscript \"</dev/null\"\r\n}\r\n" + vrrp(5, "priority 100\r\ntrack_script {\r\nx\r\n}\r"),
            0},
           {"no newline at the end", kGood.substr(0, kGood.size() - 1), 0},
           {"byte order mark", "\xEF\xBB\xBF" + kGood, 5},
           {"no-break space indentation", vrrp(5, "\xC2\xA0 priority 100"), 5},
           {"zero-width space indentation", vrrp(5, "\xE2\x80\x8Bpriority 100"), 5},
           {"full-width colon", vrrp(5, "priority\xEF\xBC\x9A 100"), 5},
           {"Latin-1 bytes in a comment", vrrp(5, "priority 100 # caf\xE9"), 0},
           {"virtual_ipaddress{ without a blank", vrrp(11, "virtual_ipaddress{"), 0},
           {"{ on the next line", vrrp(1, "vrrp_instance VI_1\n{"), 0},
           {"one-line address block",
            with_line(with_line(vrrp(11, "virtual_ipaddress { 10.9.9.9/24 }"), 12, ""), 12, ""), 0},
           {"one-line authentication",
            with_line(with_line(with_line(vrrp(7, "authentication { auth_type PASS auth_pass 1111 }"), 8, ""), 8, ""),
                      8, ""),
            5},
           {"}} on one line", with_line(vrrp(13, "}}"), 14, ""), 0},
           {"missing final }", vrrp(14, ""), 5},
           {"extra }", kGood + "}\n", 5},
           {"missing } of authentication", vrrp(10, ""), 5},
           {"missing { of vrrp_instance", vrrp(1, "vrrp_instance VI_1"), 5},
           {"missing { of virtual_server", lvs(1, "virtual_server 10.9.9.9 80"), 5},
           {"unknown keyword", vrrp(5, "foo 1"), 5},
           {"unknown block outside", kGood + "foo {\na 1\nb {\nc\n}\n}\n", 5},
           {"unknown block in an instance", vrrp(5, "foo {\na\n}"), 5},
           {"misspelt block", kGood + "vvrp_script x {\nscript /bin/true\n}\n", 5},
           {"prose", "This is my file\n" + kGood, 5},
           {"upper case", vrrp(1, "VRRP_INSTANCE VI_1 {"), 5},
           {"no instance name", vrrp(1, "vrrp_instance {"), 5},
           {"instance name of two words", vrrp(1, "vrrp_instance VI 1 {"), 5},
           {"UTF-8 instance name", vrrp(1, "vrrp_instance \xE4\xB8\xBB {"), 0},
           {"a keyword without its value", vrrp(2, "state"), 2},
           {"a script without its name", kGood + "vrrp_script {\n}\n", 2},
           {"template text", vrrp(5, "priority {{ x }}"), 2},
           {"undefined ${VAR}", vrrp(5, "priority ${PRIO}"), 5},
           {"undefined $VAR", vrrp(5, "priority $PRIO"), 5},
           {"second instance of one name", kGood + kGood, 5}});
}

TEST_CASE("slips in a vrrp_instance give keepalived's exit codes") {
    check({{"priority with a comma", vrrp(5, "priority 100,"), 5},
           {"priority with a full-width space", vrrp(5, "priority 100\xE3\x80\x80"), 5},
           {"priority 0", vrrp(5, "priority 0"), 5},
           {"priority 1", vrrp(5, "priority 1"), 0},
           {"priority 255", vrrp(5, "priority 255"), 0},
           {"priority 256", vrrp(5, "priority 256"), 5},
           {"no priority", vrrp(5, ""), 0},
           {"vrid missing", vrrp(4, ""), 5},
           {"vrid 0", vrrp(4, "virtual_router_id 0"), 5},
           {"vrid 255", vrrp(4, "virtual_router_id 255"), 0},
           {"vrid 256", vrrp(4, "virtual_router_id 256"), 5},
           {"vrid abc", vrrp(4, "virtual_router_id abc"), 5},
           {"one vrid twice on one interface", kGood + with_line(vrrp(1, "vrrp_instance VI_2 {"), 12, "10.9.9.8"), 5},
           {"one vrid on two interfaces", kGood + with_line(vrrp(1, "vrrp_instance VI_2 {"), 3, "interface eth1"), 0},
           {"state in lower case", vrrp(2, "state master"), 5},
           {"state SLAVE", vrrp(2, "state SLAVE"), 5},
           {"no interface", vrrp(3, ""), 5},
           {"unknown interface", vrrp(3, "interface eth77"), 5},
           {"unknown interface, dynamic_interfaces",
            "global_defs {\ndynamic_interfaces\n}\n" + vrrp(3, "interface eth77"), 0},
           {"interface lo", vrrp(3, "interface lo"), 5},
           {"Interface with a capital", vrrp(3, "Interface eth0"), 5},
           {"auth_type pass", vrrp(8, "auth_type pass"), 5},
           {"auth_type HA", vrrp(8, "auth_type HA"), 5},
           {"auth_pass of nine", vrrp(9, "auth_pass 123456789"), 5},
           {"auth_pass of eight", vrrp(9, "auth_pass 12345678"), 0},
           {"no auth_pass", vrrp(9, ""), 5},
           {"auth_pass in quotes", vrrp(9, "auth_pass \"11 11\""), 0},
           {"auth_pass that begins with //", vrrp(9, "auth_pass //1111"), 0},
           {"address invalid", vrrp(12, "10.9.9.999/24"), 5},
           {"address with a comma", vrrp(12, "10.9.9.9,"), 5},
           {"prefix 33", vrrp(12, "10.9.9.9/33"), 5},
           {"netmask for prefix", vrrp(12, "10.9.9.9/255.255.255.0"), 5},
           {"address twice", vrrp(12, "10.9.9.9/24\n10.9.9.9/24"), 5},
           {"no address", vrrp(12, ""), 5},
           {"address on an unknown device", vrrp(12, "10.9.9.9/24 dev nosuch0"), 5},
           {"brd, scope and label", vrrp(12, "10.9.9.9/24 brd + scope link label eth0:1"), 0},
           {"label too long", vrrp(12, "10.9.9.9/24 label eth0:1234567890123"), 5},
           {"24 addresses", vrrp(12, "10.9.9.9\n10.9.9.10\n10.9.9.11"), 0},
           {"mixed families", vrrp(12, "10.9.9.9/24\n2001:db8::1/64"), 5},
           {"IPv6 in the excluded list", vrrp(13, "}\nvirtual_ipaddress_excluded {\n2001:db8::1/64\n}"), 0},
           {"advert_int 0.5 in version 2", vrrp(6, "advert_int 0.5"), 5},
           {"advert_int with a unit", vrrp(6, "advert_int 1s"), 5},
           {"advert_int 0", vrrp(6, "advert_int 0"), 5},
           {"version 3 with authentication", vrrp(6, "advert_int 0.5\nversion 3"), 5},
           {"strict with authentication", "global_defs {\nvrrp_strict\n}\n" + kGood, 5},
           {"nopreempt and MASTER", vrrp(2, "state MASTER\nnopreempt"), 5},
           {"nopreempt and BACKUP", vrrp(2, "state BACKUP\nnopreempt"), 0},
           {"preempt_delay and MASTER", vrrp(2, "state MASTER\npreempt_delay 10"), 5},
           {"own interface tracked", vrrp(6, "track_interface {\neth0\n}"), 5},
           {"unknown interface tracked", vrrp(6, "track_interface {\nnosuch1\n}"), 5},
           {"unicast", vrrp(6, "unicast_src_ip 10.0.0.1\nunicast_peer {\n10.0.0.2\n}"), 0},
           {"unicast_peer without peers is multicast", vrrp(6, "unicast_src_ip 10.0.0.1"), 5},
           {"unicast peer by name", vrrp(6, "unicast_peer {\nhost1\n}"), 5},
           {"mcast_src_ip", vrrp(6, "mcast_src_ip 10.0.0.1"), 0},
           {"lvs_sync_daemon_interface", vrrp(6, "lvs_sync_daemon_interface eth0"), 5},
           {"lvs_sync_daemon_inteface", vrrp(6, "lvs_sync_daemon_inteface eth0"), 5},
           {"debug without a value", vrrp(6, "debug"), 2},
           {"notify_master without a value", vrrp(6, "notify_master"), 2},
           {"notify twice", vrrp(6, "notify_master /bin/true\nnotify_master /bin/true"), 6},
           {"notify of a missing file", vrrp(6, "notify_master /nosuch"), 0},
           {"notify with unquoted arguments", vrrp(6, "notify_master /bin/true master"), 0},
           {"group of one", kGood + "vrrp_sync_group G {\ngroup {\nVI_1\n}\n}\n", 5},
           {"group with an unknown member", kGood + "vrrp_sync_group G {\ngroup {\nVI_1\nVI_9\n}\n}\n", 5},
           {"gw for via", vrrp(6, "virtual_routes {\n10.8.0.0/24 gw 10.9.9.1\n}"), 5},
           {"via", vrrp(6, "virtual_routes {\n10.8.0.0/24 via 10.9.9.1 dev eth0\n}"), 0}});
}

TEST_CASE("slips in global_defs give keepalived's exit codes") {
    const auto global = [](std::string_view line) { return "global_defs {\n" + std::string{line} + "\n}\n" + kGood; };
    check({{"vrrp_garp_interval 0", global("vrrp_garp_interval 0"), 5},
           {"vrrp_garp_interval 0.001", global("vrrp_garp_interval 0.001"), 0},
           {"vrrp_skip_check_adv_addr", global("vrrp_skip_check_adv_addr"), 0},
           {"empty notification_email", global("notification_email {\n}"), 5},
           {"notification_email on one line", global("notification_email { a@example.com }"), 0},
           {"smtp_server that cannot be looked up", global("smtp_server smtp.nosuch.invalid"), 5},
           {"smtp_server address", global("smtp_server 192.0.2.25"), 0},
           {"lvs_id", global("lvs_id x"), 5},
           {"router_id without a value", global("router_id"), 5},
           {"two global_defs", "global_defs {\nrouter_id a\n}\n" + global("router_id b"), 0},
           {"unknown script_user", global("script_user nosuch"), 5},
           {"script_user with a comma", global("script_user root,"), 5}});
}

TEST_CASE("slips in a vrrp_script give keepalived's exit codes") {
    constexpr std::string_view kSecure = "global_defs {\nenable_script_security\nscript_user root\n}\n";
    check({{"script", scripted("script \"/bin/true\""), 6},
           {"script with security", scripted("script \"/bin/true\"", "", kSecure), 0},
           {"changeable script with security", scripted("script \"/bin/writable\"", "", kSecure), 5},
           {"changeable script without security", scripted("script \"/bin/writable\""), 6},
           {"security without keepalived_script",
            scripted("script \"/bin/true\"", "", "global_defs {\nenable_script_security\n}\n"), 5},
           {"script in PATH", scripted("script \"killall -0 haproxy\""), 6},
           {"script in single quotes", scripted("script '/bin/true'"), 6},
           {"script that reads a file", scripted("script \"</dev/null\""), 0},
           {"script missing", scripted("script \"/nosuch\""), 5},
           {"script not executable", scripted("script \"/bin/plain\""), 5},
           {"typographic quotes", scripted("script \xE2\x80\x9C/bin/true\xE2\x80\x9D"), 5},
           {"no script", scripted("interval 2"), 5},
           {"script block", scripted("script {\nkillall -0 x\n}"), 5},
           {"unknown user", scripted("script \"/bin/true\"", "user nosuch"), 5},
           {"weight 300", scripted("script \"/bin/true\"", "weight 300"), 6},
           {"weight 253", scripted("script \"/bin/true\"", "weight 253"), 6},
           {"interval 0", scripted("script \"/bin/true\"", "interval 0"), 6},
           {"fall 0", scripted("script \"/bin/true\"", "fall 0"), 6},
           {"undefined script", vrrp(6, "track_script {\nnosuch\n}"), 5},
           {"script below the instance",
            vrrp(6, "track_script {\nchk\n}") + "vrrp_script chk {\nscript \"/nosuch\"\n}\n", 5},
           {"weight=5",
            scripted("script \"/bin/true\"") +
                vrrp(1, "vrrp_instance VI_2 {\ntrack_script {\nchk weight=5\n}\ninterface eth1"),
            6}});
}

TEST_CASE("slips in a virtual_server give keepalived's exit codes") {
    check({{"nat_mask", lvs(5, "protocol TCP\nnat_mask 255.255.255.0"), 5},
           {"nb_get_retry in TCP_CHECK", lvs(9, "nb_get_retry 3"), 5},
           {"lb_kind in lower case", lvs(4, "lb_kind dr"), 5},
           {"lb_kind FNAT", lvs(4, "lb_kind FNAT"), 5},
           {"lb_algo foo", lvs(3, "lb_algo foo"), 5},
           {"lb_algo RR", lvs(3, "lb_algo RR"), 5},
           {"no lb_algo", lvs(3, ""), 5},
           {"no lb_kind", lvs(4, ""), 5},
           {"protocol tcp", lvs(5, "protocol tcp"), 0},
           {"protocol XYZ", lvs(5, "protocol XYZ"), 5},
           {"no protocol", lvs(5, ""), 5},
           {"no real server", "virtual_server 10.9.9.9 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\n}\n", 5},
           {"real server twice", lvs(11, "}\nreal_server 10.1.1.1 80 {\n}"), 5},
           {"DR with another port", lvs(6, "real_server 10.1.1.1 8080 {"), 5},
           {"NAT with another port", with_line(lvs(6, "real_server 10.1.1.1 8080 {"), 4, "lb_kind NAT"), 0},
           {"real server without a port", lvs(6, "real_server 10.1.1.1 {"), 0},
           {"real server with a colon", lvs(6, "real_server 10.1.1.1:80 {"), 5},
           {"virtual server with a colon", lvs(1, "virtual_server 10.9.9.9:80 {"), 5},
           {"virtual server by name", lvs(1, "virtual_server web1 80 {"), 5},
           {"port by name", lvs(6, "real_server 10.1.1.1 http {"), 5},
           {"port 70000", lvs(6, "real_server 10.1.1.1 70000 {"), 5},
           {"no port", lvs(1, "virtual_server 10.9.9.9 {"), 5},
           {"real server in two words", lvs(6, "real server 10.1.1.1 80 {"), 5},
           {"persistence_timeout 0", lvs(5, "protocol TCP\npersistence_timeout 0"), 5},
           {"persistence_timeout 1", lvs(5, "protocol TCP\npersistence_timeout 1"), 0},
           {"persistence_timeout alone", lvs(5, "protocol TCP\npersistence_timeout"), 0},
           {"weight 0", lvs(7, "weight 0"), 5},
           {"weight 65536", lvs(7, "weight 65536"), 0},
           {"weight -1", lvs(7, "weight -1"), 5},
           {"TCP_CHECK{", lvs(8, "TCP_CHECK{"), 0},
           {"unknown checker", lvs(8, "FOO_CHECK {"), 5},
           {"checker in lower case", lvs(8, "tcp_check {"), 5},
           {"connect_timeout 0", lvs(9, "connect_timeout 0"), 5},
           {"connect_port 99999", lvs(9, "connect_port 99999"), 5},
           {"connect_ip by name", lvs(9, "connect_ip host1"), 5},
           {"weight in TCP_CHECK", lvs(9, "weight 1"), 5},
           {"quorum above the weights", lvs(5, "protocol TCP\nquorum 5"), 5},
           {"sorry_server", lvs(5, "protocol TCP\nsorry_server 10.1.1.2 80"), 0},
           {"delay_loop 0", lvs(2, "delay_loop 0"), 5},
           {"ha_suspend", lvs(5, "protocol TCP\nha_suspend"), 0},
           {"firewall mark with a protocol", lvs(1, "virtual_server fwmark 5 {"), 5},
           {"mixed families", lvs(6, "real_server 2001:db8::5 80 {"), 5},
           {"empty MISC_CHECK", lvs(8, "MISC_CHECK {\n}\nTCP_CHECK {"), 5},
           {"MISC_CHECK not there", lvs(8, "MISC_CHECK {\nmisc_path \"/nosuch/x y\"\n}\nTCP_CHECK {"), 0},
           {"MISC_CHECK not executable", lvs(8, "MISC_CHECK {\nmisc_path \"/bin/plain\"\n}\nTCP_CHECK {"), 6},
           {"MISC_CHECK", lvs(8, "MISC_CHECK {\nmisc_path \"/bin/true\"\n}\nTCP_CHECK {"), 6},
           {"HTTP_GET without a url", lvs(8, "HTTP_GET {\n}\nTCP_CHECK {"), 5},
           {"HTTP_GET", lvs(8, "HTTP_GET {\nurl {\npath /\nstatus_code 200 302\n}\n}\nTCP_CHECK {"), 0},
           {"HTTP_GET with a path of //", lvs(8, "HTTP_GET {\nurl {\npath //x\n}\n}\nTCP_CHECK {"), 0},
           {"HTTP_GET with nb_get_retry", lvs(8, "HTTP_GET {\nnb_get_retry 3\nurl {\npath /\n}\n}\nTCP_CHECK {"), 5},
           {"status_code 99999", lvs(8, "HTTP_GET {\nurl {\npath /\nstatus_code 99999\n}\n}\nTCP_CHECK {"), 5},
           {"digest of three digits", lvs(8, "HTTP_GET {\nurl {\npath /\ndigest abc\n}\n}\nTCP_CHECK {"), 5}});
}
