// KEEPALIVED-MIB of one director, table by table.
#include <doctest/doctest.h>

#include "../../director.hpp"
#include "../../golden.hpp"
#include "mainstay/vrrp/devices.hpp"
#include "shown.hpp"

using namespace mainstay;
using namespace mainstay::test;
using namespace mainstay::report;

namespace {

std::string instance(const std::string& lines) {
    return "vrrp_instance VI_1 {\nstate BACKUP\ninterface eth0\nvirtual_router_id 51\n" + lines +
           "virtual_ipaddress {\n10.9.9.9\n}\n}\n";
}

struct VrrpScene {
    config::Config config;
    report::VrrpStatus status = director_status();
    report::LvsStatus lvs;
    std::map<std::string, SnmpLink> links{
        {"eth0", {.index = 2, .mac = {}, .addresses = {*IpAddress::parse("192.168.4.200")}}},
        {"eth1", {.index = 3, .mac = {}, .addresses = {*IpAddress::parse("10.0.0.1")}}},
        {"eth2", {.index = 4, .mac = {}, .addresses = {}}},
        {"eth3", {.index = 5, .mac = {}, .addresses = {}}},
        {"eth8", {.index = 6, .mac = {}, .addresses = {}}}};
    explicit VrrpScene(std::string text = kDirector) : config{read(std::move(text))} {}
    [[nodiscard]] SnmpView view() const {
        return snmp_view({.vrrp = true}, {config, status, lvs, links, "mainstay v1", "LVS_9", {}, {}, {}});
    }
    // The rows of one of the vrrp section's tables.
    [[nodiscard]] std::string table(std::uint32_t number) const {
        return rows(view(), kKeepalivedMib + Oid{2, number, 1});
    }
};

}  // namespace

TEST_CASE("a director stands in KEEPALIVED-MIB, table by table") {
    const VrrpScene scene;
    std::string all = scalars(scene.view(), kKeepalivedMib + Oid{1}) + "\n" +
                      scalars(scene.view(), kKeepalivedMib + Oid{1, 3}) + "\n" +
                      rows(scene.view(), kKeepalivedMib + Oid{1, 3, 5, 1});
    for (std::uint32_t table = 1; table < 25; ++table)
        if (const auto text = scene.table(table); !text.empty()) all += std::to_string(table) + "\n" + text;
    CHECK(all == golden("keepalived_mib.txt"));
}

TEST_CASE("the network namespace is that of the command line, else the configuration's") {
    const VrrpScene scene{"net_namespace blue\n" + instance("")};
    const Oid where = kKeepalivedMib + Oid{1, 8, 0};
    SnmpFacts facts{scene.config, scene.status, scene.lvs, scene.links, "mainstay v1", "LVS_9", {}, {}, {}};
    CHECK(snmp_view({.vrrp = true}, facts).at(where) == scene.view().at(where));
    facts.net_namespace = "red";
    CHECK(snmp_view({.vrrp = true}, facts).at(where) != scene.view().at(where));
}

TEST_CASE("without the vrrp role's state each instance has its configured one") {
    VrrpScene scene;
    scene.status = {};
    CHECK(scene.table(3).starts_with("1: 2='VI_1' 3=G51 4=I0 5=I2 6=I0 7=I150 8=I150 9=I2 "));
    CHECK(scene.table(1).starts_with("1: 2='G1' 3=I0 "));
    CHECK(scene.table(9).starts_with("1: 2='chk' 3=''/bin/true' 'a' 'b c'' 4=I3 5=I5 6=I1 "));
    CHECK(scene.table(13) == "1: 2='TF' 3='/run/tf' 4=I0 5=I3 6=I1\n2: 2='TF2' 3='/run/tf2' 4=I0 5=I2 6=I2\n");
    CHECK(scene.table(18) == "1: 2='B1' 3=I0 4=I11 5=I1\n2: 2='B2' 3=I0 4=I0 5=I2\n");
}

TEST_CASE("a script that fails before its first run has a state of its own") {
    VrrpScene scene{"vrrp_script chk {\nscript /bin/true\ninit_fail\n}\n" + instance("track_script {\nchk\n}\n")};
    scene.status = {};
    CHECK(scene.table(9) == "1: 2='chk' 3=''/bin/true'' 4=I1 5=I0 6=I5 7=G1 8=G1 9=I2\n");
}

