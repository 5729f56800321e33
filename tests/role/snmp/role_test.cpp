// SNMP's process between a supervisor and a master agent, both of which the test is.
#include "mainstay/role/snmp/role.hpp"

#include "../role_process.hpp"
#include "agentx_master.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/ipc/config_codec.hpp"
#include "mainstay/ipc/status.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using report::kKeepalivedMib;
using report::kVrrpMib;
using report::kVrrpv3Mib;
using report::Oid;
using report::operator+;
using Strings = std::vector<std::string>;

namespace {

std::string file(const std::string& global, const std::string& priority = "100") {
    return "global_defs {\nrouter_id R1\n" + global +
           "}\nvrrp_instance VI_1 {\nstate BACKUP\ninterface lo\nvirtual_router_id 51\npriority " + priority +
           "\nvirtual_ipaddress {\n10.9.9.9\n}\n}\n";
}
const std::string kAll = "enable_snmp_vrrp\nenable_snmp_checker\nenable_snmp_rfc\nenable_traps\n";
const Oid kInstances = kKeepalivedMib + Oid{2, 3, 1};

UniqueFd shared(std::size_t size) {
    auto memory = ipc::make_shared_memfd("test", size);
    REQUIRE(memory.has_value());
    return std::move(*memory);
}

struct Bench {
    Folder folder;
    LogLines log{folder / "log"};
    AgentxMaster master{folder / "agentx"};
    UniqueFd own = shared(ipc::kStateBlockBytes), vrrp_block = shared(ipc::kStateBlockBytes),
             lvs_block = shared(ipc::kStateBlockBytes), vrrp_ring_memory = shared(ipc::event_ring_bytes()),
             lvs_ring_memory = shared(ipc::event_ring_bytes());
    ipc::EventRing vrrp_ring = ipc::EventRing::map(vrrp_ring_memory.get(), true).value();
    ipc::EventRing lvs_ring = ipc::EventRing::map(lvs_ring_memory.get(), true).value();
    RoleProcess process{run_snmp,
                        {{ipc::inherited::kOwnBlock, own.get()},
                         {ipc::inherited::kVrrpBlock, vrrp_block.get()},
                         {ipc::inherited::kLvsBlock, lvs_block.get()},
                         {ipc::inherited::kVrrpRing, vrrp_ring_memory.get()},
                         {ipc::inherited::kLvsRing, lvs_ring_memory.get()}}};
    ipc::RoleStartup startup;
    std::uint64_t generation = 0;

    Bench() {
        startup.user = "root";
        startup.log_ident = "test";
        startup.log_socket = folder / "log";
        startup.process_name = "test-snmp";
        startup.snmp_socket = folder / "agentx";
    }
    // Up to the commit, whose answer may not come.
    void configure(const std::string& text) {
        auto loaded = config::load_text("x.conf", text, {});
        auto memfd = ipc::encode_sealed("snapshot", loaded.config);
        REQUIRE(memfd.has_value());
        process.send(ipc::Prepare{++generation}, memfd->get());
        const auto prepared = process.hear();
        REQUIRE(prepared.has_value());
        CHECK(std::get<ipc::Prepared>(prepared->message).refused.empty());
        process.send(ipc::Commit{generation});
    }
    void connect() {
        process.send(startup);
        master.until([this] { return master.connected(); });
        master.serve(200);
    }
    void start(const std::string& text) {
        connect();
        configure(text);
        committed();
    }
    void committed() {
        master.serve(200);
        const auto got = process.hear();
        REQUIRE(got.has_value());
        CHECK(std::get<ipc::Committed>(got->message).generation == generation);
    }
    bool logged(const std::string& begin) {
        for (const auto& line : log.read())
            if (line.starts_with(begin)) return true;
        return false;
    }
    static void publish(const UniqueFd& block, const auto& status) {
        auto mapped = ipc::StateBlock::map(block.get(), true);
        REQUIRE(mapped.has_value());
        REQUIRE(mapped->publish([&](std::span<std::byte> room) { return ipc::encode_into(room, status); }).has_value());
    }
    [[nodiscard]] std::string column(std::uint32_t number) {
        const auto text = master.get(kInstances + Oid{number, 1});
        return text.substr(text.find('=') + 1);
    }
};

report::VrrpStatus vrrp_status(vrrp::State state) {
    report::VrrpStatus status;
    status.router.instances.resize(1);
    status.router.instances[0].name = "VI_1";
    status.router.instances[0].state = state;
    status.router.instances[0].counters.become_master = 3;
    return status;
}

Event transition(const char* state) {
    return {.kind = Event::Kind::Instance,
            .name = "VI_1",
            .transition = transition_from(state).value(),
            .at = {1'795'163'866'000'000}};
}

}  // namespace

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
