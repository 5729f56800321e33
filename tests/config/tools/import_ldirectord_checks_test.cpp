// The checks of ldirectord's virtuals, type by type and protocol by protocol.
#include "import_helper.hpp"

using namespace mainstay;
using namespace mainstay::config;

namespace {

Imported with_own(const std::string& settings, const std::string& globals = {},
                  const std::string& head = "virtual=10.0.0.1:80\n\treal=10.0.0.11:80 masq\n") {
    return from_ldirectord(globals + head + settings);
}
// The first lines of the server's checks, up to `count`.
Strings first_lines(const Imported& made, std::size_t count) {
    Strings lines = server_lines(made);
    lines.resize(std::min(lines.size(), count));
    return lines;
}

struct ProtocolRow {
    std::string name;
    int port;
    std::string check;  // empty: no check of mainstay speaks it
};
const ProtocolRow kProtocols[] = {
    {"ftp", 21, ""},
    {"smtp", 25, "SMTP_CHECK {"},
    {"dns", 53, "DNS_CHECK {"},
    {"http", 80, "HTTP_GET {"},
    {"pop", 110, ""},
    {"nntp", 119, ""},
    {"imap", 143, ""},
    {"ldap", 389, ""},
    {"https", 443, "SSL_GET {"},
    {"submission", 587, "SMTP_CHECK {"},
    {"ldaps", 636, ""},
    {"imaps", 993, ""},
    {"pops", 995, ""},
    {"oracle", 1521, ""},
    {"radius", 1812, ""},
    {"http_proxy", 3128, "HTTP_GET {"},
    {"mysql", 3306, ""},
    {"sip", 5060, ""},
    {"pgsql", 5432, ""},
};

}  // namespace

TEST_CASE("what a check speaks follows from the service's name, or else from its port") {
    for (const auto& row : kProtocols) {
        CAPTURE(row.name);
        const std::string port = std::to_string(row.port);
        const auto named = with_own("\tservice=" + row.name + "\n");
        const auto numbered =
            with_own("", "", "virtual=10.0.0.1:" + port + "\n\tprotocol=tcp\n\treal=10.0.0.11:" + port + " masq\n");
        const auto marked = with_own("\tservice=" + row.name + "\n", "", "virtual=7\n\treal=10.0.0.11:99 masq\n");
        if (!row.check.empty()) {
            CHECK(first_lines(named, 1) == Strings{row.check});
            CHECK(first_lines(numbered, 2) == Strings{row.check, "connect_timeout 30"});
            CHECK(first_lines(marked, 2) == Strings{row.check, "connect_port " + port});
            for (const auto* made : {&named, &numbered, &marked}) CHECK(made->lost.empty());
            continue;
        }
        const std::string why = ": no check of mainstay speaks " + row.name + "; TCP_CHECK stands for it";
        CHECK(first_lines(named, 2) == Strings{"TCP_CHECK {", "connect_timeout 5"});
        CHECK(losses(named) == Strings{"service=" + row.name + why});
        CHECK(first_lines(numbered, 1) == Strings{"TCP_CHECK {"});
        CHECK(numbered.lost == std::vector<ImportProblem>{{1, "virtual=10.0.0.1:" + port + why}});
        CHECK(first_lines(marked, 2) == Strings{"TCP_CHECK {", "connect_timeout 5"});
    }
    CHECK(losses(with_own("\tservice=simpletcp\n")) ==
          Strings{"service=simpletcp: no check of mainstay speaks simpletcp; TCP_CHECK stands for it"});
    CHECK(losses(with_own("\tservice=other\n")) ==
          Strings{"service=other: no check of mainstay speaks it; TCP_CHECK stands for it"});
}

TEST_CASE("without a name and a usual port there is no check, as with ldirectord") {
    CHECK(with_own("", "", "virtual=10.0.0.1:81\n\treal=10.0.0.11:81 masq\n").text.find("CHECK") == std::string::npos);
    const auto marked = with_own("", "", "virtual=7\n\treal=10.0.0.11:80 masq\n");
    CHECK(server_lines(marked).empty());
    CHECK(marked.lost.empty());
    CHECK(with_own("\tservice=none\n").text.find("delay_loop") == std::string::npos);
}

