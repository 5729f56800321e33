// What a reload does, detail by detail: each change in one setting, and the whole text about it.
#include <doctest/doctest.h>

#include "diff_text.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/role/reader/reload_diff.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

std::string instance(const std::string& lines, const std::string& name = "VI_1", const std::string& vrid = "51") {
    return "vrrp_instance " + name + " {\ninterface eth0\nvirtual_router_id " + vrid + "\n" + lines +
           "virtual_ipaddress {\n10.9.9.9/24\n}\n}\n";
}
const std::string kKeeps = "change instance VI_1\n         it keeps its state, timers and counters\n";
const std::string kNothing = "unchanged: 0 instances, 0 services; IPVS table changes: 0\n";
std::string kept(const std::string& details) { return kKeeps + details + kNothing; }
// The text about an instance whose lines change, without what stands around it.
std::string changed(const std::string& before, const std::string& after) {
    const auto text = text_of(instance(before), instance(after));
    REQUIRE(text.starts_with(kKeeps));
    REQUIRE(text.ends_with(kNothing));
    return text.substr(kKeeps.size(), text.size() - kKeeps.size() - kNothing.size());
}

std::string service(const std::string& lines, const std::string& servers) {
    return "virtual_server 10.9.9.9 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\n" + lines + servers + "}\n";
}
std::string server(const std::string& address, const std::string& lines = "") {
    return "real_server " + address + " 80 {\n" + lines + "}\n";
}
std::string end(const char* services, const char* operations) {
    return std::string{"unchanged: 0 instances, "} + services +
           (std::string_view{services} == "1" ? " service" : " services") + "; IPVS table changes: " + operations +
           "\n";
}

}  // namespace

TEST_CASE("each setting of an instance that changes is reported with both values") {
    CHECK(changed("version 2\n", "version 3\n") == kRefused + "         version 2 -> 3\n");
    CHECK(changed("advert_int 1\n", "advert_int 2\n") == kRefused + "         advert_int 1 -> 2\n");
    CHECK(changed("version 3\nadvert_int 1\n", "version 3\nadvert_int 0.25\n") == "         advert_int 1 -> 0.25\n");
    CHECK(changed("version 3\n", "version 3\nv3_checksum_as_v2\n").starts_with(kRefused));
    CHECK(
        changed("version 3\n", "version 3\nauth_hmac {\nkey 1 \"a secret of thirty-two bytes, 01\"\nactive_key 1\n}\n")
            .starts_with(kRefused));
    CHECK(changed("", "nopreempt\n") == "         nopreempt off -> on\n");
    CHECK(changed("preempt_delay 1.5\n", "preempt_delay 7\n") == "         preempt_delay 1.5 -> 7\n");
    CHECK(changed("priority 9\nstate BACKUP\n", "priority 9\nstate MASTER\n") ==
          "         state BACKUP -> MASTER, which applies only at a start\n");
    CHECK(changed("priority 9\nstate MASTER\n", "priority 9\nstate BACKUP\n") ==
          "         state MASTER -> BACKUP, which applies only at a start\n");
    CHECK(changed("", "down_timer_adverts 5\n") == "         down_timer_adverts 3 -> 5\n");
    CHECK(changed("", "smtp_alert\n") == "         smtp_alert off -> on\n");
    CHECK(changed("", "track_interface {\neth1\n}\n") == "         track_interface eth1 added\n");
    CHECK(changed("", "notify /bin/true\n") == "         notify none -> /bin/true\n");
    CHECK(changed("", "down_timer_adverts 5\nnopreempt\n") ==
          "         nopreempt off -> on\n         down_timer_adverts 3 -> 5\n");
}

