// What the lvs role hears of the instance that its sync daemon follows.
#include "role/vrrp/master_reporter.hpp"

#include <doctest/doctest.h>

#include "../../kept_log.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/ipc/channel.hpp"

using namespace mainstay;
using namespace mainstay::role;
using Lines = std::vector<std::string>;
using mainstay::test::SilentLog;

namespace {

vrrp::Router router_of(const std::string& daemon) {
    const auto instance = [](const std::string& name, int vrid) {
        return "vrrp_instance " + name + " {\ninterface eth0\nvirtual_router_id " + std::to_string(vrid) +
               "\nvirtual_ipaddress {\n10.9.9." + std::to_string(vrid) + "\n}\n}\n";
    };
    auto loaded = config::load_text(
        "x.conf", "global_defs {\n" + daemon + "\n}\n" + instance("VI_1", 51) + instance("VI_2", 52), {});
    REQUIRE(loaded.can_run());
    return vrrp::Router{std::move(loaded.config)};
}

struct ReporterBench {
    void connect() {
        auto ends = ipc::make_channel();
        reporter.connect(std::move(ends->first));
        line = std::move(ends->second);
    }
    Lines heard() {
        Lines lines;
        for (;;) {
            auto got = ipc::receive_message(line.get());
            if (!got || !*got || !std::holds_alternative<ipc::Received>(**got)) return lines;
            for (const auto& one : std::get<ipc::InstanceStates>(std::get<ipc::Received>(**got).message).instances)
                lines.push_back(one.name + (one.master ? " master" : " not"));
        }
    }
    void event(const std::string& name, Transition transition, Event::Kind kind = Event::Kind::Instance) {
        reporter.on_event({.kind = kind, .name = name, .transition = transition});
    }

    boost::asio::io_context loop;
    SilentLog log;
    MasterReporter reporter{loop, log};
    UniqueFd line;
};

}  // namespace

TEST_CASE("the followed instance is reported at the start, and when it becomes or ceases to be master") {
    ReporterBench bench;
    bench.connect();
    CHECK(bench.heard().empty());
    bench.reporter.follow(router_of("lvs_sync_daemon eth0 VI_1"));
    CHECK(bench.heard() == Lines{"VI_1 not"});

    bench.event("VI_1", Transition::Backup);  // it was none before
    bench.event("VI_2", Transition::Master);
    bench.event("VI_1", Transition::Master, Event::Kind::Group);
    bench.event("VI_1", Transition::MasterPriority);
    CHECK(bench.heard().empty());
    bench.event("VI_1", Transition::Master);
    bench.event("VI_1", Transition::Master);
    CHECK(bench.heard() == Lines{"VI_1 master"});
    bench.event("VI_1", Transition::MasterPriority);
    bench.event("VI_1", Transition::LowerPriorityHeard);
    CHECK(bench.heard().empty());
    bench.event("VI_1", Transition::Fault);
    CHECK(bench.heard() == Lines{"VI_1 not"});
}

TEST_CASE("a new channel begins with what is known, and a reload with another instance reports that one") {
    ReporterBench bench;
    bench.reporter.follow(router_of("lvs_sync_daemon eth0 VI_1"));
    bench.event("VI_1", Transition::Master);
    bench.connect();
    CHECK(bench.heard() == Lines{"VI_1 master"});
    bench.reporter.follow(router_of("lvs_sync_daemon eth0 VI_2"));
    CHECK(bench.heard() == Lines{"VI_2 not"});
    bench.event("VI_1", Transition::Backup);
    CHECK(bench.heard().empty());
}

TEST_CASE("where no instance is followed nothing is reported") {
    for (const char* daemon : {"", "lvs_sync_daemon eth0"}) {
        ReporterBench bench;
        bench.connect();
        bench.reporter.follow(router_of(daemon));
        bench.event("VI_1", Transition::Master);
        bench.event("", Transition::Master);
        CHECK(bench.heard().empty());
        bench.connect();
        CHECK(bench.heard().empty());
    }
}
