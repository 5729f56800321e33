// Files whose blocks do not fit together: what keepalived runs of them runs, and what is lost by the fault is named.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "../samples.hpp"

using namespace mainstay;
using namespace mainstay::config;
using namespace mainstay::config::testing;

namespace {

using Lines = std::vector<std::string>;

Lines lost_in(const Loaded& loaded) {
    Lines names;
    for (const Lost& lost : loaded.lost) names.push_back(describe(lost));
    return names;
}

Lines services_of(const Loaded& loaded) {
    Lines names;
    for (const VirtualServer& service : loaded.config.virtual_servers) names.push_back(service.endpoint.to_string());
    return names;
}

std::string service(std::string_view address, std::string_view more = "") {
    return fmt::format(
        "virtual_server {} 80 {{\nprotocol TCP\nlb_algo rr\nlb_kind DR\nreal_server 10.1.1.1 80 {{\nTCP_CHECK {{\n}}\n"
        "}}\n{}}}\n",
        address, more);
}

std::string effects_of(const Loaded& loaded) {
    std::string all;
    for (const Diagnostic& d : loaded.diagnostics) all += d.effect + "\n";
    return all;
}

}  // namespace

TEST_CASE("blocks of the top level run that stand in an unknown one, and the unknown one is named") {
    const Loaded loaded =
        load_sample("group {\n" + service("10.9.9.1") + service("10.9.9.2") + "}\n" + service("10.9.9.3"));

    CHECK(services_of(loaded) == Lines{"10.9.9.1:80", "10.9.9.2:80", "10.9.9.3:80"});
    CHECK(lost_in(loaded) == Lines{});
    REQUIRE(loaded.diagnostics.size() == 1);
    CHECK(lines_of(loaded) == Lines{"1:1 error MS0106 unknown keyword 'group' outside of all blocks"});
    CHECK(loaded.diagnostics[0].effect == "what belongs outside of all blocks is read, as keepalived does");
    CHECK(loaded.exit_code() == 5);

    const Loaded nested =
        load_sample("site {\nrack {\n" + std::string{kVrrp} + "}\nnote here\n}\n" + std::string{kLvs});
    CHECK(nested.config.instances.size() == 1);
    CHECK(nested.config.virtual_servers.size() == 1);
    CHECK(nested.diagnostics.size() == 1);
}

TEST_CASE("an unknown block that is not closed is one error, and what follows runs") {
    const Loaded loaded = load_sample("group {\n" + service("10.9.9.1") + service("10.9.9.2"));

    CHECK(services_of(loaded) == Lines{"10.9.9.1:80", "10.9.9.2:80"});
    CHECK(loaded.exit_code() == 5);
    CHECK(loaded.can_run());
}

TEST_CASE("what a misspelt block holds is read as if it stood outside of all blocks") {
    const Loaded loaded = load_sample(with_line(kVrrp, 1, "vrrp_instnce VI_1 {"));

    CHECK(loaded.config.instances.empty());
    CHECK(lines_of(loaded) == Lines{"1:1 error MS0106 unknown keyword 'vrrp_instnce' outside of all blocks"});
    CHECK(lost_in(loaded) == Lines{"vrrp_instance VI_1", "address 10.9.9.9/24"});
    CHECK(loaded.exit_code() == 5);

    // keepalived (2.2.7) stops at it: exit code 2.
    const Loaded named = load_sample(std::string{kVrrp} + "vrrp_instnce VI_2 {\ntrack_file {\nF\n}\n}\n");
    CHECK(lines_of(named) == Lines{"15:1 fatal MS0106 unknown keyword 'vrrp_instnce' outside of all blocks"});
    CHECK(effects_of(named).contains("; line 16: track_file has no value; keepalived stops here: "));
    CHECK(named.exit_code() == 2);
}

