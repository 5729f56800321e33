// What all roles have in common, in a process of its own. Needs root, to be confined.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "../../needs.hpp"
#include "../../skips.hpp"
#include "mainstay/role/common/runtime.hpp"
#include "runtime_bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

TEST_CASE(
    "a role is started with the configuration that was prepared and committed, and stops when it is requested to" *
    mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    CHECK(bench.notes() == Texts{"start VI_1"});
    CHECK(bench.process_name() == "own-name");
    bench.ask("generation");
    bench.until_noted("generation 1");
    bench.send(ipc::Stop{});
    bench.hear_a<ipc::Stopped>();
    CHECK(bench.notes() == Texts{"generation 1", "stop"});
    CHECK(bench.exit_code() == 0);
    CHECK(bench.heartbeats >= 1);
}

TEST_CASE("a role hands on what keepalived's children are asked by signals, and ignores all other signals" *
          mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGALRM, SIGSEGV, 34, SIGUSR2}) ::kill(bench.pid, signal);
    CHECK(bench.hear_a<ipc::SignalReceived>().signal == SIGUSR2);
    for (const int signal : {SIGHUP, SIGUSR1, 36, 63}) {
        ::kill(bench.pid, signal);
        CHECK(bench.hear_a<ipc::SignalReceived>().signal == signal);
    }
}

TEST_CASE("a role to which signals are sent without end hands on so many that it is no offender" *
          mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    for (int i = 0; i < 3000; ++i) {
        ::kill(bench.pid, 36);
        if (i % 100 == 0) ::poll(nullptr, 0, 1);
    }
    bench.send(ipc::Stop{});
    int handed_on = 0;
    for (auto got = bench.hear(); got && std::holds_alternative<ipc::SignalReceived>(got->message); got = bench.hear())
        ++handed_on;
    CHECK(handed_on <= 400);
    CHECK(bench.exit_code() == 0);
}

TEST_CASE("more messages than one turn takes are all handled" * mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    bench.notes();
    REQUIRE(::kill(bench.pid, SIGSTOP) == 0);
    for (int i = 0; i < 150; ++i) bench.ask("generation");
    bench.ask("previous");
    REQUIRE(::kill(bench.pid, SIGCONT) == 0);
    bench.until_noted("previous none");
    CHECK(bench.notes().size() == 151);
}

TEST_CASE("a restarted one knows it, and a spare has its name when it takes over" * mainstay::test::kNeedsRoot) {
    Bench again{{.restarted = true}}, spare{{.spare = true}};
    again.start();
    CHECK(again.notes() == Texts{"restart VI_1"});
    spare.prepare(1, named("VI_1"));
    spare.hear_a<ipc::Prepared>();
    CHECK(spare.process_name() == "mainstayd-spare");
    spare.send(ipc::Commit{1});
    spare.hear_a<ipc::Committed>();
    CHECK(spare.process_name() == "own-name");
}

TEST_CASE("a role that cannot start ends with its code" * mainstay::test::kNeedsRoot) {
    for (const auto& [name, code] : {std::pair{"broken", 1}, {"forbidden", 4}}) {
        Bench bench;
        bench.prepare(1, named(name));
        bench.hear_a<ipc::Prepared>();
        bench.send(ipc::Commit{1});
        CHECK_FALSE(bench.hear().has_value());
        CHECK(bench.exit_code() == code);
        CHECK(bench.logged("cannot start: no "));
    }
}

