// The places of ldirectord's virtuals, their servers, and what stands in for these.
#include "import_helper.hpp"

using namespace mainstay;
using namespace mainstay::config;

namespace {

const std::string kVirtual = "virtual=10.0.0.1:80\n\tchecktype=on\n";

std::string head_of(const Imported& made) { return between(made.text, "\nvirtual_server ", "\n    lb_algo"); }
// All that is written of the servers, without the lines that close a block.
Strings servers_of(const Imported& made) {
    const auto at = made.text.find("    real_server ");
    return at == std::string::npos ? Strings{} : lines_of(made.text.substr(at));
}
Imported with_real(const std::string& value) { return from_ldirectord(kVirtual + "\treal=" + value + "\n"); }

}  // namespace

TEST_CASE("a virtual is an address with a port, or a mark") {
    struct Row {
        std::string name, settings, head;
    };
    const Row rows[] = {
        {"virtual=10.0.0.1:80", "", "10.0.0.1 80 {\n    protocol TCP"},
        {"virtual=10.0.0.1:65535", "", "10.0.0.1 65535 {\n    protocol TCP"},
        {"virtual=10.0.0.1:http", "", "10.0.0.1 80 {\n    protocol TCP"},
        {"virtual=10.0.0.1:53", "", "10.0.0.1 53 {\n    protocol UDP"},
        {"virtual=10.0.0.1:domain", "", "10.0.0.1 53 {\n    protocol UDP"},
        {"virtual=10.0.0.1:53", "\tprotocol=tcp\n", "10.0.0.1 53 {\n    protocol TCP"},
        {"virtual=10.0.0.1:80", "\tprotocol=udp\n", "10.0.0.1 80 {\n    protocol UDP"},
        {"virtual=1", "", "fwmark 1 {\n    ip_family inet"},
        {"virtual=4294967295", "", "fwmark 4294967295 {\n    ip_family inet"},
        {"virtual=10.0.0.1:80", "\tscheduler=sh\n", "10.0.0.1 80 {\n    protocol TCP"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto made = from_ldirectord(row.name + "\n\treal=10.0.0.11 masq\n\tchecktype=on\n" + row.settings);
        CHECK(made.lost.empty());
        CHECK(head_of(made) == row.head);
    }
    const auto six = [](const std::string& text) {
        const auto made = from_ldirectord(text);
        CHECK(made.lost.empty());
        return head_of(made);
    };
    CHECK(six("virtual6=[2001:db8::1]:80\n\treal6=[2001:db8::11]:80 masq\n\tchecktype=on\n") ==
          "2001:db8::1 80 {\n    protocol TCP");
    CHECK(six("virtual6=7\n\treal6=[2001:db8::11]:80 masq\n\tchecktype=on\n") == "fwmark 7 {\n    ip_family inet6");
    CHECK(six("virtual=7\n\treal6=[2001:db8::11]:80 masq\n\tchecktype=on\n") == "fwmark 7 {\n    ip_family inet6");
}

TEST_CASE("a virtual that is none says why") {
    const std::string name = "virtual_server takes an address, and the name of a host may change its own";
    struct Row {
        std::string name, why;
    };
    const Row rows[] = {
        {"virtual=0", name},
        {"virtual=4294967296", name},
        {"virtual=web:80", name},
        {"virtual6=[2001:db8::1:80", name},
        {"virtual=10.0.0.1", "it has no port"},
        {"virtual=10.0.0.1:", "it has no port"},
        {"virtual6=[2001:db8::1]", "it has no port"},
        {"virtual=10.0.0.1:65536", "this host knows no port '65536'"},
        {"virtual=10.0.0.1:www", "this host knows no port 'www'"},
        {"virtual=10.0.0.1:80\n\tprotocol=sctp", "its protocol is neither tcp nor udp"},
        {"virtual=10.0.0.1:domain\n\tprotocol=tcp", "this host knows no port 'domain'"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto made = from_ldirectord(row.name + "\n\treal=10.0.0.11:80 masq\n");
        CHECK(made.lost == std::vector<ImportProblem>{{1, row.name.substr(0, row.name.find('\n')) + ": " + row.why}});
        CHECK(made.text.find("#     real=10.0.0.11:80 masq\n") != std::string::npos);
        CHECK(made.text.find("\nvirtual_server") == std::string::npos);
    }
    const auto made = read_ldirectord("virtual=10.0.0.1:http\n\treal=10.0.0.11:80 masq\n", nullptr);
    REQUIRE(made);
    CHECK(made->lost == std::vector<ImportProblem>{{1, "virtual=10.0.0.1:http: this host knows no port 'http'"}});
}

TEST_CASE("one packet is for UDP and marks, and persistence has bounds") {
    struct Row {
        std::string text;
        Strings lines, lost;
    };
    const std::string tcp = "virtual=10.0.0.1:80\n\treal=10.0.0.11:80 masq\n\tchecktype=on\n";
    const std::string udp = tcp + "\tprotocol=udp\n";
    const std::string six = "virtual6=[2001:db8::1]:80\n\treal6=[2001:db8::11]:80 masq\n\tchecktype=on\n";
    const std::string mask = ": a mask as in 255.255.255.0 is needed";
    const std::string prefix = ": a prefix length from 1 to 128 is needed";
    const Row rows[] = {
        {tcp + "\tops=yes\n", {}, {"ops=yes: only UDP has it"}},
        {udp + "\tops=yes\n", {"ops"}, {}},
        {udp + "\tops=no\n", {}, {}},
        {"virtual=7\n\treal=10.0.0.11:80 masq\n\tchecktype=on\n\tops=yes\n", {"ops"}, {}},
        {tcp + "\tpersistent=1\n", {"persistence_timeout 1"}, {}},
        {tcp + "\tpersistent=2678400\n", {"persistence_timeout 2678400"}, {}},
        {tcp + "\tpersistent=0\n", {}, {"persistent=0: a number from 1 to 2678400 is needed"}},
        {tcp + "\tpersistent=2678401\n", {}, {"persistent=2678401: a number from 1 to 2678400 is needed"}},
        {tcp + "\tnetmask=x\n", {}, {}},
        {tcp + "\tpersistent=9\n\tnetmask=255.255.0.0\n",
         {"persistence_timeout 9", "persistence_granularity 255.255.0.0"},
         {}},
        {tcp + "\tpersistent=9\n\tnetmask=24\n", {"persistence_timeout 9"}, {"netmask=24" + mask}},
        {six + "\tpersistent=9\n\tnetmask=1\n", {"persistence_timeout 9", "persistence_granularity 1"}, {}},
        {six + "\tpersistent=9\n\tnetmask=128\n", {"persistence_timeout 9", "persistence_granularity 128"}, {}},
        {six + "\tpersistent=9\n\tnetmask=0\n", {"persistence_timeout 9"}, {"netmask=0" + prefix}},
        {six + "\tpersistent=9\n\tnetmask=129\n", {"persistence_timeout 9"}, {"netmask=129" + prefix}},
        {six + "\tpersistent=9\n\tnetmask=255.255.255.0\n",
         {"persistence_timeout 9"},
         {"netmask=255.255.255.0" + prefix}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        const auto made = from_ldirectord(row.text);
        CHECK(lines_of(between(made.text, "lb_kind NAT\n", "    real_server")) == row.lines);
        CHECK(losses(made) == row.lost);
    }
}

TEST_CASE("a real server has an address, a method and perhaps a weight and thresholds") {
    struct Row {
        std::string value;
        Strings lines, lost;
    };
    const std::string form = "it needs an address, then gate, masq or ipip, and perhaps a weight";
    const std::string address = "real_server takes an address; real_server_dns takes a name";
    const std::string threshold = "its threshold is no number; it has none now";
    const std::string place = "real_server 10.0.0.11 80 {";
    const Row rows[] = {
        {"10.0.0.11:80 masq", {place, "weight 1"}, {}},
        {"10.0.0.11:8080 masq", {"real_server 10.0.0.11 8080 {", "weight 1"}, {}},
        {"10.0.0.11:http masq", {place, "weight 1"}, {}},
        {"10.0.0.11 masq", {"real_server 10.0.0.11 0 {", "weight 1"}, {}},
        {"10.0.0.11 gate", {place, "weight 1"}, {}},
        {"10.0.0.11:80 ipip 2", {place, "weight 2"}, {}},
        {"10.0.0.11:80 gate 2147483647", {place, "weight 2147483647"}, {}},
        {"10.0.0.11:80 gate 2147483648", {}, {"its weight is no number"}},
        {"10.0.0.11:80 gate x", {}, {"its weight is no number"}},
        {"10.0.0.11:80", {}, {form}},
        {"10.0.0.11:80 gate 1 1", {}, {form}},
        {"10.0.0.11:80 route", {}, {form}},
        {"", {}, {form}},
        {"web:80 gate", {}, {address}},
        {"10.0.0.11->web:80 gate", {}, {address}},
        {"web->10.0.0.11:80 gate", {}, {address}},
        {"10.0.0.11:www gate", {}, {"this host knows no port 'www'"}},
        {"10.0.0.11:65536 gate", {}, {"this host knows no port '65536'"}},
        {"10.0.0.11:80 masq \"<u:9>\" \"<l:9>\"", {place, "weight 1", "uthreshold 9", "lthreshold 9"}, {}},
        {"10.0.0.11:80 masq 1\"<l:0>\"\"<u:2147483647>\"", {place, "weight 1", "uthreshold 2147483647"}, {}},
        {"10.0.0.11:80 masq \"<u:9>\" \"<l:10>\"",
         {place, "weight 1", "uthreshold 9"},
         {"its lower threshold is above the upper one; it has none now"}},
        {"10.0.0.11:80 masq \"<l:10>\"",
         {place, "weight 1"},
         {"its lower threshold is above the upper one; it has none now"}},
        {"10.0.0.11:80 masq \"<u:x>\"", {place, "weight 1"}, {threshold}},
        {"10.0.0.11:80 masq \"<u:2147483648>\"", {place, "weight 1"}, {threshold}},
        {"10.0.0.11:80 masq \"<u:9\"", {place, "weight 1"}, {threshold}},
        {"10.0.0.11:80 masq \"a\" \"<u:9>\" \"b\"", {place, "weight 1", "uthreshold 9"}, {}},
        {"10.0.0.11:80 masq \"a\" \"b\" \"c\"",
         {place, "weight 1"},
         {"it has more texts in quotes than a request and a receive"}},
        {"10.0.0.11:80 masq \"a\" \"b\" \"c", {place, "weight 1"}, {}},
    };
    const std::string none =
        kVirtual.substr(0, kVirtual.find('\n')) + ": it has no real server, and keepalived.conf has no such service";
    for (const auto& row : rows) {
        CAPTURE(row.value);
        const auto made = with_real(row.value);
        CHECK(servers_of(made) == row.lines);
        Strings lost;
        if (row.lines.empty()) lost.push_back(none);
        for (const auto& one : row.lost) lost.push_back("real=" + row.value + ": " + one);
        CHECK(losses(made) == lost);
    }
    const auto idle = read_ldirectord(kVirtual + "\treal=10.0.0.11:80 ipip 0\n", port_named);
    REQUIRE(idle);
    CHECK(servers_of(*idle) == Strings{place, "weight 0"});
}

TEST_CASE("a range of addresses is a server for each, up to 256 of them") {
    const auto count = [](const Imported& made) {
        std::size_t n = 0;
        for (auto at = made.text.find("    real_server "); at != std::string::npos;
             at = made.text.find("    real_server ", at + 1))
            ++n;
        return n;
    };
    const auto two = with_real("10.0.0.255->10.0.1.0:80 gate");
    CHECK(servers_of(two) ==
          Strings{"real_server 10.0.0.255 80 {", "weight 1", "real_server 10.0.1.0 80 {", "weight 1"});
    CHECK(count(with_real("10.0.0.11->10.0.0.11:80 gate")) == 1);
    const auto most = with_real("10.0.9.0->10.0.9.255:80 gate");
    CHECK(count(most) == 256);
    CHECK(most.lost.empty());
    const std::string order = "a range goes from a lower to a higher IPv4 address";
    const std::string size = "its range has more than 256 addresses";
    struct Row {
        std::string value, why;
    };
    const Row rows[] = {
        {"10.0.0.0->10.0.1.0:80 gate", size},       {"10.0.0.0->10.0.1.1:80 gate", size},
        {"10.0.0.2->10.0.0.1:80 gate", order},      {"2001:db8::1->[2001:db8::2]:80 gate", order},
        {"10.0.0.1->[2001:db8::2]:80 gate", order}, {"2001:db8::1->10.0.0.1:80 gate", order},
    };
    for (const auto& row : rows) {
        CAPTURE(row.value);
        const auto made = with_real(row.value);
        CHECK(count(made) == 0);
        REQUIRE(made.lost.size() == 2);
        CHECK(made.lost[1] == ImportProblem{3, "real=" + row.value + ": " + row.why});
    }
}

TEST_CASE("only masquerading keeps another port, except behind a mark") {
    const std::string said = "# real=10.0.0.11:81 gate: the kernel keeps port 80; 81 is only checked\n";
    const auto says = [&](const Imported& made) { return made.text.find(said) != std::string::npos; };
    CHECK(says(with_real("10.0.0.11:81 gate")));
    CHECK(with_real("10.0.0.11:80 gate").text.find("the kernel keeps") == std::string::npos);
    CHECK(with_real("10.0.0.11 gate").text.find("the kernel keeps") == std::string::npos);
    CHECK(with_real("10.0.0.11:81 masq").text.find("the kernel keeps") == std::string::npos);
    const auto marked = from_ldirectord("virtual=7\n\tchecktype=on\n\treal=10.0.0.11:81 gate\n");
    CHECK(servers_of(marked) == Strings{"real_server 10.0.0.11 0 {", "weight 1"});
    CHECK(!says(marked));
}

TEST_CASE("behind a mark the first server decides the family") {
    const auto made =
        from_ldirectord("virtual=7\n\tchecktype=on\n\treal=10.0.0.11 masq\n\treal6=[2001:db8::11] masq\n");
    CHECK(head_of(made) == "fwmark 7 {\n    ip_family inet");
    CHECK(losses(made) == Strings{"real6=[2001:db8::11] masq: a server of the other address family needs a tunnel"});
}

TEST_CASE("a server that has failed stays with weight 0, unless quiescent says no") {
    const auto kept = [](const std::string& settings) {
        const auto made = from_ldirectord("virtual=10.0.0.1:80\n\treal=10.0.0.11:80 masq\n" + settings);
        return lines_of(between(made.text, "lb_kind NAT\n", "    real_server"));
    };
    const Strings checked{"delay_loop 10", "alpha", "warmup 0"};
    const Strings quiescent{"delay_loop 10", "alpha", "warmup 0", "inhibit_on_failure"};
    CHECK(kept("\tchecktype=connect\n") == quiescent);
    CHECK(kept("\tchecktype=connect\n\tquiescent=yes\n") == quiescent);
    CHECK(kept("\tchecktype=connect\n\tquiescent=no\n") == checked);
    CHECK(kept("\tchecktype=on\n\tquiescent=yes\n").empty());
}

TEST_CASE("a fallback is the server of last resort") {
    struct Row {
        std::string head, fallback;
        Strings lines, lost;
    };
    const std::string four = "virtual=10.0.0.1:80\n\tchecktype=on\n\treal=10.0.0.11:80 masq\n";
    const std::string six = "virtual6=[2001:db8::1]:80\n\tchecktype=on\n\treal6=[2001:db8::11]:80 masq\n";
    const std::string mark = "virtual=7\n\tchecktype=on\n\treal=10.0.0.11:80 masq\n";
    const std::string form = ": it needs an address, and perhaps gate, masq or ipip";
    const Strings usual{"sorry_server 10.0.0.9 80", "sorry_server_lvs_method DR"};
    const Row rows[] = {
        {four, "fallback=10.0.0.9", usual, {}},
        {four, "fallback=10.0.0.9:80", usual, {}},
        {four, "fallback=10.0.0.9:81", usual, {}},
        {four, "fallback=10.0.0.9:81 gate", usual, {}},
        {four, "fallback=10.0.0.9:81 ipip", {"sorry_server 10.0.0.9 80", "sorry_server_lvs_method TUN"}, {}},
        {four, "fallback=10.0.0.9:81 masq", {"sorry_server 10.0.0.9 81", "sorry_server_lvs_method NAT"}, {}},
        {four, "fallback=10.0.0.9:http masq", {"sorry_server 10.0.0.9 80", "sorry_server_lvs_method NAT"}, {}},
        {four, "fallback=10.0.0.9 masq", {"sorry_server 10.0.0.9 80", "sorry_server_lvs_method NAT"}, {}},
        {mark, "fallback=10.0.0.9:81 gate", {"sorry_server 10.0.0.9 0", "sorry_server_lvs_method DR"}, {}},
        {six, "fallback6=[2001:db8::9]:80", {"sorry_server 2001:db8::9 80", "sorry_server_lvs_method DR"}, {}},
        {six, "fallback=10.0.0.9:80", {}, {}},
        {four, "fallback6=[2001:db8::9]:80", {}, {}},
        {four, "fallback=[2001:db8::9]:80", {}, {"fallback=[2001:db8::9]:80: it is of the other address family"}},
        {four, "fallback=", {}, {"fallback=" + form}},
        {four, "fallback=10.0.0.9 nat", {}, {"fallback=10.0.0.9 nat" + form}},
        {four, "fallback=10.0.0.9 gate 1", {}, {"fallback=10.0.0.9 gate 1" + form}},
        {four, "fallback=web gate", {}, {"fallback=web gate: sorry_server takes an address"}},
        {four, "fallback=10.0.0.9:www", {}, {"fallback=10.0.0.9:www: this host knows no port 'www'"}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.head);
        CAPTURE(row.fallback);
        const auto made = from_ldirectord(row.head + "\t" + row.fallback + "\n");
        CHECK(lines_of(between(made.text, "lb_kind NAT\n", "    real_server")) == row.lines);
        CHECK(losses(made) == row.lost);
        CHECK(lines_of(between(from_ldirectord(row.fallback + "\n" + row.head).text, "lb_kind NAT\n",
                               "    real_server")) == row.lines);
    }
}

TEST_CASE("of a service that is off the fallback is a server as others are") {
    const auto servers = [](const std::string& fallback) {
        return servers_of(
            from_ldirectord("virtual=7\n\tchecktype=off\n\treal=10.0.0.11:80 masq\n\tfallback=" + fallback + "\n"));
    };
    CHECK(servers("10.0.0.9:81 masq") == Strings{"real_server 10.0.0.9 81 {", "weight 1"});
    CHECK(servers("10.0.0.9") == Strings{"real_server 10.0.0.9 0 {", "weight 1"});
}

TEST_CASE("a fallback's command is told when the last server fails and when one returns") {
    struct Row {
        std::string head, command;
        Strings lines;
    };
    const std::string four = "virtual=10.0.0.1:80\n\tchecktype=on\n\treal=10.0.0.11:80 masq\n";
    const Row rows[] = {
        {four,
         "/bin/x",
         {"quorum_down \"/bin/x start 10.0.0.1:80 tcp\" root", "quorum_up \"/bin/x stop 10.0.0.1:80 tcp\" root"}},
        {four + "\tprotocol=udp\n",
         "/bin/x",
         {"quorum_down \"/bin/x start 10.0.0.1:80 udp\" root", "quorum_up \"/bin/x stop 10.0.0.1:80 udp\" root"}},
        {"virtual=7\n\tchecktype=on\n\treal=10.0.0.11:80 masq\n",
         "/bin/x",
         {"quorum_down \"/bin/x start :0 fwm\" root", "quorum_up \"/bin/x stop :0 fwm\" root"}},
        {four, "\"/bin/x y\"", {}},
        {four, "bin/x", {}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.head);
        CAPTURE(row.command);
        const auto made = from_ldirectord(row.head + "\tfallbackcommand=" + row.command + "\n");
        CHECK(lines_of(between(made.text, "lb_kind NAT\n", "    real_server")) == row.lines);
        CHECK(losses(made) == (row.lines.empty() ? Strings{"fallbackcommand=" + row.command +
                                                           ": quorum_down takes the absolute path of a program"}
                                                 : Strings{}));
        CHECK((made.text.find("script_user root") != std::string::npos) == !row.lines.empty());
    }
    const auto with_length = [&](std::size_t length) {
        return from_ldirectord(four + "\tfallbackcommand=/" + std::string(length - 1, 'x') + "\n").lost.size();
    };
    const std::size_t most = 700 - std::string_view{" start 10.0.0.1:80 tcp"}.size();
    CHECK(with_length(most) == 0);
    CHECK(with_length(most + 1) == 1);
}
