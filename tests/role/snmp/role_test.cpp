// SNMP's process between a supervisor and a master agent, both of which the test is.
#include "../../needs.hpp"
#include "snmp_bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using Strings = std::vector<std::string>;

// Each of them runs the whole process, which takes its account and its limits.
TEST_SUITE_BEGIN("snmp process" * mainstay::test::kNeedsRoot);

TEST_CASE("each part registers its subtree, and is read value by value") {
    Bench b;
    b.start(file(kAll));
    CHECK(b.master.roots == Strings{"1.3.6.1.4.1.9586.100.5", "1.3.6.1.2.1.68", "1.3.6.1.2.1.207"});
    CHECK(b.logged("SNMP: connected to the AgentX master"));
    CHECK(b.column(2) == "'VI_1'");
    CHECK(b.column(3) == "G51");
    CHECK(b.column(4) == "I0");
    CHECK(b.column(99) == "none(129)");
    CHECK(b.master.get(kKeepalivedMib + Oid{1, 2, 0}) == "1.3.6.1.4.1.9586.100.5.1.2.0='R1'");
    CHECK(b.master.get(kKeepalivedMib + Oid{1, 1, 0}).starts_with("1.3.6.1.4.1.9586.100.5.1.1.0='mainstay v"));
    CHECK(b.master.get(kVrrpMib + Oid{1, 3, 1, 7, 1, 51}) == "1.3.6.1.2.1.68.1.3.1.7.1.51=A0.0.0.0");
    CHECK(b.master.get(kVrrpMib + Oid{1, 3, 1, 8, 1, 51}) == "1.3.6.1.2.1.68.1.3.1.8.1.51=A127.0.0.1");
    CHECK(b.master.get(kVrrpMib + Oid{1, 3, 1, 13, 1, 51}) == "1.3.6.1.2.1.68.1.3.1.13.1.51=T0");
    CHECK(b.master.get(kVrrpMib + Oid{2, 4, 1, 1, 1, 51}) == "1.3.6.1.2.1.68.2.4.1.1.1.51=C0");
    CHECK(b.master.get(kVrrpv3Mib + Oid{1, 2, 1, 0}) == "1.3.6.1.2.1.207.1.2.1.0=L0");
}

TEST_CASE("a walk goes from value to value, and out of the subtree at its end") {
    Bench b;
    b.start(file(kAll));
    const Oid end = kKeepalivedMib + Oid{99};
    CHECK(b.master.next(kKeepalivedMib, end).starts_with("1.3.6.1.4.1.9586.100.5.1.1.0="));
    CHECK(b.master.next(kKeepalivedMib + Oid{1, 1, 0}, end) == "1.3.6.1.4.1.9586.100.5.1.2.0='R1'");
    CHECK(b.master.next(kKeepalivedMib + Oid{1, 2, 0}, end, true) == "1.3.6.1.4.1.9586.100.5.1.2.0='R1'");
    CHECK(b.master.next(kKeepalivedMib + Oid{98}, end) == "1.3.6.1.4.1.9586.100.5.98=none(130)");
}

TEST_CASE("what the roles publish is shown, at most half a second late") {
    Bench b;
    b.start(file(kAll));
    CHECK(b.column(4) == "I0");
    Bench::publish(b.vrrp_block, vrrp_status(vrrp::State::Master));
    for (int i = 0; i < 600 && b.column(4) != "I2"; ++i) b.master.serve(20);
    CHECK(b.column(4) == "I2");
    CHECK(b.master.get(kVrrpMib + Oid{2, 4, 1, 1, 1, 51}) == "1.3.6.1.2.1.68.2.4.1.1.1.51=C3");
}

TEST_CASE("a column that may be written becomes a request to the supervisor, others are refused") {
    Bench b;
    b.start(file(kAll));
    CHECK(b.master.set(kInstances + Oid{7, 1}, 120) == "");
    const auto got = b.process.hear();
    REQUIRE(got.has_value());
    const auto& wanted = std::get<ipc::ControlRequest>(got->message);
    CHECK(wanted.what == ipc::ControlRequest::What::SetPriority);
    CHECK(wanted.instance == "VI_1");
    CHECK(wanted.value == 120);
    CHECK(wanted.by == "SNMP");
    CHECK(b.column(7) == "I120");
    CHECK(b.master.set(kInstances + Oid{7, 1}, 256) == "error 10");  // wrongValue
    CHECK(b.master.set(kInstances + Oid{2, 1}, 1) == "error 17");    // notWritable
    CHECK(b.master.set(kInstances + Oid{27, 1}, 1) == "error 6");    // noAccess
    CHECK(b.master.set_text(kInstances + Oid{7, 1}) == "error 10");
    CHECK(b.column(7) == "I120");
}

