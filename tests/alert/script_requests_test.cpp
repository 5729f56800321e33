#include "mainstay/alert/script_requests.hpp"

#include <doctest/doctest.h>

#include "mainstay/alert/fifos.hpp"

using namespace mainstay;
using namespace mainstay::alert;

namespace {

using Words = std::vector<std::string>;

bool runs(std::string_view key, std::string_view queue, const Words& extra) {
    const auto arguments = script_arguments(key, queue, extra);
    if (arguments) CHECK(*arguments == extra);
    return arguments.has_value();
}

FifoNames names() {
    FifoNames names;
    names.instances = {"VI_1", "with \"quote\" in it"};
    names.groups = {"G1"};
    names.services = {"[10.0.0.1]:tcp:80", "FWM 1", "[a group]:0"};
    names.known = true;
    return names;
}

std::optional<Errc> refusal(Requester from, std::string_view line) {
    const auto checked = check_fifo_line(from, line, names());
    return checked ? std::nullopt : std::optional{checked.error().code()};
}

constexpr auto kRight = std::optional<Errc>{};
constexpr auto kInvalid = std::optional{Errc::Invalid};
constexpr auto kNotFound = std::optional{Errc::NotFound};

}  // namespace

TEST_CASE("the key of a script says which role may have it run") {
    CHECK(requester_of_script("vrrp_script/chk") == Requester::Vrrp);
    CHECK(requester_of_script("instance/VI_1/any") == Requester::Vrrp);
    CHECK(requester_of_script("group/G1/master") == Requester::Vrrp);
    CHECK(requester_of_script("firewall") == Requester::Vrrp);
    CHECK(requester_of_script("misc_check/[10.0.0.11]:tcp:80 of [10.0.0.1]:tcp:80/0") == Requester::Lvs);
    CHECK(requester_of_script("real_server/[10.0.0.11]:tcp:80 of [10.0.0.1]:tcp:80/up") == Requester::Lvs);
    CHECK(requester_of_script("virtual_server/FWM 1/down") == Requester::Lvs);
    CHECK(requester_of_script("startup_script") == Requester::Supervisor);
    CHECK(requester_of_script("shutdown_script") == Requester::Supervisor);
    CHECK(requester_of_script("fifo/notify_fifo") == Requester::Supervisor);
    CHECK(requester_of_script("anything else") == Requester::Nobody);
}

TEST_CASE("of a generic notify script a role chooses the state and the priority") {
    CHECK(runs("instance/VI_1/any", "instance/VI_1", {"INSTANCE", "VI_1", "MASTER", "150"}));
    CHECK(runs("instance/a/b/any", "instance/a/b", {"INSTANCE", "a/b", "DELETED", "0"}));
    CHECK(runs("group/G1/any", "group/G1", {"GROUP", "G1", "FAULT", "0"}));
    CHECK_FALSE(runs("instance/VI_1/any", "instance/VI_1", {"INSTANCE", "VI_2", "MASTER", "150"}));
    CHECK_FALSE(runs("instance/VI_1/any", "instance/VI_1", {"GROUP", "VI_1", "MASTER", "0"}));
    CHECK_FALSE(runs("instance/VI_1/any", "instance/VI_1", {"INSTANCE", "VI_1", "$(id)", "150"}));
    CHECK_FALSE(runs("instance/VI_1/any", "instance/VI_1", {"INSTANCE", "VI_1", "MASTER", "256"}));
    CHECK_FALSE(runs("instance/VI_1/any", "instance/VI_1", {"INSTANCE", "VI_1", "MASTER", "-1"}));
    CHECK_FALSE(runs("instance/VI_1/any", "instance/VI_1", {"INSTANCE", "VI_1", "MASTER", "0150"}));
    CHECK_FALSE(runs("instance/VI_1/any", "instance/VI_1", {"INSTANCE", "VI_1", "MASTER", ""}));
    CHECK_FALSE(runs("instance/VI_1/any", "instance/VI_1", {"INSTANCE", "VI_1", "MASTER", "150", "more"}));
    CHECK_FALSE(runs("instance/VI_1/any", "instance/VI_1", {}));
    CHECK_FALSE(runs("instance/VI_1/any", "", {"INSTANCE", "VI_1", "MASTER", "150"}));
    CHECK_FALSE(runs("group/G1/any", "group/G1", {"GROUP", "G1", "MASTER", "1"}));
}

