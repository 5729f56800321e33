// A test mail through the relays.
#include "mainstay/alert/trials.hpp"

#include <doctest/doctest.h>

#include "mailer_fixture.hpp"

namespace mainstay::alert {
namespace {

struct RelayBench {
    RelayBench() {
        mail.relays = {{.name = "192.0.2.1", .port = 25, .helo_name = "vm"},
                       {.name = "mx", .port = 465, .helo_name = "vm", .tls = Transport::Server::Tls::Implicit}};
        mail.mail = {.id = "test.1",
                     .from = {.address = "root@vm"},
                     .to = {{.address = "a@x"}, {.address = "b@x"}},
                     .router_id = "R"};
        mail.message = "Subject: x\r\n";
    }
    [[nodiscard]] std::string outcome() const { return test.progress(0).outcome; }

    FakeTransport transport;
    SmtpTranscript transcript;
    RelayTest test{transport, transcript};
    TestMail mail;
};

}  // namespace

TEST_CASE("before the first test there is nothing to show") {
    const RelayBench b;
    const auto now = b.test.progress(0);
    CHECK(now.number == 0);
    CHECK_FALSE(now.running);
    CHECK(now.lines.empty());
}

TEST_CASE("a test that a relay takes for all recipients has been delivered") {
    RelayBench b;
    REQUIRE(b.test.start(b.mail).has_value());
    CHECK(b.test.progress(0).running);
    CHECK(b.transport.server.name == "192.0.2.1");
    CHECK(b.transport.messages == std::vector<std::string>{"Subject: x\r\n"});
    CHECK(b.test.start(b.mail).error().code() == Errc::Limit);
    b.transport.accept();
    const auto now = b.test.progress(0);
    CHECK_FALSE(now.running);
    CHECK(now.delivered);
    CHECK(now.number == 1);
    CHECK(now.outcome == "192.0.2.1 port 25 (not encrypted) accepted it for a@x, b@x");
    CHECK(now.lines ==
          std::vector<std::string>{"* relay 1 of 2: 192.0.2.1 port 25 (not encrypted), at most 30 s for each step"});
    CHECK(b.test.progress(now.next).lines.empty());
}

TEST_CASE("who started it is told of a test that was delivered, and of no other") {
    RelayBench b;
    int told = 0;
    REQUIRE(b.test.start(b.mail, [&] { ++told; }).has_value());
    b.transport.answer({.reached = true, .accepted = {"a@x"}, .never = {"b@x"}, .text = "550 no"});
    CHECK(told == 0);
    REQUIRE(b.test.start(b.mail, [&] { ++told; }).has_value());
    b.transport.accept();
    CHECK(told == 1);
}

TEST_CASE("the next relay is tried when one cannot be reached, and only then") {
    RelayBench b;
    REQUIRE(b.test.start(b.mail).has_value());
    b.transport.answer({.reached = false, .accepted = {}, .never = {}, .text = "connection refused"});
    CHECK(b.test.progress(0).running);
    CHECK(b.transport.server.name == "mx");
    b.transport.answer({.reached = true, .accepted = {}, .never = {"a@x", "b@x"}, .text = "550 no"});
    CHECK_FALSE(b.test.progress(0).delivered);
    CHECK(b.outcome() == "mx port 465 (TLS) refused it for a@x, b@x (550 no)");
    CHECK(b.transport.sent.size() == 2);
}

TEST_CASE("a test fails when no relay can be reached, or not all recipients are accepted") {
    RelayBench b;
    REQUIRE(b.test.start(b.mail).has_value());
    for (int i = 0; i < 2; ++i)
        b.transport.answer({.reached = false, .accepted = {}, .never = {}, .text = "timed out"});
    CHECK(b.outcome() == "no relay could be reached; the last one: mx port 465 (TLS): timed out");

    REQUIRE(b.test.start(b.mail).has_value());
    b.transport.answer({.reached = true, .accepted = {"a@x"}, .never = {}, .text = "451 later"});
    CHECK_FALSE(b.test.progress(0).delivered);
    CHECK(b.outcome() == "192.0.2.1 port 25 (not encrypted) accepted it for a@x and put it off for b@x (451 later)");
    CHECK(b.test.progress(0).number == 2);
    CHECK(b.test.progress(0).lines.size() == 1);  // of this test only
}

TEST_CASE("a delivery that ends after the test is gone does no harm") {
    FakeTransport transport;
    {
        RelayBench b;
        SmtpTranscript transcript;
        RelayTest test{transport, transcript};
        REQUIRE(test.start(b.mail).has_value());
    }
    transport.accept();
}

}  // namespace mainstay::alert