TEST_CASE("what was set before a restart of this process is shown, until the vrrp role forgets it") {
    using What = ipc::ControlRequest::What;
    Bench b;
    b.startup.restarted = true;
    auto status = vrrp_status(vrrp::State::Backup);
    status.router.instances[0].base_priority = 120;
    status.set = {{"VI_1", static_cast<std::uint8_t>(What::SetPriority), 120},
                  {"VI_1", static_cast<std::uint8_t>(What::SetPreempt), 0},
                  {"VI_1", static_cast<std::uint8_t>(What::SetLinkbeat), 1},
                  {"gone", static_cast<std::uint8_t>(What::SetPreempt), 0}};
    Bench::publish(b.vrrp_block, status);
    b.start(file(kAll));
    CHECK(b.column(7) == "I120");
    CHECK(b.column(13) == "I2");
    CHECK(b.column(28) == "I2");
    CHECK(b.column(29) == "I1");
    CHECK(b.master.set(kInstances + Oid{28, 1}, 1) == "");
    CHECK(b.master.set(kInstances + Oid{7, 1}, 130) == "");
    CHECK(b.column(28) == "I1");  // at once, though the role has not said so yet
    CHECK(b.column(7) == "I130");
    CHECK(b.column(13) == "I2");
    Bench::publish(b.vrrp_block, vrrp_status(vrrp::State::Backup));
    for (int i = 0; i < 600 && b.column(13) != "I1"; ++i) b.master.serve(20);
    CHECK(b.column(13) == "I1");
    for (int i = 0; i < 600 && b.column(28) != "I2"; ++i) b.master.serve(20);
    CHECK(b.column(28) == "I2");
    CHECK(b.column(7) == "I100");
}

TEST_CASE("transitions are traps, those before a restart are not") {
    Bench b;
    b.vrrp_ring.append(transition("BACKUP"));
    b.start(file(kAll));
    b.master.until([&] { return b.master.traps.size() == 1; });
    CHECK(b.master.traps[0].find("1.3.6.1.6.3.1.1.4.1.0=O1.3.6.1.4.1.9586.100.5.2.10.0.2 "
                                 "1.3.6.1.4.1.9586.100.5.2.3.1.2='VI_1' 1.3.6.1.4.1.9586.100.5.2.3.1.4=I1 ") !=
          std::string::npos);
    b.vrrp_ring.append(transition("MASTER"));
    b.master.until([&] { return b.master.traps.size() == 4; });
    CHECK(b.master.traps[2].find("=O1.3.6.1.2.1.68.0.1 1.3.6.1.2.1.68.1.3.1.7.1.51=A127.0.0.1") != std::string::npos);
    Bench next;
    next.startup.restarted = true;
    next.vrrp_ring.append(transition("BACKUP"));
    next.lvs_ring.append({.kind = Event::Kind::VirtualServer, .name = "S", .transition = Transition::Up});
    next.start(file(kAll));
    next.vrrp_ring.append(transition("FAULT"));
    next.master.until([&] { return !next.master.traps.empty(); });
    CHECK(next.master.traps[0].find("1.3.6.1.4.1.9586.100.5.2.3.1.4=I3") != std::string::npos);
}

TEST_CASE("a packet error is a trap, once its count grows") {
    Bench b;
    Bench::publish(b.vrrp_block, vrrp_status(vrrp::State::Backup));
    b.start(file(kAll));
    CHECK(b.column(4) == "I1");
    auto status = vrrp_status(vrrp::State::Backup);
    status.router.instances[0].counters.auth_failure = 1;
    Bench::publish(b.vrrp_block, status);
    b.master.until([&] { return !b.master.traps.empty(); });
    CHECK(b.master.traps[0].find("=O1.3.6.1.2.1.68.0.2 ") != std::string::npos);
}

