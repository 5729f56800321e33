// What is said of a slip: place, code, text. One cause gives one message.
#include <doctest/doctest.h>

#include "../samples.hpp"
#include "mainstay/config/diagnostics/codes.hpp"

using namespace mainstay::config;
using namespace mainstay::config::testing;

using Lines = std::vector<std::string>;

TEST_CASE("an out-of-range value names the range, the value and the effect") {
    const Loaded loaded = load_sample(vrrp(5, "    priority 300"));

    REQUIRE(lines_of(loaded) == Lines{"5:14 error MS0201 priority must be 1 to 255, got 300"});
    CHECK(loaded.diagnostics[0].expected == "1 to 255");
    CHECK(loaded.diagnostics[0].effect ==
          "the keyword is ignored (default: 100 (255 when state MASTER and no priority))");
    CHECK(loaded.config.instances[0].priority == 100);
}

TEST_CASE("an unknown keyword names the nearest one") {
    const Loaded loaded = load_sample(vrrp(5, "    prioritty 100"));

    REQUIRE(lines_of(loaded) == Lines{"5:5 error MS0105 unknown keyword 'prioritty' in vrrp_instance"});
    CHECK(loaded.diagnostics[0].fix == "did you mean `priority`?");
    CHECK(load_sample(vrrp(5, "    lb_algo rr")).diagnostics.at(0).fix == "it belongs in virtual_server");
}

TEST_CASE("an unknown value names the nearest one") {
    CHECK(load_sample(lvs(3, "    lb_algo wwr")).diagnostics.at(0).fix == "write `lb_algo wrr`");
    CHECK(load_sample(lvs(4, "    lb_kind dr")).diagnostics.at(0).fix == "write `lb_kind DR`");
    CHECK(load_sample(vrrp(2, "    state slave")).diagnostics.at(0).fix == "write `state BACKUP`");
    CHECK(load_sample(vrrp(12, "        10.9.9.9/255.255.255.0")).diagnostics.at(0).fix == "write 10.9.9.9/24");
    CHECK(load_sample(lvs(6, "    real_server 10.1.1.1:80 {")).diagnostics.at(0).fix ==
          "write `real_server 10.1.1.1 80`: a blank between address and port");
}

TEST_CASE("an unknown block ends the block around it, with one message and what came of it") {
    const Loaded loaded =
        load_sample(vrrp(5, "    foo {\n        state MASTER\n        bar {\n        }\n    }\n    priority 90"));

    CHECK(lines_of(loaded) == Lines{"5:5 error MS0106 unknown keyword 'foo' in vrrp_instance"});
    CHECK(
        loaded.diagnostics.at(0).effect ==
        "this line and its { are ignored: what is in it counts as in vrrp_instance, which its } closes; lost with it: "
        "address 10.9.9.9/24; not shown: 1 message that comes of it (line 1)");
    CHECK(loaded.config.instances.at(0).priority == 255);  // of a MASTER without one
    CHECK(loaded.config.instances[0].initial_master);
}

TEST_CASE("a missing closing brace at the end names the line that opened the block, and the block is used") {
    const Loaded loaded = load_sample(vrrp(14, ""));

    REQUIRE(lines_of(loaded) ==
            Lines{"1:1 error MS0109 vrrp_instance VI_1 is not closed: its } is missing at the end of the file"});
    CHECK(loaded.config.instances.size() == 1);
    CHECK(loaded.can_run());
}

TEST_CASE("a missing closing brace inside is told at the block that it should close, once") {
    const Loaded loaded = load_sample(vrrp(10, ""));

    REQUIRE(lines_of(loaded) == Lines{"7:5 error MS0109 authentication is not closed: its } is missing after line 9"});
    CHECK(loaded.diagnostics[0].fix == "add a line with } after line 9");
}

TEST_CASE("an extra closing brace is passed over") {
    CHECK(lines_of(load_sample(std::string{kVrrp} + "}\n")) == Lines{"15:1 error MS0110 this } has no matching {"});
}

