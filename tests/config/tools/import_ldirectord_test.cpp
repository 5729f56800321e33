#include <doctest/doctest.h>

#include <string>

#include "import_helper.hpp"

using namespace mainstay::config;

namespace {

const std::string kLdirectordHead = "# Made by `mainstayctl migrate --from ldirectord`.\n";
const std::string kHttpHead =
    kLdirectordHead + "# HTTP_GET and SSL_GET follow no redirects; ldirectord does: request the last page.\n";

// Of a service with one server, the lines of the server's block.
std::string server_block(const std::string& settings) {
    const auto made = from_ldirectord("checkinterval=7\nvirtual=10.0.0.1:80\n\treal=10.0.0.11:80 masq\n" + settings);
    const std::string begin = "    real_server 10.0.0.11 80 {\n        weight 1\n";
    const auto at = made.text.find(begin);
    REQUIRE(at != std::string::npos);
    const auto from = at + begin.size();
    return made.text.substr(from, made.text.rfind("    }\n") - from);
}

}  // namespace

TEST_CASE("a service of ldirectord with a check over HTTP keeps its table and its check") {
    const auto made = from_ldirectord(R"(# the director
checktimeout=3
checkinterval=5
fallback=127.0.0.1:80 gate
quiescent=no
virtual=192.168.6.240:80
	servicename=Web Site
	real=192.168.6.2:80 gate
	real=192.168.6.3:80 gate 5 ".own.html", "own"
	service=http
	scheduler=wlc
	persistent=600
	netmask=255.255.255.0
	protocol=tcp
	checktype=negotiate
	failurecount=3
	request="index.html"
	receive="Test\sPage$"
	virtualhost=www.example.com
)");

    CHECK(made.lost.empty());
    CHECK(made.text == kHttpHead + R"(
# servicename=Web Site
virtual_server 192.168.6.240 80 {
    protocol TCP
    lb_algo wlc
    lb_kind DR
    persistence_timeout 600
    persistence_granularity 255.255.255.0
    delay_loop 5
    alpha
    warmup 0
    sorry_server 127.0.0.1 80
    sorry_server_lvs_method DR
    real_server 192.168.6.2 80 {
        weight 1
        HTTP_GET {
            connect_timeout 3
            retry 2
            delay_before_retry 5
            http_protocol 1.1
            url {
                path "/index.html"
                virtualhost www.example.com
                regex "Test\\sPage$"
            }
        }
    }
    real_server 192.168.6.3 80 {
        weight 5
        HTTP_GET {
            connect_timeout 3
            retry 2
            delay_before_retry 5
            http_protocol 1.1
            url {
                path "/.own.html"
                virtualhost www.example.com
                regex "own"
            }
        }
    }
}
)");
}

TEST_CASE("ranges, marks, IPv6 and the ports that ldirectord programs") {
    const auto made = from_ldirectord(R"(virtual=10.0.0.3:http
	real=10.0.0.21->10.0.0.22:8080 gate 4
	checktype=on
virtual=7
	real=10.0.0.11 gate
	real=10.0.0.12:80 masq
	checktype=on
virtual6=[2001:db8::1]:80
	real6=[2001:db8::11]:80 ipip 2 "<l:10>" "<u:20>"
	checktype=on
	persistent=50
	netmask=64
)");

    CHECK(made.lost.empty());
    CHECK(made.text == kLdirectordHead + R"(
virtual_server 10.0.0.3 80 {
    protocol TCP
    lb_algo wrr
    lb_kind DR
    # real=10.0.0.21->10.0.0.22:8080 gate 4: the kernel keeps port 80; 8080 is only checked
    real_server 10.0.0.21 80 {
        weight 4
    }
    # real=10.0.0.21->10.0.0.22:8080 gate 4: the kernel keeps port 80; 8080 is only checked
    real_server 10.0.0.22 80 {
        weight 4
    }
}

virtual_server fwmark 7 {
    ip_family inet
    lb_algo wrr
    lb_kind DR
    real_server 10.0.0.11 0 {
        weight 1
    }
    real_server 10.0.0.12 80 {
        weight 1
        lvs_method NAT
    }
}

virtual_server 2001:db8::1 80 {
    protocol TCP
    lb_algo wrr
    lb_kind TUN
    persistence_timeout 50
    persistence_granularity 64
    real_server 2001:db8::11 80 {
        weight 2
        uthreshold 20
        lthreshold 10
    }
}
)");
}