TEST_CASE("each service, instance and address that a missing brace loses is named, and the rest runs") {
    const std::string broken = service("10.9.9.1");
    const Loaded loaded =
        load_sample(broken.substr(0, broken.size() - 2) + service("10.9.9.2") + service("2001:db8::1") +
                    std::string{kVrrp} + "virtual_server fwmark 7 {\nlb_algo rr\n}\n");

    // The main process passes over the rest of the file, and so starts no VRRP process; the checkers' process sees the
    // second service's contents in the first, and passes over the third one, whose families differ.
    CHECK(services_of(loaded) == Lines{"10.9.9.1:80"});
    CHECK(lost_in(loaded) == Lines{"virtual_server 10.9.9.2:80", "vrrp_instance VI_1", "address 10.9.9.9/24"});
    CHECK(effects_of(loaded).contains(
        "lost with it: virtual_server 10.9.9.2:80, vrrp_instance VI_1, address 10.9.9.9/24"));
    CHECK(loaded.can_run());
}

TEST_CASE("an instance without a name that is lost is not named, and its addresses are") {
    const Loaded loaded = load_sample(vrrp(10, "") + with_line(kVrrp, 1, "vrrp_instance {"));
    CHECK(lost_in(loaded) == Lines{"address 10.9.9.9/24", "address 10.9.9.9/24"});
}

TEST_CASE("a missing brace inside an instance loses its addresses, which are named, and the next one runs") {
    const Loaded loaded =
        load_sample(vrrp(10, "") + with_line(with_line(kVrrp, 1, "vrrp_instance VI_2 {"), 12, "10.9.9.8/24"));

    CHECK(lost_in(loaded) == Lines{"address 10.9.9.9/24"});
    CHECK(loaded.config.instances.size() == 2);
}

TEST_CASE("a real server that a missing brace loses is named") {
    const Loaded loaded = load_sample(lvs(10, "") + "");  // of TCP_CHECK
    const Loaded two = load_sample(with_line(lvs(10, ""), 10, "    }\nreal_server 10.1.1.2 80 {\nTCP_CHECK {\n}\n}"));

    CHECK(lost_in(loaded) == Lines{});
    CHECK(lost_in(two) == Lines{"real_server 10.1.1.2:80"});
}

TEST_CASE("a brace too many loses what stands behind it in the block") {
    const Loaded loaded = load_sample(vrrp(10, "    }\n}"));

    CHECK(lost_in(loaded) == Lines{"address 10.9.9.9/24"});
    CHECK(loaded.can_run());
}

TEST_CASE("each process sees its own blocks, whatever the others make of them") {
    const std::string open = service("10.9.9.1").replace(service("10.9.9.1").find(" {"), 2, "");
    const Loaded loaded = load_sample("group g {\n" + open + service("10.9.9.2") + std::string{kVrrp});

    CHECK(services_of(loaded) == Lines{"10.9.9.1:80", "10.9.9.2:80"});
    CHECK(loaded.config.instances.size() == 1);
    CHECK(lost_in(loaded) == Lines{});
    CHECK(lines_of(loaded) == Lines{"1:1 error MS0106 unknown keyword 'group' outside of all blocks",
                                    "2:1 error MS0108 virtual_server is not followed by {"});
}

TEST_CASE("a block of one process that is not closed keeps the others from starting") {
    const Loaded loaded =
        load_sample("vrrp_script check {\nscript \"/bin/true\"\n" + std::string{kVrrp} + std::string{kLvs});

    CHECK(loaded.config.instances.empty());
    CHECK(services_of(loaded) == Lines{});
    CHECK(lost_in(loaded) ==
          Lines{"vrrp_instance VI_1", "address 10.9.9.9/24", "virtual_server 10.9.9.9:80", "real_server 10.1.1.1:80"});
    CHECK(lines_of(loaded) == Lines{"1:1 error MS0109 vrrp_script check is not closed: its } is missing after line 2"});
}

TEST_CASE("a second brace, one behind a value and one alone are passed over, and what follows counts") {
    const auto servers = [](const std::string& text) {
        const Loaded loaded = load_sample(text);
        CHECK(loaded.diagnostics.size() == 1);
        REQUIRE(loaded.config.virtual_servers.size() == 1);
        return loaded.config.virtual_servers[0].real_servers.size();
    };
    CHECK(servers(lvs(1, "virtual_server 10.9.9.9 80 { {")) == 1);
    CHECK(servers(lvs(3, "lb_algo rr {")) == 1);
    CHECK(servers(lvs(5, "{\nprotocol TCP")) == 1);
    CHECK(servers(lvs(6, "real_server 10.1.1.1 80")) == 1);
}