TEST_CASE("the type of a check decides what it does") {
    const std::string udp = "virtual=10.0.0.1:80\n\tprotocol=udp\n\treal=10.0.0.11:80 masq\n";
    const std::string tcp = "virtual=10.0.0.1:80\n\treal=10.0.0.11:80 masq\n";
    const std::string each = ": each check negotiates here; none only connects";
    const std::string no_type = ": there is no such type; ";
    struct Row {
        std::string head, type;
        Strings lines, lost;
    };
    const Row rows[] = {
        {tcp, "connect", {"TCP_CHECK {", "connect_timeout 5"}, {}},
        {udp, "connect", {"PING_CHECK {", "connect_timeout 5"}, {}},
        {tcp, "ping", {"PING_CHECK {", "connect_timeout 5"}, {}},
        {tcp, "on", {}, {}},
        {tcp, "negotiate", {"HTTP_GET {", "connect_timeout 30"}, {}},
        {tcp, "0", {"TCP_CHECK {", "connect_timeout 5"}, {"checktype=0" + no_type + "TCP_CHECK stands for it"}},
        {tcp, "1", {"HTTP_GET {", "connect_timeout 30"}, {"checktype=1" + each}},
        {tcp, "2678400", {"HTTP_GET {", "connect_timeout 30"}, {"checktype=2678400" + each}},
        {tcp,
         "2678401",
         {"TCP_CHECK {", "connect_timeout 5"},
         {"checktype=2678401" + no_type + "TCP_CHECK stands for it"}},
        {tcp, "other", {"TCP_CHECK {", "connect_timeout 5"}, {"checktype=other" + no_type + "TCP_CHECK stands for it"}},
        {udp,
         "other",
         {"PING_CHECK {", "connect_timeout 5"},
         {"checktype=other" + no_type + "PING_CHECK stands for it"}},
        {tcp + "\tservice=none\n", "4", {}, {}},
        {udp + "\tservice=sip\n",
         "negotiate",
         {"PING_CHECK {", "connect_timeout 5"},
         {"service=sip: no check of mainstay speaks sip; PING_CHECK stands for it"}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.head);
        CAPTURE(row.type);
        const auto made = with_own("\tchecktype=" + row.type + "\n", "", row.head);
        CHECK(first_lines(made, 2) == row.lines);
        CHECK(losses(made) == row.lost);
    }
}

TEST_CASE("a check has the interval, the time and the tries of its service") {
    struct Row {
        std::string globals, settings, interval;
        Strings lines;
    };
    const Row rows[] = {
        {"", "\tchecktype=connect\n", "10", {"connect_timeout 5", "retry 0"}},
        {"", "\tservice=http\n", "10", {"connect_timeout 30", "retry 0"}},
        {"", "\tchecktype=ping\n", "10", {"connect_timeout 5", "retry 0"}},
        {"checkinterval=3\n", "\tchecktype=connect\n\tcheckinterval=4\n", "3", {"connect_timeout 5", "retry 0"}},
        {"checkinterval=3\nfork=yes\n",
         "\tchecktype=connect\n\tcheckinterval=4\n",
         "4",
         {"connect_timeout 5", "retry 0"}},
        {"checkinterval=3\nfork=yes\n", "\tchecktype=connect\n", "3", {"connect_timeout 5", "retry 0"}},
        {"checktimeout=6\nnegotiatetimeout=7\n", "\tchecktype=connect\n", "10", {"connect_timeout 6", "retry 0"}},
        {"negotiatetimeout=7\n", "\tchecktype=connect\n", "10", {"connect_timeout 7", "retry 0"}},
        {"checktimeout=6\nnegotiatetimeout=7\n", "\tchecktype=ping\n", "10", {"connect_timeout 6", "retry 0"}},
        {"checktimeout=6\nnegotiatetimeout=7\n", "\tservice=smtp\n", "10", {"connect_timeout 7", "retry 0"}},
        {"checktimeout=6\n", "\tservice=smtp\n", "10", {"connect_timeout 6", "retry 0"}},
        {"failurecount=2\n", "\tchecktype=connect\n", "10", {"connect_timeout 5", "retry 1", "delay_before_retry 10"}},
        {"failurecount=2\n", "\tchecktype=connect\n\tfailurecount=1\n", "10", {"connect_timeout 5", "retry 0"}},
        {"checkcount=3\n", "\tchecktype=connect\n", "10", {"connect_timeout 5", "retry 0"}},
        {"checkcount=3\ncheckinterval=2\n",
         "\tchecktype=ping\n",
         "2",
         {"connect_timeout 5", "retry 2", "delay_before_retry 2"}},
        {"checkcount=1\nfailurecount=4\n",
         "\tchecktype=ping\n",
         "10",
         {"connect_timeout 5", "retry 3", "delay_before_retry 10"}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.globals);
        CAPTURE(row.settings);
        const auto made = with_own(row.settings, row.globals);
        CHECK(between(made.text, "delay_loop ", "\n") == row.interval);
        Strings lines = server_lines(made);
        REQUIRE(lines.size() > row.lines.size());
        CHECK(Strings{lines.begin() + 1, lines.begin() + 1 + static_cast<std::ptrdiff_t>(row.lines.size())} ==
              row.lines);
        CHECK(made.lost.empty());
    }
    const auto absent = with_own("\tchecktype=ping\n\tcheckcount=0\n");
    CHECK(absent.lost.size() == 1);
    CHECK(server_lines(absent) == Strings{"PING_CHECK {", "connect_timeout 5", "retry 0"});
    const auto both = with_own("\tchecktype=ping\n\tcheckcount=3\n\tfailurecount=2\n");
    CHECK(losses(both) == Strings{"checkcount=3: failurecount alone decides here"});
    CHECK(server_lines(both) == Strings{"PING_CHECK {", "connect_timeout 5", "retry 1", "delay_before_retry 10"});
}