TEST_CASE("a secret is only said to have changed, and of a list what comes and goes") {
    const auto with = [](const char* pass) {
        return std::string{"authentication {\nauth_type PASS\nauth_pass "} + pass + "\n}\n";
    };
    CHECK(changed(with("one"), with("two")) == kRefused + "         authentication auth_pass changed\n");
    CHECK(changed(with("one"), "") ==
          kRefused +
              "         worse: authentication auth_pass removed\n         authentication auth_type PASS -> none\n");
    const auto peers = [](const char* list) { return std::string{"unicast_peer {\n"} + list + "}\n"; };
    CHECK(changed(peers("10.0.0.2\n"), peers("10.0.0.2\n10.0.0.3\n")) == "         unicast_peer 10.0.0.3 added\n");
    CHECK(changed(peers("10.0.0.2\n10.0.0.3\n"), peers("10.0.0.2\n")) ==
          "         worse: unicast_peer 10.0.0.3 removed\n");
    const std::string script = "vrrp_script chk {\nscript /bin/true\n}\n";
    CHECK(text_of(script + instance(""), script + instance("track_script {\nchk\n}\n")) ==
          "add    script chk\n" + kept("         track_script chk added\n"));
    CHECK(text_of(script + instance("track_script {\nchk\n}\n"), instance("")) ==
          kKeeps + "         worse: track_script chk removed\nremove script chk\n" + kNothing);
    CHECK(text_of(script + instance("track_script {\nchk\n}\n"),
                  "vrrp_script chk {\nscript /bin/false\n}\n" + instance("track_script {\nchk\n}\n")) ==
          "change script chk\n         script /bin/true -> /bin/false\nunchanged: 1 instance, 0 services; IPVS table "
          "changes: 0\n");
}

TEST_CASE("a sync group is reported by its members, and in its own right") {
    const auto group = [](const char* name, const char* more) {
        return std::string{"vrrp_sync_group "} + name + " {\ngroup {\nVI_1\n}\n" + more + "}\n";
    };
    CHECK(text_of(instance(""), group("G", "") + instance("")) ==
          "add    sync group G\n" + kept("         sync group none -> G\n"));
    CHECK(text_of(group("G", "") + instance(""), instance("")) ==
          "remove sync group G\n" + kept("         sync group G -> none\n"));
    CHECK(text_of(group("G", "") + instance(""), group("G", "smtp_alert\n") + instance(""))
              .starts_with("change sync group G\n"));
    CHECK(text_of(group("G", "") + instance(""), group("H", "") + instance("")) ==
          "add    sync group H\nremove sync group G\n" + kept("         sync group G -> H\n"));
}

TEST_CASE("routes are reported as they are written") {
    const auto routes = [](const char* lines) { return std::string{"virtual_routes {\n"} + lines + "}\n"; };
    CHECK(changed(routes("10.8.0.0/16 via 10.9.9.1\n10.7.0.0/16 dev eth0\n"),
                  routes("10.7.0.0/16 dev eth0\n10.6.0.0/16 via 10.9.9.2 dev eth0\n")) ==
          "remove route 10.8.0.0/16 via 10.9.9.1\n         of VI_1, where it is MASTER\n"
          "add    route 10.6.0.0/16 via 10.9.9.2 dev eth0\n         of VI_1, where it is MASTER\n");
    auto before = config_of(instance("")), after = before;
    after.instances[0].routes = {
        {.destination = "10.5.0.0/16", .via = *IpAddress::parse("10.9.9.3"), .dev = "eth4", .words = {}},
        {.destination = "default", .via = {}, .dev = {}, .words = {}}};
    const auto diff = diff_reload(before, after);
    REQUIRE(diff.changes.size() == 3);
    CHECK(diff.changes[1].name == "10.5.0.0/16 via 10.9.9.3 dev eth4");
    CHECK(diff.changes[2].name == "default");
}

TEST_CASE("excluded addresses and addresses on other interfaces are reported like the others") {
    const auto excluded = [](const char* lines) {
        return std::string{"virtual_ipaddress_excluded {\n"} + lines + "}\n";
    };
    CHECK(text_of(instance(excluded("10.9.9.7/24\n")), instance(excluded("10.9.9.6/24 dev eth1\n"))) ==
          "worse: remove address 10.9.9.7/24 on eth0\n         of VI_1, where it is MASTER\n" +
              kept("add    address 10.9.9.6/24 on eth1\n         of VI_1, where it is MASTER\n"));
}

