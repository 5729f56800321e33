// SNMP's process: what it shows and sends of servers, at reloads and restarts, and when something is missing.
#include <sys/mman.h>

#include <array>
#include <chrono>

#include "../../needs.hpp"
#include "snmp_bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

const std::string kService =
    "virtual_server 10.9.9.8 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\nreal_server 10.1.1.1 80 {\nTCP_CHECK {\n}\n}\n"
    "real_server 10.1.1.2 80 {\nTCP_CHECK {\n}\n}\n}\n";
constexpr const char* kTrap = "1.3.6.1.6.3.1.1.4.1.0=O";
constexpr const char* kInstanceTrap = "1.3.6.1.6.3.1.1.4.1.0=O1.3.6.1.4.1.9586.100.5.2.10.0.2 ";

Event server_event(Transition transition) {
    return {.kind = Event::Kind::RealServer,
            .name = "[10.1.1.1]:tcp:80",
            .parent = "[10.9.9.8]:tcp:80",
            .transition = transition,
            .at = {1'795'163'866'000'000}};
}

report::LvsStatus servers_alive() {
    report::LvsStatus lvs;
    lvs.services = {{.name = "[10.9.9.8]:tcp:80", .key = {.protocol = 6}}};
    for (const char* address : {"10.1.1.1", "10.1.1.2"})
        lvs.services[0].servers.push_back({.endpoint = {*IpAddress::parse(address), 80}, .alive = true});
    return lvs;
}

std::string own_host_name() {
    std::array<char, 256> name{};
    REQUIRE(::gethostname(name.data(), name.size() - 1) == 0);
    return name.data();
}

}  // namespace

// Each of them runs the whole process, which takes its account and its limits.
TEST_SUITE_BEGIN("snmp process" * mainstay::test::kNeedsRoot);

TEST_CASE("a server that goes down is a trap, with what the lvs process has published last") {
    Bench b;
    Bench::publish(b.lvs_block, servers_alive());
    b.start(file(kAll) + kService);
    b.lvs_ring.append(server_event(Transition::Down));
    b.master.until([&] { return b.master.traps.size() == 1; });
    const auto& trap = b.master.traps[0];
    CHECK(trap.contains(std::string{kTrap} + "1.3.6.1.4.1.9586.100.5.3.5.0.1 "));
    CHECK(trap.contains("1.3.6.1.4.1.9586.100.5.3.4.1.5=G80 1.3.6.1.4.1.9586.100.5.3.4.1.6=I2 "));
    CHECK(trap.contains("1.3.6.1.4.1.9586.100.5.3.3.1.21=G1 1.3.6.1.4.1.9586.100.5.3.3.1.20=G2"));
    CHECK(trap.contains("1.3.6.1.4.1.9586.100.5.1.2.0='R1'"));
    b.lvs_ring.append(server_event(Transition::Up));
    b.master.until([&] { return b.master.traps.size() == 2; });
    CHECK(b.master.traps[1].contains("1.3.6.1.4.1.9586.100.5.3.4.1.6=I1 "));
}

TEST_CASE("a process that starts again sends no trap of what its predecessor has sent") {
    Bench b;
    b.startup.restarted = true;
    for (int i = 0; i < 600; ++i) b.vrrp_ring.append(transition("BACKUP"));
    for (int i = 0; i < 600; ++i) b.lvs_ring.append(server_event(Transition::Down));
    b.start(file(kAll) + kService);
    b.vrrp_ring.append(transition("FAULT"));
    b.lvs_ring.append(server_event(Transition::Up));
    b.master.until([&] { return b.master.traps.size() == 2; });
    CHECK(b.master.traps[0].contains("1.3.6.1.4.1.9586.100.5.2.3.1.4=I3"));
    CHECK(b.master.traps[1].contains("1.3.6.1.4.1.9586.100.5.3.4.1.6=I1 "));
}

TEST_CASE("events that were overwritten before their traps are reported, the others are traps") {
    Bench b;
    b.connect();
    for (std::size_t i = 0; i < ipc::kEventRingSlots + 10; ++i) b.vrrp_ring.append(transition("BACKUP"));
    b.configure(file("enable_snmp_vrrp\n"));
    b.committed();
    CHECK(b.logged("SNMP: 10 transitions were overwritten before their traps"));
}

TEST_CASE("without enable_traps a transition is none") {
    Bench b;
    b.start(file("enable_snmp_vrrp\nenable_snmp_checker\nenable_snmp_rfc\n") + kService);
    b.vrrp_ring.append(transition("MASTER"));
    b.lvs_ring.append(server_event(Transition::Down));
    auto status = vrrp_status(vrrp::State::Master);
    status.router.instances[0].counters.auth_failure = 1;
    Bench::publish(b.vrrp_block, status);
    for (int i = 0; i < 600 && b.column(4) != "I2"; ++i) b.master.serve(20);
    b.master.serve(600);  // more than two looks for events
    CHECK(b.master.traps.empty());
}

TEST_CASE("packet errors from before the process was there are no trap") {
    Bench b;
    auto status = vrrp_status(vrrp::State::Backup);
    status.router.instances[0].counters.auth_failure = 5;
    Bench::publish(b.vrrp_block, status);
    b.start(file(kAll));
    CHECK(b.column(4) == "I1");
    b.vrrp_ring.append(transition("FAULT"));
    b.master.until([&] { return !b.master.traps.empty(); });
    CHECK(b.master.traps[0].contains(kInstanceTrap));
}

TEST_CASE("a configuration that is aborted is not shown") {
    Bench b;
    b.start(file(kAll, "100"));
    auto loaded = config::load_text("x.conf", file(kAll, "90"), {});
    auto memfd = ipc::encode_sealed("snapshot", loaded.config);
    REQUIRE(memfd.has_value());
    b.process.send(ipc::Prepare{2}, memfd->get());
    REQUIRE(b.process.hear().has_value());
    b.process.send(ipc::Abort{2});
    b.master.serve(200);
    CHECK(b.column(7) == "I100");
    b.generation = 2;
    b.configure(file(kAll, "80"));
    b.committed();
    CHECK(b.column(7) == "I80");
}

TEST_CASE("the socket of the command line counts, whatever a reload says") {
    Bench b;
    const auto with = [](const std::string& socket) { return file(kAll + "snmp_socket " + socket + "\n"); };
    b.start(with("unix:/x"));
    b.configure(with("unix:/y"));
    b.committed();
    CHECK(b.column(2) == "'VI_1'");
}

TEST_CASE("without a router_id the host has its own name, and the program that of who started it") {
    Bench b;
    b.startup.log_ident = "Keepalived_snmp";
    std::string text = file(kAll);
    text.erase(text.find("router_id R1\n"), 13);
    b.start(text);
    CHECK(b.master.get(kKeepalivedMib + Oid{1, 2, 0}) == "1.3.6.1.4.1.9586.100.5.1.2.0='" + own_host_name() + "'");
    CHECK(b.master.get(kKeepalivedMib + Oid{1, 1, 0}).starts_with("1.3.6.1.4.1.9586.100.5.1.1.0='Keepalived v"));
}

TEST_CASE("that there is no master is said once, not by each process that tries again") {
    Bench b;
    b.startup.snmp_socket.clear();
    b.process.send(b.startup);
    b.configure(file(kAll));
    CHECK(b.process.status() == kSnmpAgain);
    CHECK(b.logged("SNMP: no AgentX master at net-snmp's usual socket; retrying"));
    Bench again;
    again.startup.snmp_socket = again.folder / "nobody";
    again.startup.restarted = true;
    again.process.send(again.startup);
    again.configure(file(kAll));
    CHECK(again.process.status() == kSnmpAgain);
    CHECK_FALSE(again.logged("SNMP: no AgentX master"));
}

TEST_CASE("memory that is missing is an error") {
    Bench b;
    const auto nothing = UniqueFd{::memfd_create("empty", MFD_CLOEXEC)};
    RoleProcess process{run_snmp,
                        {{ipc::inherited::kOwnBlock, b.own.get()},
                         {ipc::inherited::kVrrpBlock, b.vrrp_block.get()},
                         {ipc::inherited::kLvsBlock, nothing.get()},
                         {ipc::inherited::kVrrpRing, b.vrrp_ring_memory.get()},
                         {ipc::inherited::kLvsRing, b.lvs_ring_memory.get()}}};
    process.send(b.startup);
    b.master.until([&] { return b.master.connected(); });
    b.master.serve(200);
    auto loaded = config::load_text("x.conf", file(kAll), {});
    auto memfd = ipc::encode_sealed("snapshot", loaded.config);
    REQUIRE(memfd.has_value());
    process.send(ipc::Prepare{1}, memfd->get());
    REQUIRE(process.hear().has_value());
    process.send(ipc::Commit{1});
    CHECK_FALSE(process.hear().has_value());
    CHECK(process.status() == 4);  // not sealed: it is not of the supervisor
    CHECK(b.logged("cannot start: "));
}

TEST_SUITE_END();