TEST_CASE("the port of a check is written where it is not the server's") {
    const std::string masq = "virtual=10.0.0.1:80\n\treal=10.0.0.11:80 masq\n";
    const std::string no_port = "virtual=10.0.0.1:80\n\treal=10.0.0.11 masq\n";
    const std::string marked = "virtual=7\n\treal=10.0.0.11 gate\n";
    const std::string unchecked = "real=10.0.0.11 masq: it is not checked: neither it nor checkport names a port";
    const std::string no_number = ": it is no port number; the server's own port is checked";
    struct Row {
        std::string head, settings;
        Strings lines, lost;
    };
    const Row rows[] = {
        {masq, "\tchecktype=connect\n", {"TCP_CHECK {", "connect_timeout 5"}, {}},
        {masq, "\tchecktype=connect\n\tcheckport=80\n", {"TCP_CHECK {", "connect_timeout 5"}, {}},
        {masq, "\tchecktype=connect\n\tcheckport=1\n", {"TCP_CHECK {", "connect_port 1"}, {}},
        {masq, "\tchecktype=connect\n\tcheckport=65535\n", {"TCP_CHECK {", "connect_port 65535"}, {}},
        {masq,
         "\tchecktype=connect\n\tcheckport=0\n",
         {"TCP_CHECK {", "connect_timeout 5"},
         {"checkport=0" + no_number}},
        {masq,
         "\tchecktype=connect\n\tcheckport=65536\n",
         {"TCP_CHECK {", "connect_timeout 5"},
         {"checkport=65536" + no_number}},
        {masq, "\tchecktype=ping\n\tcheckport=81\n", {"PING_CHECK {", "connect_timeout 5"}, {}},
        {"virtual=10.0.0.1:80\n\treal=10.0.0.11:81 gate\n",
         "\tchecktype=connect\n",
         {"TCP_CHECK {", "connect_port 81"},
         {}},
        {"virtual=10.0.0.1:80\n\treal=10.0.0.11 gate\n",
         "\tchecktype=connect\n",
         {"TCP_CHECK {", "connect_timeout 5"},
         {}},
        {no_port, "\tchecktype=connect\n", {}, {unchecked}},
        {no_port, "\tchecktype=ping\n", {"PING_CHECK {", "connect_timeout 5"}, {}},
        {no_port, "\tchecktype=connect\n\tcheckport=81\n", {"TCP_CHECK {", "connect_port 81"}, {}},
        {no_port, "\tservice=http\n", {}, {unchecked}},
        {marked, "\tservice=http\n\tcheckport=81\n", {"HTTP_GET {", "connect_port 81"}, {}},
        {marked, "\tservice=http\n", {"HTTP_GET {", "connect_port 80"}, {}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.head);
        CAPTURE(row.settings);
        const auto made = with_own(row.settings, "", row.head);
        CHECK(first_lines(made, 2) == row.lines);
        CHECK(losses(made) == row.lost);
    }
}