TEST_CASE("the address of a VIP's peer and its broadcast address are shown") {
    const VrrpScene scene{instance("virtual_ipaddress_excluded {\n10.9.9.8 peer 10.9.9.7 broadcast 10.9.9.255\n}\n")};
    CHECK(scene.table(6) ==
          "1.1: 2=I1 3=x0a090909 4=x00000000 5=G32 6=I14 7=I2 8='eth0' 10=I2 11=I1\n"
          "1.2: 2=I1 3=x0a090908 4=x0a0909ff 5=G32 6=I14 7=I2 8='eth0' 10=I2 11=I2 12=x0a090907\n");
}

TEST_CASE("a broadcast address may be made of the prefix, and an odd scope has no number") {
    const VrrpScene scene{instance(
        "virtual_ipaddress_excluded {\n10.9.9.8/24 brd +\n10.9.9.7/24 brd - scope 7\n10.9.9.6 scope host\n}\n")};
    const auto text = scene.table(6);
    CHECK(text.find("1.2: 2=I1 3=x0a090908 4=x0a0909ff 5=G24 6=I14 ") != std::string::npos);
    CHECK(text.find("1.3: 2=I1 3=x0a090907 4=x0a090900 5=G24 6=I0 ") != std::string::npos);
    CHECK(text.find("1.4: 2=I1 3=x0a090906 4=x00000000 5=G32 6=I1 ") != std::string::npos);
}

TEST_CASE("static addresses stand before those of instances, as of an instance 0") {
    const VrrpScene scene{
        "static_ipaddress {\n192.168.4.200/24 dev eth0 scope link label eth0:s\n2001:db8::1/64 dev eth1\n"
        "10.7.0.0 peer 10.7.0.1 dev eth1 brd -\n}\n" +
        instance("")};
    CHECK(scene.table(6) ==
          "0.1: 2=I1 3=xc0a804c8 4=x00000000 5=G24 6=I2 7=I2 8='eth0' 9='eth0:s' 10=I1 11=I2\n"
          "0.2: 2=I2 3=x20010db8000000000000000000000001 5=G64 6=I14 7=I3 8='eth1' 10=I2 11=I2\n"
          "0.3: 2=I1 3=x0a070000 4=x0a070000 5=G32 6=I14 7=I3 8='eth1' 10=I2 11=I2 12=x0a070001\n"
          "1.1: 2=I1 3=x0a090909 4=x00000000 5=G32 6=I14 7=I2 8='eth0' 10=I2 11=I1\n");
}

TEST_CASE("the interface of an instance with a VMAC is that one, also where its adverts leave from the parent") {
    for (const char* lines : {"use_vmac vm1\n", "use_vmac vm1\nvmac_xmit_base\n"}) {
        VrrpScene scene{instance(lines)};
        scene.config = vrrp::plan_devices(scene.config, {}).config;
        CHECK(scene.table(3).find(" 10='vm1' ") != std::string::npos);
    }
    CHECK(VrrpScene{instance("")}.table(3).find(" 10='eth0' ") != std::string::npos);
}

namespace {

constexpr const char* kTrackers = R"(track_file two {
file /run/two
weight 2
}
track_file one {
file /run/one
}
track_file zero {
file /run/zero
weight 0
}
track_file unused {
file /run/unused
}
vrrp_track_process pinger {
process pinger
weight 3
}
bfd_instance lvs {
neighbor_ip 10.0.0.2
checker
}
bfd_instance heavy {
neighbor_ip 10.0.0.3
weight 4
vrrp
}
bfd_instance light {
neighbor_ip 10.0.0.4
checker
vrrp
}
)";
constexpr const char* kTracked = R"(track_file {
two
one
zero
}
track_process {
pinger
}
track_bfd {
heavy
light
}
)";

}  // namespace

