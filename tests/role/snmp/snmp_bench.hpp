// SNMP's process between a supervisor and a master agent, both of which the test is.
#pragma once

#include <string>

#include "../role_process.hpp"
#include "agentx_master.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/config/members.hpp"
#include "mainstay/ipc/status.hpp"
#include "mainstay/role/snmp/role.hpp"

namespace mainstay::role::test {

using report::kKeepalivedMib;
using report::kVrrpMib;
using report::kVrrpv3Mib;
using report::operator+;

inline std::string file(const std::string& global, const std::string& priority = "100") {
    return "global_defs {\nrouter_id R1\n" + global +
           "}\nvrrp_instance VI_1 {\nstate BACKUP\ninterface lo\nvirtual_router_id 51\npriority " + priority +
           "\nvirtual_ipaddress {\n10.9.9.9\n}\n}\n";
}
inline const std::string kAll = "enable_snmp_vrrp\nenable_snmp_checker\nenable_snmp_rfc\nenable_traps\n";
inline const Oid kInstances = kKeepalivedMib + Oid{2, 3, 1};

inline UniqueFd shared(std::size_t size) {
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
        REQUIRE(mapped->publish([&](std::span<std::byte> room) { return encode_into(room, status); }).has_value());
    }
    [[nodiscard]] std::string column(std::uint32_t number) {
        const auto text = master.get(kInstances + Oid{number, 1});
        return text.substr(text.find('=') + 1);
    }
};

inline report::VrrpStatus vrrp_status(vrrp::State state) {
    report::VrrpStatus status;
    status.router.instances.resize(1);
    status.router.instances[0].name = "VI_1";
    status.router.instances[0].state = state;
    status.router.instances[0].counters.become_master = 3;
    return status;
}

inline Event transition(const char* state) {
    return {.kind = Event::Kind::Instance,
            .name = "VI_1",
            .transition = transition_from(state).value(),
            .at = {1'795'163'866'000'000}};
}

}  // namespace mainstay::role::test
