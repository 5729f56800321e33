// Slips in virtual_server, real_server and the checks.
#include "probes.hpp"

namespace mainstay::config::testing {
namespace {

// The service with an HTTP_GET in place of the TCP_CHECK; `url` are the lines of its url, `after` those below it.
std::string http(std::string_view url, std::string_view after = "") {
    return lvs(8, "HTTP_GET {\nurl {\npath /\n" + std::string{url} + "\n}\n" + std::string{after});
}

std::vector<Probe> service_lines() {
    return {
        {"baseline lvs", 0, kLvsFile, ""},
        {"lvs nat_mask", 5, lvs(5, "nat_mask 255.255.255.0\nprotocol TCP"), "5 warning MS0515"},
        {"lb_kind dr lower", 5, lvs(4, "lb_kind dr"), "4 error MS0206"},
        {"lb_kind FNAT", 5, lvs(4, "lb_kind FNAT"), "4 error MS0206"},
        {"lb_algo foo", 5, lvs(3, "lb_algo foo"), "3 error MS0206"},
        {"lb_algo RR upper", 5, lvs(3, "lb_algo RR"), "3 error MS0206"},
        {"no lb_algo/lb_kind", 5, with_line(lvs(3, ""), 3, ""), "1 error MS0502, 1 error MS0503"},
        {"protocol tcp lower", 0, lvs(5, "protocol tcp"), ""},
        {"protocol XYZ", 5, lvs(5, "protocol XYZ"), "5 error MS0206"},
        {"no protocol", 5, lvs(5, ""), "1 error MS0501"},
        {"virtual_server IP:port", 5, lvs(1, "virtual_server 10.9.9.9:80 {"), "1 error MS0205"},
        {"virtual_server no port", 5, lvs(1, "virtual_server 10.9.9.9 {"), "1 error MS0505"},
        {"virtual_server hostname", 5, lvs(1, "virtual_server web1 80 {"), "1 error MS0205"},
        {"vs range 10.9.9.1-5", 0,
         "virtual_server_group WEB {\n10.9.9.1-5 80\n}\n" + lvs(1, "virtual_server group WEB {"), ""},
        {"vs group undefined", 0, lvs(1, "virtual_server group NOSUCH {"), "1 warning MS0511"},
        {"fwmark", 5, lvs(1, "virtual_server fwmark 5 {"), "5 warning MS0510, 6 warning MS0504"},
        {"persistence_timeout 0", 5, lvs(5, "persistence_timeout 0\nprotocol TCP"), "5 error MS0201"},
        {"quorum > rs", 5, lvs(5, "quorum 5\nprotocol TCP"), "5 warning MS0507"},
        {"sorry_server", 0, lvs(5, "sorry_server 10.1.1.2 80\nprotocol TCP"), ""},
        {"delay_loop 0", 5, lvs(2, "delay_loop 0"), "2 error MS0201"},
        {"ha_suspend", 0, lvs(5, "ha_suspend\nprotocol TCP"), ""},
    };
}

std::vector<Probe> server_lines() {
    return {
        {"no real_server", 5, "virtual_server 10.9.9.9 80 {\ndelay_loop 6\nlb_algo rr\nlb_kind DR\nprotocol TCP\n}\n",
         "1 error MS0500"},
        {"dup real_server", 5, lvs(11, "}\nreal_server 10.1.1.1 80 {\nweight 1\n}"), "12 error MS0506"},
        {"DR ports differ", 5, lvs(6, "real_server 10.1.1.1 8080 {"), "6 warning MS0504"},
        {"real_server no port", 0, lvs(6, "real_server 10.1.1.1 {"), ""},
        {"real_server IP:port", 5, lvs(6, "real_server 10.1.1.1:80 {"), "6 error MS0205"},
        {"real_server hostname", 5, lvs(6, "real_server web1 80 {"), "6 error MS0205"},
        {"service name port http", 5, lvs(6, "real_server 10.1.1.1 http {"), "6 error MS0201"},
        {"real server (two words)", 5, lvs(6, "real server 10.1.1.1 80 {"), "6 error MS0106"},
        {"real_server 10.1.1.1 80{", 0, lvs(6, "real_server 10.1.1.1 80{"), ""},
        {"mixed families", 5, lvs(6, "real_server 2001:db8::5 80 {"), "6 error MS0212"},
        {"weight 0", 5, lvs(7, "weight 0"), "1 warning MS0507"},
        {"weight 65536", 0, lvs(7, "weight 65536"), ""},
        {"weight -1", 5, lvs(7, "weight -1"), "7 error MS0201"},
    };
}

std::vector<Probe> checker_lines() {
    return {
        {"TCP_CHECK{ no space", 0, lvs(8, "TCP_CHECK{"), ""},
        {"unknown checker", 5, lvs(8, "FOO_CHECK {"), "8 error MS0106"},
        {"lowercase tcp_check", 5, lvs(8, "tcp_check {"), "8 error MS0106"},
        {"connect_timeout 0", 5, lvs(9, "connect_timeout 0"), "9 error MS0201"},
        {"connect_port 99999", 5, lvs(9, "connect_port 99999"), "9 error MS0201"},
        {"connect_ip hostname", 5, lvs(9, "connect_ip host1"), "9 error MS0205"},
        {"weight in TCP_CHECK", 5, lvs(9, "connect_timeout 3\nweight 1"), "10 error MS0107"},
        {"lvs nb_get_retry TCP", 5, lvs(9, "connect_timeout 3\nnb_get_retry 3"), "10 warning MS0514"},
        {"two checkers in one rs", 6, lvs(10, "}\nMISC_CHECK {\nmisc_path \"/bin/true\"\n}"), "12 warning MS0303"},
        {"MISC_CHECK {} empty one-line", 5, with_line(with_line(lvs(8, "MISC_CHECK {}"), 9, ""), 9, ""),
         "8 error MS0512"},
        {"misc_path single-quoted", 6, with_line(lvs(8, "MISC_CHECK {"), 9, "misc_path '/bin/true'"),
         "9 warning MS0303"},
        {"http_get no url", 5, with_line(lvs(8, "HTTP_GET {"), 9, "connect_timeout 3"), "8 error MS0512"},
        {"http_get nb_get_retry", 5, http("status_code 200", "nb_get_retry 3"), "13 warning MS0208"},
        {"http_get digest", 5, http("digest 640205b7b0fc66c1ea91c463fac6334d", "nb_get_retry 3"), "13 warning MS0208"},
        {"http digest bad", 5, http("digest abc", "nb_get_retry 3"), "11 error MS0206, 13 warning MS0208"},
        {"http status_code 200 302", 5, http("status_code 200 302", "nb_get_retry 3"), "13 warning MS0208"},
        {"http status_code 99999", 5, http("status_code 99999", "nb_get_retry 3"),
         "11 error MS0201, 13 warning MS0208"},
    };
}

}  // namespace

std::vector<Probe> service_probes() {
    std::vector<Probe> all = service_lines();
    for (const auto& more : {server_lines(), checker_lines()}) all.insert(all.end(), more.begin(), more.end());
    return all;
}

}  // namespace mainstay::config::testing
