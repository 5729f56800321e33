// One role as the supervisor has it: its line, its incarnations and the pauses between them.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mainstay/ipc/shared.hpp"
#include "supervisor_parts.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

namespace {

struct ChildBench {
    Child::OnMessage on_message() {
        return [this](const Result<ipc::Received>& got) {
            heard.push_back(got ? row_of(got->message).name : "an error");
            if (kills) child.kill_offender();
        };
    }
    // The test has the other end of the line.
    UniqueFd adopt(int pid = kNobody) {
        auto channel = ipc::make_channel();
        REQUIRE(channel.has_value());
        child.adopt(pid, std::move(channel->first), on_message(), log);
        return std::move(channel->second);
    }
    void turn() {
        loop.restart();
        loop.poll();
    }

    boost::asio::io_context loop;
    KeptLog log;
    Texts heard;
    bool kills = false;
    Child child{loop, Kind::Vrrp};
};

int signal_that_ended(int pid) {
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

void fill(int fd) {
    while (ipc::send_message(fd, ipc::Heartbeat{})) {
    }
}

}  // namespace

TEST_CASE("what a role sends is heard, and that it lives") {
    ChildBench bench;
    const auto line = bench.adopt();
    CHECK(bench.child.alive());
    CHECK(bench.child.pid == kNobody);
    bench.child.missed = 7;
    REQUIRE(ipc::send_message(line.get(), ipc::Heartbeat{}));
    REQUIRE(ipc::send_message(line.get(), ipc::Stopped{}));
    bench.turn();
    CHECK(bench.heard == Texts{"Heartbeat", "Stopped"});
    CHECK(bench.child.missed == 0);
    REQUIRE(ipc::send_message(line.get(), ipc::Heartbeat{}));
    bench.turn();
    CHECK(bench.heard.size() == 3);
}

TEST_CASE("a process that is not ready yet is given twice the time that the one before it had, up to 80 checks") {
    ChildBench bench;
    const auto checks_of_a_silent_process = [&] {
        bench.child.forget();
        const auto line = bench.adopt();
        int checks = 0;
        std::optional<int> silence;
        while (!silence && checks < 1'000) {
            silence = bench.child.count_silence();
            if (!silence) ++checks;
        }
        CHECK(silence == checks);
        return checks;
    };
    std::vector<int> starts;
    for (int i = 0; i < 5; ++i) starts.push_back(checks_of_a_silent_process());
    CHECK(starts == std::vector{10, 20, 40, 80, 80});
    bench.child.forget();
    const auto line = bench.adopt();
    bench.child.ready = true;
    CHECK_FALSE(bench.child.count_silence());
    bench.child.ready = false;
    CHECK(checks_of_a_silent_process() == 10);
    CHECK(checks_of_a_silent_process() == 20);
}

TEST_CASE("what cannot be read is heard as an error, and the line goes on") {
    ChildBench bench;
    const auto line = bench.adopt();
    REQUIRE(::send(line.get(), "\xff", 1, MSG_NOSIGNAL) == 1);
    REQUIRE(ipc::send_message(line.get(), ipc::Heartbeat{}));
    bench.turn();
    CHECK(bench.heard == Texts{"an error", "Heartbeat"});
    CHECK(bench.log.texts.empty());
}

TEST_CASE("a line that cannot be read at all is logged once, and not read any more") {
    ChildBench bench;
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const UniqueFd writing{ends[1]};
    bench.child.adopt(kNobody, UniqueFd{ends[0]}, bench.on_message(), bench.log);  // no socket
    REQUIRE(::write(writing.get(), "x", 1) == 1);
    bench.turn();
    bench.turn();
    CHECK(bench.heard.empty());
    CHECK(bench.log.texts == Texts{"process " + std::to_string(kNobody) +
                                   ": receive from another process: Socket operation on non-socket"});
}

TEST_CASE("of many messages a role has room for some that it has not read, beside which others still fit") {
    ChildBench bench;
    CHECK_FALSE(bench.child.has_room());  // it has no line
    const auto line = bench.adopt();
    const auto send = [&bench] { bench.child.send(ipc::Heartbeat{}, -1, bench.log); };
    int sent = 0;
    for (; bench.child.has_room() && sent < 1000; ++sent) send();
    CHECK(sent > 10);
    CHECK(sent < 1000);
    for (int i = 0; i < 10; ++i) send();
    CHECK(bench.log.texts.empty());
    while (next_message<ipc::Heartbeat>(line.get())) {
    }
    CHECK(bench.child.has_room());
}

TEST_CASE("a role that sends much takes 64 messages of one turn") {
    ChildBench bench;
    const auto line = bench.adopt();
    for (int i = 0; i < 65; ++i) REQUIRE(ipc::send_message(line.get(), ipc::Heartbeat{}));
    bench.loop.restart();
    bench.loop.poll_one();
    CHECK(bench.heard.size() == 64);
    bench.turn();
    CHECK(bench.heard.size() == 65);
}

TEST_CASE("a line whose other end is closed is not read any more, and nothing else happens") {
    ChildBench bench;
    auto line = bench.adopt();
    line.reset();
    bench.turn();
    CHECK(bench.heard.empty());
    CHECK(bench.log.texts.empty());
    CHECK(bench.child.alive());
    bench.child.send(ipc::Stop{}, -1, bench.log);  // to a process that has just ended
    CHECK(bench.log.texts.empty());
    CHECK(bench.child.lost_messages == 0);
}

TEST_CASE("nothing is heard of a role any more once it is killed for what it sent") {
    ChildBench bench;
    bench.kills = true;
    const int pid = sleeper();
    const auto line = bench.adopt(pid);
    for (int i = 0; i < 3; ++i) REQUIRE(ipc::send_message(line.get(), ipc::Heartbeat{}));
    bench.turn();
    CHECK(bench.heard == Texts{"Heartbeat"});
    CHECK(bench.child.offended);
    CHECK(bench.child.kill_sent);
    CHECK(bench.child.control() == -1);
    CHECK(signal_that_ended(pid) == SIGKILL);
}

TEST_CASE("an undecodable message for which it is killed is the last one that is read") {
    ChildBench bench;
    bench.kills = true;
    const int pid = sleeper();
    const auto line = bench.adopt(pid);
    for (int i = 0; i < 2; ++i) REQUIRE(::send(line.get(), "\xff", 1, MSG_NOSIGNAL) == 1);
    bench.turn();
    CHECK(bench.heard == Texts{"an error"});
    CHECK(signal_that_ended(pid) == SIGKILL);
}

TEST_CASE("messages that a role does not read wait for it, in their order and with their descriptors") {
    ChildBench bench;
    auto line = bench.adopt();
    fill(bench.child.control());
    const auto memory = ipc::make_memfd("test", 10);
    bench.child.send(ipc::Prepare{7}, memory->get(), bench.log);
    bench.child.send(ipc::Commit{7}, -1, bench.log);
    bench.child.send(ipc::Stop{}, -1, bench.log);
    CHECK_FALSE(bench.child.has_room());
    bench.turn();
    Texts read;
    const auto read_all = [&] {
        for (;;) {
            auto got = ipc::receive_message(line.get());
            REQUIRE(got.has_value());
            if (!got->has_value()) return;
            REQUIRE(std::holds_alternative<ipc::Received>(**got));
            const auto& [message, descriptor] = std::get<ipc::Received>(**got);
            if (!std::holds_alternative<ipc::Heartbeat>(message))
                read.push_back(row_of(message).name + std::string{descriptor ? " with a descriptor" : ""});
        }
    };
    read_all();
    CHECK(read.empty());
    bench.turn();
    read_all();
    CHECK(read == Texts{"Prepare with a descriptor", "Commit", "Stop"});
    CHECK(bench.child.has_room());
    bench.child.send(ipc::Stop{}, -1, bench.log);  // at once again
    read_all();
    CHECK(read.size() == 4);
    CHECK(bench.log.texts.empty());
}

TEST_CASE("what waits for a spare goes to it also as the role, and nothing of it to the next process") {
    ChildBench bench;
    Child spare{bench.loop, Kind::Vrrp};
    auto channel = ipc::make_channel();
    REQUIRE(channel.has_value());
    spare.adopt(kNobody, std::move(channel->first), bench.on_message(), bench.log);
    fill(spare.control());
    spare.send(ipc::Commit{7}, -1, bench.log);
    bench.child.take_over(spare, bench.on_message(), bench.log);
    bench.child.send(ipc::Stop{}, -1, bench.log);
    while (next_message<ipc::Heartbeat>(channel->second.get())) {
    }
    bench.turn();
    CHECK(next_message<ipc::Commit>(channel->second.get()));
    CHECK(next_message<ipc::Stop>(channel->second.get()));
    fill(bench.child.control());
    bench.child.send(ipc::Stop{}, -1, bench.log);
    bench.child.forget();
    const auto line = bench.adopt();
    bench.turn();
    CHECK_FALSE(next_message<ipc::Stop>(line.get()));
}

TEST_CASE(
    "beyond a bound messages that a role does not read are lost, of which the log has the 1st, 2nd, 4th and 8th") {
    ChildBench bench;
    const auto line = bench.adopt();
    fill(bench.child.control());
    for (std::size_t n = 0; n < kUnreadMessagesMax; ++n) bench.child.send(ipc::Stop{}, -1, bench.log);
    CHECK(bench.child.lost_messages == 0);
    for (int i = 0; i < 9; ++i) bench.child.send(ipc::Stop{}, -1, bench.log);
    CHECK(bench.child.lost_messages == 9);
    const std::string what = "a message to process " + std::to_string(kNobody) + " was lost (";
    CHECK(bench.log.texts == Texts{what + "1 so far): the other process does not read",
                                   what + "2 so far): the other process does not read",
                                   what + "4 so far): the other process does not read",
                                   what + "8 so far): the other process does not read"});
}

TEST_CASE("a message goes with its descriptor, and to nobody when there is no line") {
    ChildBench bench;
    bench.child.send(ipc::Stop{}, -1, bench.log);
    CHECK(bench.log.texts.empty());
    const auto line = bench.adopt();
    const auto memory = ipc::make_memfd("test", 10);
    bench.child.send(ipc::Prepare{7}, memory->get(), bench.log);
    auto got = ipc::receive_message(line.get());
    REQUIRE((got && got->has_value() && std::holds_alternative<ipc::Received>(**got)));
    CHECK(std::get<ipc::Received>(**got).descriptor);
    CHECK(std::get<ipc::Prepare>(std::get<ipc::Received>(**got).message).generation == 7);
}

TEST_CASE("a process that is started has its line, its RoleStartup, and nothing of an earlier incarnation") {
    ChildBench bench;
    const auto line = bench.adopt();
    bench.child.ready = bench.child.prepared = bench.child.kill_sent = bench.child.offended = true;
    bench.child.missed = 5;
    bench.child.unknown_messages = bench.child.lost_messages = bench.child.refused_lines =
        bench.child.requests_ignored = 3;
    bench.child.awaited.commits = 2;
    bench.child.offences = 4;
    const auto before = kernel::monotonic_now();
    // It sends back what it gets. Its end of the line does not block, so cat ends when nothing is there.
    const kernel::RoleProcess cat{.executable = "/bin/sh",
                                  .argv = {"sh", "-c", "while :; do cat <&3 >&3 2>/dev/null; sleep 0.02; done"},
                                  .descriptors = {}};
    ipc::RoleStartup startup;
    startup.log_ident = "mainstayd-vrrp";
    REQUIRE(bench.child.start(cat, startup, bench.on_message(), bench.log));
    CHECK(bench.child.alive());
    CHECK(bench.child.pid != kNobody);
    CHECK_FALSE(bench.child.ready);
    CHECK_FALSE(bench.child.prepared);
    CHECK_FALSE(bench.child.kill_sent);
    CHECK_FALSE(bench.child.offended);
    CHECK(bench.child.missed == 0);
    CHECK(bench.child.unknown_messages + bench.child.lost_messages + bench.child.refused_lines +
              bench.child.requests_ignored ==
          0);
    CHECK(bench.child.awaited.commits == 0);
    CHECK(bench.child.offences == 4);
    CHECK(bench.child.born >= before);
    const auto limit = kernel::monotonic_now() + 20s;
    while (bench.heard.empty() && kernel::monotonic_now() < limit) {
        bench.loop.restart();
        bench.loop.run_one_for(10ms);
    }
    CHECK(bench.heard.at(0) == "RoleStartup");
    bench.child.kill_offender();
    CHECK(signal_that_ended(bench.child.pid) == SIGKILL);
}

TEST_CASE("a program that is not there is an error, and no process") {
    ChildBench bench;
    const kernel::RoleProcess missing{.executable = "/nowhere/mainstayd-vrrp", .argv = {"x"}, .descriptors = {}};
    const auto started = bench.child.start(missing, {}, bench.on_message(), bench.log);
    REQUIRE_FALSE(started);
    CHECK(started.error().text() == "start /nowhere/mainstayd-vrrp: No such file or directory");
    CHECK_FALSE(bench.child.alive());
}

TEST_CASE("a process that takes over is heard by the handler of the role, and the spare is empty") {
    ChildBench bench, other;
    const auto old = bench.adopt(kNobody - 1);
    const auto line = other.adopt(kNobody);
    bench.child.ready = bench.child.prepared = bench.child.kill_sent = bench.child.offended = true;
    bench.child.missed = 9;
    const auto before = kernel::monotonic_now();
    bench.child.take_over(other.child, bench.on_message(), bench.log);
    CHECK(bench.child.pid == kNobody);
    CHECK(bench.child.born >= before);
    CHECK_FALSE(bench.child.ready);
    CHECK_FALSE(bench.child.prepared);
    CHECK_FALSE(bench.child.kill_sent);
    CHECK_FALSE(bench.child.offended);
    CHECK(bench.child.missed == 0);
    CHECK_FALSE(other.child.alive());
    CHECK(other.child.control() == -1);
    REQUIRE(ipc::send_message(line.get(), ipc::Heartbeat{}));
    bench.turn();
    other.turn();
    CHECK(bench.heard == Texts{"Heartbeat"});
    CHECK(other.heard.empty());
}

TEST_CASE("a process that has ended is forgotten, but not what its role has done") {
    ChildBench bench;
    const auto line = bench.adopt();
    bench.child.ready = bench.child.prepared = bench.child.awaits_look = bench.child.ever_ready = true;
    bench.child.prepared_generation = 5;
    bench.child.forget();
    CHECK_FALSE(bench.child.alive());
    CHECK(bench.child.control() == -1);
    CHECK_FALSE(bench.child.ready);
    CHECK_FALSE(bench.child.prepared);
    CHECK_FALSE(bench.child.awaits_look);
    CHECK(bench.child.prepared_generation == 0);
    CHECK(bench.child.ever_ready);
}

TEST_CASE("a role that keeps dying is started after 0, 1, 2, 4 ... and at most 60 seconds") {
    ChildBench bench;
    bench.child.born = Instant{1h};
    std::vector<std::int64_t> delays;
    for (int i = 0; i < 10; ++i) delays.push_back(bench.child.next_delay(Instant{1h} + 1s).count());
    CHECK(delays == std::vector<std::int64_t>{0, 1, 2, 4, 8, 16, 32, 60, 60, 60});
    CHECK(bench.child.next_delay(Instant{1h} + 9'999ms).count() == 60);
    CHECK(bench.child.next_delay(Instant{1h} + 10s).count() == 0);
    CHECK(bench.child.next_delay(Instant{1h} + 1s).count() == 1);
}

TEST_CASE("a role that was killed for an offence has no stable life, however long it lived") {
    ChildBench bench;
    bench.child.born = Instant{1h};
    bench.child.offended = true;
    CHECK(bench.child.next_delay(Instant{2h}).count() == 0);
    CHECK(bench.child.next_delay(Instant{2h}).count() == 1);
    CHECK(bench.child.next_delay(Instant{2h}).count() == 2);
}

TEST_CASE("what a role sent last is heard after its exit, all of it, and nobody is killed for it") {
    ChildBench bench;
    const auto line = bench.adopt();
    for (int i = 0; i < 150; ++i) REQUIRE(ipc::send_message(line.get(), ipc::Heartbeat{}));
    bench.child.hear_the_rest(bench.log);
    CHECK(bench.heard.size() == 150);
    bench.child.forget();
    bench.child.hear_the_rest(bench.log);
    CHECK(bench.log.texts.empty());

    const int living = sleeper();
    const auto second = bench.adopt(living);
    REQUIRE(ipc::send_message(second.get(), ipc::Heartbeat{}));
    REQUIRE(ipc::send_message(second.get(), ipc::Heartbeat{}));
    bench.kills = true;
    bench.child.hear_the_rest(bench.log);
    CHECK(bench.heard.size() == 151);
    bench.child.forget();
    ::kill(living, SIGALRM);
    CHECK(signal_that_ended(living) == SIGALRM);
}