TEST_CASE("an instance that goes takes its addresses and routes along, and one that comes brings its own") {
    const auto lines =
        "priority 150\nvirtual_ipaddress_excluded {\n10.9.9.8\n}\nvirtual_routes {\n10.8.0.0/16 dev eth0\n}\n";
    CHECK(text_of(instance(lines), "") ==
          "worse: remove instance VI_1\n         it resigns and removes its addresses\n"
          "worse: remove address 10.9.9.9/24 on eth0\n         of VI_1, where it is MASTER\n"
          "worse: remove address 10.9.9.8/32 on eth0\n         of VI_1, where it is MASTER\n"
          "remove route 10.8.0.0/16 dev eth0\n         of VI_1, where it is MASTER\n" +
              kNothing);
    CHECK(text_of("", instance(lines)) ==
          "add    instance VI_1\n"
          "         virtual_router_id 51 on eth0, priority 150: it starts in its initial state\n"
          "add    address 10.9.9.9/24 on eth0\n         of VI_1, where it is MASTER\n"
          "add    address 10.9.9.8/32 on eth0\n         of VI_1, where it is MASTER\n"
          "add    route 10.8.0.0/16 dev eth0\n         of VI_1, where it is MASTER\n" +
              kNothing);
}

TEST_CASE("an instance that becomes another virtual router is reported with the reason") {
    const auto why = [](const std::string& before, const std::string& after) {
        const auto text = text_of(before, after);
        const std::string begin = " replaces it as another virtual router: ";
        const auto at = text.find(begin);
        REQUIRE(at != std::string::npos);
        return text.substr(at + begin.size(), text.find('\n', at) - at - begin.size());
    };
    CHECK(why(instance(""), instance("", "VI_1", "52")) == "virtual_router_id 51 -> 52");
    CHECK(why(instance("use_vmac\n"), instance("")) == "use_vmac on -> off");
    const auto from = [](const char* source) {
        return std::string{"unicast_src_ip "} + source + "\nunicast_peer {\n10.0.0.2\n}\n";
    };
    CHECK(why(instance(from("10.0.0.1")), instance(from("10.0.0.3"))) == "source address modified");
    CHECK(why(instance(""), instance("unicast_peer {\n10.0.0.2\n}\n", "VI_2")) == "addressing multicast -> unicast");
    auto before = config_of(instance("")), after = before;
    after.instances[0].multicast_group = *IpAddress::parse("224.0.0.44");
    CHECK(as_text(diff_reload(before, after)).find("another virtual router: multicast group modified\n") !=
          std::string::npos);
    after.instances[0].multicast_group.reset();
    after.instances[0].family = Family::V6;
    CHECK(as_text(diff_reload(before, after)).find("another virtual router: family modified\n") != std::string::npos);
    // Another name and number: nobody's successor.
    CHECK(text_of(instance(""), instance("", "VI_2", "52")).find("replaces it") == std::string::npos);
}

TEST_CASE("each running instance is matched once") {
    CHECK(text_of(instance("") + instance("", "VI_2", "52"), instance("", "VI_2", "52") + instance("")) ==
          "change settings the order of blocks\nunchanged: 2 instances, 0 services; IPVS table changes: 0\n");
}

TEST_CASE("a service that comes or goes is reported with what happens to its connections") {
    CHECK(
        text_of(service("", server("10.1.1.1")), instance(""))
            .find(
                "remove service TCP 10.9.9.9:80\n         its connections are dropped and its servers are removed\n") !=
        std::string::npos);
    CHECK(text_of("", service("", server("10.1.1.1"))) ==
          "add    service TCP 10.9.9.9:80\nadd    server TCP 10.9.9.9:80 -> 10.1.1.1:80\n" + end("0", "2"));
}

