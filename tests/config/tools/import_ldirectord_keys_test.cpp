// What becomes of each key of ldirectord's configuration, in a virtual and outside.
#include "import_helper.hpp"

using namespace mainstay;
using namespace mainstay::config;

namespace {

const std::string kService = "virtual=10.0.0.1:80\n\treal=10.0.0.11:80 masq\n\tchecktype=on\n";

Imported with_global(const std::string& setting) { return from_ldirectord(setting + "\n" + kService); }
Imported with_own_key(const std::string& setting) { return from_ldirectord(kService + "\t" + setting + "\n"); }
Strings expected(const std::string& source, std::string_view reason) {
    return reason.empty() ? Strings{} : Strings{source + ": " + std::string{reason}};
}

constexpr std::string_view kOutside = "it has no meaning outside a virtual";
constexpr std::string_view kInside = "it has no meaning in a virtual";
constexpr std::string_view kNumber = "a number from 1 to 2678400 is needed; the default is used";
constexpr std::string_view kYesOrNo = "yes or no is needed; the default is used";
constexpr std::string_view kNoLogin = "no check of mainstay logs in to a service";
constexpr std::string_view kCleanStop =
    "start the daemon with --dont-release-ipvs, which leaves all services at a stop";
constexpr std::string_view kRepeated = "mainstay sends one mail for each change of state and does not repeat it";
constexpr std::string_view kStatus = "mainstay sends mails in every state of the daemon";
constexpr std::string_view kReadd = "mainstay restores a server that another program removed";

struct Row {
    std::string setting;
    std::string_view outside, inside;  // why it is lost there
};

}  // namespace

TEST_CASE("each key has its place, and what it loses there") {
    const Row rows[] = {
        {"autoreload=yes", "after a change, run `mainstayctl reload`", kInside},
        {"autoreload=no", "", kInside},
        {"callback=/bin/x", "mainstay runs no program when the file changes", kInside},
        {"checkcommand=/bin/x", kOutside, ""},
        {"checkcount=3", "", ""},
        {"checkcount=0", kNumber, kNumber},
        {"checkinterval=1", "", ""},
        {"checkinterval=soon", kNumber, kNumber},
        {"checkport=81", kOutside, ""},
        {"checktimeout=2678400", "", ""},
        {"checktimeout=2678401", kNumber, kNumber},
        {"checktype=on", kOutside, ""},
        {"cleanstop=yes", "", ""},
        {"cleanstop=no", kCleanStop, kCleanStop},
        {"comment=of the web", kOutside, ""},
        {"database=d", kOutside, kNoLogin},
        {"emailalertfreq=0", "", ""},
        {"emailalertfreq=1", kRepeated, kRepeated},
        {"emailalertfrom=a@example.com", "", "keepalived.conf has one sender for all services"},
        {"emailalertstatus=all", "", ""},
        {"emailalertstatus=none", "", ""},
        {"emailalertstatus=running", kStatus, kStatus},
        {"execute=other.cf", "convert that file as well, and include the result", kInside},
        {"failurecount=3", "", ""},
        {"failurecount=", kNumber, kNumber},
        {"fallback=10.0.0.9:80", "", ""},
        {"fallback6=[2001:db8::9]:80", "", ""},
        {"fallbackcommand=/bin/x", "", ""},
        {"fork=yes", "", ""},
        {"fork=maybe", "", ""},
        {"httpmethod=GET", kOutside, ""},
        {"logfile=/var/log/l", "mainstay logs to syslog; --log-facility and --log-journal of mainstayd(8) choose where",
         kInside},
        {"login=l", kOutside, kNoLogin},
        {"maintenancedir=/m", "`mainstayctl server disable` takes a server out", kInside},
        {"monitorfile=/m", kOutside, "`mainstayctl events` shows what happened to each server"},
        {"negotiatetimeout=3", "", ""},
        {"negotiatetimeout=x", kNumber, kNumber},
        {"netmask=255.255.255.0", kOutside, ""},
        {"ops=no", kOutside, ""},
        {"ops=maybe", kOutside, kYesOrNo},
        {"persistent=60", kOutside, ""},
        {"protocol=tcp", kOutside, ""},
        {"quiescent=yes", "", ""},
        {"quiescent=no", "", ""},
        {"quiescent=maybe", kYesOrNo, kYesOrNo},
        {"readdquiescent=yes", "", ""},
        {"readdquiescent=no", kReadd, kReadd},
        {"real=10.0.0.12:80 masq", kOutside, ""},
        {"real6=[2001:db8::12]:80 masq", kOutside, "a server of the other address family needs a tunnel"},
        {"receive=r", kOutside, ""},
        {"request=r", kOutside, ""},
        {"scheduler=rr", kOutside, ""},
        {"service=http", kOutside, ""},
        {"servicename=s", kOutside, ""},
        {"smtp=10.0.0.5", "", "keepalived.conf has one smtp_server for all services"},
        {"supervised=yes", "", kInside},
        {"virtualhost=v", kOutside, ""},
        {"Comment=c", "mainstayctl does not know this key", "mainstayctl does not know this key"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.setting);
        CHECK(losses(with_global(row.setting)) == expected(row.setting, row.outside));
        CHECK(losses(with_own_key(row.setting)) == expected(row.setting, row.inside));
    }
}

