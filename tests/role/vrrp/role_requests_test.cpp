// What the vrrp role is asked and told by others: operators, D-Bus, scripts, the watcher, and the bfd and lvs roles.
#include "../../needs.hpp"
#include "mainstay/alert/scripts.hpp"
#include "mainstay/ipc/channel.hpp"
#include "office.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using vrrp::State;
using What = ipc::ControlRequest::What;
using Verb = ipc::InstanceQuestion::Verb;

TEST_CASE("D-Bus's request for announcements is followed by a master alone, and unknown names are refused" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        const auto ask = [&](What what, const std::string& name, std::int64_t value) {
            office.role->on(ipc::ControlRequest{what, name, value, "DBus"}, {});
        };
        office.start(instance());
        ask(What::SendGarp, "VI_1", 0);
        CHECK(office.runtime.log_.count("Sending garps on VI_1 on DBus request") == 1);
        REQUIRE(office.until_state(State::Master));
        CHECK(office.until([&] { return office.cable.heard("arp 10.0.0.100") == 5; }));
        CHECK(office.cable.heard().front() == kOwnAdvert);
        ask(What::SendGarp, "VI_1", 0);
        CHECK(office.until([&] { return office.cable.heard("arp 10.0.0.100") == 6; }));
        ask(What::SendGarp, "VI_2", 0);
        CHECK(office.runtime.log_.count("DBus requests an unknown instance VI_2") == 1);
        ask(What::SetPriority, "VI_1", 256);
        CHECK(office.runtime.log_.count("(VI_1) DBus requests an invalid change") == 1);
        CHECK(office.fresh().snapshot().base_priority == 100);
        ask(What::SetPriority, "VI_1", 120);
        CHECK(office.runtime.log_.count("(VI_1) priority 120 on DBus request") == 1);
        CHECK(office.fresh().snapshot().base_priority == 120);
        CHECK(office.until([&] { return office.cable.heard("advert 51 120 10.0.0.1") >= 1; }));
        ask(What::SetPriority, "VI_1", 121);
        ask(What::SetPreempt, "VI_1", 0);
        // For SNMP, whose process may be another one by then.
        const auto set = [](What what, std::int64_t value) {
            return report::SetValue{"VI_1", static_cast<std::uint8_t>(what), value};
        };
        CHECK(office.fresh().status().set == std::vector{set(What::SetPriority, 121), set(What::SetPreempt, 0)});
        REQUIRE(office.role->prepare(Office::written(instance())));
        office.runtime.generation_ = 2;
        office.role->commit();
        CHECK(office.fresh().status().set.empty());
        CHECK(office.fresh().snapshot().base_priority == 100);
        office.stop();
    });
}

TEST_CASE(
    "a failover sends priority 0, and without another router the master is back, which the operator gets as the "
    "answer" *
    mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master(instance());
        auto& answers = office.runtime.answers;
        office.role->on(ipc::InstanceQuestion{.request = 7, .verb = Verb::FailOver, .which = "VI_1", .dry_run = true},
                        {});
        REQUIRE(answers.size() == 1);
        CHECK(answers[0].first == 7);
        CHECK(answers[0].second.exit_code == 1);
        CHECK(answers[0].second.text.starts_with("VI_1 would be handed over: priority 0 is sent"));
        CHECK(office.fresh().state() == State::Master);
        CHECK(office.runtime.log_.count("failover") == 0);
        office.role->on(ipc::InstanceQuestion{.request = 8, .verb = Verb::FailOver, .which = "VI_1", .by = "root"}, {});
        CHECK(office.runtime.log_.count("failover of VI_1 requested (root)") == 1);
        CHECK(office.fresh().state() == State::Backup);
        CHECK_FALSE(has_address(kVip));
        CHECK(office.until([&] { return answers.size() == 2; }));
        CHECK(answers[1].first == 8);
        CHECK(answers[1].second.exit_code == 1);
        CHECK(answers[1].second.text.find("nobody took over within") != std::string::npos);
        CHECK(office.fresh().state() == State::Master);
        CHECK(office.cable.heard("advert 51 0 10.0.0.1") == 1);
        office.role->on(ipc::InstanceQuestion{.request = 9, .verb = Verb::FailOver, .which = "VI_9"}, {});
        CHECK(answers.back().first == 9);
        CHECK(answers.back().second.problem.starts_with("no instance or sync group is named VI_9"));
        office.stop();
    });
}

