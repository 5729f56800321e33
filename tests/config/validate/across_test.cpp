// Remarks on what does not fit together. None of them changes the exit code: keepalived says nothing of these.
#include <doctest/doctest.h>

#include <algorithm>

#include "../samples.hpp"
#include "mainstay/config/diagnostics/codes.hpp"

using namespace mainstay::config;
using namespace mainstay::config::testing;

using Lines = std::vector<std::string>;

TEST_CASE("a real server that is its own virtual server is remarked on") {
    const Loaded loaded = load_sample(lvs(6, "    real_server 10.9.9.9 80 {"));

    CHECK(lines_of(loaded) ==
          Lines{"6:17 warning MS0517 real server 10.9.9.9 is the address of its own virtual server"});
    CHECK(loaded.exit_code() == 0);
}

TEST_CASE("a real server that is another virtual address is remarked on") {
    const Loaded loaded = load_sample(
        std::string{kVrrp} + with_line(lvs(1, "virtual_server 10.9.9.8 80 {"), 6, "    real_server 10.9.9.9 80 {"));

    CHECK(lines_of(loaded) == Lines{"20:17 note MS0517 real server 10.9.9.9 is a virtual address of VI_1"});
    CHECK(loaded.exit_code() == 0);
}

TEST_CASE("a real server that is the other director sends a part back, but with NAT or a mark") {
    const auto reported = [](const std::string& kind, const std::string& peer, const std::string& service) {
        return lines_of(
            load_sample("vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n virtual_ipaddress {\n  "
                        "10.9.9.9/24\n }\n unicast_peer {\n  " +
                        peer + "\n }\n}\nvirtual_server " + service + " {\n lb_algo rr\n lb_kind " + kind +
                        "\n real_server 10.9.9.2 80 {\n }\n}\n"));
    };
    const auto warns = [&](const std::string& kind, const std::string& peer,
                           const std::string& service = "10.9.9.9 80") {
        return std::ranges::count(
                   reported(kind, peer, service),
                   "14:14 warning MS0528 real server 10.9.9.2 is the other director (unicast_peer of VI_1)") == 1;
    };
    CHECK(warns("DR", "10.9.9.2"));
    CHECK(warns("TUN", "10.9.9.2"));
    CHECK_FALSE(warns("NAT", "10.9.9.2"));
    CHECK_FALSE(warns("DR", "10.9.9.3"));
    CHECK_FALSE(warns("DR", "10.9.9.2", "fwmark 1"));
}

TEST_CASE("a virtual address without a prefix that lies in no interface's subnet is remarked on") {
    Environment environment = host();
    environment.subnets = [] {
        return std::vector<Environment::Subnet>{{"eth0", mainstay::Prefix::parse("10.9.9.1/24").value()},
                                                {"eth0", mainstay::Prefix::parse("2001:db8::1/64").value()}};
    };
    const auto reported = [&](const char* address) {
        const Loaded loaded = load_text("ha.conf", vrrp(12, address), environment);
        CHECK(loaded.exit_code() == 0);
        return lines_of(loaded);
    };
    CHECK(reported("10.9.9.9") == Lines{});
    CHECK(reported("10.9.8.9/24") == Lines{});
    CHECK(reported("10.9.8.9") == Lines{"12:1 note MS0424 (VI_1) 10.9.8.9 is not in the subnet of any interface"});
    CHECK(reported("10.9.8.9/32") == Lines{"12:1 note MS0424 (VI_1) 10.9.8.9 is not in the subnet of any interface"});
    // Not known without the host.
    CHECK(lines_of(load_sample(vrrp(12, "10.9.8.9"))) == Lines{});
}