TEST_CASE("a missing opening brace is named, and the lines below are read as the block") {
    const Loaded loaded = load_sample(vrrp(1, "vrrp_instance VI_1"));

    CHECK(lines_of(loaded) == Lines{"1:1 error MS0108 vrrp_instance is not followed by {"});
    CHECK(loaded.config.instances.at(0).virtual_router_id == 51);
}

TEST_CASE("a byte order mark is one message") {
    CHECK(lines_of(load_sample("\xEF\xBB\xBF" + std::string{kVrrp})) ==
          Lines{"1:1 warning MS0100 the file begins with a byte order mark"});
}

TEST_CASE("an unterminated quote is one message, and the line is ignored") {
    const Loaded loaded = load_sample("vrrp_script chk {\n    script \"/bin/true\n    interval 2\n}\n");

    CHECK(lines_of(loaded) == Lines{"2:12 error MS0103 this double quote is not closed"});
}

TEST_CASE("invisible characters are named") {
    CHECK(lines_of(load_sample(vrrp(5, "\xC2\xA0   priority 100"))) ==
          Lines{"5:1 error MS0117 the line begins with a no-break space"});
    const Loaded wide = load_sample(vrrp(5, "    priority 90\xE3\x80\x80"));
    CHECK(lines_of(wide) ==
          Lines{"5:14 error MS0200 priority needs a number, got '90\xE3\x80\x80': '\xE3\x80\x80' follows it"});
    CHECK(wide.diagnostics[0].fix ==
          "there is a full-width space in it, which nobody sees: delete it, or write a plain blank");
    CHECK(wide.config.instances.at(0).priority == 100);  // the default, as with keepalived
}

TEST_CASE("a time with a unit is refused, not read as microseconds") {
    const Loaded loaded = load_sample(lvs(2, "    delay_loop 6s"));

    REQUIRE(lines_of(loaded) == Lines{"2:16 error MS0202 delay_loop takes a plain number, got '6s'"});
    CHECK(loaded.diagnostics[0].fix == "write `delay_loop 6`");
    CHECK(loaded.config.virtual_servers.at(0).delay_loop == std::chrono::seconds{60});
}

TEST_CASE("a // comment is a comment; where keepalived refuses it, that is said") {
    const Loaded loaded = load_sample(vrrp(5, "    // my { priority\n    priority 90 // mine"));

    CHECK(lines_of(loaded) == Lines{"5:5 warning MS0104 // does not begin a comment in keepalived",
                                    "6:17 note MS0104 // does not begin a comment in keepalived; the words are "
                                    "ignored as surplus ones"});
    CHECK(loaded.config.instances.at(0).priority == 90);
}

TEST_CASE("// is not a comment where it is a keyword's own argument") {
    const Loaded loaded = load_sample(vrrp(9, "        auth_pass //11"));

    CHECK(loaded.diagnostics.empty());
    CHECK(loaded.config.instances.at(0).auth_pass == "//11");
}

TEST_CASE("an unknown auth_type sends without authentication, as keepalived does, and names the fix") {
    const Loaded loaded = load_sample(vrrp(8, "        auth_type pass"));

    REQUIRE(lines_of(loaded) == Lines{"8:19 error MS0206 (VI_1) unknown authentication type 'pass'"});
    CHECK(loaded.diagnostics[0].fix ==
          "write `auth_type PASS` on all routers of the pair at the same time, or delete the block");
    CHECK(loaded.config.instances.at(0).auth_type == AuthType::None);
    CHECK(loaded.config.instances[0].auth_pass.empty());
}

TEST_CASE("two keywords on one line lose the second, and that is said") {
    CHECK(lines_of(load_sample(vrrp(5, "    priority 90 advert_int 2"))) ==
          Lines{"5:17 warning MS0114 advert_int is on the line of priority and is ignored"});
}

