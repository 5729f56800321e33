// What an instance's own lines make of each other.
#include <doctest/doctest.h>

#include <algorithm>

#include "../samples.hpp"
#include "mainstay/config/keywords.hpp"

using namespace mainstay::config;
using namespace mainstay::config::testing;

using Lines = std::vector<std::string>;

TEST_CASE("an address that is in the list already is ignored, also where its device is named") {
    const Loaded plain = load_sample(vrrp(12, "10.9.9.9/24\n10.9.9.8/24\n10.9.9.9/24"));
    CHECK(lines_of(plain) == Lines{"14:1 warning MS0406 (VI_1) 10.9.9.9/24 is in the list already"});
    CHECK(plain.config.instances.at(0).addresses.size() == 2);

    const Loaded named = load_sample(vrrp(12, "10.9.9.9/24 dev eth1\n10.9.9.9/24 dev eth0\n10.9.9.9/24 dev eth1"));
    CHECK(lines_of(named) == Lines{"14:1 warning MS0406 (VI_1) 10.9.9.9/24 is in the list already"});
    CHECK(named.config.instances.at(0).addresses.size() == 2);

    // The line before them is refused, so that they move up in the list.
    const Loaded moved = load_sample(vrrp(12, "2001:db8::1/64\n10.9.9.9/24 dev eth1\n10.9.9.9/24 dev eth1"));
    CHECK(moved.config.instances.at(0).addresses.size() == 1);
}

TEST_CASE("hundreds of instances are all there, each with its own lines") {
    std::string text;
    for (int n = 0; n < 1100; ++n)
        text += "vrrp_instance VI_" + std::to_string(n) + " {\ninterface eth0\nvirtual_router_id " +
                std::to_string(n % 255 + 1) + "\nunicast_peer {\n10." + std::to_string(n / 250) + "." +
                std::to_string(n % 250) + ".1\n}\nvirtual_ipaddress {\n10.9." + std::to_string(n / 250) + "." +
                std::to_string(n % 250) + "/32\n}\n}\n";
    const Loaded loaded = load_sample(text);
    REQUIRE(loaded.config.instances.size() == 1100);
    for (int n : {0, 511, 512, 1023, 1024, 1099}) {
        const Instance& instance = loaded.config.instances.at(static_cast<std::size_t>(n));
        CHECK(instance.name == "VI_" + std::to_string(n));
        REQUIRE(instance.addresses.size() == 1);
        CHECK(instance.addresses.at(0).prefix.to_string() ==
              "10.9." + std::to_string(n / 250) + "." + std::to_string(n % 250) + "/32");
    }
}

TEST_CASE("version 2 below lines that make the instance IPv6 is ignored, above the addresses it counts") {
    const std::string head = "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\n";
    const std::string addresses = "virtual_ipaddress {\n2001:db8::1/64\n}\n", version = "version 2\n";
    const auto told = [](const char* at) {
        return Lines{std::string{at} + " error MS0419 (VI_1) version 2 stands below lines that make the instance IPv6"};
    };
    const auto is = [](const Loaded& loaded, int wanted, const Lines& lines) {
        CHECK(lines_of(loaded) == lines);
        CHECK(loaded.config.instances.at(0).version == wanted);
        CHECK(loaded.config.instances.at(0).family == mainstay::Family::V6);
    };
    is(load_sample(head + version + addresses + "}\n"), 2, {});
    is(load_sample(head + addresses + version + "}\n"), 3, told("7:9"));
    is(load_sample(head + "mcast_src_ip fe80::1\n" + version + addresses + "}\n"), 3, told("5:9"));
    is(load_sample(head + "mcast_dst_ip ff02::12\n" + version + addresses + "}\n"), 3, told("5:9"));
    is(load_sample(head + "unicast_peer {\n2001:db8::7\n}\n" + version + addresses + "}\n"), 3, told("7:9"));
    is(load_sample(head + "native_ipv6\n" + version + addresses + "}\n"), 3, told("5:9"));
    is(load_sample(head + version + "native_ipv6\n" + addresses + "}\n"), 3,
       {"4:9 warning MS0419 (VI_1) version 2 has no effect with native_ipv6"});
}

TEST_CASE("native_ipv6 below IPv4 addresses is ignored") {
    for (const std::string above :
         {"virtual_ipaddress {\n10.9.9.9/24\n}\n", "mcast_src_ip 10.9.9.1\nvirtual_ipaddress {\n10.9.9.9/24\n}\n"}) {
        const Loaded loaded =
            load_sample("vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\n" + above + "native_ipv6\n}\n");
        CHECK(lines_of(loaded).size() == 1);
        CHECK(lines_of(loaded).at(0).ends_with("error MS0212 (VI_1) native_ipv6 stands below IPv4 addresses"));
        CHECK(loaded.config.instances.at(0).family == mainstay::Family::V4);
        CHECK(loaded.config.instances.at(0).addresses.size() == 1);
    }
}