TEST_CASE("what an instance tracks is shown if it acts, and a file if anybody tracks it") {
    const auto tables = [](const std::string& group, const std::string& lines) {
        const VrrpScene scene{kTrackers + group + instance(lines + kTracked)};
        std::string all;
        for (const std::uint32_t table : {12U, 17U, 20U, 13U, 18U})
            for (const auto& line : {scene.table(table)})
                for (std::size_t at = 0; (at = line.find(" 2='", at)) != std::string::npos; ++at)
                    all += line.substr(at + 4, line.find('\'', at + 4) - at - 4) + " ";
        return all;
    };
    // As keepalived 2.2.7.
    const std::string group = "vrrp_sync_group G {\ngroup {\nVI_1\n}\n";
    CHECK(tables("", "") == "two one zero heavy light pinger two one zero heavy light ");
    CHECK(tables("", "priority 255\n") == "zero light pinger zero heavy light ");
    CHECK(tables(group + "}\n", "") == "one zero light pinger one zero heavy light ");
    CHECK(tables(group + "sync_group_tracking_weight\n}\n", "") ==
          "two one zero heavy light pinger two one zero heavy light ");
    CHECK(tables(group + "track_file {\ntwo\n}\n}\n", "priority 255\n") == "zero light pinger two zero heavy light ");
}

TEST_CASE("a script that nobody tracks any more is not shown") {
    const auto scripts = [](const std::string& lines) {
        return VrrpScene{
            "vrrp_script heavy {\nscript /bin/true\nweight 4\n}\nvrrp_script light {\nscript /bin/false\n}\n" +
            instance(lines + "track_script {\nheavy\nlight\n}\n")}
            .table(9);
    };
    CHECK(scripts("").starts_with("1: 2='heavy' "));
    CHECK(scripts("").find("2: 2='light' ") != std::string::npos);
    CHECK(scripts("priority 255\n").starts_with("1: 2='light' "));
}

TEST_CASE("the interface of the connection synchronisation stands at the instance that it follows") {
    // effect: global_defs: lvs_sync_daemon
    const auto columns = [](const std::string& before, const std::string& lines) {
        const auto text = VrrpScene{before + instance(lines)}.table(3);
        const auto at = text.find(" 16=");
        return text.substr(at + 1, text.find(" 19=") - at - 1);
    };
    CHECK(columns("", "") == "16=I2");
    CHECK(columns("global_defs {\nlvs_sync_daemon eth6 VI_1 id 3\n}\n", "") == "16=I1 17='eth6'");
    CHECK(columns("global_defs {\nlvs_sync_daemon eth6 inst VI_1\n}\n", "") == "16=I1 17='eth6'");
    CHECK(columns("global_defs {\nlvs_sync_daemon eth6\n}\n", "") == "16=I2");
    CHECK(columns("", "lvs_sync_daemon_interface eth7\n") == "16=I1 17='eth7'");
}

TEST_CASE("scripts of rare transitions count as scripts, and notify_deleted may come without one") {
    const auto columns = [](const std::string& lines) {
        const auto text = VrrpScene{instance(lines)}.table(3);
        std::string all;
        for (const char* column : {" 21=", " 31=", " 32=", " 33="})
            if (const auto at = text.find(column); at != std::string::npos)
                all += text.substr(at, text.find_first_of(" \n", at + 1) - at);
        return all;
    };
    CHECK(columns("") == " 21=I2 33=I2");
    CHECK(columns("notify_deleted\n") == " 21=I2 33=I1");
    CHECK(columns("notify_deleted /bin/x\n") == " 21=I1 32=''/bin/x'' 33=I1");
    CHECK(columns("notify_master_rx_lower_pri /bin/x\n") == " 21=I1 31=''/bin/x'' 33=I2");
    for (const char* keyword : {"notify", "notify_master", "notify_backup", "notify_fault", "notify_stop"})
        CHECK(columns(std::string{keyword} + " /bin/x\n") == " 21=I1 33=I2");
}

TEST_CASE("an instance of version 3 accepts packets unless its firewall rules refuse them") {
    const auto accept = [](const std::string& lines) {
        const auto text = VrrpScene{instance("version 3\n" + lines)}.table(3);
        return text.substr(text.find(" 27=") + 4, 2);
    };
    CHECK(accept("priority 100\n") == "I1");
    CHECK(accept("priority 100\nno_accept\n") == "I2");
    CHECK(accept("priority 100\nstrict_mode\naccept\n") == "I1");
    CHECK(accept("priority 255\nno_accept\n") == "I1");
}