TEST_CASE("nb_get_retry in TCP_CHECK stays without effect and names its fix") {
    const Loaded loaded = load_sample(lvs(9, "            nb_get_retry 3"));

    REQUIRE(lines_of(loaded) ==
            Lines{"9:13 warning MS0514 TCP_CHECK has no keyword nb_get_retry (it belongs to HTTP_GET and SSL_GET)"});
    CHECK(loaded.diagnostics[0].fix == "write `retry 3`");
    CHECK(loaded.config.virtual_servers.at(0).real_servers.at(0).checkers.at(0).retry == 1);
}

TEST_CASE("what keepalived cannot run, cannot run") {
    CHECK_FALSE(load_sample(vrrp(4, "")).can_run());
    CHECK_FALSE(load_sample(vrrp(3, "")).can_run());
    CHECK_FALSE(load_sample(vrrp(3, "    interface lo")).can_run());
    CHECK_FALSE(load_sample(vrrp(2, "    state")).can_run());
    CHECK(lines_of(load_sample(std::string{kVrrp} + vrrp(1, "vrrp_instance VI_2 {"))) ==
          Lines{"18:23 fatal MS0401 VI_1 and VI_2 both use VRID 51 with IPv4 on interface eth0"});
}

TEST_CASE("a small negative weight is remarked on: it may not be enough to give up the address") {
    const Loaded loaded = load_sample("vrrp_script chk {\nscript \"</dev/null\"\nweight -2\n}\n" +
                                      with_line(vrrp(5, "priority 105"), 6, "track_script {\n    chk\n}"));

    REQUIRE(lines_of(loaded) ==
            Lines{"11:5 note MS0421 (VI_1) when chk fails, the priority falls from 105 to 103 only"});
    CHECK(loaded.exit_code() == 0);
}

TEST_CASE("an interface that is missing is reported, but can be waited for") {
    const Loaded loaded = load_sample(vrrp(3, "    interface eth77"));

    CHECK(lines_of(loaded) == Lines{"3:15 warning MS0403 (VI_1) there is no interface eth77"});
    CHECK(loaded.can_run());
    CHECK(loaded.exit_code() == 5);
}

TEST_CASE("diagnostics come in the order of the file") {
    const Loaded loaded = load_sample(std::string{kVrrp} + lvs(5, "") + "foo\n");
    CHECK(lines_of(loaded) == Lines{"15:16 error MS0501 virtual server [10.9.9.9]:udp:80 has no protocol",
                                    "26:1 error MS0105 unknown keyword 'foo' outside of all blocks"});
}

TEST_CASE("a fatal slip past the limit of diagnostics still counts") {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "foo\n";
    CHECK(load_sample(text + std::string{kVrrp}).can_run());
    CHECK_FALSE(load_sample(text + vrrp(4, "virtual_router_id 0")).can_run());
}

TEST_CASE("of two scripts with one name the first is used") {
    const Loaded loaded =
        load_sample("vrrp_script a {\nscript \"</dev/null\"\n}\nvrrp_script a {\nscript \"/nosuch\"\n}\n" +
                    vrrp(6, "track_script {\na\n}"));
    CHECK(lines_of(loaded) == Lines{"4:13 warning MS0416 vrrp_script a is defined already",
                                    "5:8 error MS0301 vrrp_script a: /nosuch does not exist"});
    CHECK(loaded.config.scripts.at(0).command.argv.at(0) == "</dev/null");
}

TEST_CASE("reporting stops at a limit, and says so") {
    std::string text = "global_defs {\n";
    for (int i = 0; i < 1500; ++i) text += "foo\n";
    const Loaded loaded = load_sample(text + "}\n");

    REQUIRE(loaded.diagnostics.size() == 1001);
    CHECK(loaded.diagnostics.back().message == "500 more diagnostics are not shown");
    CHECK(loaded.exit_code() == 5);
}