TEST_CASE("a server with clients that stay is said to want draining before, where the kernel drops their packets") {
    const auto removed = [](const std::string& lines, Orphans orphans) {
        const auto before = config_of(service(lines, server("10.1.1.1") + server("10.1.1.2")));
        return as_text(diff_reload(before, config_of(service(lines, server("10.1.1.1"))), orphans));
    };
    const std::string udp = "protocol UDP\n", persistent = "persistence_timeout 50\n";
    const std::string advice =
        "         unless it is drained, what its open connections and UDP clients send is dropped until their entries "
        "expire (expire_nodest_conn is 0); before the reload: mainstayctl server drain 10.1.1.2:80 --wait\n";
    CHECK(removed(udp, Orphans::Dropped) ==
          "worse: remove server UDP 10.9.9.9:80 -> 10.1.1.2:80\n" + advice + end("0", "1"));
    CHECK(removed(persistent, Orphans::Dropped) ==
          "worse: remove server TCP 10.9.9.9:80 -> 10.1.1.2:80\n" + advice + end("0", "1"));
    CHECK(removed(udp, Orphans::Expire) == "worse: remove server UDP 10.9.9.9:80 -> 10.1.1.2:80\n" + end("0", "1"));
    CHECK(removed(udp + "drain_timeout 60\n", Orphans::Dropped) ==
          "worse: remove server UDP 10.9.9.9:80 -> 10.1.1.2:80\n" + end("0", "1"));
    CHECK(removed("", Orphans::Dropped) == "worse: remove server TCP 10.9.9.9:80 -> 10.1.1.2:80\n" + end("0", "1"));
}

TEST_CASE("what changes of a service in the table is reported with both values") {
    const auto one = server("10.1.1.1");
    CHECK(text_of(service("", one), service("persistence_timeout 50\n", one)) ==
          "change service TCP 10.9.9.9:80\n         persistence_timeout none -> 50\n" + end("0", "1"));
    CHECK(text_of(service("persistence_timeout 50\n", one), service("persistence_timeout 60\n", one)) ==
          "change service TCP 10.9.9.9:80\n         persistence_timeout 50 -> 60\n" + end("0", "1"));
    CHECK(text_of(service("lb_algo mh\n", one), service("lb_algo mh\nmh-port\n", one)) ==
          "change service TCP 10.9.9.9:80\n         mh-port off -> on\n" + end("0", "1"));
    CHECK(text_of(service("", server("10.1.1.1", "uthreshold 9\n")),
                  service("", server("10.1.1.1", "uthreshold 10\nlthreshold 4\nlvs_method NAT\n"))) ==
          "change server TCP 10.9.9.9:80 -> 10.1.1.1:80\n         lb_kind DR -> NAT\n"
          "         uthreshold 9 -> 10\n         lthreshold 0 -> 4\n" +
              end("0", "1"));
}

TEST_CASE("what changes of a service beside the table is reported too") {
    const auto one = server("10.1.1.1", "weight 9\n");
    const auto settings = [&](const char* before, const char* after) {
        const auto text = text_of(service(before, one), service(after, one));
        const std::string begin = "change settings TCP 10.9.9.9:80\n         ";
        REQUIRE(text.starts_with(begin));
        return text.substr(begin.size(), text.find('\n', begin.size()) - begin.size());
    };
    CHECK(settings("", "quorum 3\n") == "quorum 1 -> 3");
    CHECK(settings("quorum 3\n", "quorum 3\nhysteresis 2\n") == "hysteresis 0 -> 2");
    CHECK(settings("", "quorum_up /bin/true\n") == "quorum_up none -> /bin/true");
    CHECK(settings("", "quorum_down /bin/true\n") == "quorum_down none -> /bin/true");
    CHECK(settings("", "sorry_server 10.1.1.9 80\n") == "sorry_server none -> 10.1.1.9:80");
    CHECK(settings("", "inhibit_on_failure\n") == "inhibit_on_failure off -> on");
    CHECK(settings("retry 3\n", "retry 4\n") == "retry 3 -> 4");
    CHECK(text_of(service("", one), service("", server("10.1.1.1", "weight 9\nsnmp_name x\n"))) ==
          "change settings TCP 10.9.9.9:80 -> 10.1.1.1:80\n         snmp_name none -> x\n" + end("0", "0"));
    const auto checked = [](const char* lines) {
        return server("10.1.1.1", std::string{"TCP_CHECK {\n"} + lines + "}\n");
    };
    CHECK(text_of(service("", checked("")), service("", checked("retry 4\n"))) ==
          "change checks TCP 10.9.9.9:80 -> 10.1.1.1:80\n"
          "         TCP_CHECK retry 1 -> 4\n"
          "         a check with the same target keeps its result until it runs again\n" +
              end("0", "0"));
}