TEST_CASE("an interface other than its own makes an instance a tracking one") {
    const auto tracks = [](const std::string& interface) {
        config::Config config = read(instance(""));
        config.instances[0].track_interfaces = {{.name = interface}};
        VrrpScene scene{instance("")};
        scene.config = config;
        const auto text = scene.table(3);
        return text.substr(text.find(" 11=") + 4, 2);
    };
    CHECK(tracks("eth0") == "I2");
    CHECK(tracks("eth1") == "I1");
}

TEST_CASE("a group that tracks weights has a column for it") {
    const auto group = [](const std::string& lines) {
        return VrrpScene{"vrrp_sync_group G {\ngroup {\nVI_1\n}\n" + lines + "}\n" + instance("")}.table(1);
    };
    CHECK(group("") == "1: 2='G' 3=I0 4=I2 5=I2 10=I2\n");
    CHECK(group("global_tracking\n") == "1: 2='G' 3=I0 4=I2 5=I2 10=I1\n");
    CHECK(group("notify_backup /bin/b\nnotify_fault /bin/f\nnotify /bin/n\nnotify_stop /bin/s\nsmtp_alert\n") ==
          "1: 2='G' 3=I0 4=I1 5=I1 7=''/bin/b'' 8=''/bin/f'' 9=''/bin/n'' 10=I2 11=''/bin/s''\n");
}

TEST_CASE("the mail server is shown as an address or as a name, and not at all without one") {
    const auto mail = [](const std::string& lines) {
        return scalars(VrrpScene{"global_defs {\n" + lines + "}\n"}.view(), kKeepalivedMib + Oid{1, 3});
    };
    CHECK(mail("") == "1=I0 2='' 3=G0 6=G0 7=I1 8=I3 9=I3 10=I3");
    CHECK(mail("smtp_server mail.example.com\n") == "1=I16 2='mail.example.com' 3=G30 6=G25 7=I1 8=I3 9=I3 10=I3");
    CHECK(mail("smtp_server fe80::1 26\nsmtp_connect_timeout 9\nno_email_faults\nsmtp_alert on\nsmtp_alert_vrrp off\n"
               "smtp_alert_checker on\n") ==
          "1=I2 2=xfe800000000000000000000000000001 3=G9 6=G26 7=I2 8=I1 9=I2 10=I1");
}

TEST_CASE("the daemon's switches are scalars") {
    const auto global = [](const std::string& text) {
        return scalars(VrrpScene{text}.view(), kKeepalivedMib + Oid{1});
    };
    CHECK(global("") == "1='mainstay v1' 2='LVS_9' 4=I2 5=I1 6=I2 7=I1 8='' 9=I2 10=I2 11=I2");
    CHECK(global("linkbeat_use_polling\nnet_namespace red\nglobal_defs {\nenable_traps\nlvs_flush\n"
                 "lvs_flush_on_stop\nenable_dbus\ndynamic_interfaces\n}\n") ==
          "1='mainstay v1' 2='LVS_9' 4=I1 5=I2 6=I1 7=I1 8='red' 9=I1 10=I1 11=I1");
    CHECK(global("global_defs {\nlvs_flush_on_stop VS\n}\n").ends_with(" 11=I3"));
}

TEST_CASE("a process's parameters are matched in one of four ways") {
    const auto process = [](const std::string& lines) {
        const auto text =
            VrrpScene{"vrrp_track_process P {\n" + lines + "}\n" + instance("track_process {\nP\n}\n")}.table(21);
        return text.substr(0, text.find(" 6="));
    };
    CHECK(process("process /bin/x\n") == "1: 2='P' 3='/bin/x' 4='' 5=I0");
    CHECK(process("process /bin/x -a b\n") == "1: 2='P' 3='/bin/x' 4='-a b' 5=I1");
    CHECK(process("process /bin/x -a\nparam_match partial\n") == "1: 2='P' 3='/bin/x' 4='-a' 5=I2");
    CHECK(process("process /bin/x -a\nparam_match initial\n") == "1: 2='P' 3='/bin/x' 4='-a' 5=I3");
}