TEST_CASE("each type of check of ldirectord becomes one of a real server") {
    struct Row {
        std::string settings, block;
    };
    const Row rows[] = {
        {"\tchecktype=on\n", ""},
        {"\tchecktype=negotiate\n\tservice=none\n", ""},
        {"\tchecktype=connect\n\tcheckport=81\n",
         "        TCP_CHECK {\n            connect_port 81\n            connect_timeout 5\n            retry 0\n       "
         " }\n"},
        {"\tchecktype=ping\n\tcheckcount=3\n",
         "        PING_CHECK {\n            connect_timeout 5\n            retry 2\n            delay_before_retry 7\n"
         "        }\n"},
        {"\tchecktype=external\n\tcheckcommand=\"/usr/local/bin/check\"\n\tchecktimeout=9\n",
         "        MISC_CHECK {\n            misc_path \"/usr/local/bin/check 10.0.0.1 80 10.0.0.11 80\"\n"
         "            misc_timeout 9\n            retry 0\n            user root\n        }\n"},
        {"\tchecktype=negotiate\n\tservice=dns\n\tcheckport=53\n\trequest=\"www.example.com\"\n",
         "        DNS_CHECK {\n            connect_port 53\n            connect_timeout 30\n            retry 0\n"
         "            type A\n            name www.example.com\n        }\n"},
        {"\tchecktype=negotiate\n\tservice=smtp\n\tcheckport=25\n",
         "        SMTP_CHECK {\n            connect_port 25\n            connect_timeout 30\n            retry 0\n     "
         "   }\n"},
        {"\tservice=https\n\tcheckport=443\n\trequest=\"a b$X\"\n\treceive=\"say \\\"${Y}\"\n",
         "        SSL_GET {\n            connect_port 443\n            connect_timeout 30\n            retry 0\n"
         "            http_protocol 1.1\n            url {\n                path \"/a%20b%24X\"\n"
         "                regex \"say \\\\\\042\\044{Y}\"\n            }\n        }\n"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.settings);
        CHECK(server_block(row.settings) == row.block);
    }
}

TEST_CASE("what mainstay has no counterpart for is a comment where it stood, and a loss with its line") {
    struct Row {
        std::string setting;
        std::string what;
    };
    const Row rows[] = {
        {"\tcleanstop=no",
         "cleanstop=no: start the daemon with --dont-release-ipvs, which leaves all services at a stop"},
        {"\temailalertfreq=60",
         "emailalertfreq=60: mainstay sends one mail for each change of state and does not repeat it"},
        {"\tservice=ldap", "service=ldap: no check of mainstay speaks ldap; TCP_CHECK stands for it"},
        {"\tmonitorfile=\"/var/log/m\"",
         "monitorfile=\"/var/log/m\": `mainstayctl events` shows what happened to each server"},
        {"\tscheduler=own", "scheduler=own: keepalived.conf has no such scheduler; wrr is used"},
        {"\tpersistent=forever", "persistent=forever: a number from 1 to 2678400 is needed"},
        {"\thttpmethod=HEAD", "httpmethod=HEAD: HTTP_GET sends GET"},
        {"\treal=web2:80 gate", "real=web2:80 gate: real_server takes an address; real_server_dns takes a name"},
        {"\treal=10.0.0.12:80 nat",
         "real=10.0.0.12:80 nat: it needs an address, then gate, masq or ipip, and perhaps a weight"},
        {"\treal=10.0.0.11:80 gate", "real=10.0.0.11:80 gate: the service has this server already"},
        {"\tcolour=red", "colour=red: mainstayctl does not know this key"},
        {"\tautoreload=yes", "autoreload=yes: it has no meaning in a virtual"},
        {"\tfallback=host", "fallback=host: sorry_server takes an address"},
        {"\tchecktype=4", "checktype=4: each check negotiates here; none only connects"},
        {"\tpasswd=\"geheim\"", "passwd=***: no check of mainstay logs in to a service"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.setting);
        const auto made = from_ldirectord("virtual=10.0.0.1:80\n\treal=10.0.0.11:80 masq\n" + row.setting + "\n");
        CHECK(made.lost == std::vector{ImportProblem{3, row.what}});
        CHECK(made.text.find("# not carried over (line 3): " + row.what + "\n") != std::string::npos);
        CHECK(made.text.find("real_server 10.0.0.11 80 {") != std::string::npos);
        CHECK(made.text.find("geheim") == std::string::npos);
    }
}

TEST_CASE("a service that is off has its fallback alone, as with ldirectord") {
    const auto made =
        from_ldirectord("virtual=10.0.0.5:80\n\treal=10.0.0.11:80 masq\n\tchecktype=off\n\tfallback=127.0.0.1:8080\n");

    CHECK(made.lost == std::vector{ImportProblem{
                           3,
                           "checktype=off: no server is in the table, only the fallback; the servers are comments "
                           "here"}});
    CHECK(made.text == kLdirectordHead + R"(
# not carried over (line 3): checktype=off: no server is in the table, only the fallback; the servers are comments here
#     real=10.0.0.11:80 masq
virtual_server 10.0.0.5 80 {
    protocol TCP
    lb_algo wrr
    lb_kind DR
    real_server 127.0.0.1 80 {
        weight 1
    }
}
)");
}