TEST_CASE("a service of a group is named after it") {
    const auto grouped = [](const char* lines) {
        return std::string{
                   "virtual_server_group G {\n10.9.9.9 80\n}\nvirtual_server group G {\nlb_algo rr\nlb_kind DR\n"
                   "protocol TCP\n"} +
               lines + server("10.1.1.1", "weight 9\n") + "}\n";
    };
    CHECK(text_of(grouped("quorum 2\n"), grouped("quorum 3\n")) ==
          "change settings [G]:0\n         quorum 2 -> 3\n" + end("0", "0"));
    CHECK(text_of(grouped(""), grouped("")) == "no changes\n" + end("1", "0"));
}

TEST_CASE("settings of the daemon are reported by their keywords") {
    const auto with = [](const char* lines) { return std::string{"global_defs {\n"} + lines + "}\n" + instance(""); };
    const std::string rest = "unchanged: 1 instance, 0 services; IPVS table changes: 0\n";
    CHECK(text_of(with("router_id a\n"), with("router_id b\n")) ==
          "change settings global_defs\n         router_id a -> b\n" + rest);
    CHECK(text_of(with("max_auto_priority 3\n"), with("max_auto_priority 4\n")) ==
          "change settings global_defs\n         max_auto_priority 3 -> 4\n" + rest);
    auto before = config_of(instance("")), after = before;
    after.scripts = {{.name = "a", .command = {}}, {.name = "b", .command = {}}};
    before.scripts = {{.name = "b", .command = {}}, {.name = "a", .command = {}}};
    CHECK(as_text(diff_reload(before, after)) == "change settings the order of blocks\n" + rest);
}

TEST_CASE("an instance of the same number but another family and name replaces none") {
    auto before = config_of(instance("")), after = config_of(instance("", "VI_6"));
    after.instances[0].family = Family::V6;
    CHECK(as_text(diff_reload(before, after)).find("replaces it") == std::string::npos);
    before.instances[0].family = Family::V6;
    after.instances[0].virtual_router_id = 52;
    CHECK(as_text(diff_reload(before, after)).find("replaces it") == std::string::npos);
    after.instances[0].virtual_router_id = 51;
    after.instances[0].interface = "eth1";
    CHECK(as_text(diff_reload(before, after))
              .find("VI_6 replaces it as another virtual router: interface eth0 -> "
                    "eth1\n") != std::string::npos);
}

TEST_CASE("each server is looked at for itself, also behind a new one") {
    const auto checked = [](const std::string& address, const char* lines) {
        return server(address, std::string{"TCP_CHECK {\n"} + lines + "}\n");
    };
    const std::string keeps =
        "         TCP_CHECK retry 1 -> 4\n         a check with the same target keeps its result until it runs again\n";
    CHECK(text_of(
              service("", checked("10.1.1.1", "") + checked("10.1.1.2", "")),
              service("", server("10.1.1.3") + checked("10.1.1.1", "retry 4\n") + checked("10.1.1.2", "retry 4\n"))) ==
          "add    server TCP 10.9.9.9:80 -> 10.1.1.3:80\n"
          "change checks TCP 10.9.9.9:80 -> 10.1.1.1:80\n" +
              keeps + "change checks TCP 10.9.9.9:80 -> 10.1.1.2:80\n" + keeps + end("0", "1"));
}

TEST_CASE("scripts that come, change and go at once are all reported, in front of the instances") {
    auto before = config_of("global_defs {\nrouter_id x\n}\n" + instance("")),
         after = config_of("global_defs {\nrouter_id y\n}\n" + instance("nopreempt\n"));
    before.scripts = {{.name = "a", .command = {}}, {.name = "b", .command = {}}, {.name = "c", .command = {}}};
    after.scripts = {{.name = "d", .command = {}}, {.name = "e", .command = {}}, {.name = "c", .command = {}}};
    after.scripts[2].command.argv = {"/bin/true"};
    CHECK(as_text(diff_reload(before, after)) ==
          "change settings global_defs\n         router_id x -> y\nadd    script d\nadd    script e\nchange script c\n "
          "        script none -> /bin/true\nremove script a\n"
          "remove script b\n" +
              kept("         nopreempt off -> on\n"));
}