TEST_CASE("other scripts get no arguments, and wait in no queue but their own") {
    CHECK(runs("instance/VI_1/master", "instance/VI_1", {}));
    CHECK_FALSE(runs("instance/VI_1/master", "instance/VI_1", {"MASTER"}));
    CHECK_FALSE(runs("instance/VI_1/master", "instance/VI_2", {}));
    CHECK(runs("vrrp_script/chk", "", {}));
    CHECK_FALSE(runs("vrrp_script/chk", "", {"--evil"}));
    CHECK_FALSE(runs("vrrp_script/chk", "queue", {}));
    CHECK(runs("misc_check/[10.0.0.11]:tcp:80 of FWM 1/0", "", {}));
    CHECK_FALSE(runs("misc_check/[10.0.0.11]:tcp:80 of FWM 1/0", "", {"x"}));
    CHECK(runs("real_server/[10.0.0.11]:tcp:80 of FWM 1/up", "real_server/[10.0.0.11]:tcp:80 of FWM 1", {}));
    CHECK(runs("virtual_server/FWM 1/down", "virtual_server/FWM 1", {}));
    CHECK_FALSE(runs("virtual_server/FWM 1/down", "virtual_server/FWM 2", {}));
    CHECK_FALSE(runs("vrrp_script/chk", "vrrp_script", {}));
    // Of former versions, whose roles an upgrade replaces one by one.
    CHECK(runs("real_server/[10.0.0.11]:tcp:80 of FWM 1/up", "service/FWM 1", {}));
    CHECK_FALSE(runs("real_server/[10.0.0.11]:tcp:80 of FWM 1/up", "service/FWM 2", {}));
    CHECK_FALSE(runs("real_server/[10.0.0.11]:tcp:80 of FWM 1/up", "service/FWM 1", {"x"}));
    CHECK(runs("virtual_server/FWM 1/down", "service/FWM 1", {}));
    CHECK_FALSE(runs("virtual_server/FWM 1/down", "instance/VI_1", {}));
    CHECK_FALSE(runs("startup_script", "", {}));
    CHECK_FALSE(runs("fifo/notify_fifo", "", {}));
}

TEST_CASE("what NotifyScripts makes is allowed") {
    config::Config config;
    auto& instance = config.instances.emplace_back();
    instance.name = "a name/with any character";
    const config::Command command{.argv = {"/bin/true"}};
    instance.notify.any = command;
    instance.notify.master = command;
    for (const char* state : {"MASTER", "BACKUP", "FAULT", "STOP", "DELETED"}) {
        const auto calls = NotifyScripts{config}.calls({.kind = Event::Kind::Instance,
                                                        .name = instance.name,
                                                        .transition = transition_from(state).value(),
                                                        .priority = 255});
        REQUIRE_FALSE(calls.empty());
        for (const auto& call : calls) CHECK(runs(call.key, call.queue, call.extra));
    }
}

TEST_CASE("the firewall's command takes what the plan makes, and nothing that loads or runs a program") {
    const auto allowed = [](const Words& words) { return is_firewall_call(words); };
    CHECK(allowed({"rule", "add", "ip6tables", "OUTPUT", "-p", "icmpv6", "--icmpv6-type", "136", "-j", "ACCEPT"}));
    CHECK(allowed({"rule", "del", "iptables", "IN", "-m", "set", "--match-set", "keepalived", "dst", "-j", "DROP"}));
    CHECK(allowed({"rule", "add", "iptables", "OUTPUT", "-p", "igmp", "-m", "set", "--match-set", "x_igmp", "dst,dst",
                   "-j", "DROP"}));
    CHECK(allowed({"rule", "add", "ip6tables", "INPUT", "-d", "fe80::9", "-i", "eth0", "-j", "DROP"}));
    CHECK(allowed({"addresses", "add", "iptables", "INPUT", "-d", "10.9.9.10", "10.9.9.9"}));
    CHECK(allowed({"set", "keepalived", "hash:ip", "inet"}));
    CHECK(allowed({"entries", "add", "keepalived_igmp", "224.0.0.0/4,vrrp.51"}));
    CHECK(allowed({"unset", "keepalived", "keepalived6"}));
    CHECK_FALSE(allowed({}));
    CHECK_FALSE(allowed({"anything"}));
    CHECK_FALSE(allowed({"rule", "add", "/tmp/evil", "OUTPUT", "-p", "igmp", "-j", "DROP"}));
    CHECK_FALSE(allowed({"rule", "add", "iptables", "OUTPUT", "--modprobe=/tmp/evil", "-j", "DROP"}));
    CHECK_FALSE(allowed({"rule", "add", "iptables", "OUTPUT", "--modprobe", "/tmp/evil", "-j", "DROP"}));
    CHECK_FALSE(allowed({"rule", "add", "iptables", "--modprobe=/tmp/evil", "-j", "DROP"}));
    CHECK_FALSE(allowed({"rule", "add", "iptables", "OUTPUT", "-m", "bpf", "-j", "DROP"}));
    CHECK_FALSE(allowed({"rule", "add", "iptables", "OUTPUT", "-j", "REDIRECT"}));
    CHECK_FALSE(allowed({"rule", "add", "iptables", "OUTPUT", "-j"}));
    CHECK_FALSE(allowed({"rule", "run", "iptables", "OUTPUT", "-j", "DROP"}));
    CHECK_FALSE(allowed({"addresses", "add", "sh", "-c", "-s", "id"}));
    CHECK_FALSE(allowed({"addresses", "add", "iptables", "INPUT", "-s", "--modprobe=/tmp/evil"}));
    CHECK_FALSE(allowed({"set", "-file", "hash:ip", "inet"}));
    CHECK_FALSE(allowed({"set", "x", "list:set", "inet"}));
    CHECK_FALSE(allowed({"entries", "add", "x", "-file"}));
    CHECK_FALSE(allowed({"entries", "flush", "x"}));
}

