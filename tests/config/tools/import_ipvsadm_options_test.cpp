// The options of ipvsadm's rules, each in both forms, at its bounds and beside them.
#include "import_helper.hpp"

using namespace mainstay;
using namespace mainstay::config;

namespace {

const std::string kServer = "-a -t 10.0.0.1:80 -r 10.0.0.11:80 -m -w 1\n";
// The lines of a service that is added with these options, without those of its server.
Strings service_lines(const std::string& options) {
    return lines_of(between(from_ipvsadm("-A -t 10.0.0.1:80 " + options + "\n" + kServer).text, "protocol TCP\n",
                            "    real_server"));
}
// The lines of a server that is added with these options.
Strings options_of_server(const std::string& options) {
    const auto made = from_ipvsadm("-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 " + options + "\n");
    return lines_of(between(made.text, "    lb_algo rr\n", "\n    }\n"));
}
// Why the second line is lost.
Strings lost_beside(const std::string& rule) {
    return losses(from_ipvsadm("-A -t 10.0.0.1:80 -s rr\n" + kServer + rule + "\n"));
}

}  // namespace

TEST_CASE("the long form of an option means what the short one does") {
    const auto brief = from_ipvsadm(
        "-A -t 10.0.0.1:80 -s rr -p 60 -M 255.255.0.0\n-a -t 10.0.0.1:80 -r 10.0.0.11:80 -m -w 2 -x 9 -y 8\n"
        "-a -t 10.0.0.1:80 -r 10.0.0.12:80 -g\n-a -t 10.0.0.1:80 -r 10.0.0.13:80 -i\n"
        "-A -u 10.0.0.2:80 -s mh -b mh-port,mh-fallback -o\n-a -u 10.0.0.2:80 -r 10.0.0.11:80 -m\n"
        "-A -f 6 -6 -s rr\n-a -f 6 -6 -r [2001:db8::11]:0 -g\n");
    const auto full = from_ipvsadm(
        "--add-service --tcp-service 10.0.0.1:80 --scheduler=rr --persistent=60 --netmask=255.255.0.0\n"
        "--add-server --tcp-service=10.0.0.1:80 --real-server 10.0.0.11:80 --masquerading --weight 2 "
        "--u-threshold=9 --l-threshold 8\n"
        "--add-server --tcp-service 10.0.0.1:80 --real-server 10.0.0.12:80 --gatewaying\n"
        "--add-server --tcp-service 10.0.0.1:80 --real-server 10.0.0.13:80 --ipip\n"
        "--add-service --udp-service 10.0.0.2:80 --scheduler mh --sched-flags mh-port,mh-fallback --ops\n"
        "--add-server --udp-service 10.0.0.2:80 --real-server 10.0.0.11:80 --masquerading\n"
        "--add-service --fwmark-service 6 --ipv6 --scheduler rr\n"
        "--add-server --fwmark-service 6 --ipv6 --real-server [2001:db8::11]:0 --gatewaying\n");

    CHECK(brief.lost.empty());
    CHECK(full.lost.empty());
    CHECK(brief.text == full.text);
    CHECK(brief.text.find("        weight 2\n        uthreshold 9\n        lthreshold 8\n") != std::string::npos);
    CHECK(brief.text.find("    lb_algo mh\n    mh-port\n    mh-fallback\n    lb_kind NAT\n    ops\n") !=
          std::string::npos);
}

TEST_CASE("a service has a scheduler and persistence as ipvsadm has them by default") {
    struct Row {
        std::string options;
        Strings lines;
    };
    const Row rows[] = {
        {"", {"lb_algo wlc", "lb_kind NAT"}},
        {"-s rr", {"lb_algo rr", "lb_kind NAT"}},
        {"-s rr -p", {"lb_algo rr", "lb_kind NAT", "persistence_timeout 360"}},
        {"-p -s rr", {"lb_algo rr", "lb_kind NAT", "persistence_timeout 360"}},
        {"-s rr -p 1", {"lb_algo rr", "lb_kind NAT", "persistence_timeout 1"}},
        {"-s rr -p 2678400", {"lb_algo rr", "lb_kind NAT", "persistence_timeout 2678400"}},
        {"-s rr -M 255.0.0.0",
         {"lb_algo rr", "lb_kind NAT", "persistence_timeout 360", "persistence_granularity 255.0.0.0"}},
        {"-s rr -p 9 --pe abcdefghijklmno",
         {"lb_algo rr", "lb_kind NAT", "persistence_timeout 9", "persistence_engine abcdefghijklmno"}},
        {"-s sh -b flag-1,flag-2,flag-3", {"lb_algo sh", "flag-1", "flag-2", "flag-3", "lb_kind NAT"}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.options);
        CHECK(service_lines(row.options) == row.lines);
    }
}