TEST_CASE("ten megabytes of braces are a few messages") {
    CHECK(lines_of(load_sample(std::string(10 << 20, '{'))) ==
          Lines{"1:1 error MS0101 the line is longer than 1023 bytes"});
    std::string lines;
    for (int i = 0; i < (5 << 20); ++i) lines += "{\n";
    CHECK(lines_of(load_sample(lines)) ==
          Lines{"1:1 error MS0111 this { does not follow a keyword that opens a block"});
}

TEST_CASE("a BFD instance without a neighbour is named, once") {
    CHECK(
        lines_of(load_sample("bfd_instance up {\n  min_rx 250\n}\n")) ==
        Lines{"1:1 error MS0422 bfd_instance up has no neighbor_ip", "1:14 note MS0308 bfd_instance up is never used"});
    CHECK(load_sample("bfd_instance up {\n  neighbor_ip 10.0.0.1\n}\n").exit_code() == 0);
    CHECK(load_sample("bfd_instance up {\n  neighbour_ip 10.0.0.1\n}\n").diagnostics.size() <= 3);
    CHECK(lines_of(load_sample("bfd_instance up {\n  neighbor_ip 10.0.0\n}\n")).size() == 2);
}

TEST_CASE("a BFD instance of two families, one with another's neighbour, and too many hops are named") {
    const auto about = [](const std::string& text) {
        Lines lines = lines_of(load_sample(text));
        std::erase_if(lines, [](const std::string& line) { return line.contains("MS0308"); });
        return lines;
    };
    const std::string a = "bfd_instance a {\nneighbor_ip 10.0.0.1\n}\n",
                      b = "bfd_instance b {\nneighbour_ip 10.0.0.1\n";

    CHECK(about("bfd_instance a {\nneighbor_ip 10.0.0.1\nsource_ip fd00::1\n}\n") ==
          Lines{"1:1 error MS0212 bfd_instance a: source_ip fd00::1 and neighbor_ip 10.0.0.1 have different address "
                "families"});
    CHECK(about(a + b + "}\n") ==
          Lines{"4:1 error MS0406 bfd_instance b has the neighbor_ip 10.0.0.1 of bfd_instance a"});
    CHECK(about(a + b + "multihop\n}\n").empty());
    // One without source_ip may have the address of the other.
    CHECK(about(a + b + "source_ip 10.0.0.2\n}\n") ==
          Lines{"4:1 error MS0406 bfd_instance b has the neighbor_ip 10.0.0.1 of bfd_instance a"});
    CHECK(about("bfd_instance a {\nsource_ip 10.0.0.3\nneighbor_ip 10.0.0.1\n}\n" + b + "source_ip 10.0.0.2\n}\n")
              .empty());
    CHECK(about("bfd_instance a {\nneighbor_ip fd00::1\nmax_hops 65\n}\n") ==
          Lines{"1:1 warning MS0201 bfd_instance a: max_hops 65 is more than the hoplimit 64 that is sent"});
    CHECK(load_sample("bfd_instance a {\nneighbor_ip fd00::1\nmax_hops 65\n}\n").diagnostics.at(0).effect ==
          "max_hops is 64");
    CHECK(about("bfd_instance a {\nneighbor_ip 10.0.0.1\nmax_hops 255\n}\n").empty());
}

TEST_CASE("in a network namespace that is not there the exit code is 0, and all messages stay") {
    Environment environment = host();
    environment.network_namespace_exists = [](std::string_view name) { return name == "blue"; };
    const auto exit_code = [&](const char* name) {
        return load_text("ha.conf", std::string{"net_namespace "} + name + "\nfoo\n", environment).exit_code();
    };
    CHECK(exit_code("blue") == 5);
    CHECK(exit_code("red") == 0);
    CHECK(load_text("ha.conf", "net_namespace red\nfoo\n", environment).diagnostics.size() == 2);
}