TEST_CASE("a service that cannot be made is a comment with all its lines") {
    const auto made = from_ldirectord(
        "virtual=www.example.com:80\n\treal=10.0.0.11:80 gate\n\tpasswd=\"geheim\"\nvirtual=10.0.0.1:80\n"
        "\treal=10.0.0.11:80 gate\n\tchecktype=on\n");

    CHECK(made.lost ==
          std::vector{ImportProblem{1,
                                    "virtual=www.example.com:80: virtual_server takes an address, and the name of a "
                                    "host may change its own"}});
    CHECK(made.text.find("#     real=10.0.0.11:80 gate\n#     passwd=***\n\nvirtual_server 10.0.0.1 80 {\n") !=
          std::string::npos);
    CHECK(made.text.find("geheim") == std::string::npos);
}

TEST_CASE("only a plain word is looked up as the name of a port") {
    const auto knows_all = [](std::string_view, Protocol) { return std::optional<std::uint16_t>{80}; };
    const std::string head = "virtual=10.0.0.1:80\n\treal=10.0.0.11:", tail = " gate\n\tchecktype=on\n";

    CHECK(read_ldirectord(head + "web" + tail, knows_all)->lost.empty());
    CHECK_FALSE(read_ldirectord(head + "we{b" + tail, knows_all)->lost.empty());
}

TEST_CASE("a service of all ports needs persistence, and a port stands behind a colon") {
    const auto made = from_ldirectord(
        "virtual6=[2001:db8::1]:0\n\treal6=[2001:db8::11]:80 masq\nvirtual6=[2001:db8::1]80\n"
        "virtual=10.0.0.1:0\n\treal=10.0.0.11:0 gate\n\tpersistent=600\n\tchecktype=on\n");

    CHECK(made.lost == std::vector{ImportProblem{1, "virtual6=[2001:db8::1]:0: all ports go with persistence only"},
                                   ImportProblem{3,
                                                 "virtual6=[2001:db8::1]80: virtual_server takes an address, and the "
                                                 "name of a host may change its own"}});
    CHECK(made.text.find("#     real6=[2001:db8::11]:80 masq\n") != std::string::npos);
    CHECK(made.text.find("virtual_server 10.0.0.1 0 {\n") != std::string::npos);
}

TEST_CASE("a virtual that is written twice is carried over once") {
    const std::string service = "virtual=10.0.0.1:80\n\treal=10.0.0.11:80 gate\n\tchecktype=on\n";
    const auto made = from_ldirectord(service + service);

    CHECK(made.lost == std::vector{ImportProblem{4, "virtual=10.0.0.1:80: the service is there already"}});
    CHECK(made.text.find("virtual_server") == made.text.rfind("virtual_server"));
}

TEST_CASE("a receive is carried over up to 700 characters, quotes and escapes counted") {
    const auto lost = [](std::size_t length) {
        return from_ldirectord("virtual=10.0.0.1:80\n\treal=10.0.0.11:80 gate\n\treceive=\"" +
                               std::string(length, 'x') + "\"\n")
            .lost.size();
    };
    CHECK(lost(699) == 0);
    CHECK(lost(700) == 1);
}

TEST_CASE("mails of ldirectord have one list of recipients, and services without mails have none") {
    const auto made = from_ldirectord(R"(smtp=10.0.0.5
emailalertfrom=lb@example.com
virtual=10.0.0.1:80
	real=10.0.0.11:80 gate
	checktype=on
	emailalert="a@example.com, b@example.com"
virtual=10.0.0.2:80
	real=10.0.0.11:80 gate
	checktype=on
)");

    CHECK(made.lost.empty());
    CHECK(made.text == kLdirectordHead + R"(
global_defs {
    notification_email {
        a@example.com
        b@example.com
    }
    notification_email_from lb@example.com
    smtp_server 10.0.0.5
}

virtual_server 10.0.0.1 80 {
    protocol TCP
    lb_algo wrr
    lb_kind DR
    real_server 10.0.0.11 80 {
        weight 1
    }
}

virtual_server 10.0.0.2 80 {
    protocol TCP
    lb_algo wrr
    lb_kind DR
    real_server 10.0.0.11 80 {
        weight 1
        smtp_alert false
    }
}
)");
}

TEST_CASE("an input that is no configuration of ldirectord is refused with its line") {
    struct Row {
        std::string_view text;
        ImportProblem problem;
    };
    const Row rows[] = {
        {"", {1, "there is no virtual in it"}},
        {"checkinterval=3\n", {1, "there is no virtual in it"}},
        {"virtual=10.0.0.1:80\n\treal 10.0.0.11:80 gate\n",
         {2, "'real 10.0.0.11:80 gate' is no line of ldirectord's configuration: it has no KEY = VALUE"}},
        {"\n\treal=10.0.0.11:80 gate\n", {2, "'real=10.0.0.11:80 gate' is indented, and no virtual is above it"}},
        {"global_defs {\n", {1, "'global_defs {' is no line of ldirectord's configuration: it has no KEY = VALUE"}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        const auto made = read_ldirectord(row.text, port_named);
        REQUIRE(!made);
        CHECK(made.error() == row.problem);
    }
}