TEST_CASE("a failover to another router ends with its name, and failover --back lets this one preempt" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master(instance());
        office.role->on(ipc::InstanceQuestion{.request = 8, .verb = Verb::FailOver, .which = "VI_1", .by = "root"}, {});
        REQUIRE(office.until_state(State::Backup));
        office.cable.advertise(50, "10.0.0.2");
        REQUIRE(office.until([&] { return office.runtime.answers.size() == 1; }));
        CHECK(office.runtime.answers[0].second.exit_code == 0);
        CHECK(office.runtime.answers[0].second.text.find("VI_1: 10.0.0.2 took over after ") != std::string::npos);
        office.role->on(ipc::InstanceQuestion{.request = 9, .verb = Verb::FailBack, .which = "VI_1", .by = "root"}, {});
        CHECK(office.runtime.log_.count("failover --back of VI_1 requested (root)") == 1);
        CHECK(office.runtime.answers.size() == 2);
        office.cable.advertise(50, "10.0.0.2");
        REQUIRE(office.until_state(State::Master));
        office.stop();
    });
}

TEST_CASE(
    "maintenance lowers the priority to 1 and is shown, until it ends; one that was ordered before holds at once" *
    mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        office.start_as_master(instance());
        CHECK_FALSE(office.fresh().status().maintenance);
        office.role->on(ipc::MaintenanceOrder{.on = true,
                                              .since = {5},
                                              .until = WallTime{9},
                                              .by = "root",
                                              .reason = "new disk",
                                              .request = 3,
                                              .note = "the note\n"},
                        {});
        REQUIRE(office.fresh().status().maintenance);
        CHECK(office.fresh().status().maintenance->since == WallTime{5});
        CHECK(office.status().maintenance->until == WallTime{9});
        CHECK(office.fresh().status().maintenance->by == "root");
        CHECK(office.fresh().status().maintenance->reason == "new disk");
        CHECK(office.fresh().state() == State::Backup);
        REQUIRE(office.until([&] { return office.runtime.answers.size() == 1; }));
        CHECK(office.runtime.answers[0].first == 3);
        CHECK(office.runtime.answers[0].second.text.find("the note") != std::string::npos);
        REQUIRE(office.until_state(State::Master));
        CHECK(office.fresh().snapshot().effective_priority == 1);
        CHECK(office.until([&] { return office.cable.heard("advert 51 1 10.0.0.1") >= 1; }));
        office.role->on(ipc::MaintenanceOrder{.on = false}, {});
        CHECK_FALSE(office.fresh().status().maintenance);
        CHECK(office.fresh().snapshot().effective_priority == 100);
        office.role = make_vrrp_role(office.runtime);
        office.role->on(ipc::MaintenanceOrder{.on = true, .since = {5}}, {});
        office.start(instance());
        CHECK(office.fresh().snapshot().effective_priority == 1);
        CHECK(office.fresh().status().maintenance);
        office.stop();
    });
}