TEST_CASE("a server has a method, a tunnel and a weight as ipvsadm has them by default") {
    const std::string place = "real_server 10.0.0.11 80 {";
    struct Row {
        std::string options;
        Strings lines;
    };
    const Row rows[] = {
        {"-r 10.0.0.11:80", {"lb_kind DR", place, "weight 1"}},
        {"-r 10.0.0.11:80 -w 2147483647", {"lb_kind DR", place, "weight 2147483647"}},
        {"-r 10.0.0.11:80 -i -g", {"lb_kind DR", place, "weight 1"}},
        {"-r 10.0.0.11:80 -i", {"lb_kind TUN", place, "weight 1"}},
        {"-r 10.0.0.11:80 -i --tun-type ipip", {"lb_kind TUN", place, "weight 1"}},
        {"-r 10.0.0.11:80 -i --tun-type gre --tun-csum", {"lb_kind TUN type gre csum", place, "weight 1"}},
        {"-r 10.0.0.11:80 -i --tun-type gue --tun-port 1 --tun-nocsum",
         {"lb_kind TUN type gue port 1", place, "weight 1"}},
        {"-r 10.0.0.11:80 -i --tun-type gue --tun-port 65535 --tun-remcsum",
         {"lb_kind TUN type gue port 65535 remcsum", place, "weight 1"}},
        {"-r 10.0.0.11:80 -m --tun-type gue", {"lb_kind NAT", place, "weight 1"}},
        {"-r 10.0.0.11:80 -x 4294967295 -y 4294967295",
         {"lb_kind DR", place, "weight 1", "uthreshold 4294967295", "lthreshold 4294967295"}},
        {"-r 10.0.0.11:65535 -m", {"lb_kind NAT", "real_server 10.0.0.11 65535 {", "weight 1"}},
        {"-r 10.0.0.11 -m", {"lb_kind NAT", "real_server 10.0.0.11 0 {", "weight 1"}},
        {"-r [2001:db8::11]:80 -i", {"lb_kind TUN", "real_server 2001:db8::11 80 {", "weight 1"}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.options);
        CHECK(options_of_server(row.options) == row.lines);
    }
}

TEST_CASE("a rule that cannot be carried over says why") {
    struct Row {
        std::string rule, why;
    };
    const std::string places = "exactly one of -t, -u, --sctp-service and -f belongs in a line";
    const std::string days = " is not a number from 1 to 2678400";
    const Row rows[] = {
        {"-t 10.0.0.2:80 -s rr", "only -A and -a make a table"},
        {"-A -t 10.0.0.2:80 -u 10.0.0.2:80", places},
        {"-A -t 10.0.0.2:80 -r 10.0.0.11:80", "-r has no meaning here"},
        {"-a -t 10.0.0.1:80", "-r is missing"},
        {"-a -f 0 -r 10.0.0.11:80", "'0' is not a number from 1 to 4294967295"},
        {"-A -f 4294967296", "'4294967296' is not a number from 1 to 4294967295"},
        {"-A -t 10.0.0.2:80 -p 0", "'0'" + days},
        {"-A -t 10.0.0.2:80 -p 2678401", "'2678401'" + days},
        {"-A -t 10.0.0.2:80 -M x", "'x' is neither an IPv4 mask nor a prefix length"},
        {"-A -t 10.0.0.2:80 -M 0", "'0' is neither an IPv4 mask nor a prefix length"},
        {"-A -t 10.0.0.2:80 -M 129", "'129' is neither an IPv4 mask nor a prefix length"},
        {"-A -t 10.0.0.2:80 -M 128", "an IPv4 service has a mask as in 255.255.255.0"},
        {"-A -t [2001:db8::1]:80 -M 255.0.0.0", "an IPv6 service has a prefix length"},
        {"-A -t 10.0.0.2:80 --pe abcdefghijklmnop", "'abcdefghijklmnop' is no name of a persistence engine"},
        {"-A -t 10.0.0.2:80 --pe a;b", "'a;b' is no name of a persistence engine"},
        {"-A -t 10.0.0.2:80 -b sh-port,x", "keepalived.conf has no scheduler flag 'x'"},
        {"-A -t 10.0.0.2:80 -b sh-port,,mh-port", "keepalived.conf has no scheduler flag ''"},
        {"-A -t 10.0.0.2:80 --scheduler=", "'--scheduler' needs an argument"},
        {"-A -t 10.0.0.2:80 -s -p", "'-s' needs an argument"},
        {"-A -t 10.0.0.2:80 -s=rr", "'-s=rr' is not known here"},
        {"-A -t 10.0.0.2:80 x", "'x' is not known here"},
        {"-a -t 10.0.0.1:80 -r 10.0.0.12:80 -w 2147483648", "'2147483648' is not a number from 0 to 2147483647"},
        {"-a -t 10.0.0.1:80 -r 10.0.0.12:80 -x 4294967296", "'4294967296' is not a number from 0 to 4294967295"},
        {"-a -t 10.0.0.1:80 -r 10.0.0.12:80 -y x", "'x' is not a number from 0 to 4294967295"},
        {"-a -t 10.0.0.1:80 -r 10.0.0.12:80 -x 1 -y 2", "the lower threshold is above the upper one"},
        {"-a -t 10.0.0.1:80 -r 10.0.0.12:80 -i --tun-type sit", "keepalived.conf has no tunnel of type 'sit'"},
        {"-a -t 10.0.0.1:80 -r 10.0.0.12:80 -i --tun-type gue", "a tunnel of type gue needs --tun-port"},
        {"-a -t 10.0.0.1:80 -r 10.0.0.12:80 -i --tun-port 0", "'0' is not a number from 1 to 65535"},
        {"-a -t 10.0.0.1:80 -r 10.0.0.12:80 -i --tun-port 65536", "'65536' is not a number from 1 to 65535"},
        {"-a -u 10.0.0.1:80 -r 10.0.0.12:80", "no line before it adds its service"},
        {"-A -t 10.0.0.2:80 -s own -p 0", "keepalived.conf has no scheduler 'own'"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.rule);
        CHECK(lost_beside(row.rule) == Strings{row.rule + ": " + row.why});
    }
}