TEST_CASE("each action has a name in JSON") {
    ReloadDiff diff;
    using Action = ReloadChange::Action;
    diff.changes = {{Action::Keep, "k", "a", {}},
                    {Action::Change, "k", "b", {"d", "e"}},
                    {Action::Add, "k", "c", {}},
                    {Action::Remove, "k", "d", {}}};
    diff.instances_kept = 1, diff.services_kept = 2, diff.ipvs_operations = 3;
    CHECK(as_json(diff).dump() == R"({"changes":[{"action":"keep","kind":"k","name":"a","details":[],"worse":false},)"
                                  R"({"action":"change","kind":"k","name":"b","details":["d","e"],"worse":false},)"
                                  R"({"action":"add","kind":"k","name":"c","details":[],"worse":false},)"
                                  R"({"action":"remove","kind":"k","name":"d","details":[],"worse":false}],)"
                                  R"("instances_unchanged":1,"services_unchanged":2,"ipvs_operations":3})");
}

TEST_CASE("what is lost by a fault is named, whatever form its name has") {
    using config::Lost;
    using Kind = Lost::Kind;
    using Action = ReloadChange::Action;
    const auto running = config_of(service("", server("10.1.1.1") + server("10.1.1.2")) +
                                   "virtual_server fwmark 5 {\nlb_algo rr\nlb_kind DR\n" + server("10.1.1.3") + "}\n");
    const auto lost = [&](const char* kind, const char* name, const Lost& thing, Action action = Action::Remove) {
        ReloadDiff diff;
        diff.changes = {{action, kind, name, {}}};
        const auto names = lost_by_fault(diff, running, {thing});
        return names == std::vector<std::string>{std::string{kind} + " " + name};
    };
    CHECK(lost("instance", "VI_1", {Kind::Instance, "VI_1"}));
    CHECK_FALSE(lost("instance", "VI_1", {Kind::Instance, "VI_2"}));
    CHECK_FALSE(lost("instance", "VI_1", {Kind::Service, "VI_1"}));
    CHECK_FALSE(lost("instance", "VI_1", {Kind::Instance, "VI_1"}, Action::Change));
    CHECK(lost("address", "10.9.9.9/24 on eth0", {Kind::Address, "10.9.9.9/24"}));
    CHECK_FALSE(lost("address", "10.9.9.90/24 on eth0", {Kind::Address, "10.9.9.9"}));
    CHECK(lost("service", "TCP 10.9.9.9:80", {Kind::Service, "10.9.9.9:80"}));
    CHECK(lost("service", "FWM 5 IPv6", {Kind::Service, "FWM 5"}));
    CHECK(lost("service", "FWM 5", {Kind::Service, "FWM 5"}));
    CHECK_FALSE(lost("service", "FWM 50", {Kind::Service, "FWM 5"}));
    CHECK_FALSE(lost("service", "TCP 110.9.9.9:80", {Kind::Service, "10.9.9.9:80"}));
    CHECK(lost("service", "TCP 10.9.9.9:80", {Kind::Service, "group G"}));
    // A service is left out when all its servers are.
    CHECK(lost("service", "TCP 10.9.9.9:80", {Kind::Server, "10.1.1.2:80"}));
    CHECK_FALSE(lost("service", "TCP 10.9.9.9:80", {Kind::Server, "10.1.1.3:80"}));
    CHECK(lost("server", "TCP 10.9.9.9:80 -> 10.1.1.1:80", {Kind::Server, "10.1.1.1:80"}));
    CHECK(lost("server", "TCP 10.9.9.9:80 -> 10.1.1.1:80", {Kind::Server, "10.1.1.1:0"}));
    CHECK_FALSE(lost("server", "TCP 10.9.9.9:80 -> 10.1.1.1:80", {Kind::Server, "10.1.1.1:81"}));
    CHECK_FALSE(lost("server", "TCP 10.9.9.9:80 -> 10.1.1.1:80", {Kind::Server, "10.1.1.11:0"}));
    CHECK_FALSE(lost("route", "10.1.1.1:80", {Kind::Server, "10.1.1.1:80"}));
}
