#include <doctest/doctest.h>

#include <string>

#include "import_helper.hpp"

using namespace mainstay::config;

namespace {

const std::string kIpvsadmHead =
    "# Made by `mainstayctl migrate --from ipvsadm`.\n"
    "# The rules of ipvsadm-save have no health checks: give each real_server one, for example\n"
    "# TCP_CHECK, so that a server that fails leaves the table. They have no thresholds either.\n";

}  // namespace

TEST_CASE("a service of ipvsadm-save keeps its scheduler, persistence, methods and weights") {
    const auto made = from_ipvsadm(
        "-A -t 10.0.0.1:80 -s wlc -p 300 -M 255.255.255.0\n"
        "-a -t 10.0.0.1:80 -r 10.0.0.11:8080 -m -w 3\n"
        "-a -t 10.0.0.1:80 -r 10.0.0.12:80 -g -w 0\n"
        "-a -t 10.0.0.1:80 -r 10.0.0.13:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum\n");

    CHECK(made.lost.empty());
    CHECK(made.text == kIpvsadmHead + R"(
virtual_server 10.0.0.1 80 {
    protocol TCP
    lb_algo wlc
    lb_kind NAT
    persistence_timeout 300
    persistence_granularity 255.255.255.0
    real_server 10.0.0.11 8080 {
        weight 3
    }
    real_server 10.0.0.12 80 {
        weight 0
        lvs_method DR
    }
    real_server 10.0.0.13 80 {
        weight 1
        lvs_method TUN type gue port 6080 remcsum
    }
}
)");
}

TEST_CASE("marks, UDP with one packet, SCTP, flags and IPv6 of ipvsadm-save are kept") {
    const auto made = from_ipvsadm(
        "-A -u 10.0.0.1:5060 -s rr -p 60 --pe sip -o\n"
        "-a -u 10.0.0.1:5060 -r 10.0.0.11:5061 -m -w 1\n"
        "-A --sctp-service 10.0.0.5:80 -s sh -b sh-fallback,sh-port\n"
        "-a --sctp-service 10.0.0.5:80 -r 10.0.0.11:80 -m -w 1\n"
        "-A -f 6 -6 -s rr -p 360 -M 64\n"
        "-a -f 6 -6 -r [2001:db8::11]:0 -g -w 1\n");

    CHECK(made.lost.empty());
    CHECK(made.text == kIpvsadmHead + R"(
virtual_server 10.0.0.1 5060 {
    protocol UDP
    lb_algo rr
    lb_kind NAT
    ops
    persistence_timeout 60
    persistence_engine sip
    real_server 10.0.0.11 5061 {
        weight 1
    }
}

virtual_server 10.0.0.5 80 {
    protocol SCTP
    lb_algo sh
    sh-fallback
    sh-port
    lb_kind NAT
    real_server 10.0.0.11 80 {
        weight 1
    }
}

virtual_server fwmark 6 {
    ip_family inet6
    lb_algo rr
    lb_kind DR
    persistence_timeout 360
    persistence_granularity 64
    real_server 2001:db8::11 0 {
        weight 1
    }
}
)");
}

TEST_CASE("what keepalived.conf has no form for is a comment where it stood, and a loss with its line") {
    struct Row {
        std::string_view rules;
        ImportProblem lost;
    };
    const std::string good = "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.0.0.11:80 -g -w 1\n";
    const Row rows[] = {
        {"-A -t 10.0.0.2:80 -s rr\n",
         {3, "-A -t 10.0.0.2:80 -s rr: it has no real server, and keepalived.conf has no such service"}},
        {"-A -t 10.0.0.1:80 -s wlc\n", {3, "-A -t 10.0.0.1:80 -s wlc: the service is there already"}},
        {"-a -t 10.0.0.1:80 -r 10.0.0.11:80 -m -w 1\n",
         {3, "-a -t 10.0.0.1:80 -r 10.0.0.11:80 -m -w 1: the service has this server already"}},
        {"-a -t 10.0.0.1:80 -r 10.0.0.12:81 -g -w 1\n",
         {3,
          "-a -t 10.0.0.1:80 -r 10.0.0.12:81 -g -w 1: only masquerading changes the port, which is 80 at the service"}},
        {"-a -t 10.0.0.9:80 -r 10.0.0.12:80 -g -w 1\n",
         {3, "-a -t 10.0.0.9:80 -r 10.0.0.12:80 -g -w 1: no line before it adds its service"}},
        {"-A -t 10.0.0.3:80 -s own\n", {3, "-A -t 10.0.0.3:80 -s own: keepalived.conf has no scheduler 'own'"}},
        {"-A -t 10.0.0.3:0 -s rr\n", {3, "-A -t 10.0.0.3:0 -s rr: all ports go with persistence only"}},
        {"-C\n", {3, "-C: '-C' is not known here"}},
        {"-A -t 10.0.0.3:80 -s\n", {3, "-A -t 10.0.0.3:80 -s: '-s' needs an argument"}},
        {"-A -s rr\n", {3, "-A -s rr: exactly one of -t, -u, --sctp-service and -f belongs in a line"}},
        {"-a -t 10.0.0.1:80 -r 10.0.0.12:80 -g -w x\n",
         {3, "-a -t 10.0.0.1:80 -r 10.0.0.12:80 -g -w x: 'x' is not a number from 0 to 2147483647"}},
        {"-a -t 10.0.0.1:80 -r [2001:db8::1]:80 -g -w 1\n",
         {3, "-a -t 10.0.0.1:80 -r [2001:db8::1]:80 -g -w 1: a server of the other address family needs a tunnel"}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.rules);
        const auto made = from_ipvsadm(good + std::string{row.rules});
        CHECK(made.lost == std::vector{row.lost});
        CHECK(made.text.find("# not carried over (line 3): " + row.lost.what + "\n") != std::string::npos);
        CHECK(made.text.find("real_server 10.0.0.11 80 {") != std::string::npos);
    }
}

TEST_CASE("an input that is no table of ipvsadm-save -n is refused with its line") {
    struct Row {
        std::string_view text;
        ImportProblem problem;
    };
    const Row rows[] = {
        {"", {0, "there is no rule of ipvsadm-save in it"}},
        {"# empty\n\n", {2, "there is no rule of ipvsadm-save in it"}},
        {"IP Virtual Server version 1.2.1 (size=4096)\n",
         {1,
          "'IP Virtual Server version 1.2.1 (size=4096)' is no rule of ipvsadm-save: save the table with "
          "`ipvsadm-save -n`"}},
        {"-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:http -r 10.0.0.11:80 -g\n",
         {2, "'10.0.0.1:http' is not an address with a port number: save the table with `ipvsadm-save -n`"}},
        {"-A -t www.example.com:80 -s rr\n",
         {1, "'www.example.com:80' is not an address with a port number: save the table with `ipvsadm-save -n`"}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        const auto made = read_ipvsadm_rules(row.text);
        REQUIRE(!made);
        CHECK(made.error() == row.problem);
    }
}

TEST_CASE("an input beyond the bound is refused") {
    const auto made = read_ipvsadm_rules(std::string(kImportBytesMax + 1, '#'));

    REQUIRE(!made);
    CHECK(made.error() == ImportProblem{1, "it has more than 16 MiB"});
}