TEST_CASE("what a block lacks because its line was refused is not reported a second time") {
    CHECK(lines_of(load_sample(vrrp(3, "    interfce eth0"))) ==
          Lines{"3:5 fatal MS0105 unknown keyword 'interfce' in vrrp_instance"});
    CHECK(lines_of(load_sample(vrrp(3, "    interface a-name-that-is-too-long"))) ==
          Lines{"3:15 fatal MS0207 interface names have at most 15 characters, got a-name-that-is-too-long"});
    CHECK(lines_of(load_sample(vrrp(9, "        auth_pas 1111"))) ==
          Lines{"9:9 error MS0105 unknown keyword 'auth_pas' in authentication"});
    CHECK(lines_of(load_sample(lvs(3, "    lb_alog rr"))) ==
          Lines{"3:5 error MS0105 unknown keyword 'lb_alog' in virtual_server"});
    CHECK(lines_of(load_sample(lvs(5, "    protcol TCP"))) ==
          Lines{"5:5 error MS0105 unknown keyword 'protcol' in virtual_server"});
    CHECK(lines_of(load_sample(lvs(6, "    real server 10.1.1.1 80 {"))) ==
          Lines{"6:5 error MS0106 unknown keyword 'real' in virtual_server"});
    // It is lacking all the same.
    CHECK_FALSE(load_sample(vrrp(3, "    interfce eth0")).can_run());
}

TEST_CASE("a refused priority is 100 with state MASTER, too: only a missing one makes an address owner") {
    const Loaded loaded = load_sample(with_line(vrrp(5, "    priority LEVEL"), 2, "    state MASTER"));

    CHECK(loaded.config.instances.at(0).priority == 100);
    CHECK(load_sample(with_line(vrrp(5, ""), 2, "    state MASTER")).config.instances.at(0).priority == 255);
}

TEST_CASE("an interface that is missing is one message, with those that need it") {
    const std::string second = with_line(
        with_line(with_line(vrrp(1, "vrrp_instance VI_2 {"), 3, "    interface eth77"), 4, "    virtual_router_id 52"),
        12, "        10.9.9.10/24");
    const Loaded loaded =
        load_sample(with_line(vrrp(3, "    interface eth77"), 12, "        10.9.9.9/24 dev eth77") + second);

    CHECK(lines_of(loaded) == Lines{"3:15 warning MS0403 (VI_1, VI_2) there is no interface eth77"});
    CHECK(loaded.diagnostics[0].effect == "these instances stay in FAULT until it appears; keepalived does not start");
    CHECK(load_sample(vrrp(3, "    interface eth77")).diagnostics[0].effect ==
          "the instance stays in FAULT until it appears; keepalived does not start");
}

TEST_CASE("an alternative name is that of no interface, and the message says which one it is") {
    Environment environment = host();
    environment.interface_called = [](std::string_view name) { return std::string{name == "eth77" ? "" : "eth0"}; };
    const auto load = [&](const char* line) { return load_text("ha.conf", vrrp(3, line), environment); };
    const Loaded loaded = load("    interface uplink0");

    CHECK(lines_of(loaded) == Lines{"3:15 warning MS0403 (VI_1) there is no interface uplink0"});
    CHECK(loaded.exit_code() == 5);
    CHECK(loaded.diagnostics[0].fix == "write eth0: uplink0 is an alternative name of it");
    CHECK(load("    interface eth77").diagnostics[0].fix.starts_with("`ip link` lists"));
}

