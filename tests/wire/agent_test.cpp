#include "mainstay/wire/agent.hpp"

#include <doctest/doctest.h>

using namespace mainstay::wire;

namespace {

AgentReply::State state(std::string_view line) { return agent_reply(line).state; }
std::string word(std::string_view line) { return agent_reply(line).word; }
std::optional<std::uint32_t> percent(std::string_view line) { return agent_reply(line).percent; }
bool understood(std::string_view line) { return agent_reply(line).understood; }

}  // namespace

TEST_CASE("an agent's words say up, drain or down, in any case") {
    for (const char* up : {"up", "ready", "UP", "Ready", "up\n", "  up"}) {
        CAPTURE(up);
        CHECK(state(up) == AgentReply::State::Up);
        CHECK(understood(up));
        CHECK(word(up).empty());
    }
    CHECK(state("drain") == AgentReply::State::Drain);
    CHECK(word("Drain") == "Drain");
    for (const char* down : {"down", "fail", "failed", "stopped", "maint", "MAINT"}) {
        CAPTURE(down);
        CHECK(state(down) == AgentReply::State::Down);
        CHECK(word(down) == down);
        CHECK(understood(down));
    }
}

TEST_CASE("words that are not known say nothing") {
    for (const char* line :
         {"", "\n", " , ", "maxconn:5", "upp", "u", "dow", "[p", "@p", "%", "5", "x%", "5x%", "-5%"}) {
        CAPTURE(line);
        CHECK_FALSE(understood(line));
        CHECK(state(line) == AgentReply::State::Up);
        CHECK_FALSE(percent(line));
    }
}

TEST_CASE("the worst word counts, and of equal ones the first") {
    CHECK(state("up drain") == AgentReply::State::Drain);
    CHECK(state("drain up") == AgentReply::State::Drain);
    CHECK(state("down drain up") == AgentReply::State::Down);
    CHECK(state("drain,down") == AgentReply::State::Down);
    CHECK(word("drain down") == "down");
    CHECK(word("down drain") == "down");
    CHECK(word("fail down") == "fail");
}

TEST_CASE("a percentage is a number with its sign, the last one counts, and 1000 is the most") {
    CHECK(percent("75%") == 75);
    CHECK(understood("0%"));
    CHECK(percent("0%") == 0);
    CHECK(percent("up 75% 80%") == 80);
    CHECK(percent("1000%") == 1000);
    CHECK(percent("1001%") == 1000);
    CHECK(percent("99999999999999%") == 1000);
    CHECK(percent("50%#half") == 50);
}

TEST_CASE("words stand between blanks and commas") {
    const AgentReply reply = agent_reply("ready,\t50% , drain\r\ndown");
    CHECK(reply.percent == 50);
    CHECK(reply.state == AgentReply::State::Drain);
    CHECK(state("up\ndown") == AgentReply::State::Up);
    CHECK(state("up\rdown") == AgentReply::State::Up);
}

TEST_CASE("a description goes on to the end of the line, or to a control character") {
    CHECK(word("down#disk full, really") == "down#disk full, really");
    CHECK(word("up down#a b") == "down#a b");
    CHECK(state("up#not down drain") == AgentReply::State::Up);
    CHECK(word("down#disk\tfull") == "down#disk");
    CHECK(word("down#disk\x1f"
               "full") == "down#disk");
    CHECK(word("down#\xc3\xa4 ~") == "down#\xc3\xa4 ~");
    CHECK(word("down#x\r\ny") == "down#x");
}

TEST_CASE("of a line no more than 1024 bytes are read") {
    CHECK(state(std::string(1020, ' ') + "down") == AgentReply::State::Down);
    CHECK(state(std::string(1021, ' ') + "down") == AgentReply::State::Up);
    CHECK(word("down#" + std::string(2000, 'x')).size() == 1024);
}
