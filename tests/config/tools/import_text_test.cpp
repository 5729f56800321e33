#include "config/tools/import_text.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace mainstay;
using namespace mainstay::config;

namespace {

Endpoint at(std::string_view address, std::uint16_t port) { return {IpAddress::parse(address).value(), port}; }

}  // namespace

TEST_CASE("what is shown of an input has plain characters, and 200 of them at most") {
    CHECK(shown("a\tb ~!\x1f\x7f\x80\xff\n") == "a b ~!?????");
    CHECK(shown(std::string(200, 'x')) == std::string(200, 'x'));
    CHECK(shown(std::string(201, 'x')) == std::string(200, 'x') + "...");
}

TEST_CASE("a plain word has letters, digits and a few signs, and is no comment") {
    for (const char c : std::string_view{"azAZ09.:_-@+[]/"}) {
        CAPTURE(c);
        CHECK(is_plain_word(std::string{c}));
    }
    for (const char c : std::string_view{"`{}~!\"#$%&'()*,;<=>?\\^| \t\x7f\x80"}) {
        CAPTURE(static_cast<int>(c));
        CHECK(!is_plain_word("a" + std::string{c}));
    }
    CHECK(!is_plain_word(""));
    CHECK(is_plain_word("/a//"));
    CHECK(!is_plain_word("//a"));
    CHECK(is_plain_word(std::string(200, 'x')));
    CHECK(!is_plain_word(std::string(201, 'x')));
}