TEST_CASE("an interface without multicast is one for unicast alone") {
    Environment environment = host();
    environment.multicasts = [](std::string_view name) { return name != "eth0"; };
    const Loaded loaded = load_text("ha.conf", std::string{kVrrp}, environment);
    CHECK(lines_of(loaded) == Lines{"3:15 warning MS0403 (VI_1) eth0 does not support multicast"});
    CHECK(loaded.exit_code() == 5);
    CHECK(loaded.diagnostics[0].effect == "the instance stays in FAULT until it does");
    CHECK(lines_of(load_text("ha.conf", vrrp(6, "unicast_peer {\n10.9.9.3\n}"), environment)).empty());
    environment.multicasts = [](std::string_view) { return false; };
    CHECK(lines_of(load_text("ha.conf", vrrp(3, "    interface lo"), environment)) ==
          Lines{"3:15 fatal MS0404 (VI_1) VRRP cannot run on the loopback interface"});
}

TEST_CASE("the caret of a missing device stands below its name") {
    CHECK(lines_of(load_sample(vrrp(12, "        10.9.9.9/24 dev nosuch0"))) ==
          Lines{"12:25 warning MS0403 (VI_1) there is no interface nosuch0"});
}

TEST_CASE("a script that several lines name is one message, which names the lines") {
    const Loaded loaded =
        load_sample(vrrp(6,
                         "    advert_int 1\n    notify_master /nosuch/a\n    notify_backup /nosuch/b\n"
                         "    notify_fault /nosuch/a\n    notify_stop /nosuch/a"));

    CHECK(lines_of(loaded) == Lines{"7:19 warning MS0301 (VI_1) notify_master: /nosuch/a does not exist",
                                    "8:19 warning MS0301 (VI_1) notify_backup: /nosuch/b does not exist"});
    CHECK(loaded.diagnostics.at(0).fix == "the same applies to line 9, line 10");
}

TEST_CASE("a slip in a definition is one message, however often the definition is used") {
    const Loaded loaded =
        load_sample("$PRIO=high\n" + vrrp(5, "    priority $PRIO") +
                    with_line(with_line(with_line(vrrp(1, "vrrp_instance VI_2 {"), 4, "virtual_router_id 52"), 5,
                                        "    priority $PRIO"),
                              12, "        10.9.9.10/24"));

    CHECK(lines_of(loaded) == Lines{"6:14 error MS0200 priority needs a number, got 'high'"});
    CHECK(loaded.diagnostics.at(0).fix == "$PRIO is defined at ha.conf:1; reported once; occurs once more");
}

TEST_CASE("a slip in a repeated line is one message") {
    const Loaded loaded = load_sample("global_defs {\n~SEQ(N, 1, 300) vrrp_garp_master_dely $N\n}\n");

    CHECK(loaded.diagnostics.size() == 1);
    CHECK(loaded.exit_code() == 5);

    const Loaded inside = load_sample("global_defs {\n~SEQ(N, 8, 9) vrrp_garp_master_dely${N}s 1\n}\n");
    CHECK(inside.diagnostics.size() == 1);
}

TEST_CASE("of scripts without a user to run them, one message says how many there are") {
    const std::string script = "script \"/bin/true\"\n}\n";
    const Loaded loaded = load_sample("global_defs {\nenable_script_security\n}\nvrrp_script a {\n" + script +
                                      "vrrp_script b {\n" + script + vrrp(6, "track_script {\na\nb\n}"));

    CHECK(lines_of(loaded) ==
          Lines{"5:8 error MS0300 vrrp_script a and 1 more have no user, and there is no user keepalived_script"});
}

TEST_CASE("a vrrp_script below the instance that tracks it is one message, at the tracker") {
    const Loaded loaded =
        load_sample(vrrp(6, "track_script {\n    chk\n}") + "vrrp_script chk {\nscript \"</dev/null\"\n}\n");

    CHECK(lines_of(loaded) == Lines{"7:5 error MS0304 (VI_1) there is no vrrp_script chk above this line"});
    CHECK(loaded.diagnostics.at(0).fix == "move the vrrp_script (line 17) above the vrrp_instance");
}

