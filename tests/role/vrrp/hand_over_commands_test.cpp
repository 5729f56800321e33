#include "role/vrrp/hand_over_commands.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::role;
using namespace std::chrono_literals;

namespace {

using Verb = ipc::InstanceQuestion::Verb;

constexpr Instant t0{1'000s};

config::Instance named(const char* name, std::uint8_t vrid) {
    config::Instance c;
    c.name = name;
    c.interface = "eth0";
    c.virtual_router_id = vrid;
    c.priority = 150;
    return c;
}

config::Config three() {
    config::Config c;
    c.instances = {named("A", 51), named("B", 52), named("C", 53)};
    c.sync_groups.emplace_back().name = "G";
    for (int n : {0, 1}) c.instances[static_cast<std::size_t>(n)].sync_group = "G";
    c.sync_groups[0].members = {"A", "B"};
    return c;
}

struct Bench {
    explicit Bench(bool masters = true) {
        const vrrp::InterfaceFact eth0{
            .name = "eth0", .index = 2, .up = true, .addresses = {IpAddress::parse("10.0.0.1").value()}};
        (void)router.step(eth0, t0);
        (void)router.start(t0);
        if (masters) (void)router.step(vrrp::DeadlineReached{}, t0 + 10s);
    }

    // As the role does.
    void ask(const ipc::InstanceQuestion& question) {
        if (const auto fact = commands.take(question, router)) give(*fact, t0 + 20s);
        commands.all_given();
    }
    void order(const ipc::MaintenanceOrder& order) {
        commands.take(order, router);
        give(vrrp::Maintenance{order.on}, t0 + 20s);
        commands.all_given();
    }
    void give(const vrrp::Fact& fact, Instant now) {
        for (const auto& intent : router.step(fact, now))
            if (const auto* ended = std::get_if<vrrp::HandOverEnded>(&intent)) commands.on_ended(*ended);
    }
    void taken_over(const char* name) {
        commands.on_ended({name, vrrp::HandOverEnded::How::TakenOver, IpAddress::parse("10.0.0.2").value(), 600ms});
    }

    vrrp::Router router{three()};
    std::vector<std::pair<std::uint64_t, OperatorReply>> answers;
    HandOverCommands commands{
        [this](std::uint64_t request, const OperatorReply& reply) { answers.emplace_back(request, reply); }};
};

ipc::InstanceQuestion question(const char* which, bool dry_run = false, Verb verb = Verb::FailOver) {
    ipc::InstanceQuestion q;
    q.request = 7;
    q.verb = verb;
    q.which = which;
    q.dry_run = dry_run;
    return q;
}

}  // namespace

TEST_CASE("a failover is answered when the outcome of every member of the sync group is known") {
    for (const char* which : {"G", "A", "B"}) {
        CAPTURE(which);
        Bench bench;
        bench.ask(question(which));
        CHECK(bench.answers.empty());
        bench.taken_over("A");
        bench.taken_over("C");  // of another command
        CHECK(bench.answers.empty());
        bench.taken_over("B");
        REQUIRE(bench.answers.size() == 1);
        CHECK(bench.answers[0].first == 7);
        CHECK(bench.answers[0].second.exit_code == 0);
        CHECK(bench.answers[0].second.text ==
              std::string{std::string_view{which} == "B"
                              ? "B was MASTER with priority 150\nA was MASTER with priority 150\n"
                              : "A was MASTER with priority 150\nB was MASTER with priority 150\n"} +
                  "A: 10.0.0.2 took over after 0.600 s\nB: 10.0.0.2 took over after 0.600 s\n" + which +
                  " preempts nobody until it has become MASTER again, because no other MASTER is heard, or until "
                  "`mainstayctl failover --back " +
                  which + "`\n");
    }
}

TEST_CASE("a failover that nobody takes says so, with status 1") {
    Bench bench;
    bench.ask(question("C"));
    bench.give(vrrp::DeadlineReached{}, t0 + 22s);
    REQUIRE(bench.answers.size() == 1);
    CHECK(bench.answers[0].second.exit_code == 1);
    CHECK(bench.answers[0].second.text ==
          "C was MASTER with priority 150\n"
          "C: nobody took over within 2.000 s; this router is MASTER again\n");
}

TEST_CASE("what cannot be handed over is refused with the reason, and nothing is done") {
    Bench bench{false};
    bench.ask(question("C"));
    bench.ask(question("X"));
    REQUIRE(bench.answers.size() == 2);
    CHECK(bench.answers[0].second.exit_code == 2);
    CHECK(bench.answers[0].second.problem == "nothing to hand over: C is BACKUP; no master has been heard");
    CHECK(bench.answers[1].second.problem == "no instance or sync group is named X; known: G, A, B, C");
}

TEST_CASE("a dry run changes nothing and says what would happen") {
    Bench bench;
    bench.ask(question("C", true));
    bench.ask(question("C", true, Verb::MaintenanceOn));
    bench.ask(question("C", true, Verb::MaintenanceOff));
    REQUIRE(bench.answers.size() == 3);
    CHECK(bench.answers[0].second.exit_code == 1);
    CHECK(bench.answers[0].second.text ==
          "C would be handed over: priority 0 is sent, the addresses go, and if nobody takes over within 1.996 s, this "
          "router becomes MASTER again\n");
    CHECK(bench.answers[1].second.text == "A would be handed over\nB would be handed over\nC would be handed over\n");
    CHECK(bench.answers[2].second.text.starts_with("A would have its configured priority 150\n"));
    for (const auto& instance : bench.router.snapshot().instances) CHECK(instance.state == vrrp::State::Master);
}

TEST_CASE("an instance may be asked back once it was handed over") {
    Bench bench;
    bench.ask(question("C", false, Verb::FailBack));
    CHECK(bench.answers.at(0).second.text.ends_with("nothing changes: no hand-over by an operator is in effect\n"));
    bench.ask(question("C"));
    CHECK(bench.router.snapshot().instances[2].failed_over);
    bench.ask(question("C", true, Verb::FailBack));
    CHECK(bench.answers.at(1).second.exit_code == 1);
    CHECK(bench.router.snapshot().instances[2].failed_over);
    bench.ask(question("C", false, Verb::FailBack));
    CHECK(bench.answers.at(2).second.exit_code == 0);
    CHECK_FALSE(bench.router.snapshot().instances[2].failed_over);
}

TEST_CASE("the beginning of a maintenance is answered when all is handed over, its end and an extension at once") {
    Bench bench;
    bench.order({.on = true, .by = {}, .reason = {}, .request = 3, .note = "a note\n"});
    for (const char* name : {"A", "B"}) bench.taken_over(name);
    CHECK(bench.answers.empty());
    bench.taken_over("C");
    REQUIRE(bench.answers.size() == 1);
    CHECK(bench.answers[0].first == 3);
    CHECK(bench.answers[0].second.text.starts_with("maintenance is on\nA: 10.0.0.2 took over after 0.600 s\n"));
    CHECK(bench.answers[0].second.text.ends_with("a note\n"));
    bench.order({.on = true, .by = {}, .reason = {}, .request = 4, .note = {}});
    CHECK(bench.answers.at(1).second.text.starts_with("maintenance is on\nA is BACKUP; "));
    bench.order({.on = false, .by = {}, .reason = {}, .request = 5, .note = {}});
    CHECK(bench.answers.at(2).second.text.starts_with("maintenance is off\nA is BACKUP; "));
    bench.order({.on = true, .by = {}, .reason = {}, .request = 0, .note = {}});  // nobody waits
    CHECK(bench.answers.size() == 3);
}

TEST_CASE("an instance that a reload takes away in the middle of its hand-over does not leave its operator waiting") {
    Bench bench;
    bench.ask(question("C"));
    config::Config next = three();
    next.instances.pop_back();
    (void)bench.router.reload(next, t0 + 21s);
    bench.commands.follow(bench.router);
    REQUIRE(bench.answers.size() == 1);
    CHECK(bench.answers[0].second.exit_code == 2);
    CHECK(bench.answers[0].second.text.ends_with("C: a reload removed it\n"));
}

TEST_CASE("sixteen commands wait for their outcome, and one more is refused until they are over") {
    Bench bench;
    for (int n = 0; n < 16; ++n) CHECK(bench.commands.take(question("C"), bench.router).has_value());
    CHECK(bench.answers.empty());
    CHECK_FALSE(bench.commands.take(question("C"), bench.router).has_value());
    REQUIRE(bench.answers.size() == 1);
    CHECK(bench.answers[0].second.exit_code == 2);
    CHECK(bench.answers[0].second.problem == "too many commands wait: try again later");
    bench.taken_over("C");
    CHECK(bench.answers.size() == 17);
    CHECK(bench.commands.take(question("C"), bench.router).has_value());
}
