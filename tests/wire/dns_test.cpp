// DNS messages, replies of mail servers and agents: what is read from untrusted bytes.
#include "mainstay/wire/dns.hpp"

#include <doctest/doctest.h>

#include <string>

#include "dns_text.hpp"
#include "mainstay/wire/agent.hpp"
#include "mainstay/wire/smtp_reply.hpp"

using namespace mainstay;
using namespace mainstay::wire;
using test::bytes;
using test::read;
using test::u16;

namespace {

using namespace std::string_literals;

std::string header(unsigned flags, unsigned questions, unsigned answers, unsigned additionals = 0) {
    return u16(0x1234) + u16(flags) + u16(questions) + u16(answers) + u16(0) + u16(additionals);
}
std::string record(const std::string& name, unsigned type, const std::string& data, unsigned klass = 1) {
    return name + u16(type) + u16(klass) + u16(0) + u16(60) + u16(static_cast<unsigned>(data.size())) + data;
}
const std::string kWww =
    "\x03www\x07"
    "Example\x03org\x00"s;
const std::string kQuestion = kWww + u16(1) + u16(1);
const std::string kPointer = "\xc0\x0c"s;

std::vector<std::string> texts(const std::vector<IpAddress>& addresses) {
    std::vector<std::string> all;
    for (const auto& one : addresses) all.push_back(one.to_string());
    return all;
}

}  // namespace

TEST_CASE("an answer's addresses are found along its CNAMEs, each once") {
    const auto answer = read(header(0x8180, 1, 4) + kQuestion +
                             record(kPointer, 5,
                                    "\x01"
                                    "a\xc0\x10"s) +
                             record("\x01"
                                    "a\xc0\x10"s,
                                    1, "\x0a\x00\x00\x02"s) +
                             record("\x01"
                                    "A\xc0\x10"s,
                                    1, "\x0a\x00\x00\x01"s) +
                             record("\x01"
                                    "a\xc0\x10"s,
                                    1, "\x0a\x00\x00\x02"s));
    REQUIRE(answer.has_value());
    CHECK(answer->question == "www.example.org");
    CHECK(answer->answers[0].target == "a.example.org");
    CHECK(answer->answers[1].ttl == 60);
    CHECK(texts(dns_addresses(*answer, "WWW.example.org.")) == std::vector<std::string>{"10.0.0.2", "10.0.0.1"});
    CHECK(dns_addresses(*answer, "other.example.org").empty());
}

TEST_CASE("a service record and the address of its target are read") {
    const auto answer =
        read(header(0x8180, 1, 1, 1) + kQuestion + record(kPointer, 33, u16(10) + u16(5) + u16(8080) + kPointer) +
             record(kPointer, 28, std::string(15, '\0') + "\x01"));
    REQUIRE(answer.has_value());
    const auto& service = answer->answers.at(0);
    CHECK(service.priority == 10);
    CHECK(service.weight == 5);
    CHECK(service.port == 8080);
    CHECK(service.target == "www.example.org");
    CHECK(texts(dns_addresses(*answer, service.target)) == std::vector<std::string>{"::1"});
}

TEST_CASE("records of another class or an odd length have no address, unknown types are passed over") {
    const auto answer = read(header(0x8180, 1, 3) + kQuestion + record(kPointer, 1, "\x0a\x00\x00\x01"s, 3) +
                             record(kPointer, 1, "\x0a\x00\x00"s) + record(kPointer, 999, "anything"));
    REQUIRE(answer.has_value());
    CHECK(answer->answers.size() == 2);
    CHECK(dns_addresses(*answer, "www.example.org").empty());
}

TEST_CASE("damaged and lying answers are refused") {
    const std::string good = header(0x8180, 1, 1) + kQuestion + record(kPointer, 1, "\x0a\x00\x00\x01"s);
    REQUIRE(read(good).has_value());
    for (std::size_t size = 0; size < good.size(); ++size) CHECK_FALSE(read(good.substr(0, size)).has_value());
    CHECK_FALSE(read(header(0x8180, 2, 0) + kQuestion + kQuestion).has_value());
    CHECK(read(header(0x8180, 0, 1025)).error().code() == Errc::Limit);
    CHECK_FALSE(read(header(0x8180, 1, 0) + "\xc0\x0c"s + u16(1) + u16(1)).has_value());        // points at itself
    CHECK_FALSE(read(header(0x8180, 1, 0) + "\xc0\x20"s + std::string(40, '\0')).has_value());  // forwards
    CHECK_FALSE(read(header(0x8180, 1, 0) + "\x40" + std::string(90, 'a')).has_value());        // no such label
    std::string longest;
    for (int i = 0; i < 5; ++i) longest += "\x3f" + std::string(63, 'a');
    CHECK_FALSE(read(header(0x8180, 1, 0) + longest + "\0"s + u16(1) + u16(1)).has_value());
}

TEST_CASE("bytes of a label that are no host's letters are written as numbers") {
    const auto answer = read(header(0x8180, 1, 0) +
                             "\x04"
                             "a.\n\xff\x00"s +
                             u16(1) + u16(1));
    REQUIRE(answer.has_value());
    CHECK(answer->question == R"(a\046\010\255)");
}