TEST_CASE("a virtual address that is all that its interface has on this host is warned of") {
    const auto reported = [&](const std::string& file, std::vector<std::pair<std::string, std::string>> has) {
        Environment environment = host();
        environment.subnets = [&] {
            std::vector<Environment::Subnet> subnets;
            for (const auto& [interface, address] : has)
                subnets.push_back({interface, mainstay::Prefix::parse(address).value()});
            return subnets;
        };
        const Loaded loaded = load_text("ha.conf", file, environment);
        CHECK(loaded.exit_code() == 0);
        return lines_of(loaded);
    };
    const std::string file{kVrrp};
    const Lines warned{"12:9 warning MS0425 (VI_1) 10.9.9.9 is the only address that eth0 has on this host"};
    CHECK(reported(file, {{"eth0", "10.9.9.9/24"}}) == warned);
    CHECK(reported(file, {{"eth0", "10.9.9.9/24"}, {"eth1", "10.9.8.1/24"}, {"eth0", "fe80::1/64"}}) == warned);
    CHECK(reported(vrrp(6, "mcast_src_ip 10.9.9.9"), {{"eth0", "10.9.9.9/24"}}) == warned);
    CHECK(reported(vrrp(13, "    }\n    virtual_ipaddress_excluded {\n        10.9.9.8/24\n    }"),
                   {{"eth0", "10.9.9.8/24"}}) ==
          Lines{"15:9 warning MS0425 (VI_1) 10.9.9.8 is the only address that eth0 has on this host"});
    // Another address stays, it is another interface's, or nothing but virtual addresses was ever there.
    CHECK(reported(file, {{"eth0", "10.9.9.9/24"}, {"eth0", "10.9.9.1/24"}}) == Lines{});
    CHECK(reported(file, {{"eth1", "10.9.9.9/24"}, {"eth0", "10.9.9.1/24"}}) == Lines{});
    CHECK(reported(vrrp(12, "10.9.9.9/24 dev eth1"), {{"eth1", "10.9.9.9/24"}}) == Lines{});
    CHECK(reported(vrrp(6, "mcast_src_ip 10.9.8.1"), {{"eth0", "10.9.9.9/24"}}) == Lines{});
    const std::string ipv6 =
        "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n2001:db8::9/64\n}\n"
        "virtual_ipaddress_excluded {\n10.9.9.8/24\n}\n}\n";
    CHECK(reported(ipv6, {{"eth0", "10.9.9.8/24"}}) == Lines{});
    CHECK(reported(vrrp(6, "use_vmac"), {{"eth0", "10.9.9.9/24"}}) == Lines{});
}

TEST_CASE("groups of virtual servers that are not there, or not used, are remarked on") {
    const Loaded loaded =
        load_sample("virtual_server_group WEB {\n10.9.9.9 80\n}\n" + lvs(1, "virtual_server group WEBB {"));

    Lines reported;
    for (const std::string& line : lines_of(loaded))
        if (line.find("MS0209") == std::string::npos) reported.push_back(line);
    CHECK(reported == Lines{"4:16 warning MS0511 there is no virtual_server_group WEBB"});
    CHECK(loaded.diagnostics.back().effect ==
          "the virtual server is left out; not shown: 1 message that comes of it (line 1)");
    CHECK(loaded.diagnostics.back().fix == "did you mean `WEB`?");
    CHECK(load_sample(lvs(1, "virtual_server group WEBB {")).diagnostics.back().fix.empty());
    CHECK(loaded.exit_code() == 0);
}

namespace {

// Two instances with one virtual_router_id, each with these lines more.
Lines pair_says(std::string_view first, std::string_view second) {
    return lines_of(load_sample(vrrp(6, std::string{"advert_int 1\n"} + std::string{first}) +
                                with_line(with_line(vrrp(1, "vrrp_instance VI_2 {"), 12, "10.9.9.8/24"), 6,
                                          std::string{"advert_int 1\n"} + std::string{second})));
}
std::string without_not_yet(const Lines& lines) {
    std::string out;
    for (const std::string& line : lines)
        if (line.find("MS0209") == std::string::npos)
            out += (out.empty() ? "" : "\n") + line.substr(line.find(' ') + 1);
    return out;
}

}  // namespace

TEST_CASE("two instances with one virtual_router_id cannot share an interface and family, with VMACs or without") {
    const char* conflict = "fatal MS0401 VI_1 and VI_2 both use VRID 51 with IPv4 on interface eth0";
    CHECK(without_not_yet(pair_says("", "")) == conflict);
    CHECK(without_not_yet(pair_says("use_vmac", "use_vmac")) == conflict);
    CHECK(without_not_yet(pair_says("use_vmac", "")) == conflict);
    CHECK(without_not_yet(pair_says("interface eth1", "")).empty());
    CHECK(without_not_yet(pair_says("mcast_dst_ip 224.0.0.77", "")).empty());
    CHECK(without_not_yet(pair_says("unicast_peer {\n10.0.0.2\n}", "")).empty());
}

TEST_CASE("unicast instances share a virtual_router_id as long as no peer is in both lists") {
    const char* one = "unicast_src_ip 10.0.0.1\nunicast_peer {\n10.0.0.2\n10.0.0.3\n}";
    CHECK(without_not_yet(pair_says(one, "unicast_src_ip 10.0.0.1\nunicast_peer {\n10.0.0.3\n}")) ==
          "fatal MS0401 VI_1 and VI_2 both use VRID 51 with IPv4 on 10.0.0.1 with peer 10.0.0.3");
    CHECK(without_not_yet(pair_says(one, "unicast_src_ip 10.0.0.1\nunicast_peer {\n10.0.0.4\n}")).empty());
    CHECK(without_not_yet(pair_says(one, "unicast_src_ip 10.0.0.7\nunicast_peer {\n10.0.0.3\n}")).empty());
    CHECK(without_not_yet(pair_says("unicast_peer {\n10.0.0.2\n}", "unicast_peer {\n10.0.0.2\n}")) ==
          "fatal MS0401 VI_1 and VI_2 both use VRID 51 with IPv4 on eth0 with peer 10.0.0.2");
}