TEST_CASE("a password is shown nowhere, wherever it stands") {
    for (const std::string key : {"passwd", "secret"}) {
        CAPTURE(key);
        const std::string setting = key + " = \"geheim\"";
        const auto outside = with_global(setting), inside = with_own_key(setting);
        const auto unusable = from_ldirectord("virtual=web:80\n\t" + setting + "\n" + kService);

        CHECK(losses(outside) == Strings{key + "=***: it has no meaning outside a virtual"});
        CHECK(losses(inside) == Strings{key + "=***: no check of mainstay logs in to a service"});
        for (const auto* made : {&outside, &inside, &unusable}) CHECK(made->text.find("geheim") == std::string::npos);
        const auto alone = read_ldirectord("\t" + setting + "\n", port_named);
        REQUIRE(!alone);
        CHECK(alone.error() == ImportProblem{1, "'" + key + "=***' is indented, and no virtual is above it"});
    }
}

TEST_CASE("what has no meaning outside a virtual has no effect there") {
    const auto made = from_ldirectord(
        "checktype=ping\nscheduler=rr\nprotocol=udp\nops=yes\nvirtualhost=\"a } b\"\nrequest=x\nreceive=y\n"
        "virtual=10.0.0.1:80\n\treal=10.0.0.11:80 masq\n\tservice=http\n");

    CHECK(made.lost.size() == 7);
    CHECK(lines_of(between(made.text, "10.0.0.1 80 {\n", "delay_loop")) ==
          Strings{"protocol TCP", "lb_algo wrr", "lb_kind NAT"});
    CHECK(server_lines(made) ==
          Strings{"HTTP_GET {", "connect_timeout 30", "retry 0", "http_protocol 1.1", "url {", "path \"/\""});
}

TEST_CASE("what is said of a service without an effect stays as a comment") {
    CHECK(with_own_key("comment=of the web").text.find("\n# comment=of the web\nvirtual_server ") != std::string::npos);
    CHECK(with_own_key("servicename=\"Web\"").text.find("\n# servicename=\"Web\"\nvirtual_server ") !=
          std::string::npos);
    const std::string_view no_effect = "# checkinterval here had no effect, because fork is not yes\n";
    CHECK(with_own_key("checkinterval=3").text.find(no_effect) != std::string::npos);
    CHECK(with_own_key("checkinterval=3\n\tfork=yes").text.find(no_effect) == std::string::npos);
    CHECK(from_ldirectord("fork=yes\n" + kService + "\tcheckinterval=3\n").text.find(no_effect) == std::string::npos);
    CHECK(from_ldirectord("fork=yes\n" + kService + "\tcheckinterval=3\n\tfork=no\n").text.find(no_effect) !=
          std::string::npos);
    CHECK(with_global("checkinterval=3").text.find(no_effect) == std::string::npos);
}

TEST_CASE("losses outside of virtuals stand at the head of the file") {
    CHECK(with_global("callback=/bin/x").text ==
          "# Made by `mainstayctl migrate --from ldirectord`.\n"
          "# not carried over (line 1): callback=/bin/x: mainstay runs no program when the file changes\n"
          "\n"
          "virtual_server 10.0.0.1 80 {\n    protocol TCP\n    lb_algo wrr\n    lb_kind NAT\n"
          "    real_server 10.0.0.11 80 {\n        weight 1\n    }\n}\n");
}