TEST_CASE("a name with an empty or a long label cannot be asked for") {
    CHECK(dns_name_fault("") == DnsFault::None);
    CHECK(dns_name_fault(".") == DnsFault::None);
    CHECK(dns_name_fault("example.org.") == DnsFault::None);
    CHECK(dns_name_fault("a..b") == DnsFault::EmptyLabel);
    CHECK(dns_name_fault(".a") == DnsFault::EmptyLabel);
    CHECK(dns_name_fault("a..") == DnsFault::EmptyLabel);
    CHECK(dns_name_fault(std::string(64, 'a')) == DnsFault::LongLabel);
    CHECK(dns_name_fault(std::string(300, 'a')) == DnsFault::LongName);
    CHECK_FALSE(dns_query(1, {"a..b", DnsType::A}).has_value());
    CHECK(dns_type("rrsig") == DnsType::RRSIG);
    CHECK_FALSE(dns_type("AXFR").has_value());
}

TEST_CASE("a reply of several lines is whole with its last one, however the pieces fall") {
    SmtpReplyReader reader;
    CHECK_FALSE(reader.feed("250-mx").has_value());
    CHECK_FALSE(reader.feed("\r\n250-SIZE\r\n2").has_value());
    const auto reply = reader.feed("50\r\n");
    REQUIRE(reply.has_value());
    CHECK(reply->sound);
    CHECK(reply->code == 250);
    CHECK_FALSE(SmtpReplyReader{}.feed("25x\n")->sound);
    CHECK_FALSE(SmtpReplyReader{}.feed("2500\n")->sound);
    CHECK_FALSE(SmtpReplyReader{}.feed(std::string(513, '2'))->sound);
}

TEST_CASE("a reply has at most 128 lines of 512 bytes, and each reply its own") {
    const auto lines = [](std::size_t count) {
        std::string all;
        for (std::size_t at = 1; at < count; ++at) all += "250-x\n";
        return all + "250 last\n";
    };
    SmtpReplyReader reader;
    for (int i = 0; i < 2; ++i) {
        const auto whole = reader.feed(lines(128));
        REQUIRE(whole.has_value());
        CHECK(whole->sound);
        CHECK(whole->text == "250 last");
    }
    CHECK_FALSE(SmtpReplyReader{}.feed(lines(129))->sound);

    const auto longest = SmtpReplyReader{}.feed("250 " + std::string(508, 'x') + "\n");
    CHECK(longest->sound);
    CHECK(longest->text.size() == 512);
    CHECK_FALSE(SmtpReplyReader{}.feed("250 " + std::string(509, 'x') + "\n")->sound);
    CHECK(SmtpReplyReader{}.feed("090\r\n")->code == 90);
    CHECK(SmtpReplyReader{}.feed("199 z\n")->code == 199);
    CHECK_FALSE(SmtpReplyReader{}.feed("2:0 z\n")->sound);
    CHECK_FALSE(SmtpReplyReader{}.feed("2/0 z\n")->sound);
    CHECK_FALSE(SmtpReplyReader{}.feed("25\n")->sound);
}

TEST_CASE("each word of an agent is known by itself, whatever its case") {
    using State = AgentReply::State;
    struct Row {
        const char* word;
        State state;
    };
    const Row rows[] = {{"up", State::Up},        {"ready", State::Up},   {"drain", State::Drain},
                        {"down", State::Down},    {"fail", State::Down},  {"failed", State::Down},
                        {"stopped", State::Down}, {"maint", State::Down}, {"DOWN", State::Down},
                        {"Failed", State::Down},  {"DRAIN", State::Drain}};
    for (const Row& row : rows) {
        CAPTURE(row.word);
        const auto reply = agent_reply(row.word);
        CHECK(reply.understood);
        CHECK(reply.state == row.state);
        CHECK(reply.word == (row.state == State::Up ? "" : row.word));
        CHECK_FALSE(reply.percent.has_value());
    }
    CHECK(agent_reply("5%").understood);
    CHECK(agent_reply("5%").percent == 5);
    CHECK(agent_reply("0%").percent == 0);
    CHECK(agent_reply("1000%").percent == 1000);
    CHECK(agent_reply("1001%").percent == 1000);
    CHECK_FALSE(agent_reply("%").understood);
    CHECK_FALSE(agent_reply("5").understood);
    CHECK_FALSE(agent_reply("[p").understood);
    CHECK_FALSE(agent_reply(" ,\t").understood);
    CHECK(agent_reply("down fail").word == "down");
    CHECK(agent_reply("drain#a drain").word == "drain#a drain");
    CHECK(agent_reply("drain down#b").word == "down#b");
    CHECK(agent_reply("down\nup").word == "down");
    CHECK(agent_reply(std::string(1022, ' ') + "up").understood);
    CHECK_FALSE(agent_reply(std::string(1023, ' ') + "up").understood);
    CHECK(agent_reply("up 3% 7%").percent == 7);
}

TEST_CASE("an agent's words add up, the worst one wins") {
    using State = AgentReply::State;
    CHECK(agent_reply("up,75%").percent == 75);
    CHECK(agent_reply("Ready").state == State::Up);
    CHECK(agent_reply("drain up").state == State::Drain);
    CHECK(agent_reply("drain stopped 5%").state == State::Down);
    CHECK(agent_reply("fail#out of memory, up").word == "fail#out of memory, up");
    CHECK(agent_reply("maint#\x1b[31m").word == "maint#");
    CHECK(agent_reply("99999999999%").percent == kAgentPercentMax);
    CHECK_FALSE(agent_reply("-5% maxconn:30 hello").understood);
    CHECK_FALSE(agent_reply("% %% x%").understood);
    CHECK_FALSE(agent_reply("\nup").understood);
}