TEST_CASE("a FIFO line is one of the role's own, of a name that is configured") {
    CHECK(refusal(Requester::Vrrp, "INSTANCE \"VI_1\" MASTER 150\n") == kRight);
    CHECK(refusal(Requester::Vrrp, "INSTANCE \"VI_1\" MASTER_RX_LOWER_PRI 150\n") == kRight);
    CHECK(refusal(Requester::Vrrp, "INSTANCE \"with \"quote\" in it\" BACKUP_PRIORITY 1\n") == kRight);
    CHECK(refusal(Requester::Vrrp, "GROUP \"G1\" FAULT 0\n") == kRight);
    CHECK(refusal(Requester::Lvs, "RS [10.0.0.11]:tcp:80 [10.0.0.1]:tcp:80 DOWN\n") == kRight);
    CHECK(refusal(Requester::Lvs, "RS [10.0.0.11]:0 FWM 1 UP\n") == kRight);
    CHECK(refusal(Requester::Lvs, "VS [a group]:0 UP\n") == kRight);

    CHECK(refusal(Requester::Vrrp, "INSTANCE \"VI_2\" MASTER 150\n") == kNotFound);
    CHECK(refusal(Requester::Vrrp, "INSTANCE \"G1\" MASTER 150\n") == kNotFound);
    CHECK(refusal(Requester::Lvs, "VS FWM 2 UP\n") == kNotFound);

    CHECK(refusal(Requester::Vrrp, "VS FWM 1 UP\n") == kInvalid);
    CHECK(refusal(Requester::Lvs, "INSTANCE \"VI_1\" MASTER 150\n") == kInvalid);
    CHECK(refusal(Requester::Supervisor, "VS FWM 1 UP\n") == kInvalid);
    CHECK(refusal(Requester::Vrrp, "INSTANCE \"VI_1\" MASTER 150") == kInvalid);
    CHECK(refusal(Requester::Vrrp, "INSTANCE \"VI_1\" MASTER 150\nINSTANCE \"VI_1\" FAULT 150\n") == kInvalid);
    CHECK(refusal(Requester::Vrrp, "INSTANCE \"VI_1\" MASTER\n 150\n") == kInvalid);
    CHECK(refusal(Requester::Vrrp, std::string_view{"INSTANCE \"VI_1\0\" MASTER 150\n", 28}) == kInvalid);
    CHECK(refusal(Requester::Vrrp, "INSTANCE \"VI_1\" OWNED 150\n") == kInvalid);
    CHECK(refusal(Requester::Vrrp, "GROUP \"G1\" FAULT 1\n") == kInvalid);
    CHECK(refusal(Requester::Vrrp, "INSTANCE \"\n") == kInvalid);
    CHECK(refusal(Requester::Vrrp, "\n") == kInvalid);
    CHECK(refusal(Requester::Vrrp, "") == kInvalid);
    CHECK(refusal(Requester::Vrrp, "INSTANCE \"" + std::string(kFifoLineBytesMax, 'x') + "\" MASTER 150\n") ==
          kInvalid);
}

TEST_CASE("without a list of names every name counts, and a line stays one line") {
    CHECK(check_fifo_line(Requester::Vrrp, "INSTANCE \"VI_9\" MASTER 150\n", {}));
    CHECK_FALSE(check_fifo_line(Requester::Vrrp, "INSTANCE \"VI\n9\" MASTER 150\n", {}));
}