TEST_CASE("lines that follow each other and have one cause are one message") {
    const Loaded prose = load_sample("This is my file.\nIt is for the web.\n" + std::string{kVrrp});
    CHECK(lines_of(prose) == Lines{"1:1 error MS0105 unknown keyword 'This' outside of all blocks"});
    CHECK(prose.diagnostics.at(0).fix == "the same applies to line 2");

    const Loaded headless = load_sample("VI_1 {\n}\nVI_1\nstate MASTER\nadvert_int 1\n");
    CHECK(lines_of(headless) == Lines{"1:1 error MS0106 unknown keyword 'VI_1' outside of all blocks",
                                      "3:1 error MS0105 unknown keyword 'VI_1' outside of all blocks"});
    CHECK(headless.diagnostics.at(1).fix ==
          "state belongs in vrrp_instance: is its first line missing?; the same applies to line 4, line 5");

    const Loaded pasted = load_sample(vrrp(5, "\xC2\xA0priority 90\n\xC2\xA0nopreempt"));
    CHECK(lines_of(pasted) == Lines{"5:1 error MS0117 the line begins with a no-break space"});
    CHECK(pasted.diagnostics.at(0).fix == "replace it with plain blanks; the same applies to line 6");
}

TEST_CASE("a backslash that was to continue a line is one message") {
    const Loaded loaded = load_sample(vrrp(4, "    virtual_router_id\\\n        51"));

    CHECK(lines_of(loaded) ==
          Lines{"4:5 fatal MS0105 'virtual_router_id\\' is not a keyword: a backslash does not continue a line"});
}

TEST_CASE("a definition that was refused takes the blame for its uses") {
    const Loaded loaded = load_sample("$ID = 51\n" + vrrp(4, "virtual_router_id $ID"));

    CHECK(lines_of(loaded) == Lines{"1:1 fatal MS0116 $ID is not defined by this line: there is a blank before the ="});
    CHECK(loaded.diagnostics.at(0).fix == "write `$ID=`");
    CHECK_FALSE(loaded.can_run());
}

TEST_CASE("in a block that is passed over, names that are not defined are not reported") {
    CHECK(lines_of(load_sample(lvs(1, "virtual_server web1 80 {\nvirtualhost ${HOST}"))) ==
          Lines{"1:16 error MS0205 virtual_server needs an IP address, got 'web1'"});
}

TEST_CASE("a value that was taken for a comment is distinguished from one that is missing") {
    CHECK(load_sample(vrrp(5, "    priority #PRIORITY#")).diagnostics.at(0).fix ==
          "# begins a comment: put a value that begins with it in double quotes");
    CHECK(load_sample(vrrp(5, "    priority")).diagnostics.at(0).fix.empty());
}

TEST_CASE("a block that lacks both of its braces is one message") {
    CHECK(lines_of(load_sample(std::string{kVrrp} + "vrrp_sync_group G\n    group {\n    VI_1\n    VI_2\n    }\n")) ==
          Lines{"15:1 error MS0108 vrrp_sync_group is not followed by {",
                "18:5 warning MS0414 sync group G: there is no vrrp_instance VI_2"});
}

TEST_CASE("a tracker with a slip in its name is one message: the script that it means is not called unused as well") {
    const std::string script =
        "global_defs {\n    enable_script_security\n    script_user root\n}\n"
        "vrrp_script chk_haproxy {\n    script \"/bin/true\"\n}\n";

    CHECK(lines_of(load_sample(script + vrrp(5, "track_script {\n chk_haproxi\n}"))) ==
          Lines{"13:2 error MS0304 (VI_1) there is no vrrp_script chk_haproxi above this line"});
    CHECK(lines_of(load_sample(script + vrrp(5, "track_script {\n nginx_alive\n}"))) ==
          Lines{"5:13 warning MS0305 vrrp_script chk_haproxy is never tracked",
                "13:2 error MS0304 (VI_1) there is no vrrp_script nginx_alive above this line"});
}