TEST_CASE("an external check is a script with the addresses and ports that ldirectord gives it") {
    const std::string head = "virtual=10.0.0.1:80\n\treal=10.0.0.11:80 masq\n";
    const std::string no_path = ": misc_path takes the absolute path of a program; ";
    struct Row {
        std::string head, settings;
        Strings lines, lost;
    };
    const Row rows[] = {
        {head,
         "\tchecktype=external\n",
         {"MISC_CHECK {", "misc_path \"/bin/true 10.0.0.1 80 10.0.0.11 80\"", "misc_timeout 5", "retry 0", "user root"},
         {}},
        {"virtual=7\n\treal=10.0.0.11 masq\n",
         "\tchecktype=external\n\tcheckcommand=/bin/x\n\tfailurecount=3\n",
         {"MISC_CHECK {", "misc_path \"/bin/x 7 0 10.0.0.11 0\"", "misc_timeout 5", "retry 2", "delay_before_retry 10",
          "user root"},
         {}},
        {"virtual6=[2001:db8::1]:80\n\treal6=[2001:db8::11]:81 gate\n",
         "\tchecktype=external\n\tchecktimeout=4294\n",
         {"MISC_CHECK {", "misc_path \"/bin/true 2001:db8::1 80 2001:db8::11 81\"", "misc_timeout 4294", "retry 0",
          "user root"},
         {}},
        {head,
         "\tchecktype=external\n\tchecktimeout=4295\n",
         {"MISC_CHECK {", "misc_path \"/bin/true 10.0.0.1 80 10.0.0.11 80\"", "misc_timeout 4294", "retry 0",
          "user root"},
         {}},
        {head,
         "\tchecktype=external\n\tcheckcommand=\"/bin/x y\"\n",
         {"TCP_CHECK {", "connect_timeout 5", "retry 0"},
         {"checkcommand=\"/bin/x y\"" + no_path + "TCP_CHECK stands for it"}},
        {head + "\tprotocol=udp\n",
         "\tchecktype=external\n\tcheckcommand=x\n",
         {"PING_CHECK {", "connect_timeout 5", "retry 0"},
         {"checkcommand=x" + no_path + "PING_CHECK stands for it"}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.head);
        CAPTURE(row.settings);
        const auto made = with_own(row.settings, "", row.head);
        CHECK(server_lines(made) == row.lines);
        CHECK(losses(made) == row.lost);
    }
    const std::string perl = "external-perl: the script runs as a program of its own, so it begins with #!";
    CHECK(with_own("\tchecktype=external-perl\n").text.find("\n# " + perl + "\nvirtual_server ") != std::string::npos);
    CHECK(with_own("\tchecktype=external\n").text.find(perl) == std::string::npos);
}

TEST_CASE("a script whose command becomes too long with its addresses is not run, and that is said") {
    const auto with_length = [](std::size_t length) {
        return with_own("\tchecktype=external\n\tcheckcommand=/" + std::string(length - 1, 'x') + "\n");
    };
    const std::size_t most = 700 - std::string_view{" 10.0.0.1 80 10.0.0.11 80"}.size();
    CHECK(with_length(most).lost.empty());
    CHECK(first_lines(with_length(most), 1) == Strings{"MISC_CHECK {"});
    const auto made = with_length(most + 1);
    CHECK(losses(made) == Strings{"real=10.0.0.11:80 masq: the command of its check is too long; it is not checked"});
    CHECK(server_lines(made).empty());
}