TEST_CASE("a reload is shown, one that changes the subtrees needs another process") {
    Bench b;
    b.start(file(kAll, "100"));
    CHECK(b.column(7) == "I100");
    b.configure(file(kAll, "90"));
    b.committed();
    CHECK(b.column(7) == "I90");
    b.configure(file("enable_snmp_vrrp\n"));
    CHECK_FALSE(b.process.hear().has_value());
    CHECK(b.process.status() == kSnmpAgain);
}

TEST_CASE("a stop says goodbye to the master, after the last trap") {
    Bench b;
    b.start(file(kAll));
    b.vrrp_ring.append(transition("STOP"));
    b.process.send(ipc::Stop{});
    b.master.until([&] { return b.master.closed || !b.master.connected(); });
    REQUIRE(b.master.traps.size() == 1);
    CHECK(b.master.traps[0].find("1.3.6.1.4.1.9586.100.5.2.3.1.4=I5") != std::string::npos);
    const auto got = b.process.hear();
    REQUIRE(got.has_value());
    CHECK(std::holds_alternative<ipc::Stopped>(got->message));
    CHECK_FALSE(b.process.hear().has_value());
    CHECK(b.process.status() == 0);
}

TEST_CASE("services that a reload or the stop takes away are traps") {
    const std::string service =
        "virtual_server 10.1.1.1 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.1.1.2 80 {\n}\n}\n";
    const std::string other =
        "virtual_server 10.1.1.9 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.1.1.2 80 {\n}\n}\n";
    Bench b;
    b.start(file(kAll) + service + other);
    report::LvsStatus before;
    before.services.resize(1);
    before.services[0].name = "[10.1.1.1]:tcp:80";
    before.services[0].servers.resize(1);
    before.services[0].servers[0].name = "[10.1.1.2]:tcp:80";
    Bench::publish(b.lvs_block, before);
    b.configure(file(kAll) + other);
    b.committed();
    b.lvs_ring.append({.kind = Event::Kind::RealServer,
                       .name = "[10.1.1.2]:tcp:80",
                       .parent = "[10.1.1.1]:tcp:80",
                       .transition = Transition::Down});
    b.lvs_ring.append(
        {.kind = Event::Kind::VirtualServer, .name = "[10.1.1.1]:tcp:80", .transition = Transition::Down});
    b.master.until([&] { return b.master.traps.size() == 2; });
    CHECK(b.master.traps.at(0).find("1.3.6.1.4.1.9586.100.5.3.4.1.6=I2 ") != std::string::npos);
    CHECK(b.master.traps.at(1).find("1.3.6.1.4.1.9586.100.5.3.3.1.23=I2 ") != std::string::npos);
    CHECK(b.master.traps.at(1).find("1.3.6.1.4.1.9586.100.5.3.3.1.21=G0 ") != std::string::npos);
    report::LvsStatus status;
    status.services.resize(1);
    status.services[0].name = "[10.1.1.9]:tcp:80";
    status.services[0].quorum_up = true;
    status.stopped = true;
    Bench::publish(b.lvs_block, status);
    b.process.send(ipc::Stop{});
    b.master.until([&] { return b.master.closed || !b.master.connected(); });
    REQUIRE(b.master.traps.size() == 3);
    CHECK(b.master.traps[2].find("1.3.6.1.4.1.9586.100.5.3.3.1.23=I3 ") != std::string::npos);
}

TEST_CASE("without a master, and when it goes, another process tries again") {
    Bench b;
    b.startup.snmp_socket = b.folder / "nobody";
    b.process.send(b.startup);
    b.configure(file(kAll));
    CHECK_FALSE(b.process.hear().has_value());
    CHECK(b.process.status() == kSnmpAgain);
    CHECK(b.logged("SNMP: no AgentX master at " + b.startup.snmp_socket + "; retrying"));
    Bench other;
    other.start(file(kAll));
    other.master.drop();
    CHECK_FALSE(other.process.hear().has_value());
    CHECK(other.process.status() == kSnmpAgain);
    CHECK(other.logged("SNMP: the connection to the AgentX master is lost; reconnecting"));
}

TEST_SUITE_END();