TEST_CASE("files, processes and BFD sessions are tracked where they are defined, and defined where they are tracked") {
    const std::string defined =
        "track_file load {\n file /etc/hostname\n}\nvrrp_track_process nginx {\n process nginx\n}\n"
        "bfd_instance uplink {\n neighbor_ip 10.0.0.4\n}\n";
    const auto about = [](std::string text) {
        Lines found;
        for (const std::string& line : lines_of(load_sample(std::move(text))))
            if (line.contains("MS03")) found.push_back(line);
        return found;
    };

    CHECK(about(defined + vrrp(5, "track_file {\n load\n}\ntrack_process {\n nginx\n}\ntrack_bfd {\n uplink\n}"))
              .empty());
    CHECK(about(defined + std::string{kVrrp}) == Lines{"1:12 note MS0308 track_file load is never used",
                                                       "4:20 note MS0308 vrrp_track_process nginx is never used",
                                                       "7:14 note MS0308 bfd_instance uplink is never used"});
    CHECK(about(vrrp(5, "track_file {\n load\n}") + "track_file load {\n file /etc/hostname\n}\n") ==
          Lines{"6:2 error MS0307 (VI_1) there is no track_file load above this line"});
    const Loaded slip = load_sample("track_file load {\n file /etc/hostname\n}\n" + vrrp(5, "track_file {\n laod\n}"));
    CHECK(slip.exit_code() == 5);
    CHECK(slip.diagnostics.back().fix == "did you mean `load`?");
    CHECK(about(lvs(8, "FILE_CHECK {\n track_file load\n") + "track_file load {\n file /etc/hostname\n}\n").empty());
}

TEST_CASE("a misspelt virtual_ipaddress does not hide that there is no virtual address") {
    CHECK(lines_of(load_sample(vrrp(11, "    virtual_ipadress {"))) ==
          Lines{"11:5 error MS0106 unknown keyword 'virtual_ipadress' in vrrp_instance"});

    const Loaded v3 = load_sample(vrrp(11, "    version 3\n    virtual_ipadress {"));
    CHECK(lines_of(v3).back() == "12:5 fatal MS0106 unknown keyword 'virtual_ipadress' in vrrp_instance");
    CHECK(v3.diagnostics.back().effect.contains(
        "; line 1: (VI_1) there is no virtual address: this configuration cannot run; not shown: "));
    CHECK_FALSE(v3.can_run());
}

TEST_CASE("keywords that only keepalived's manual knows are refused with the reason, and the right one") {
    const Loaded dumps = load_sample(
        "global_defs {\nstate_file_location /run/a\nstats_file_location /run/b\njson_file_location /run/c\n}\n" +
        std::string{kVrrp});
    CHECK(lines_of(dumps) ==
          Lines{"2:1 warning MS0105 state_file_location is in keepalived's manual only: keepalived rejects it",
                "3:1 warning MS0105 stats_file_location is in keepalived's manual only: keepalived rejects it",
                "4:1 warning MS0105 json_file_location is in keepalived's manual only: keepalived rejects it"});
    CHECK(dumps.diagnostics.at(0).fix == "write `state_dump_file /run/a`");
    CHECK(dumps.diagnostics.at(1).fix == "write `stats_dump_file /run/b`");
    CHECK(dumps.diagnostics.at(2).fix == "write `json_dump_file /run/c`");
    CHECK(dumps.exit_code() == 5);

    const Loaded dynamic = load_sample("track_file F {\nfile /etc/hostname\n}\n" +
                                       lvs(8, "FILE_CHECK {\ntrack_file F\nweight 1\ndynamic\n}\nTCP_CHECK {"));
    CHECK(lines_of(dynamic) ==
          Lines{"14:1 warning MS0105 dynamic is in keepalived's manual only: keepalived rejects it"});
    CHECK(dynamic.diagnostics.at(0).fix ==
          "delete the line: the file's number changes the weight wherever weight is not 0");
    CHECK(dynamic.exit_code() == 5);
}