TEST_CASE("what of a request, an answer or a host does not fit the check is a loss") {
    struct Row {
        std::string settings;
        Strings lines;  // after retry
        Strings lost;
    };
    const Strings plain{"http_protocol 1.1", "url {", "path \"/\""};
    const Row rows[] = {
        {"\tservice=http\n\thttpmethod=GET\n", plain, {}},
        {"\tservice=http\n\thttpmethod=HEAD\n", plain, {"httpmethod=HEAD: HTTP_GET sends GET"}},
        {"\tservice=http\n\tvirtualhost=a.b\n", {"http_protocol 1.1", "url {", "path \"/\"", "virtualhost a.b"}, {}},
        {"\tservice=http\n\tvirtualhost=\"a b\"\n", plain, {"virtualhost=\"a b\": it is no name of a host"}},
        {"\tservice=https\n\tvirtualhost=\"a;b\"\n", plain, {"virtualhost=\"a;b\": it is no name of a host"}},
        {"\tservice=http_proxy\n\tvirtualhost={\n", plain, {"virtualhost={: it is no name of a host"}},
        {"\tservice=smtp\n\tvirtualhost=\"a b\"\n", {}, {}},
        {"\tservice=smtp\n\treceive=a\n", {}, {"receive=a: this check passes with any valid answer"}},
        {"\tservice=dns\n\treceive=a\n", {"type A"}, {"receive=a: this check passes with any valid answer"}},
        {"\tservice=smtp\n\trequest=a\n", {}, {"request=a: SMTP_CHECK sends no request"}},
        {"\tservice=dns\n\trequest=a.b\n", {"type A", "name a.b"}, {}},
        {"\tservice=dns\n\trequest=\"a b\"\n",
         {"type A"},
         {"request=\"a b\": DNS_CHECK asks for a name; it asks for the root here"}},
        {"\tservice=dns\n\trequest=10.0.0.9\n",
         {"type A"},
         {"request=10.0.0.9: DNS_CHECK asks for a name; it asks for the root here"}},
        {"\tservice=http\n\treceive=a\n", {"http_protocol 1.1", "url {", "path \"/\"", "regex \"a\""}, {}},
        {"\tservice=https\n\treceive=a\n", {"http_protocol 1.1", "url {", "path \"/\"", "regex \"a\""}, {}},
        {"\tservice=http_proxy\n\treceive=a\n", {"http_protocol 1.1", "url {", "path \"/\"", "regex \"a\""}, {}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.settings);
        const auto made = with_own(row.settings);
        const Strings lines = server_lines(made);
        REQUIRE(lines.size() >= 3);
        CHECK(Strings{lines.begin() + 3, lines.end()} == row.lines);
        CHECK(losses(made) == row.lost);
    }
}

TEST_CASE("a server's own request may be an URL with the address that is checked") {
    const std::string no_address = "the URL of its request has no address; the server itself is checked";
    struct Row {
        std::string service, request;
        Strings lines;
        bool lost;
    };
    const auto lines = [](const std::string& check, const Strings& target, const std::string& path,
                          const std::string& host) {
        Strings all{check};
        all.insert(all.end(), target.begin(), target.end());
        all.insert(all.end(), {"connect_timeout 30", "retry 0", "http_protocol 1.1", "url {", "path \"" + path + "\""});
        if (!host.empty()) all.push_back("virtualhost " + host);
        return all;
    };
    const Strings own{"connect_port 81"};
    const Row rows[] = {
        {"http", "x", lines("HTTP_GET {", own, "/x", ""), false},
        {"http", "/x", lines("HTTP_GET {", own, "/x", ""), false},
        {"http", "http://10.0.0.9/x", lines("HTTP_GET {", {"connect_ip 10.0.0.9", "connect_port 80"}, "/x", "10.0.0.9"),
         false},
        {"http", "http://10.0.0.9:1", lines("HTTP_GET {", {"connect_ip 10.0.0.9", "connect_port 1"}, "/", "10.0.0.9"),
         false},
        {"http", "http://10.0.0.9:65535/",
         lines("HTTP_GET {", {"connect_ip 10.0.0.9", "connect_port 65535"}, "/", "10.0.0.9"), false},
        {"https", "https://[2001:db8::9]/x/y",
         lines("SSL_GET {", {"connect_ip 2001:db8::9", "connect_port 443"}, "/x/y", "2001:db8::9"), false},
        {"http", "http://web/x", lines("HTTP_GET {", own, "/x", ""), true},
        {"http", "http://10.0.0.9:0/x", lines("HTTP_GET {", own, "/x", ""), true},
        {"http", "http://10.0.0.9:65536/x", lines("HTTP_GET {", own, "/x", ""), true},
        {"http", "http://web:x", lines("HTTP_GET {", own, "/", ""), true},
        {"http", "https://10.0.0.9/x", lines("HTTP_GET {", own, "/https://10.0.0.9/x", ""), false},
        {"https", "http://10.0.0.9/x", lines("SSL_GET {", own, "/http://10.0.0.9/x", ""), false},
        {"http_proxy", "http://web/x", lines("HTTP_GET {", own, "http://web/x", "web"), false},
        {"http_proxy", "http://a;b/x", lines("HTTP_GET {", own, "http://a;b/x", ""), false},
        {"http_proxy", "x", lines("HTTP_GET {", own, "/x", ""), false},
        {"http_proxy", "", lines("HTTP_GET {", own, "/", ""), false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.service);
        CAPTURE(row.request);
        const std::string real = "real=10.0.0.11:80 masq 1 \"" + row.request + "\"";
        const auto made =
            with_own("\tcheckport=81\n\tservice=" + row.service + "\n", "", "virtual=10.0.0.1:80\n\t" + real + "\n");
        CHECK(server_lines(made) == row.lines);
        CHECK(losses(made) == (row.lost ? Strings{real + ": " + no_address} : Strings{}));
    }
}