TEST_CASE("a line's own reverse or noreverse counts, without one that of its script") {
    struct Row {
        const char* line;
        int weight;
        bool reverse;
    };
    for (const Row& row :
         {Row{"turned", 10, true}, Row{"turned weight 5", 5, true}, Row{"turned weight 5 noreverse", 5, false},
          Row{"turned weight 5 reverse", 5, true}, Row{"plain weight 5", 5, false},
          Row{"plain weight 5 reverse", 5, true}, Row{"plain weight 5 noreverse", 5, false}}) {
        CAPTURE(row.line);
        const std::string tracked = std::string{"track_script {\n"} + row.line + "\n}\n";
        const std::string scripts =
            "vrrp_script turned {\nscript /bin/true\nweight 10 reverse\n}\nvrrp_script plain {\nscript /bin/true\n"
            "weight 10\n}\n";
        const Loaded of_instance = load_sample(scripts + with_line(kVrrp, 14, tracked + "}"));
        const Loaded of_group =
            load_sample(scripts + "vrrp_sync_group G {\ngroup {\nVI_1\n}\n" + tracked + "}\n" + kVrrpFile);
        const auto check = [&](const auto& list) {
            REQUIRE(list.size() == 1);
            CHECK(list.front().weight == row.weight);
            CHECK(list.front().reverse == row.reverse);
        };
        check(of_instance.config.instances.at(0).track_scripts);
        check(of_group.config.sync_groups.at(0).track_scripts);
    }
}

TEST_CASE("what an instance and its group track counts once, as the group says") {
    const std::string lines =
        "track_script {\ns1 weight W\n}\ntrack_interface {\neth1 weight W\n}\ntrack_file {\nF "
        "weight W\n}\ntrack_process {\nP weight W\n}\ntrack_bfd {\nB weight W\n}\n";
    const auto with_weight = [&](const std::string& weight) {
        std::string out;
        for (const char c : lines) out += c == 'W' ? weight : std::string{c};
        return out;
    };
    const std::string defined =
        "global_defs {\nscript_user root\nenable_script_security\n}\nvrrp_script s1 {\nscript /bin/true\n}\ntrack_file "
        "F {\nfile /run/f\n}\nvrrp_track_process P {\nprocess "
        "sh\n}\nbfd_instance B {\nneighbor_ip 10.9.9.3\n}\n";
    for (const std::string extra : {"sync_group_tracking_weight\n", ""}) {
        const Loaded loaded = load_sample(defined + "vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\n" + extra +
                                          with_weight("20") + "}\n" + with_line(kVrrp, 14, with_weight("10") + "}") +
                                          "vrrp_instance VI_2 {\ninterface eth0\nvirtual_router_id "
                                          "52\nvirtual_ipaddress {\n10.9.9.8/24\n}\n}\n");
        const Instance& one = loaded.config.instances.at(0);
        CHECK(one.track_scripts.empty());
        CHECK(one.track_interfaces.empty());
        for (const auto& block : one.more->sections) CHECK(block.sections.empty());
        CHECK(loaded.config.sync_groups.at(0).track_scripts.size() == 1);
        CHECK(loaded.config.sync_groups.at(0).track_scripts.front().weight == 20);
        CHECK(loaded.config.sync_groups.at(0).track_interfaces.front().weight == 20);
        CHECK(loaded.exit_code() == 5);
        if (extra.empty()) continue;  // then it is said as well that members have no weights
        const auto told = lines_of(loaded);
        for (const char* what :
             {"track_script s1", "track_interface eth1", "track_file F", "track_process P", "track_bfd B"})
            CHECK(std::ranges::count_if(told, [&](const std::string& line) {
                      return line.ends_with(std::string{"warning MS0211 (VI_1) "} + what + " is in sync group G too");
                  }) == 1);
        CHECK(told.size() == 5);
    }
}

TEST_CASE("a second list of members is ignored, of a sync group and of a track_group") {
    std::string text =
        "vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\ngroup {\nVI_3\n}\n}\ntrack_group T {\ngroup "
        "{\nVI_1\n}\ngroup {\nVI_2\n}\n}\ntrack_group T {\ngroup {\nVI_3\n}\n}\n";
    for (const char n : {'1', '2', '3'})
        text += std::string{"vrrp_instance VI_"} + n + " {\ninterface eth0\nvirtual_router_id 5" + n +
                "\nvirtual_ipaddress {\n10.9.9." + n + "/24\n}\n}\n";
    const Loaded loaded = load_sample(text);
    CHECK(lines_of(loaded) == Lines{"6:1 error MS0211 sync group G has a second block group",
                                    "14:1 error MS0211 track_group T has a second block group",
                                    "18:13 error MS0416 track_group T is defined already"});
    CHECK(loaded.config.sync_groups.at(0).members.size() == 2);
    CHECK(loaded.config.instances.at(2).sync_group.empty());
    REQUIRE(loaded.config.more->sections.size() == 1);
    REQUIRE(loaded.config.more->sections.front().sections.size() == 1);
    CHECK(loaded.config.more->sections.front().sections.front().values.front().data == KeywordData{WordList{"VI_1"}});
}