TEST_CASE("a tracked script decides: until it has succeeded and after it has failed the instance is in FAULT" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        using How = ipc::ScriptResult::How;
        office.start("vrrp_script chk {\nscript \"/bin/true\"\ninterval 1\nfall 1\nrise 1\n}\n" +
                     instance("track_script {\nchk\n}"));
        CHECK(office.fresh().state() == State::Fault);
        const auto& scripts = office.runtime.scripts;
        const auto end = [&scripts](std::size_t at, int status, const char* errors = "") {
            const auto done = scripts.at(at).done;  // which may ask for the next script
            done({.request = 1, .how = How::Exited, .status = status, .errors = errors});
        };
        REQUIRE(office.until([&] { return scripts.size() == 1; }));
        CHECK(scripts[0].key == alert::track_script_key("chk"));
        end(0, 0);
        REQUIRE(office.until_state(State::Master));
        REQUIRE(office.until([&] { return scripts.size() == 2; }));
        end(1, 1, "no route | given up");
        CHECK(office.until_state(State::Fault));
        const auto status = office.fresh().status();
        CHECK(status.router.scripts.at(0).last_failure == "exited with status 1");
        REQUIRE(status.script_errors.size() == 1);
        CHECK(status.script_errors[0].script == "chk");
        CHECK(status.script_errors[0].text == "no route | given up");
        REQUIRE(office.until([&] { return scripts.size() == 3; }));
        end(2, 1);
        CHECK(office.until([&] { return office.fresh().status().script_errors.empty(); }));
        CHECK(office.fresh().status().router.scripts.at(0).since == WallTime{1});
        office.stop();
    });
}

TEST_CASE("the value of a tracked file, times its weight, changes the priority" * mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        const std::string config = "vrrp_track_file f {\nfile /nowhere\n}\n" + instance("track_file {\nf weight 2\n}");
        office.start(config);
        office.role->on(ipc::Observations{{{ipc::Observation::Kind::File, "f", -10}}}, {});
        CHECK(office.until([&] { return office.snapshot().effective_priority == 80; }));
        office.role->on(ipc::Observations{{{ipc::Observation::Kind::File, "f", 5}}}, {});
        CHECK(office.until([&] { return office.snapshot().effective_priority == 110; }));
        office.stop();
    });
}

TEST_CASE("the state of a BFD session comes over its channel, and lvs hears over its own which instance is master" *
          mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        using To = ipc::PeerChannel::To;
        auto bfd = ipc::make_channel(), lvs = ipc::make_channel();
        REQUIRE((bfd && lvs));
        office.role->on(ipc::PeerChannel{To::Bfd}, std::move(bfd->first));
        office.start("global_defs {\nlvs_sync_daemon eth0 VI_1\n}\nbfd_instance peer {\nneighbor_ip 10.0.0.2\n}\n" +
                     instance("track_bfd {\npeer\n}"));
        office.role->on(ipc::PeerChannel{To::Lvs}, std::move(lvs->first));
        const auto reported = [&]() -> std::optional<bool> {
            const auto got = ipc::receive_message(lvs->second.get());
            if (!got || !got->has_value()) return std::nullopt;
            const auto& states = std::get<ipc::InstanceStates>(std::get<ipc::Received>(**got).message).instances;
            REQUIRE(states.size() == 1);
            CHECK(states[0].name == "VI_1");
            return states[0].master;
        };
        CHECK(reported() == false);
        CHECK(office.fresh().state() == State::Fault);
        REQUIRE(ipc::send_message(bfd->second.get(), ipc::BfdStates{{{"peer", true}}}));
        REQUIRE(office.until_state(State::Master));
        CHECK(reported() == true);
        REQUIRE(ipc::send_message(bfd->second.get(), ipc::BfdStates{{{"peer", false}}}));
        REQUIRE(office.until_state(State::Fault));
        CHECK(reported() == false);
        CHECK(reported() == std::nullopt);
        office.stop();
    });
}

TEST_CASE("what bfd reported before the first configuration counts from the start" * mainstay::test::kNeedsRoot) {
    in_office([](Office& office) {
        auto bfd = ipc::make_channel();
        REQUIRE(bfd);
        office.role->on(ipc::PeerChannel{ipc::PeerChannel::To::Bfd}, std::move(bfd->first));
        REQUIRE(ipc::send_message(bfd->second.get(), ipc::BfdStates{{{"peer", true}}}));
        office.runtime.loop_.poll();
        office.start("bfd_instance peer {\nneighbor_ip 10.0.0.2\n}\n" + instance("track_bfd {\npeer\n}"));
        CHECK(office.fresh().state() == State::Backup);
        office.stop();
    });
}