TEST_CASE("a reload is prepared, and committed or aborted; an unchanged one is only reported" *
          mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    bench.notes();
    bench.prepare(2, named("VI_2"));
    CHECK(bench.hear_a<ipc::Prepared>().generation == 2);
    CHECK(bench.notes() == Texts{"prepare VI_2"});
    bench.send(ipc::Abort{3});  // another one
    bench.send(ipc::Abort{2});
    bench.until_noted("abort");
    bench.send(ipc::Commit{2});  // it was aborted
    bench.prepare(3, named("VI_3"));
    CHECK(bench.hear_a<ipc::Prepared>().generation == 3);
    bench.send(ipc::Commit{3});
    CHECK(bench.hear_a<ipc::Committed>().generation == 3);
    CHECK(bench.notes() == Texts{"abort", "prepare VI_3", "commit", "running VI_3"});
    CHECK(bench.logged("configuration 2 was committed without having been prepared"));
    CHECK(bench.logged("Reloading"));
    bench.prepare(4, named("VI_3"));
    CHECK(bench.hear_a<ipc::Prepared>().generation == 4);
    bench.send(ipc::Commit{4});
    CHECK(bench.hear_a<ipc::Committed>().generation == 4);
    CHECK(bench.notes() == Texts{"unchanged"});
    bench.prepare(5, named("VI_3"));
    bench.hear_a<ipc::Prepared>();
    bench.send(ipc::Abort{5});
    bench.ask("generation");
    bench.until_noted("generation 4");
    CHECK(bench.notes() == Texts{"generation 4"});
}

TEST_CASE("a change of services alone is prepared from them" * mainstay::test::kNeedsRoot) {
    Bench bench;
    auto config = named("VI_1");
    config.virtual_servers = {lvs::test::service({lvs::test::server("10.0.0.11")})};
    bench.start(config);
    bench.notes();
    config.virtual_servers[0].real_servers[0].weight = 7;
    bench.prepare(2, config);
    CHECK(bench.hear_a<ipc::Prepared>().refused.empty());
    CHECK(bench.notes() == Texts{"changes 1"});
    bench.send(ipc::Commit{2});
    CHECK(bench.hear_a<ipc::Committed>().generation == 2);
}

TEST_CASE("a configuration that the role refuses, or that cannot be read, is answered with the reason" *
          mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    bench.prepare(2, named("refused"));
    CHECK(bench.hear_a<ipc::Prepared>().refused == "no such interface");
    const auto garbage = ipc::make_sealed_memfd("x", std::vector<std::byte>(5, std::byte{0xff}));
    bench.send(ipc::Prepare{3}, garbage->get());
    CHECK(bench.hear_a<ipc::Prepared>().refused.find("snapshot") != std::string::npos);
    CHECK(bench.logged("configuration 2 cannot be prepared: no such interface"));
    bench.send(ipc::Commit{3});
    bench.ask("generation");
    bench.until_noted("generation 1");
}

TEST_CASE("channels, observations and requests go to the role, requests only while it runs" *
          mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.ask("generation");
    bench.send(ipc::DumpRequested{10});
    auto channel = ipc::make_channel();
    bench.send(ipc::PeerChannel{ipc::PeerChannel::To::Lvs}, channel->first.get());
    bench.send(ipc::Observations{{{}, {}}});
    bench.until_noted("observed 2");
    CHECK(bench.notes() == Texts{"connect 1 with a line", "observed 2"});
    bench.start();
    bench.send(ipc::Upgrade{});
    bench.ask("generation");
    bench.until_noted("generation 1");
    CHECK(bench.logged("an unexpected message from the supervisor was ignored"));
    CHECK(bench.notes() == Texts{"start VI_1", "generation 1"});
}

TEST_CASE("the result of a script goes to who asked for it, once" * mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    bench.ask("script");
    bench.ask("script");
    const auto first = bench.hear_a<ipc::RunScript>(), second = bench.hear_a<ipc::RunScript>();
    CHECK(first.key == "asked");
    CHECK(first.queue == "queue");
    CHECK(first.extra == Texts{"a"});
    CHECK(first.request != 0);
    CHECK(second.request == first.request + 1);
    bench.notes();
    bench.send(ipc::ScriptResults{{{second.request, How::Exited, 5}, {77, How::Exited, 6}}});
    bench.until_noted("result 5");
    bench.send(ipc::ScriptResults{{{second.request, How::Exited, 8}, {first.request, How::Exited, 7}}});
    bench.until_noted("result 7");
    CHECK(bench.notes() == Texts{"result 5", "result 7"});
}