TEST_CASE("an interface stays in the first garp_group that names it") {
    const Loaded loaded = load_sample(
        "garp_group {\ngarp_interval 1\ninterface eth0\n}\ngarp_group {\ngarp_interval "
        "2\ninterfaces {\neth1 eth0\n}\n}\n");
    CHECK(lines_of(loaded) == Lines{"5:1 error MS0211 interface eth0 is in a garp_group already"});
}

TEST_CASE("the last one of accept and no_accept counts") {
    for (const bool accepts : {true, false}) {
        const Loaded loaded = load_sample(vrrp(2, accepts ? "no_accept\naccept" : "accept\nno_accept"));
        CHECK(lines_of(loaded).empty());
        const auto& values = loaded.config.instances.at(0).more->values;
        CHECK(is_given(values, keyword::accept) == accepts);
        CHECK(is_given(values, keyword::no_accept) != accepts);
    }
}

TEST_CASE("strict mode takes the state MASTER back before nopreempt is judged") {
    const Loaded loaded = load_sample(
        "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\npriority "
        "150\nstrict_mode\nstate MASTER\nnopreempt\nvirtual_ipaddress {\n10.9.9.9/24\n}\n}\n");
    CHECK(lines_of(loaded) ==
          Lines{"6:7 warning MS0412 (VI_1) in strict mode only an address owner (priority 255) has state MASTER"});
    CHECK(loaded.config.instances.at(0).nopreempt);
    CHECK_FALSE(loaded.config.instances.at(0).initial_master);
}

TEST_CASE("reverse of a tracked interface needs a weight, and the first weight of a line counts") {
    const Loaded loaded = load_sample(vrrp(14, "track_interface {\neth1 reverse\n}\n}"));
    CHECK(lines_of(loaded) == Lines{"15:1 error MS0113 (VI_1) reverse of track_interface eth1 needs a weight"});
    CHECK(loaded.config.instances.at(0).track_interfaces.empty());

    const Loaded twice = load_sample(vrrp(14, "track_interface {\neth1 weight 10 weight 20\n}\n}"));
    CHECK(lines_of(twice) == Lines{"15:23 error MS0211 weight was given before"});
    CHECK(twice.config.instances.at(0).track_interfaces.front().weight == 10);
}

TEST_CASE("an address with a bad broadcast address or two devices is ignored") {
    const Loaded loaded =
        load_sample(vrrp(12, "10.9.9.9/24\n10.9.9.8/24 brd 10.9.9.999\n10.9.9.7/24 dev eth1 dev eth0"));
    CHECK(lines_of(loaded) == Lines{"13:13 error MS0206 broadcast needs an IPv4 address, + or -, got '10.9.9.999'",
                                    "14:22 error MS0211 dev was given before in this line"});
    CHECK(loaded.config.instances.at(0).addresses.size() == 1);
}

TEST_CASE("a bad priority beside a good one leaves the good one, and the message says so") {
    for (const char* lines : {"priority 150\npriority 300", "priority 300\npriority 150"}) {
        const Loaded loaded = load_sample(vrrp(5, lines));
        REQUIRE(loaded.diagnostics.size() == 1);
        CHECK(loaded.diagnostics.front().effect == "the keyword is ignored: priority 150 is used");
        CHECK(loaded.config.instances.at(0).priority == 150);
    }
}

TEST_CASE("the address of use_ipvlan is of the family of the instance") {
    const Loaded loaded = load_sample(vrrp(2, "use_ipvlan 2001:db8::33"));
    REQUIRE(loaded.diagnostics.size() == 1);
    CHECK(lines_of(loaded).front().ends_with(
        "error MS0212 (VI_1) the address 2001:db8::33/128 of use_ipvlan is not of the family of the instance"));
    CHECK(loaded.diagnostics.front().effect == "the instance stays in FAULT");
    CHECK_FALSE(is_given(loaded.config.instances.at(0).more->sections.front().values, keyword::address));
}

TEST_CASE("the first name of a network namespace and of the instance counts") {
    const Loaded loaded = load_sample(
        "net_namespace A\nnet_namespace B\nnet_namespace_ipvs C\nnet_namespace_ipvs "
        "D\ninstance X\ninstance Y\n");
    const auto& values = loaded.config.more->values;
    CHECK(lines_of(loaded) == Lines{"2:15 error MS0211 net_namespace was given before",
                                    "4:20 error MS0211 net_namespace_ipvs was given before",
                                    "6:10 error MS0211 instance was given before"});
    CHECK(first_word(values, keyword::net_namespace) == "A");
    CHECK(first_word(values, keyword::net_namespace_ipvs) == "C");
    CHECK(first_word(values, keyword::instance) == "X");
}