TEST_CASE("a brace too early is the one that is named") {
    const Loaded loaded = load_sample(lvs(7, "weight 1 }"));

    CHECK(lines_of(loaded) ==
          Lines{"7:10 error MS0110 this } closes real_server, but TCP_CHECK follows, which belongs in it"});
    CHECK(loaded.config.virtual_servers.size() == 1);
}

TEST_CASE("a group of virtual servers without its brace stops keepalived") {
    const Loaded loaded = load_sample("virtual_server_group G\n10.9.9.8 80\n}\n" + std::string{kLvs});

    CHECK(lines_of(loaded) == Lines{"1:1 fatal MS0108 virtual_server_group is not followed by {; keepalived stops here",
                                    "1:22 note MS0518 no virtual server uses the group G"});
    CHECK(loaded.exit_code() == 2);
}

TEST_CASE("braces in quotes, comments and definitions are no braces") {
    const Loaded loaded = load_sample(
        "# {\n! }\n$X=vrrp_script s { \\\nscript \"/bin/true {\"\\\n}\nglobal_defs {\nrouter_id \"a}b\" # }\n}\n" +
        std::string{kVrrp} + "$X\n");

    for (const std::string& line : lines_of(loaded)) CHECK_FALSE(line.contains("MS01"));
    CHECK(loaded.config.instances.size() == 1);

    const Loaded repeated = load_sample("~SEQ(n,1,2) vrrp_script s${n} { script \"/bin/true }{\" }\n~SEQ(n,1,2) # {\n" +
                                        vrrp(5, "track_script {\ns1\ns2\n}"));
    for (const std::string& line : lines_of(repeated)) CHECK_FALSE(line.contains("MS01"));
    CHECK(repeated.config.scripts.size() == 2);
}

TEST_CASE("a megabyte of braces is one message") {
    CHECK(lines_of(load_sample(std::string(1000, '{') + "\n" + std::string{kVrrp})).size() == 1);
    std::string lines;
    for (int i = 0; i < 500'000; ++i) lines += "{\n";
    CHECK(lines_of(load_sample(lines)).size() == 1);
}

TEST_CASE("nothing is lost in a file whose blocks fit together, whatever else is wrong with it") {
    CHECK(lost_in(load_sample(std::string{kVrrp} + std::string{kLvs})) == Lines{});
    CHECK(lost_in(load_sample(vrrp(12, "10.9.9.x/24") + lvs(1, "virtual_server 10.9.9.x 80 {"))) == Lines{});
    CHECK(lost_in(load_sample(vrrp(3, "interface nosuch") + lvs(5, "protocl TCP"))) == Lines{});
}

TEST_CASE("a service that is lost is named as it is written, where that is no address and port") {
    const std::string open = service("10.9.9.1").substr(0, service("10.9.9.1").size() - 2);
    const auto named = [&](const std::string& words) {
        return lost_in(load_sample(open + "virtual_server" + words + " {\nlb_algo rr\n}\n"));
    };
    CHECK(named(" 10.9.9.2") == Lines{"virtual_server 10.9.9.2:0"});
    CHECK(named(" 10.9.9.2 65535") == Lines{"virtual_server 10.9.9.2:65535"});
    CHECK(named(" 10.9.9.2 65536") == Lines{"virtual_server 10.9.9.2 65536"});
    CHECK(named(" 10.9.9.2 -1") == Lines{"virtual_server 10.9.9.2 -1"});
    CHECK(named(" 10.9.9.2 http tcp") == Lines{"virtual_server 10.9.9.2 http tcp"});
    CHECK(named(" web.example 80") == Lines{"virtual_server web.example 80"});
    CHECK(named(" group WEB") == Lines{"virtual_server group WEB"});
    CHECK(named(" fwmark") == Lines{"virtual_server fwmark"});
    CHECK(named(" fwmark 9") == Lines{"virtual_server FWM 9"});
    CHECK(named("") == Lines{"virtual_server "});
}