TEST_CASE("events are numbered in the ring, wake the observer, and the state is in the block" *
          mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    bench.ask("previous");
    bench.until_noted("previous none");
    bench.ask("event");
    bench.ask("event");
    bench.ask("state");
    bench.ask("previous");
    bench.until_noted("previous 9");
    const auto ring = ipc::EventRing::map(bench.ring.get(), false);
    REQUIRE(ring);
    const auto batch = ring->read_after(0);
    REQUIRE(batch.events.size() == 2);
    CHECK(batch.events[0].name == "VI_1");
    CHECK(batch.events[0].at.unix_us > 1'000'000'000'000'000);
    CHECK(batch.events[1].number == batch.events[0].number + 1);
    pollfd woken{bench.kicks.get(), POLLIN, 0};
    CHECK(::poll(&woken, 1, 20'000) == 1);
    const auto block = ipc::StateBlock::map(bench.block.get(), false);
    REQUIRE(block);
    CHECK(block->read()->size() == 9);
}

TEST_CASE("events that the observer has not read are not overwritten: the rest follows as it reads, in order" *
          mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    for (int i = 0; i < 3; ++i) bench.ask("servers");  // 9,000 in all
    bench.ask("previous");
    bench.until_noted("previous none");
    const auto ring = ipc::EventRing::map(bench.ring.get(), false);
    auto mark = ipc::ReadMark::map(bench.mark.get(), true);
    REQUIRE((ring && mark));
    CHECK(ring->read_after(0, 10'000).last == ipc::kEventRingSlots);
    bench.send(ipc::Stop{});
    std::uint64_t read = 0;
    while (read < 9000) {
        std::uint64_t count = 0;
        pollfd woken{bench.kicks.get(), POLLIN, 0};
        REQUIRE(::poll(&woken, 1, 20'000) == 1);
        REQUIRE(::read(bench.kicks.get(), &count, sizeof count) == sizeof count);
        for (auto batch = ring->read_after(read); batch.last != read; batch = ring->read_after(read)) {
            CHECK(batch.lost == 0);
            for (const auto& event : batch.events) REQUIRE(event.number == ++read);
            mark->set(read);
        }
    }
    while (bench.hear()) {
    }
    CHECK(bench.exit_code() == 0);
}

TEST_CASE("a dump is answered with a fresh state, and servers with a sealed text or a problem" *
          mainstay::test::kNeedsRoot) {
    Bench bench;
    ipc::ServerQuestion question;
    question.request = 3;
    bench.send(question);
    auto early = bench.hear_a<ipc::OperatorAnswered>();
    CHECK(early.problem == "the process is starting or stopping");
    CHECK(early.exit_code == 2);
    CHECK(early.request == 3);
    bench.start();
    bench.notes();
    bench.send(ipc::DumpRequested{10});
    CHECK(bench.hear_a<ipc::DumpRequested>().signal == 10);
    CHECK(bench.notes() == Texts{"save"});
    bench.send(question);
    auto got = bench.hear();
    REQUIRE(got);
    CHECK(std::get<ipc::OperatorAnswered>(got->message).exit_code == 1);
    CHECK(ipc::sealed_size(got->descriptor.get()).value() == 4);
    question.which = "bad";
    bench.send(question);
    got = bench.hear();
    REQUIRE(got);
    CHECK(std::get<ipc::OperatorAnswered>(got->message).problem == "no server");
    CHECK_FALSE(got->descriptor);
}

TEST_CASE("a command for instances is answered by the role, and an order of maintenance comes even before the start" *
          mainstay::test::kNeedsRoot) {
    Bench bench;
    ipc::InstanceQuestion question;
    question.request = 4;
    bench.send(question);
    const auto early = bench.hear_a<ipc::OperatorAnswered>();
    CHECK(early.problem == "the process is starting or stopping");
    CHECK(early.request == 4);
    bench.send(ipc::MaintenanceOrder{.on = true, .by = {}, .reason = "early", .note = {}});
    bench.until_noted("maintenance early");
    bench.start();
    bench.notes();
    bench.send(question);
    const auto got = bench.hear();
    REQUIRE(got);
    CHECK(std::get<ipc::OperatorAnswered>(got->message).exit_code == 1);
    CHECK(ipc::sealed_size(got->descriptor.get()).value() == 7);
}

TEST_CASE("one that retires saves its state and ends without a stop, one that never ran just ends" *
          mainstay::test::kNeedsRoot) {
    Bench bench, early, stopped;
    bench.start();
    bench.notes();
    bench.send(ipc::Retire{});
    CHECK_FALSE(bench.hear().has_value());
    CHECK(bench.notes() == Texts{"save"});
    CHECK(bench.exit_code() == 0);
    early.send(ipc::Retire{});
    CHECK_FALSE(early.hear().has_value());
    CHECK(early.notes().empty());
    CHECK(early.exit_code() == 0);
    stopped.send(ipc::Stop{});
    CHECK_FALSE(stopped.hear().has_value());
    CHECK(stopped.exit_code() == 0);
}

TEST_CASE("a role whose supervisor has died stops in order" * mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    bench.line.reset();
    CHECK(bench.exit_code() == 0);
    CHECK(bench.logged("the supervisor has died: stopping"));
}

TEST_CASE("what cannot be read of the supervisor is logged, and the next message is" * mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    REQUIRE(::send(bench.line.get(), "\x02", 1, MSG_NOSIGNAL) == 1);  // a message that ends early
    REQUIRE(::send(bench.line.get(), "\xff", 1, MSG_NOSIGNAL) == 1);  // one of a kind that nobody knows
    bench.ask("generation");
    bench.until_noted("generation 1");
    CHECK(bench.logged("the bytes end early"));
    CHECK_FALSE(bench.logged("the supervisor has died"));
}

TEST_CASE("a lack of memory ends the process with a code of its own, heartbeats come every second" *
          mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    while (bench.heartbeats < 2) {
        pollfd wait{bench.line.get(), POLLIN, 0};
        REQUIRE(::poll(&wait, 1, 20'000) == 1);
        auto got = ipc::receive_message(bench.line.get());
        REQUIRE((got && got->has_value()));
        ++bench.heartbeats;
    }
    bench.ask("memory");
    CHECK(bench.exit_code() == 5);
    CHECK(bench.logged("out of memory"));
}

TEST_CASE("a role at long work sends a heartbeat each second, however often it says so" * mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    bench.ask("long work");
    bench.until_noted("at work");
    bench.heartbeats = 0;
    bench.until_noted("done");
    CHECK(bench.heartbeats >= 1);
    CHECK(bench.heartbeats < 100);
}

TEST_CASE("a process without its memory does not run" * mainstay::test::kNeedsRoot) {
    Bench first{{}, "no-memory"};
    CHECK(first.exit_code() == 1);
    CHECK(first.logged("cannot start: "));
}

int main(int argc, char** argv) {
    const std::vector<std::string> words{argv, argv + argc};
    if (words[0] != "role") return doctest::Context{argc, argv}.run();
    const auto& kind = words[1];
    if (kind == "no-memory") ::close(inherited::kOwnBlock);
    if (kind == "alone") ::close(inherited::kControl);
    if (kind == "namespace") ::dup2(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), inherited::kIpvsNamespace);
    if (kind == "no-namespace") ::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), inherited::kIpvsNamespace);
    return run_role({.capabilities = {},
                     .calls = {kernel::CallSet::Schedule},
                     .kind = kind == "lvs"        ? Kind::Lvs
                             : kind == "observer" ? Kind::Observer
                                                  : Kind::Vrrp,
                     .has_ring = kind != "observer",
                     .while_root = [](const auto& startup, Log& log) { log.info("as root, for {}", startup.user); }},
                    [](Runtime& runtime) { return std::make_unique<Notes>(runtime); });
}