TEST_CASE("lines of ldirectord's configuration have comments, quotes and blanks") {
    struct Line {
        std::string line, comment;
    };
    const Line rows[] = {
        {"\tcomment = a  ", "comment = a"},
        {"\tcomment=a#b", "comment=a#b"},
        {"\tcomment=a #b", "comment=a"},
        {"\tcomment=a\t#b", "comment=a"},
        {"\tcomment=\"a #b\" # c", "comment=\"a #b\""},
        {"\tcomment=\"a #b\" \"#c", "comment=\"a #b\" \"#c"},
        {" comment=a\r", "comment=a"},
        {"\tcomment=a=b", "comment=a=b"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.line);
        const auto made = from_ldirectord("#\n  # x\n\t\n" + kService + row.line + "\n");
        CHECK(made.lost.empty());
        CHECK(made.text.find("\n# " + row.comment + "\nvirtual_server ") != std::string::npos);
    }
}

TEST_CASE("quotes around the whole of a value are no part of it, other ones are") {
    struct Value {
        std::string value, path;
    };
    const Value rows[] = {
        {"\"a\"", "/a"}, {"\"\"", "/"}, {"\"", "/%22"}, {"\"a", "/%22a"}, {"a\"", "/a%22"}, {"a", "/a"}, {"", "/"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.value);
        const auto made =
            from_ldirectord("virtual=10.0.0.1:80\n\treal=10.0.0.11:80 masq\n\trequest=" + row.value + "\n");
        CHECK(between(made.text, "path \"", "\"\n") == row.path);
    }
}

TEST_CASE("a key has letters, digits, hyphens and underscores") {
    CHECK(losses(with_global("azAZ09-_=1")) == Strings{"azAZ09-_=1: mainstayctl does not know this key"});
    for (const std::string line : {"=1", "a b=1", "a.b=1", "a`=1", "a{=1", "a@=1", "a[=1", "a/=1", "a:=1", "a"}) {
        CAPTURE(line);
        const auto made = read_ldirectord("\n" + line + "\n" + kService, port_named);
        REQUIRE(!made);
        CHECK(made.error() ==
              ImportProblem{2, "'" + line + "' is no line of ldirectord's configuration: it has no KEY = VALUE"});
    }
}

TEST_CASE("of two settings the last one holds, and a service's own one before that of all") {
    const auto scheduler = [](const std::string& text) {
        return between(from_ldirectord(text).text, "lb_algo ", "\n");
    };
    CHECK(scheduler(kService + "\tscheduler=rr\n\tscheduler=lc\n") == "lc");
    const auto timeout = [](const std::string& text) {
        return between(from_ldirectord(text).text, "connect_timeout ", "\n");
    };
    const std::string service = kService + "\tchecktype=connect\n";
    CHECK(timeout("checktimeout=3\nchecktimeout=4\n" + service) == "4");
    CHECK(timeout("checktimeout=3\n" + service + "\tchecktimeout=6\n") == "6");
    CHECK(timeout(service + "checktimeout=3\n") == "3");
}

TEST_CASE("a file of ldirectord has its bounds") {
    std::string settings;
    for (int i = 0; i < 1'000; ++i) settings += "fork=no\n";
    CHECK(read_ldirectord(settings + kService, port_named).has_value());
    const auto more = read_ldirectord(settings + "fork=no\n" + kService, port_named);
    REQUIRE(!more);
    CHECK(more.error() == ImportProblem{1001, "there are more than 1000 global settings"});
    CHECK(read_ldirectord(kService + settings, port_named).has_value());

    std::string unknown;
    for (int i = 0; i < 10'000; ++i) unknown += "\tx=1\n";
    CHECK(read_ldirectord(kService + unknown, port_named).has_value());
    const auto lost = read_ldirectord("\n" + kService + unknown + "\tx=1\n", port_named);
    REQUIRE(!lost);
    CHECK(lost.error() == ImportProblem{2, "more than 10000 settings cannot be carried over"});

    std::string text(kImportBytesMax, '#');
    CHECK(read_ldirectord(text, port_named).error() == ImportProblem{1, "there is no virtual in it"});
    text += '#';
    CHECK(read_ldirectord(text, port_named).error() == ImportProblem{1, "it has more than 16 MiB"});
}

TEST_CASE("a file of ldirectord has 100000 servers at most") {
    std::string text = "virtual=7\n\tchecktype=on\n";
    for (int i = 0; i < 390; ++i)
        text += "\treal=10.1." + std::to_string(i % 256) + ".0->10.1." + std::to_string(i % 256) +
                ".255:" + std::to_string(i / 256 + 1) + " masq\n";
    text += "\treal=10.2.0.0->10.2.0.159 masq\n";
    CHECK(read_ldirectord(text, port_named).has_value());
    const auto more = read_ldirectord(text + "\treal=10.3.0.1 masq\n", port_named);
    REQUIRE(!more);
    CHECK(more.error() == ImportProblem{1, "there are more than 100000 real servers"});
}