TEST_CASE("a place that is no address with a number ends it all, whatever else is wrong in its line") {
    for (const std::string place : {"web:80", "10.0.0.2:65536", "10.0.0.2:-1", "[2001:db8::1", "[2001:db8::1]80",
                                    "10.0.0:80", "[10.0.0.1]x:80"}) {
        CAPTURE(place);
        const auto made = read_ipvsadm_rules("\n-A -s own -t " + place + "\n" + kServer);
        REQUIRE(!made);
        CHECK(made.error() ==
              ImportProblem{
                  2, "'" + place + "' is not an address with a port number: save the table with `ipvsadm-save -n`"});
    }
    const auto two = read_ipvsadm_rules("-a -t web:80 -r www:80\n");
    REQUIRE(!two);
    CHECK(two.error().what.starts_with("'web:80' is not an address"));
}

TEST_CASE("a loss stands at its service, or at the last one, or at the head of the file") {
    const auto made = from_ipvsadm("-C\n-A -t 10.0.0.1:80 -s rr\n-A -t 10.0.0.2:80 -s rr\n" + kServer + kServer +
                                   "-a -t 10.0.0.2:80 -r 10.0.0.12:80 -g\n-Z\n");
    CHECK(made.text.find("either.\n\n# not carried over (line 1): -C: '-C' is not known here\n\n"
                         "# not carried over (line 5): " +
                         kServer.substr(0, kServer.size() - 1) +
                         ": the service has this server already\nvirtual_server 10.0.0.1 80 {\n") != std::string::npos);
    CHECK(
        made.text.find("\n\n# not carried over (line 7): -Z: '-Z' is not known here\nvirtual_server 10.0.0.2 80 {\n") !=
        std::string::npos);
}

TEST_CASE("a table of ipvsadm has its bounds") {
    std::string unknown;
    for (int i = 0; i < 10'000; ++i) unknown += "-C\n";
    CHECK(read_ipvsadm_rules(unknown).has_value());
    const auto lost = read_ipvsadm_rules(unknown + "-C\n" + "-C\n");
    REQUIRE(!lost);
    CHECK(lost.error() == ImportProblem{10'001, "more than 10000 lines cannot be carried over"});

    std::string servers = "-A -f 1 -s rr\n";
    for (int i = 0; i < 100'000; ++i)
        servers += "-a -f 1 -r 10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." +
                   std::to_string(i & 255) + ":0\n";
    CHECK(read_ipvsadm_rules(servers).has_value());
    const auto more = read_ipvsadm_rules(servers + "-a -f 1 -r 10.9.0.1:0\n");
    REQUIRE(!more);
    CHECK(more.error() == ImportProblem{100'002, "there are more than 100000 real servers"});

    const auto most = read_ipvsadm_rules(std::string(kImportBytesMax, '#'));
    REQUIRE(!most);
    CHECK(most.error() == ImportProblem{1, "there is no rule of ipvsadm-save in it"});
}