TEST_CASE("a pattern between quotes has escapes where the language would read something else") {
    struct Row {
        std::string_view pattern, quoted;
    };
    const Row rows[] = {
        {"", R"("")"},
        {"a b", R"("a b")"},
        {R"(\d)", R"("\\d")"},
        {R"(say "x")", R"("say \042x\042")"},
        {"\t\x1f\x7f\x80\xff!~", R"("\011\037\177\200\377!\176")"},
        {"$", R"("$")"},
        {"end$", R"("end$")"},
        {"$1$ $@$[$`$|", R"("$1$ $@$[$`$|")"},
        {"$a$z$A$Z$_${", R"("\044a\044z\044A\044Z\044_\044{")"},
        {"{}#", R"("{}#")"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.pattern);
        CHECK(quoted_pattern(row.pattern) == row.quoted);
    }
    using namespace std::string_view_literals;
    CHECK(quoted_pattern("a\0b"sv) == std::nullopt);
}

TEST_CASE("a path between quotes is encoded as in an URL, up to 700 characters") {
    struct Row {
        std::string_view path, quoted;
    };
    const Row rows[] = {
        {"/", R"("/")"},
        {"/a b\"c\\d", R"("/a%20b%22c%5Cd")"},
        {"/\x1f\x7f\xff!", R"("/%1F%7F%FF!")"},
        {"/%20?a=b&c=$1$", R"("/%20?a=b&c=$1$")"},
        {"/$a/${b}/~c", R"("/%24a/%24{b}/%7Ec")"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.path);
        CHECK(quoted_path(row.path) == row.quoted);
    }
    CHECK(quoted_path(std::string(699, 'x')) == '"' + std::string(699, 'x') + '"');
    CHECK(quoted_path(std::string(700, 'x')) == std::nullopt);
    CHECK(quoted_path(std::string(233, ' ')).has_value());
    CHECK(quoted_path(std::string(234, ' ')) == std::nullopt);
}

TEST_CASE("a command between quotes is an absolute path with arguments of plain characters") {
    CHECK(quoted_command("/bin/a-z_A.9 x:1 y=2,+@%[]") == R"("/bin/a-z_A.9 x:1 y=2,+@%[]")");
    for (const std::string_view none : {"", "bin/x", "//bin/x", " /bin/x"}) {
        CAPTURE(none);
        CHECK(quoted_command(none) == std::nullopt);
    }
    for (const char c : std::string_view{"`{}~!\"#$&'()*;<>?\\^|\t\n\x7f\x80"}) {
        CAPTURE(static_cast<int>(c));
        CHECK(quoted_command("/bin/x" + std::string{c}) == std::nullopt);
    }
    CHECK(quoted_command("/" + std::string(699, 'x')).has_value());
    CHECK(quoted_command("/" + std::string(700, 'x')) == std::nullopt);
}

TEST_CASE("a whole number has digits alone, and lies within its bounds") {
    CHECK(digits_between("3", 3, 5) == 3U);
    CHECK(digits_between("5", 3, 5) == 5U);
    CHECK(digits_between("007", 3, 7) == 7U);
    CHECK(digits_between("4294967295", 0, UINT32_MAX) == UINT32_MAX);
    for (const std::string_view none : {"2", "6", "", "-4", "+4", " 4", "4 ", "4x", "x", "4.0", "4294967300"}) {
        CAPTURE(none);
        CHECK(digits_between(none, 3, 5) == std::nullopt);
    }
    CHECK(digits_between("4294967296", 0, UINT32_MAX) == std::nullopt);
}

TEST_CASE("words are what lies between blanks of any kind") {
    CHECK(words_of("").empty());
    CHECK(words_of(" \t ").empty());
    CHECK(words_of("a") == std::vector<std::string_view>{"a"});
    CHECK(words_of(" a\t\tbc\rd\ve\f") == std::vector<std::string_view>{"a", "bc", "d", "e"});
}

TEST_CASE("a netmask has ones, then zeros, and at least one of the former") {
    for (const std::string_view mask : {"128.0.0.0", "255.255.255.0", "255.255.255.254", "255.255.255.255"}) {
        CAPTURE(mask);
        CHECK(is_netmask(mask));
    }
    for (const std::string_view none :
         {"", "0.0.0.0", "24", "255.0.255.0", "255.255.255.1", "127.255.255.255", "::", "ffff::", "255.255.255"}) {
        CAPTURE(none);
        CHECK(!is_netmask(none));
    }
}

TEST_CASE("a scheduler is one of those of lb_algo, by its whole name") {
    for (const std::string_view name :
         {"rr", "wrr", "lc", "wlc", "sh", "dh", "mh", "sed", "nq", "fo", "ovf", "lblc", "lblcr", "twos"}) {
        CAPTURE(name);
        CHECK(is_scheduler(name));
    }
    for (const std::string_view none : {"", "r", "wr", "rrr", "|", "rr|wrr", "RR"}) {
        CAPTURE(none);
        CHECK(!is_scheduler(none));
    }
}

TEST_CASE("protocols and methods have the words of keepalived.conf") {
    CHECK(protocol_word(Protocol::Tcp) == "TCP");
    CHECK(protocol_word(Protocol::Udp) == "UDP");
    CHECK(protocol_word(Protocol::Sctp) == "SCTP");
    const auto tunnel = [](Tunnel::Type type, Tunnel::Checksum checksum) {
        Tunnel made;
        made.type = type;
        made.port = 6080;
        made.checksum = checksum;
        return method_words(Forwarding::Tunnel, made);
    };
    CHECK(method_words(Forwarding::Nat, {}) == "NAT");
    CHECK(method_words(Forwarding::DirectRoute, {}) == "DR");
    CHECK(method_words(Forwarding::Tunnel, {}) == "TUN");
    CHECK(tunnel(Tunnel::Type::Ipip, Tunnel::Checksum::Sum) == "TUN");
    CHECK(tunnel(Tunnel::Type::Gue, {}) == "TUN type gue port 6080");
    CHECK(tunnel(Tunnel::Type::Gue, Tunnel::Checksum::Sum) == "TUN type gue port 6080 csum");
    CHECK(tunnel(Tunnel::Type::Gue, Tunnel::Checksum::Remote) == "TUN type gue port 6080 remcsum");
    CHECK(tunnel(Tunnel::Type::Gre, {}) == "TUN type gre");
    CHECK(tunnel(Tunnel::Type::Gre, Tunnel::Checksum::Sum) == "TUN type gre csum");
}

TEST_CASE("services differ by protocol, address, port, mark and family, and those of a mark have no protocol") {
    ServiceToImport service;
    service.endpoint = at("10.0.0.1", 80);
    ServiceToImport other = service;
    CHECK(key_of(service) == key_of(other));
    other.protocol = Protocol::Udp;
    CHECK(key_of(service) != key_of(other));
    other = service;
    other.endpoint = at("10.0.0.1", 81);
    CHECK(key_of(service) != key_of(other));

    ServiceToImport mark;
    mark.fwmark = 7;
    ServiceToImport same = mark;
    same.protocol = Protocol::Udp;
    CHECK(key_of(mark) == key_of(same));
    same.family = Family::V6;
    CHECK(key_of(mark) != key_of(same));
    same = mark;
    same.fwmark = 8;
    CHECK(key_of(mark) != key_of(same));
}

TEST_CASE("a service of all ports needs persistence, unless a mark names it") {
    ServiceToImport service;
    service.endpoint = at("10.0.0.1", 0);
    CHECK(why_not(service) == "all ports go with persistence only");
    service.persistence_timeout = 60;
    CHECK(why_not(service).empty());
    service.persistence_timeout.reset();
    service.endpoint.port = 1;
    CHECK(why_not(service).empty());
    ServiceToImport mark;
    mark.fwmark = 1;
    CHECK(why_not(mark).empty());
}

TEST_CASE("a server that keepalived.conf or the kernel does not have is refused with the reason") {
    struct Row {
        std::string_view address;
        std::uint16_t port;
        Forwarding forwarding;
        std::uint32_t upper, lower;
        std::string_view why;
    };
    const std::string_view family = "a server of the other address family needs a tunnel";
    const std::string_view ports = "only masquerading changes the port, which is 80 at the service";
    const Row rows[] = {
        {"10.0.0.11", 80, Forwarding::DirectRoute, 0, 0, ""},
        {"10.0.0.11", 81, Forwarding::DirectRoute, 0, 0, ports},
        {"10.0.0.11", 81, Forwarding::Tunnel, 0, 0, ports},
        {"10.0.0.11", 81, Forwarding::Nat, 0, 0, ""},
        {"2001:db8::1", 80, Forwarding::DirectRoute, 0, 0, family},
        {"2001:db8::1", 80, Forwarding::Nat, 0, 0, family},
        {"2001:db8::1", 80, Forwarding::Tunnel, 0, 0, ""},
        {"224.0.0.1", 80, Forwarding::DirectRoute, 0, 0, "a multicast address is no server"},
        {"ff02::1", 80, Forwarding::Tunnel, 0, 0, "a multicast address is no server"},
        {"10.0.0.11", 80, Forwarding::DirectRoute, 5, 5, ""},
        {"10.0.0.11", 80, Forwarding::DirectRoute, 5, 6, "the lower threshold is above the upper one"},
        {"10.0.0.12", 80, Forwarding::DirectRoute, 0, 0, "the service has this server already"},
        {"10.0.0.12", 81, Forwarding::Nat, 0, 0, ""},
    };
    ServiceToImport service;
    service.endpoint = at("10.0.0.1", 80);
    service.known.insert(at("10.0.0.12", 80));
    for (const auto& row : rows) {
        CAPTURE(row.address);
        CAPTURE(row.port);
        ServerToImport server;
        server.endpoint = at(row.address, row.port);
        server.forwarding = row.forwarding;
        server.upper_threshold = row.upper;
        server.lower_threshold = row.lower;
        CHECK(why_not(service, server) == row.why);
    }
    ServiceToImport mark;
    mark.fwmark = 7;
    ServerToImport any;
    any.endpoint = at("10.0.0.11", 8080);
    CHECK(why_not(mark, any).empty());
}

TEST_CASE("lines are indented by their braces, and comments by the depth they are given") {
    ImportText out;
    out.lines({"a {", "b {", "c", "}", "}"}, 1);
    out.comments({"d", ""}, 1);
    out.blank();
    out.lines({"e"}, 0);
    CHECK(out.take().text == "    a {\n        b {\n            c\n        }\n    }\n    # d\n    #\n\ne\n");
}

TEST_CASE("losses are told in the order of their lines, and those of one line as they came") {
    ImportText out;
    CHECK(out.lose(9, "a\tb", "why") == "not carried over (line 9): a b: why");
    CHECK(out.lose(3, "", "only a reason") == "not carried over (line 3): only a reason");
    CHECK(out.lose(9, "c", "later") == "not carried over (line 9): c: later");
    CHECK(out.lost() == 3);
    CHECK(out.take().lost == std::vector<ImportProblem>{{3, "only a reason"}, {9, "a b: why"}, {9, "c: later"}});
}

TEST_CASE("a service is written with all that it has, in the order that keepalived.conf knows") {
    ServiceToImport service;
    service.endpoint = at("10.0.0.1", 80);
    service.protocol = Protocol::Sctp;
    service.scheduler = "mh";
    service.scheduler_flags = {"mh-port", "mh-fallback"};
    service.one_packet = true;
    service.persistence_timeout = 60;
    service.persistence_granularity = "255.255.0.0";
    service.persistence_engine = "sip";
    service.comments = {"said of it"};
    service.lines = {"delay_loop 3"};
    ServerToImport server;
    server.endpoint = at("10.0.0.11", 80);
    server.upper_threshold = 20;
    server.lower_threshold = 10;
    server.comments = {"said of the server"};
    server.lines = {"TCP_CHECK {", "}"};
    service.servers = {server, server};
    service.servers[1].forwarding = Forwarding::Nat;
    service.servers[1].upper_threshold = 0;
    service.servers[1].lower_threshold = 1;
    service.servers[1].lines.clear();
    ImportText out;
    out.service(service);

    CHECK(out.take().text == R"(
# said of it
virtual_server 10.0.0.1 80 {
    protocol SCTP
    lb_algo mh
    mh-port
    mh-fallback
    lb_kind DR
    ops
    persistence_timeout 60
    persistence_granularity 255.255.0.0
    persistence_engine sip
    delay_loop 3
    # said of the server
    real_server 10.0.0.11 80 {
        weight 1
        uthreshold 20
        lthreshold 10
        TCP_CHECK {
        }
    }
    # said of the server
    real_server 10.0.0.11 80 {
        weight 1
        lvs_method NAT
        lthreshold 1
    }
}
)");
}

TEST_CASE("a service without a server is a comment, before all else that is said of it") {
    ServiceToImport service;
    service.fwmark = 7;
    service.line = 4;
    service.source = "virtual=7";
    service.comments = {"said of it"};
    ImportText out;
    out.service(service);
    const auto made = out.take();

    CHECK(made.text ==
          "\n# not carried over (line 4): virtual=7: it has no real server, and keepalived.conf has no such service\n"
          "# said of it\n");
    CHECK(made.lost ==
          std::vector<ImportProblem>{{4, "virtual=7: it has no real server, and keepalived.conf has no such service"}});
}