TEST_CASE("the URL of a whole service is a path, unless a proxy is asked, and virtualhost comes first") {
    const auto path = [](const std::string& settings) {
        const Strings lines = server_lines(with_own(settings));
        return Strings{std::find(lines.begin(), lines.end(), "url {") + 1, lines.end()};
    };
    CHECK(path("\tservice=http\n\trequest=http://10.0.0.9/x\n") == Strings{"path \"/http://10.0.0.9/x\""});
    CHECK(path("\tservice=http_proxy\n\trequest=http://web/x\n") ==
          Strings{"path \"http://web/x\"", "virtualhost web"});
    CHECK(path("\tservice=http_proxy\n\trequest=http://web/x\n\tvirtualhost=own\n") ==
          Strings{"path \"http://web/x\"", "virtualhost own"});
    const auto own = with_own("\tservice=http\n\tvirtualhost=own\n", "",
                              "virtual=10.0.0.1:80\n\treal=10.0.0.11:80 masq 1 \"http://10.0.0.9/x\"\n");
    CHECK(between(own.text, "virtualhost ", "\n") == "own");
    CHECK(own.text.find("connect_ip 10.0.0.9\n") != std::string::npos);
}

TEST_CASE("a server's own request and receive count before the service's, even when empty") {
    const auto path = [](const std::string& texts) {
        const Strings lines = server_lines(with_own("\tservice=http\n\trequest=all\n\treceive=every\n", "",
                                                    "virtual=10.0.0.1:80\n\treal=10.0.0.11:80 masq 1" + texts + "\n"));
        return Strings{std::find(lines.begin(), lines.end(), "url {") + 1, lines.end()};
    };
    CHECK(path("") == Strings{"path \"/all\"", "regex \"every\""});
    CHECK(path(" \"own\"") == Strings{"path \"/own\"", "regex \"every\""});
    CHECK(path(" \"own\", \"mine\"") == Strings{"path \"/own\"", "regex \"mine\""});
    CHECK(path(" \"\" \"\"") == Strings{"path \"/\""});
}

TEST_CASE("a request that is too long for a line is one for the first page") {
    const auto with_request = [](std::size_t length) {
        return with_own("\tservice=http\n\trequest=" + std::string(length, 'x') + "\n");
    };
    CHECK(with_request(698).lost.empty());
    const auto made = with_request(699);
    CHECK(losses(made) == Strings{"real=10.0.0.11:80 masq: its request is too long; / is requested"});
    CHECK(made.text.find("                path \"/\"\n") != std::string::npos);
    const auto receive = with_own("\tservice=http\n\treceive=" + std::string(700, 'x') + "\n");
    CHECK(losses(receive) == Strings{"real=10.0.0.11:80 masq: its receive is too long for a line"});
    CHECK(receive.text.find("regex") == std::string::npos);
}
