// AGENT_CHECK against agents on loopback: what they say, and what is no answer.
#include "probe/checks.hpp"

#include <doctest/doctest.h>

#include "checks.hpp"
#include "trickle.hpp"

using namespace mainstay;
using namespace mainstay::probe;
using namespace mainstay::probe::test;
using namespace std::chrono_literals;
using lvs::Outcome;

namespace {

using Type = config::Checker::Type;

Finding agent(const std::function<void(int)>& talk, const std::function<void(config::Checker&)>& change = {}) {
    StreamServer server{talk};
    auto what = checker_of(Type::Agent, server.endpoint());
    if (change) change(what);
    return run(what);
}

Finding answering(std::string answer) {
    return agent([answer = std::move(answer)](int fd) { send_text(fd, answer); });
}

}  // namespace

TEST_CASE("an agent that is up passes, and a percentage is asked for as a part of the weight") {
    // effect: virtual_server/real_server: AGENT_CHECK
    for (const char* up : {"up\n", "ready\n", "UP\r\n", "up # nothing down here\n", "up"}) {
        CAPTURE(up);
        const Finding finding = answering(up);
        CHECK(finding.outcome == Outcome::Passed);
        CHECK(finding.reason == "the agent says up");
        CHECK_FALSE(finding.weight_percent.has_value());
    }
    const Finding part = answering("75%\n");
    CHECK(part.outcome == Outcome::Passed);
    CHECK(part.reason == "the agent says 75%");
    CHECK(part.weight_percent == 75);
    CHECK(answering("up 0%\n").weight_percent == 0);
    CHECK(answering("ready,120%\n").weight_percent == 120);
}

TEST_CASE("an agent that drains passes with weight 0, one that is down in any word fails with what it says") {
    const Finding drain = answering("drain 75%\n");
    CHECK(drain.outcome == Outcome::Passed);
    CHECK(drain.reason == "the agent says drain");
    CHECK(drain.weight_percent == 0);
    for (const char* word : {"down", "fail", "failed", "stopped", "maint"}) {
        const Finding down = answering(fmt::format("{}\n", word));
        CHECK(down.outcome == Outcome::Failed);
        CHECK(down.reason == fmt::format("the agent says {}", word));
        CHECK_FALSE(down.weight_percent.has_value());
    }
    CHECK(answering("75% down#disk /var is full\n").reason == "the agent says down#disk /var is full");
}

TEST_CASE("what is sent comes before the answer, with the escapes of C") {
    // effect: virtual_server/real_server/AGENT_CHECK: send
    std::string heard;
    const auto talk = [&heard](int fd) {
        heard = hear_line(fd);
        send_text(fd, "up 50%\n");
    };
    const Finding finding =
        agent(talk, [](config::Checker& what) { give(what, "send", config::WordList{R"(web1\tstate?\r\n)"}); });
    CHECK(finding.reason == "the agent says 50%");
    CHECK(heard == "web1\tstate?\r\n");
    CHECK(without_escapes(R"(a\\n\x\)") == R"(a\n\x\)");
}

TEST_CASE("only the first line counts") {
    CHECK(answering("up\ndown\n").outcome == Outcome::Passed);
    CHECK(answering("\nup\n").reason == "the agent's answer is not understood: ''");
}

TEST_CASE("what is no answer fails, and the reason shows what came") {
    CHECK(answering("").reason == "the agent closed the connection without an answer");
    CHECK(answering("hello 50\n").reason == "the agent's answer is not understood: 'hello 50'");
    const Finding binary = answering({"\x16\x03\x01\x00\xff\x7f-up", 9});
    CHECK(binary.outcome == Outcome::Failed);
    CHECK(binary.reason == "the agent's answer is not understood: '?????\?-up'");
    CHECK(answering(std::string(100, 'x')).reason ==
          "the agent's answer is not understood: '" + std::string(40, 'x') + "'");
}

TEST_CASE("an endless line is not read on, whatever it says") {
    const Finding endless = agent([](int fd) {
        while (send_text(fd, "up up up ")) {
        }
    });
    CHECK(endless.outcome == Outcome::Failed);
    CHECK(endless.reason == "the agent's line is longer than 1024 bytes");
    CHECK(answering("up#" + std::string(1020, 'x') + "\n").outcome == Outcome::Passed);
    CHECK(answering("up#" + std::string(1021, 'x') + "\n").outcome == Outcome::Failed);
}

TEST_CASE("an agent that is silent, trickles, resets or is not there") {
    // effect: virtual_server/real_server/AGENT_CHECK: connect_timeout
    const Finding silent = agent(outlast);
    CHECK(silent.outcome == Outcome::TimedOut);
    CHECK(silent.reason == "timed out after 60 s");

    const auto asking = [](config::Checker& what) { give(what, "send", config::WordList{R"(state?\n)"}); };
    const Finding whole = agent(
        [](int fd) {
            hear_line(fd);
            for (const char* part : {"u", "p#", "x", "\n"}) {
                pass_unheard(50s);
                send_text(fd, part);
            }
        },
        asking);
    CHECK(whole.outcome == Outcome::Passed);
    const Finding endless = agent(
        [](int fd) {
            hear_line(fd);
            trickle(fd, 50s, [fd] { send_text(fd, "u"); });
        },
        asking);
    CHECK(endless.outcome == Outcome::TimedOut);
    CHECK(endless.reason == "timed out after 720 s");

    const Finding reset = agent([](int fd) {
        const linger now{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    });
    CHECK(reset.outcome == Outcome::Failed);
    CHECK(reset.reason == "connection reset by peer");

    const UniqueFd nobody = bind_only();
    CHECK(run(checker_of(Type::Agent, bound_to(nobody))).reason == "connection refused");
    const Blackhole lost;
    CHECK(run(checker_of(Type::Agent, lost.endpoint()), in_time(61s)).reason == "timed out after 60 s");
}

TEST_CASE("a cancelled question says nothing about the server") {
    StreamServer server{[](int fd) { hear_line(fd); }};
    const Finding finding = run(checker_of(Type::Agent, server.endpoint()), [](Attempt& attempt) { attempt.cancel(); });
    CHECK(finding.outcome == Outcome::NotRun);
    CHECK(finding.reason == "cancelled");
}