TEST_CASE("two VMACs cannot have one name") {
    const auto reported = pair_says("use_vmac vrrp.web", "interface eth1\nuse_vmac vrrp.web");
    CHECK(without_not_yet(reported) == "error MS0416 (VI_2) the name vrrp.web is already used by the VMAC of VI_1");
}

TEST_CASE("a quorum above the weights, and a hysteresis that is not below the quorum, are named where they stand") {
    CHECK(lines_of(load_sample(lvs(5, "    protocol TCP\n    quorum 5"))) ==
          Lines{"6:12 warning MS0507 virtual server [10.9.9.9]:tcp:80: quorum 5 is above the sum of weights, 1"});
    CHECK(lines_of(load_sample(
              with_line(lvs(5, "    protocol TCP\n    quorum 2\n    hysteresis 2"), 9, "        weight 3"))) ==
          Lines{"7:16 error MS0508 virtual server [10.9.9.9]:tcp:80: hysteresis 2 is not below quorum 2"});
    CHECK(lines_of(load_sample(with_line(lvs(5, "    protocol TCP\n    quorum 2\n    hysteresis 1"), 9,
                                         "        weight 3"))) == Lines{});
}

TEST_CASE("a vrrp_script that nobody tracks is named, and raises the exit code") {
    const Loaded loaded = load_sample("vrrp_script idle {\nscript \"</dev/null\"\n}\n" + std::string{kVrrp});

    CHECK(lines_of(loaded) == Lines{"1:13 warning MS0305 vrrp_script idle is never tracked"});
    CHECK(loaded.exit_code() == 5);
}

TEST_CASE("a script that its user cannot execute names the fix") {
    const Loaded loaded = load_sample(
        "global_defs {\nenable_script_security\nscript_user root\n}\n"
        "vrrp_script chk {\nscript \"/bin/plain\"\n}\n" +
        vrrp(6, "track_script {\nchk\n}"));

    CHECK(lines_of(loaded) ==
          Lines{"6:8 error MS0301 vrrp_script chk: /bin/plain is not executable for the user that runs it"});
    CHECK(loaded.diagnostics.at(0).fix == "chmod a+x /bin/plain");
}

TEST_CASE("an interface that a garp_group names and that is not there is named") {
    CHECK(without_not_yet(lines_of(load_sample("garp_group {\ninterface nosuch0\ngarp_interval 1\n}\n" +
                                               std::string{kVrrp}))) == "warning MS0403 there is no interface nosuch0");
}

TEST_CASE("what holds for each address of a sequence is said once, also where its digits are letters") {
    Environment environment = host();
    environment.subnets = [] {
        return std::vector<Environment::Subnet>{{"eth1", *mainstay::Prefix::parse("10.9.9.0/24")}};
    };
    const auto reported = [&](std::string_view line) {
        const Loaded loaded = load_text("ha.conf", with_line(vrrp(8, "auth_type PASS"), 12, line), environment);
        return std::ranges::count(loaded.diagnostics, 424, &Diagnostic::code);  // no interface has its subnet
    };

    CHECK(reported("~SEQx(n,1,20) 2001:db8:77::$n") == 1);
    CHECK(reported("~SEQx(n,1,20) 2001:db8:${n}::1") == 1);
    CHECK(reported("~SEQ(n,1,20) 10.77.0.$n") == 1);
}

TEST_CASE(
    "a file's weight counts in a sync group only where the group allows it: one of 1 becomes 0, another is dropped") {
    const auto effects = [](const std::string& weight) {
        Lines found;
        const Loaded loaded = load_sample("track_file f {\nfile /run/f\n}\nvrrp_sync_group G {\ngroup {\nVI_1\n}\n}\n" +
                                          vrrp(5, "    priority 100\n    track_file {\n    f" + weight + "\n    }"));
        for (const auto& diagnostic : loaded.diagnostics)
            if (diagnostic.code == static_cast<int>(Code::TrackerWeight)) found.push_back(diagnostic.effect);
        return found;
    };
    CHECK(effects("") == Lines{"it is tracked with weight 0"});
    CHECK(effects(" weight 1") == Lines{"it is tracked with weight 0"});
    CHECK(effects(" weight 5") == Lines{"it is not tracked"});
    CHECK(effects(" weight 0").empty());
}
